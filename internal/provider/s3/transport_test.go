package s3

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// wire is a RoundTripper that keeps requests and gives the same empty answer.
type wire struct{ requests []*http.Request }

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	w.requests = append(w.requests, request)
	if request.Body != nil {
		_ = request.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

func onWire(t *testing.T, place provider.Place) (*session, *wire) {
	t.Helper()
	s, err := open(place, provider.Credentials{provider.AccessKey: secret.New("key-id"), provider.SecretKey: secret.New("s3cr3t-value")})
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	s.wire.next = w
	return s, w
}

func TestAddressing(t *testing.T) {
	requests := map[string]func(context.Context, *session){
		"listing": func(ctx context.Context, s *session) { _, _ = s.ListPage(ctx, "actes", provider.ListRequest{}) },
		"put": func(ctx context.Context, s *session) {
			_, _ = s.Put(ctx, provider.Ref{Bucket: "actes", Key: "/a//b/../%2F é+"}, provider.Content{SHA256: provider.EmptySHA256}, provider.Attributes{})
		},
		"tags":   func(ctx context.Context, s *session) { _, _ = s.Tags(ctx, provider.Ref{Bucket: "actes", Key: "a b"}) },
		"create": func(ctx context.Context, s *session) { _ = s.CreateBucket(ctx, provider.Bucket{Name: "actes"}) },
	}
	want := map[provider.Addressing]map[string]string{
		provider.PathStyle: {
			"listing": "https://s3.example.org/actes/",
			"put":     "https://s3.example.org/actes//a//b/../%252F%20%C3%A9%2B",
			"tags":    "https://s3.example.org/actes/a%20b",
			"create":  "https://s3.example.org/actes/",
		},
		provider.VirtualStyle: {
			"listing": "https://actes.s3.example.org/",
			"put":     "https://actes.s3.example.org//a//b/../%252F%20%C3%A9%2B",
			"tags":    "https://actes.s3.example.org/a%20b",
			"create":  "https://actes.s3.example.org/",
		},
	}
	for addressing, urls := range want {
		for name, send := range requests {
			s, w := onWire(t, provider.Place{Endpoint: "https://s3.example.org", Addressing: addressing})
			send(t.Context(), s)
			if len(w.requests) != 1 {
				t.Fatalf("%s %s: sent %d requests", addressing, name, len(w.requests))
			}
			got, _, _ := strings.Cut(w.requests[0].URL.String(), "?")
			if diff := cmp.Diff(urls[name], got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", addressing, name, diff)
			}
		}
	}
}

func TestConnectionThatStandsStillEnds(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	conn := &guardedConn{Conn: near, stall: time.Millisecond}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	conn.stall = time.Minute
	go func() { _, _ = io.WriteString(far, "x") }()
	if n, err := conn.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read after that: %d, %v", n, err)
	}
}
