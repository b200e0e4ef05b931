package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestDownServerBreaksConnectionsAndComesBack(t *testing.T) {
	t.Parallel()
	endpoint, seen := startUpstream(t, "up", time.Now())
	proxy, client := Proxy(t, endpoint), newHTTPClient(t)
	proxy.SetDown(true)
	if status, _, err := fetch(t.Context(), client, proxy.Endpoint()); err == nil {
		t.Errorf("a server that is down answers %d", status)
	}
	if seen.Load() != 0 || proxy.Requests() != 0 {
		t.Errorf("%d requests arrived, %d were counted", seen.Load(), proxy.Requests())
	}
	proxy.SetDown(false)
	if _, body, err := fetch(t.Context(), client, proxy.Endpoint()); body != "up" || err != nil {
		t.Errorf("after it came back: %q, %v", body, err)
	}
}

func TestGoingDownBreaksATransfer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half.")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	proxy := Proxy(t, server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, proxy.Endpoint(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := newHTTPClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	half := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, half); string(half) != "half." || err != nil {
		t.Fatalf("first half is %q, %v", half, err)
	}
	proxy.SetDown(true)
	if rest, err := io.ReadAll(resp.Body); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the transfer ended with %q, %v, want a broken connection", rest, err)
	}
}

func TestAbsentServerLooksAbsent(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "", time.Now())
	proxy := Proxy(t, endpoint)
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	absent := Proxy(t, fmt.Sprintf("http://127.0.0.1:%d", ports[0]))
	for p, want := range map[*FaultProxy]bool{proxy: true, absent: false} {
		if _, _, err := fetch(t.Context(), newHTTPClient(t), p.Endpoint()); (err == nil) != want {
			t.Errorf("error is %v", err)
		}
	}
}
