package s3_test

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestCloseEndsHeldRequests(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject"}, s3.Hold(nil))
	srv.Faults().Add(s3.Match{Operation: "HeadObject"}, s3.Latency(time.Hour))
	failed := make(chan error, 2)
	for _, method := range []string{"GET", "HEAD"} {
		go func() {
			_, err := request{method: method, key: "k"}.send(t, srv)
			failed <- err
		}()
	}
	for fault.Hits() == 0 || srv.Count("HeadObject") == 0 {
		request{method: "DELETE", key: "other"}.must(t, srv)
	}
	srv.Close()
	srv.Close()
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("a held request was answered after Close")
		}
	}
}

func TestResets(t *testing.T) {
	cases := map[string]struct {
		effect s3.Effect
		send   request
		stored string // content of k afterwards
	}{
		"before a read":         {s3.ResetBefore(), getK, "old"},
		"before a write":        {s3.ResetBefore(), putK, "old"},
		"within an upload":      {s3.ResetUpload(4), putK, "old"},
		"before an upload":      {s3.ResetUpload(0), putK, "old"},
		"after a write":         {s3.ResetAfter(), putK, "0123456789"},
		"after a deletion":      {s3.ResetAfter(), request{method: "DELETE", key: "k"}, ""},
		"within a body":         {s3.ResetBody(1), getK, "old"},
		"before a body":         {s3.ResetBody(0), getK, "old"},
		"after a failed write":  {s3.ResetAfter(), request{method: "PUT", key: "k", hash: strings.Repeat("0", 64)}, "old"},
		"after a refused write": {s3.ResetAfter(), request{method: "PUT", key: "k", access: "nobody", secret: "x"}, "old"},
		"before a deletion":     {s3.ResetBefore(), request{method: "DELETE", key: "k"}, "old"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "old")
			before := len(srv.Requests(nil))
			fault := srv.Faults().Add(s3.Match{Key: "k", Times: 1}, tc.effect)
			// A fresh connection: the transport repeats a read that fails on a
			// used one, and then succeeds.
			srv.HTTPClient().CloseIdleConnections()
			_, err := tc.send.send(t, srv)
			if err == nil {
				t.Error("the client got an answer")
			}
			if fault.Hits() != 1 {
				t.Errorf("%d hits", fault.Hits())
			}
			if o, _ := srv.Object(bucket, "k"); string(o.Body) != tc.stored {
				t.Errorf("stored %q, want %q", o.Body, tc.stored)
			}
			if cut := srv.Requests(nil)[before]; !cut.Cut {
				t.Errorf("the request is not recorded as cut: %+v", cut)
			}
			if got := (request{method: "GET", key: "other"}).must(t, srv); got.Code != "NoSuchKey" {
				t.Errorf("afterwards: %d %s", got.Status, got.Code)
			}
		})
	}
}

func TestResetOverTLS(t *testing.T) {
	srv, _ := start(t, s3.Options{TLS: true})
	srv.Faults().Add(s3.Match{Times: 1}, s3.ResetBefore())
	if _, err := putK.send(t, srv); err == nil {
		t.Error("the client got an answer")
	}
	if got := putK.must(t, srv); got.Status != 200 {
		t.Errorf("afterwards: %d", got.Status)
	}
}

func TestResetIsSeenAsSuch(t *testing.T) {
	srv, core := start(t, s3.Options{})
	reset := srv.Faults().Add(s3.Match{}, s3.ResetBefore())
	if _, err := getK.send(t, srv); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset and not the end of a stream", err)
	}
	reset.Clear()
	content := strings.Repeat("x", 1<<20)
	put(t, core, "k", content)
	srv.Faults().Add(s3.Match{}, s3.ResetBody(1<<19))
	got, err := getK.send(t, srv)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) || len(got.Body) > 1<<19 {
		t.Errorf("%d bytes, then %v", len(got.Body), err)
	}
}

func TestTruncatedBody(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{}, s3.Truncate(4))
	got, err := getK.send(t, srv)
	if got.Status != 200 || got.Header.Get("Content-Length") != "10" || got.Body != "0123" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d, length %s, %q, %v", got.Status, got.Header.Get("Content-Length"), got.Body, err)
	}
	if last := srv.Requests(nil)[1]; !last.Cut || last.BytesOut != 4 {
		t.Errorf("recorded: %+v", last)
	}
}

func TestServerDown(t *testing.T) {
	for _, secured := range []bool{false, true} {
		srv, core := start(t, s3.Options{TLS: secured})
		put(t, core, "k", "x")
		srv.Faults().Down()
		for range 3 {
			if got, err := getK.send(t, srv); err == nil {
				t.Errorf("a server that is down answered %d", got.Status)
			}
		}
		srv.Faults().Up()
		if got := get(t, core, "k"); got != "x" {
			t.Errorf("up again: %q", got)
		}
	}
}
