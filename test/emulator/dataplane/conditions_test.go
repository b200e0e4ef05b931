package dataplane_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

func TestConditionalWritesOfOVHcloud(t *testing.T) {
	for behind, start := range starts {
		t.Run(behind, func(t *testing.T) {
			w := start(t, dataplane.OVHcloud)
			core := w.client(t, "alice")
			mustPut(t, core, "there", "x")
			etag := `9dd4e461268c8034f5c8564e155c67a6` // of "x"
			upload, err := core.NewMultipartUpload(t.Context(), bucket, "there", putOptions)
			if err != nil {
				t.Fatal(err)
			}
			complete := func(condition, value string) request {
				return request{method: "POST", key: "there", query: "uploadId=" + upload, body: "<CompleteMultipartUpload/>", header: map[string]string{condition: value}}
			}
			put := func(key, condition, value string) request {
				return request{method: "PUT", key: key, body: "x", header: map[string]string{condition: value}}
			}
			tests := []struct {
				name    string
				request request
				status  int
				code    string
			}{
				{"absence, and there is nothing", put("new", "If-None-Match", "*"), 200, ""},
				{"absence, and there is one", put("there", "If-None-Match", "*"), 412, "PreconditionFailed"},
				{"absence of one content", put("there", "If-None-Match", etag), 501, "NotImplemented"},
				{"the content, bare", put("there", "If-Match", etag), 200, ""},
				{"the content, in quotes", put("there", "If-Match", `"`+etag+`"`), 412, "PreconditionFailed"},
				{"other content", put("there", "If-Match", "00000000000000000000000000000000"), 412, "PreconditionFailed"},
				{"any content", put("there", "If-Match", "*"), 200, ""},
				{"any content, and there is none", put("missing", "If-Match", "*"), 404, "NoSuchKey"},
				{"both", request{method: "PUT", key: "there", body: "x", header: map[string]string{"If-Match": "*", "If-None-Match": "*"}}, 400, "InvalidRequest"},
				{"a completion over another object", complete("If-None-Match", "*"), 412, "PreconditionFailed"},
				{"a deletion of other content", request{method: "DELETE", key: "there", header: map[string]string{"If-Match": "00"}}, 412, "PreconditionFailed"},
				{"a deletion of the content", request{method: "DELETE", key: "there", header: map[string]string{"If-Match": etag}}, 204, ""},
			}
			for _, tc := range tests {
				if got := tc.request.send(t, w); got.status != tc.status || got.code != tc.code {
					t.Errorf("%s: got %d %s, want %d %s", tc.name, got.status, got.code, tc.status, tc.code)
				}
			}
		})
	}
}

func TestConditionalWritesAreRefusedAtOutscale(t *testing.T) {
	w := start(t, dataplane.Outscale)
	mustPut(t, w.client(t, "alice"), "k", "x")
	for _, condition := range []string{"If-Match", "If-None-Match"} {
		got := request{method: "PUT", key: "k", body: "x", header: map[string]string{condition: "*"}}.send(t, w)
		if got.code != "NotImplemented" {
			t.Errorf("%s: %+v", condition, got)
		}
	}
	// Reads have conditions everywhere.
	if got := (request{method: "GET", key: "k", header: map[string]string{"If-None-Match": "*"}}).send(t, w); got.status != http.StatusNotModified {
		t.Errorf("a conditional read: %+v", got)
	}
}

func TestOfManyWhoWantToBeFirstOneIs(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	var first atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if (request{method: "PUT", key: "k", body: "x", header: map[string]string{"If-None-Match": "*"}}).send(t, w).status == http.StatusOK {
				first.Add(1)
			}
		})
	}
	group.Wait()
	if first.Load() != 1 {
		t.Errorf("%d were first", first.Load())
	}
}
