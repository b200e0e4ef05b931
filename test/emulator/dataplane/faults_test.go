package dataplane_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

var putOptions = minio.PutObjectOptions{}

func TestFaults(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	core := w.client(t, "alice")
	mustPut(t, core, "k", "x")
	tests := map[string]struct {
		match  dataplane.Match
		effect dataplane.Effect
		code   string // of reading "k", empty when it works
	}{
		"a status with a code":          {dataplane.Match{}, dataplane.Fail(500, "InternalError"), "InternalError"},
		"throttling":                    {dataplane.Match{Operation: "GetObject"}, dataplane.SlowDown(2 * time.Second), "SlowDown"},
		"another operation":             {dataplane.Match{Operation: "PutObject"}, dataplane.Fail(500, "InternalError"), ""},
		"another bucket":                {dataplane.Match{Bucket: "other"}, dataplane.Fail(500, "InternalError"), ""},
		"another key":                   {dataplane.Match{KeyPrefix: "z"}, dataplane.Fail(500, "InternalError"), ""},
		"another identity":              {dataplane.Match{Identity: "bob"}, dataplane.Fail(500, "InternalError"), ""},
		"this identity":                 {dataplane.Match{Identity: "alice"}, dataplane.Fail(500, "InternalError"), "InternalError"},
		"a later request":               {dataplane.Match{Skip: 1}, dataplane.Fail(500, "InternalError"), ""},
		"a request that was to be late": {dataplane.Match{}, dataplane.Latency(time.Millisecond), ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			fault := w.Faults().Add(tc.match, tc.effect)
			_, err := get(core, bucket, "k")
			if got := codeOf(err); got != tc.code {
				t.Errorf("got %q: %v", got, err)
			}
			fault.Clear()
			if _, err := get(core, bucket, "k"); err != nil {
				t.Errorf("after it was cleared: %v", err)
			}
		})
	}
}

func TestAFaultEndsAfterItsTimes(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	fault := w.Faults().Add(dataplane.Match{Times: 2}, dataplane.SlowDown(3*time.Second))
	var got []int
	for range 3 {
		answer := request{method: "PUT", key: "k", body: "x"}.send(t, w)
		if answer.status == http.StatusServiceUnavailable && answer.header.Get("Retry-After") != "3" {
			t.Errorf("told to stay away for %q", answer.header.Get("Retry-After"))
		}
		got = append(got, answer.status)
	}
	if diff := cmp.Diff([]int{503, 503, 200}, got); diff != "" || fault.Hits() != 2 {
		t.Errorf("%d hits (-want +got):\n%s", fault.Hits(), diff)
	}
}

func TestConnectionsAreReset(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	core := w.client(t, "alice")
	w.Faults().Add(dataplane.Match{Operation: "PutObject", KeyPrefix: "before"}, dataplane.ResetBefore())
	w.Faults().Add(dataplane.Match{Operation: "PutObject", KeyPrefix: "after"}, dataplane.ResetAfter())
	for _, key := range []string{"before", "after"} {
		if err := put(core, bucket, key, "x"); err == nil {
			t.Errorf("%s: there was an answer", key)
		}
	}
	if diff := cmp.Diff([]string{"after"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("what was carried out (-want +got):\n%s", diff)
	}
	w.Faults().Down()
	if _, err := core.ListBuckets(t.Context()); err == nil {
		t.Error("a server that is down answered")
	}
	w.Faults().Up()
	if _, err := core.ListBuckets(t.Context()); err != nil {
		t.Errorf("up again: %v", err)
	}
}

func TestARequestCanBeHeld(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	gate := make(chan struct{})
	held := w.Faults().Add(dataplane.Match{Operation: "PutObject"}, dataplane.Hold(gate))
	answered := make(chan error)
	go func() { answered <- put(w.client(t, "alice"), bucket, "k", "x") }()
	for held.Hits() == 0 {
		select {
		case err := <-answered:
			t.Fatalf("not held: %v", err)
		default:
		}
	}
	close(gate)
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

func TestRequestsAreRemembered(t *testing.T) {
	w := start(t, dataplane.OVHcloud, func(o *dataplane.Options) { o.RequestLog = 3 })
	core := w.client(t, "alice")
	mustPut(t, core, "k", "x")
	link, err := core.PresignedGetObject(t.Context(), bucket, "k", time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.fetch(t, strings.TrimPrefix(link.String(), w.URL))
	_, _ = get(core, bucket, "missing")
	request{method: "PUT", query: "notification=", body: "<A/>"}.send(t, w)
	type brief struct {
		Operation, Method, Bucket, Key, Identity, Code string
		Status                                         int
	}
	var got []brief
	for _, r := range w.Requests(nil) {
		got = append(got, brief{r.Operation, r.Method, r.Bucket, r.Key, r.Identity, r.Code, r.Status})
		if secret := r.Query + r.Header.Get("Authorization"); strings.Contains(secret, "Signature=") {
			t.Errorf("a signature is remembered: %s", secret)
		}
	}
	want := []brief{
		{"GetObject", "GET", bucket, "k", "alice", "", 200},
		{"GetObject", "GET", bucket, "missing", "alice", "", 404},
		{"PutBucketNotificationConfiguration", "PUT", bucket, "", "alice", "NotImplemented", 501},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if w.Count("GetObject") != 2 {
		t.Errorf("%d reads", w.Count("GetObject"))
	}
	w.ForgetRequests()
	if left := w.Requests(nil); len(left) > 0 {
		t.Errorf("still %v", left)
	}
}

// slowly gives a byte every few milliseconds.
type slowly struct{ pace time.Duration }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pace)
	return copy(p, "x"), nil
}

func TestAnUploadThatTakesTooLongIsCutOff(t *testing.T) {
	for behind, start := range starts {
		for name, hash := range map[string]string{"a signed body": "", "an unsigned body": "UNSIGNED-PAYLOAD"} {
			t.Run(behind+", "+name, func(t *testing.T) {
				w := start(t, dataplane.Outscale, func(o *dataplane.Options) { o.UploadLimit = 200 * time.Millisecond })
				body := io.MultiReader(bytes.NewReader(make([]byte, 100<<10)), slowly{5 * time.Millisecond})
				req := request{method: "PUT", key: "slow", hash: hash}.build(t, w)
				req.Body, req.ContentLength = io.NopCloser(body), 200<<10
				res, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
				if err == nil {
					t.Errorf("answered %s", res.Status)
					_ = res.Body.Close()
				}
				log := w.Requests(func(r dataplane.Request) bool { return r.Key == "slow" })
				if len(log) != 1 || !log[0].Cut {
					t.Errorf("the log has %+v", log)
				}
				if keys := listKeys(t, w.client(t, "alice"), bucket); len(keys) > 0 {
					t.Errorf("stored: %v", keys)
				}
				mustPut(t, w.client(t, "alice"), "quick", "x")
			})
		}
	}
}

func TestAClientThatFallsSilentIsCutOff(t *testing.T) {
	w := start(t, dataplane.Outscale, func(o *dataplane.Options) { o.UploadLimit = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", w.Host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req := request{method: "PUT", key: "k", hash: "UNSIGNED-PAYLOAD"}.build(t, w)
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 100<<10))), 200<<10
	// It has less than it announces, which only means that the rest does not come.
	_ = req.Write(conn)
	if answer, _ := io.ReadAll(conn); len(answer) > 0 {
		t.Errorf("answered %s", answer)
	}
	if log := w.Requests(nil); len(log) != 1 || !log[0].Cut {
		t.Errorf("the log has %+v", log)
	}
}

// A client that leaves in the middle of an upload leaves nothing behind.
func TestABodyThatIsCutShortIsNotStored(t *testing.T) {
	for behind, start := range starts {
		for name, hash := range map[string]string{"a signed body": strings.Repeat("0", 64), "an unsigned body": "UNSIGNED-PAYLOAD"} {
			t.Run(behind+", "+name, func(t *testing.T) {
				w := start(t, dataplane.OVHcloud)
				reader, writer := io.Pipe()
				req := request{method: "PUT", key: "short", hash: hash}.build(t, w)
				req.Body, req.ContentLength = reader, 200<<10
				go func() {
					_, _ = writer.Write(make([]byte, 150<<10))
					_ = writer.CloseWithError(io.ErrClosedPipe)
				}()
				if res, err := (&http.Client{Transport: &http.Transport{}}).Do(req); err == nil {
					_ = res.Body.Close()
					t.Errorf("answered %s", res.Status)
				}
				w.Close() // waits for the request
				client, err := w.Region.Client()
				if err != nil {
					t.Fatal(err)
				}
				if keys := listKeys(t, client, bucket); len(keys) > 0 {
					t.Errorf("stored: %v", keys)
				}
			})
		}
	}
}
