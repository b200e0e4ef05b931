package s3_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

var (
	getK = request{method: "GET", key: "k"}
	putK = request{method: "PUT", key: "k", body: "0123456789"}
)

func TestFaultsHitWhatTheyMatch(t *testing.T) {
	denied := s3.Fail(403, "AccessDenied")
	cases := map[string]struct {
		match   s3.Match
		request request
		hit     bool
	}{
		"everything":         {s3.Match{}, getK, true},
		"the operation":      {s3.Match{Operation: "GetObject"}, getK, true},
		"another operation":  {s3.Match{Operation: "PutObject"}, getK, false},
		"the bucket":         {s3.Match{Bucket: bucket}, getK, true},
		"another bucket":     {s3.Match{Bucket: "other"}, getK, false},
		"the key":            {s3.Match{Key: "k"}, getK, true},
		"another key":        {s3.Match{Key: "kk"}, getK, false},
		"the key's prefix":   {s3.Match{KeyPrefix: "k"}, getK, true},
		"another prefix":     {s3.Match{KeyPrefix: "x"}, getK, false},
		"a listing, by key":  {s3.Match{Key: "k"}, request{method: "GET"}, false},
		"all of these":       {s3.Match{Operation: "GetObject", Bucket: bucket, Key: "k"}, getK, true},
		"all of these but 1": {s3.Match{Operation: "HeadObject", Bucket: bucket, Key: "k"}, getK, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "x")
			fault := srv.Faults().Add(tc.match, denied)
			got := tc.request.must(t, srv)
			if (got.Code == "AccessDenied") != tc.hit || (fault.Hits() == 1) != tc.hit {
				t.Errorf("got %d %s, hits %d, want a hit: %t", got.Status, got.Code, fault.Hits(), tc.hit)
			}
		})
	}
}

func TestFaultsAreCountedAndCleared(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	faults := srv.Faults()
	faults.Add(s3.Match{Skip: 1, Times: 2}, s3.SlowDown())
	faults.Add(s3.Match{Times: 1}, s3.Fail(429, "TooManyRequests"))
	forever := faults.Add(s3.Match{Skip: 4}, s3.Fail(500, "InternalError"))
	var got []int
	for range 6 {
		got = append(got, getK.must(t, srv).Status)
	}
	// While the first fault lets one pass, the second of its kind strikes.
	if diff := cmp.Diff([]int{429, 503, 503, 200, 200, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for getK.must(t, srv).Status != 500 {
		if forever.Hits() > 0 {
			t.Fatal("hit without an effect")
		}
	}
	forever.Clear()
	if got := getK.must(t, srv).Status; got != 200 {
		t.Errorf("after Clear: %d", got)
	}
	faults.Add(s3.Match{}, s3.SlowDown())
	faults.Down()
	faults.Clear()
	if got := getK.must(t, srv).Status; got != 200 {
		t.Errorf("after clearing all: %d", got)
	}
}

func TestClientRetriesThrottling(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject", Times: 1}, s3.SlowDown())
	got := getK.must(t, srv)
	if got.Status != 503 || got.Code != "SlowDown" || !strings.Contains(got.Body, "<Message>") {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if getK.must(t, srv).Code != "NoSuchKey" || fault.Hits() != 1 {
		t.Error("the fault struck more than once")
	}
}

func TestLatency(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	srv.Faults().Add(s3.Match{}, s3.Latency(50*time.Millisecond))
	began := time.Now()
	if got := getK.must(t, srv); got.Body != "x" {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}

func TestHold(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	gate := make(chan struct{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject"}, s3.Hold(gate))
	answered := make(chan string)
	go func() {
		got, err := getK.send(t, srv)
		answered <- fmt.Sprint(got.Body, err)
	}()
	for fault.Hits() == 0 {
		put(t, core, "other", "goes through meanwhile")
	}
	select {
	case got := <-answered:
		t.Fatalf("answered before the gate opened: %s", got)
	default:
	}
	close(gate)
	if got := <-answered; got != "x<nil>" {
		t.Errorf("got %s", got)
	}
}

func TestWrongBytes(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{Key: "k"}, s3.CorruptBody(3))
	want := "012" + string([]byte{'3' ^ 0xff}) + "456789"
	if got := getK.must(t, srv); got.Body != want || got.Header.Get("ETag") != `"`+md5sum("0123456789")+`"` {
		t.Errorf("got %q with ETag %s", got.Body, got.Header.Get("ETag"))
	}
	ranged := getK
	ranged.header = map[string]string{"Range": "bytes=3-4"}
	if got := ranged.must(t, srv); got.Body != want[3:5] {
		t.Errorf("range: %q", got.Body)
	}
	if o, _ := srv.Object(bucket, "k"); string(o.Body) != "0123456789" {
		t.Errorf("the stored bytes changed: %q", o.Body)
	}
}

func TestETagChangesBetweenRangedGets(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	var n atomic.Int32
	srv.Faults().Add(s3.Match{Operation: "GetObject", Key: "k", Skip: 1}, s3.Alter(func(o *s3.Object) {
		o.ETag = fmt.Sprint("changed-", n.Add(1))
	}))
	etag := `"` + md5sum("0123456789") + `"`
	ranged := func(match string) response {
		r := getK
		r.header = map[string]string{"Range": "bytes=0-4"}
		if match != "" {
			r.header["If-Match"] = match
		}
		return r.must(t, srv)
	}
	if got := ranged(etag); got.Status != 206 || got.Header.Get("ETag") != etag {
		t.Errorf("first: %d %s", got.Status, got.Header.Get("ETag"))
	}
	if got := ranged(""); got.Status != 206 || got.Header.Get("ETag") != `"changed-1"` {
		t.Errorf("second, careless: %d %s", got.Status, got.Header.Get("ETag"))
	}
	if got := ranged(etag); got.Status != 412 {
		t.Errorf("third, with If-Match: %d", got.Status)
	}
}

func TestStoreThatDoesNotCheckHashes(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	srv.Faults().Add(s3.Match{Operation: "PutObject"}, s3.NoHashCheck())
	wrong := putK
	wrong.hash = strings.Repeat("0", 64)
	if got := wrong.must(t, srv); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
}

func TestMultipartETagMissingFromTheAnswer(t *testing.T) {
	srv, core := start(t, small)
	srv.Faults().Add(s3.Match{}, s3.NoMultipartETag())
	id := begin(t, core)
	part := uploadPart(t, core, id, 1, "aaaa")
	info, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, []minio.CompletePart{part}, minio.PutObjectOptions{})
	if err != nil || info.ETag != "" {
		t.Errorf("answered ETag %q, %v", info.ETag, err)
	}
	if stat, err := core.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); err != nil || stat.ETag != multipartETag("aaaa") {
		t.Errorf("the object's ETag is %q, %v", stat.ETag, err)
	}
}

func TestErrorsWithStatus200(t *testing.T) {
	srv, core := start(t, small)
	srv.Faults().Add(s3.Match{Times: 2}, s3.FailWith200("InternalError"))
	id := begin(t, core)
	part := uploadPart(t, core, id, 1, "aaaa")
	complete := func() string {
		_, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, []minio.CompletePart{part}, minio.PutObjectOptions{})
		return codeOf(err)
	}
	if got := complete(); got != "InternalError" {
		t.Errorf("completion: %q", got)
	}
	copied := request{method: "PUT", key: "copy", header: map[string]string{"X-Amz-Copy-Source": bucket + "/k"}}.must(t, srv)
	if copied.Status != 200 || copied.Code != "InternalError" {
		t.Errorf("copy: %d %s", copied.Status, copied.Code)
	}
	if got := complete(); got != "" {
		t.Errorf("completion afterwards: %q", got)
	}
}

func TestMultiDeleteFailsForSomeKeys(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for _, key := range []string{"a", "b", "c/1", "c/2", "d"} {
		put(t, core, key, "x")
	}
	one := srv.Faults().Add(s3.Match{Key: "a", Times: 1}, s3.Fail(500, "InternalError"))
	srv.Faults().Add(s3.Match{KeyPrefix: "c/"}, s3.Fail(403, "AccessDenied"))
	remove := func() (failed []string) {
		feed := make(chan minio.ObjectInfo, 5)
		for _, key := range []string{"a", "b", "c/1", "c/2", "d"} {
			feed <- minio.ObjectInfo{Key: key}
		}
		close(feed)
		for e := range core.RemoveObjects(context.Background(), bucket, feed, minio.RemoveObjectsOptions{}) {
			failed = append(failed, e.ObjectName+" "+codeOf(e.Err))
		}
		slices.Sort(failed)
		return failed
	}
	if diff := cmp.Diff([]string{"a InternalError", "c/1 AccessDenied", "c/2 AccessDenied"}, remove()); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "c/1", "c/2"}, srv.Keys(bucket)); diff != "" || one.Hits() != 1 {
		t.Errorf("keys left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c/1 AccessDenied", "c/2 AccessDenied"}, remove()); diff != "" {
		t.Errorf("failures of the second request (-want +got):\n%s", diff)
	}
	srv.Faults().Add(s3.Match{Operation: "DeleteObjects"}, s3.SlowDown())
	if got := remove(); len(got) != 5 {
		t.Errorf("a fault without a key refused %v", got)
	}
}
