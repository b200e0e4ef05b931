package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// startUpstream answers every request with a body and a date, and tells how
// many it saw.
func startUpstream(t *testing.T, body string, date time.Time) (endpoint string, seen *atomic.Int64) {
	t.Helper()
	seen = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen.Add(1)
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

// newHTTPClient does not repeat requests on broken connections by itself.
func newHTTPClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// fetch returns the status and the body, and the error of either.
func fetch(ctx context.Context, client *http.Client, target string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestNextRequestsFailAsS3Does(t *testing.T) {
	t.Parallel()
	endpoint, seen := startUpstream(t, "fine", time.Now())
	proxy, client := Proxy(t, endpoint), newHTTPClient(t)
	proxy.FailNext(1, http.StatusServiceUnavailable, "SlowDown")
	proxy.FailNext(1, http.StatusForbidden, "AccessDenied")
	var got []string
	for range 3 {
		status, body, err := fetch(t.Context(), client, proxy.Endpoint()+"/bucket/key")
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(body, "<Code>")
		code, _, _ = strings.Cut(code, "</Code>")
		got = append(got, fmt.Sprint(status, code))
	}
	if diff := cmp.Diff([]string{"503SlowDown", "403AccessDenied", "200"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if seen.Load() != 1 || proxy.Requests() != 3 {
		t.Errorf("%d requests arrived, %d were counted, want 1 and 3", seen.Load(), proxy.Requests())
	}
}

func TestRefusalIsUnderstoodByAnS3Client(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "", time.Now())
	proxy := Proxy(t, endpoint)
	proxy.FailMatching(func(r *http.Request) bool { return r.Method == http.MethodPut }, http.StatusForbidden, "RequestTimeTooSkewed")
	client, err := minio.New(proxy.Host(), &minio.Options{
		Creds: credentials.NewStaticV4("key", "secret", ""), Region: "fr-par", MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = put(t.Context(), client, "bucket", "key", "content")
	if got := minio.ToErrorResponse(err).Code; got != "RequestTimeTooSkewed" {
		t.Errorf("error is %v", err)
	}
}

func TestRefusalReachesAClientThatFirstSendsEverything(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "", time.Now())
	proxy := Proxy(t, endpoint)
	proxy.FailNext(1, http.StatusServiceUnavailable, "SlowDown")
	// More than the kernel takes in before anybody reads it.
	body := strings.Repeat("x", 32<<20)
	resp := sendRaw(t, proxy.Host(), fmt.Sprintf("PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answer is %s", resp.Status)
	}
}

func TestOnlyMatchingRequestsFail(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "fine", time.Now())
	proxy, client := Proxy(t, endpoint), newHTTPClient(t)
	matches := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/broken/") }
	proxy.FailMatching(matches, http.StatusInternalServerError, "InternalError")
	proxy.FailNext(1, http.StatusServiceUnavailable, "SlowDown")
	var got []int
	for _, path := range []string{"/broken/a", "/whole/a", "/whole/b", "/broken/b"} {
		status, _, err := fetch(t.Context(), client, proxy.Endpoint()+path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{500, 503, 200, 500}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := proxy.RequestsMatching(matches); n != 2 {
		t.Errorf("%d requests match, want 2", n)
	}
}

func TestLongerBodiesAreTruncated(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		limit   int64
		want    string
		wantErr error
	}{
		"a longer body breaks after the limit": {body: "0123456789", limit: 4, want: "0123", wantErr: io.ErrUnexpectedEOF},
		"a body of the limit's length passes":  {body: "0123456789", limit: 10, want: "0123456789"},
		"a shorter body passes":                {body: "0123", limit: 10, want: "0123"},
		"no limit passes everything":           {body: "0123", limit: 0, want: "0123"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint, _ := startUpstream(t, test.body, time.Now())
			proxy := Proxy(t, endpoint)
			proxy.TruncateBodies(test.limit)
			_, got, err := fetch(t.Context(), newHTTPClient(t), proxy.Endpoint())
			if got != test.want || !errors.Is(err, test.wantErr) {
				t.Errorf("got %q, %v, want %q, %v", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestDateIsShifted(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	endpoint, _ := startUpstream(t, "", sent)
	proxy, client := Proxy(t, endpoint), newHTTPClient(t)
	date := func() time.Time {
		resp, err := client.Get(proxy.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		parsed, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	proxy.ShiftDate(-20 * time.Minute)
	if got, want := date(), sent.Add(-20*time.Minute); !got.Equal(want) {
		t.Errorf("date is %v, want %v", got, want)
	}
	proxy.FailNext(1, http.StatusServiceUnavailable, "SlowDown")
	if late := time.Since(date()); late < 19*time.Minute || late > 21*time.Minute {
		t.Errorf("a refusal's date is %v ago, want 20 minutes", late)
	}
	proxy.ShiftDate(0)
	if got := date(); !got.Equal(sent) {
		t.Errorf("date is %v, want %v", got, sent)
	}
}

func TestLatencyDelaysARequest(t *testing.T) {
	t.Parallel()
	endpoint, seen := startUpstream(t, "", time.Now())
	proxy := Proxy(t, endpoint)
	proxy.SetLatency(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := fetch(ctx, newHTTPClient(t), proxy.Endpoint()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the deadline's", err)
	}
	if seen.Load() != 0 || proxy.Requests() != 1 {
		t.Errorf("%d requests arrived, %d were counted, want 0 and 1", seen.Load(), proxy.Requests())
	}
}

func TestHookSeesTheRequestBeforeAnyFault(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "fine", time.Now())
	proxy := Proxy(t, endpoint)
	var targets []string
	proxy.OnRequest(func(r *http.Request) {
		targets = append(targets, r.RequestURI)
		proxy.FailNext(1, http.StatusTeapot, "Caught") // a hook may turn the knobs
	})
	status, _, err := fetch(t.Context(), newHTTPClient(t), proxy.Endpoint()+"/a%2Fb?c")
	if status != http.StatusTeapot || err != nil {
		t.Errorf("answer is %d, %v", status, err)
	}
	if diff := cmp.Diff([]string{"/a%2Fb?c"}, targets); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestResetEndsEverything(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "fine", time.Now())
	proxy := Proxy(t, endpoint)
	always := func(*http.Request) bool { return true }
	proxy.FailNext(5, http.StatusServiceUnavailable, "SlowDown")
	proxy.FailMatching(always, http.StatusForbidden, "AccessDenied")
	proxy.TruncateBodies(1)
	proxy.ShiftDate(time.Hour)
	proxy.SetLatency(time.Hour)
	proxy.OnRequest(func(*http.Request) { t.Error("the hook is still there") })
	proxy.SetDown(true)
	proxy.Reset()
	status, body, err := fetch(t.Context(), newHTTPClient(t), proxy.Endpoint())
	if status != http.StatusOK || body != "fine" || err != nil {
		t.Errorf("answer is %d %q, %v", status, body, err)
	}
	if n := proxy.Requests(); n != 1 {
		t.Errorf("%d requests are remembered, want 1", n)
	}
}

// TestKnobsMayBeTurnedAtAnyTime is for the race detector.
func TestKnobsMayBeTurnedAtAnyTime(t *testing.T) {
	t.Parallel()
	endpoint, _ := startUpstream(t, "fine", time.Now())
	proxy := Proxy(t, endpoint)
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			client := newHTTPClient(t)
			for range 50 {
				_, _, _ = fetch(t.Context(), client, proxy.Endpoint()) // some fail, which is the point
			}
		})
	}
	busy.Go(func() {
		for i := range 50 {
			proxy.SetDown(i%10 == 0)
			proxy.FailNext(1, http.StatusServiceUnavailable, "SlowDown")
			proxy.FailMatching(func(r *http.Request) bool { return r.URL.Path == "/x" }, http.StatusForbidden, "AccessDenied")
			proxy.TruncateBodies(int64(i % 3))
			proxy.ShiftDate(time.Duration(i))
			proxy.SetLatency(time.Duration(i) * time.Microsecond)
			proxy.OnRequest(func(*http.Request) {})
			_ = proxy.Requests()
			proxy.Reset()
		}
	})
	busy.Wait()
	proxy.Reset()
	if _, body, err := fetch(t.Context(), newHTTPClient(t), proxy.Endpoint()); body != "fine" || err != nil {
		t.Errorf("afterwards: %q, %v", body, err)
	}
}
