package notification

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// book knows one provider with one bucket.
type book struct{ err error }

func (b book) Secret(_ context.Context, provider string) (string, bool) {
	return map[string]string{"onprem": "s3cret", "empty": ""}[provider], provider != "stranger"
}

func (b book) Copies(_ context.Context, provider, bucket string) ([]string, error) {
	if provider == "onprem" && bucket == "actes" {
		return []string{"town/a", "town/b"}, b.err
	}
	return nil, b.err
}

// post is a receiver at work.
type post struct {
	*Receiver
	isLeading bool
	now       time.Time

	mu    sync.Mutex
	woken []string
}

func newPost(t *testing.T, b book) *post {
	t.Helper()
	p := &post{isLeading: true, now: begin}
	p.Receiver = NewReceiver(Config{
		Book: b, Queue: NewQueue(), IsLeading: func() bool { return p.isLeading }, Now: func() time.Time { return p.now },
		Wake: func(of string) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.woken = append(p.woken, of)
		},
		Registerer: prometheus.NewRegistry(),
	})
	return p
}

func (p *post) send(method, path string, body io.Reader) *http.Response {
	recorder := httptest.NewRecorder()
	p.ServeHTTP(recorder, httptest.NewRequest(method, path, body))
	return recorder.Result()
}

func TestWhatIsReceivedIsAnswered(t *testing.T) {
	const right = "/events/onprem/s3cret"
	tests := map[string]struct {
		method, path, body string
		standby            bool
		err                error
		want               int
		waits              bool
		counted            string
	}{
		"a notification":                         {method: "POST", path: right, body: one("actes", "a"), want: 200, waits: true, counted: taken},
		"one that is put":                        {method: "PUT", path: right, body: one("actes", "a"), want: 200, waits: true, counted: taken},
		"one about a bucket that is not ours":    {method: "POST", path: right, body: one("other", "a"), want: 200, counted: unknown},
		"one that tries":                         {method: "POST", path: right, want: 200, counted: taken},
		"a look":                                 {method: "GET", path: right, want: 200},
		"a shorter look":                         {method: "HEAD", path: right, want: 200},
		"another method":                         {method: "DELETE", path: right, want: 405},
		"no notification":                        {method: "POST", path: right, body: "hello", want: 400, counted: noSense},
		"a wrong secret":                         {method: "POST", path: "/events/onprem/secret", body: one("actes", "a"), want: 404},
		"no secret":                              {method: "POST", path: "/events/onprem/", body: one("actes", "a"), want: 404},
		"no secret, and none is kept":            {method: "POST", path: "/events/empty/", body: one("actes", "a"), want: 404},
		"more than the secret":                   {method: "POST", path: right + "/", body: one("actes", "a"), want: 404},
		"a look with a wrong secret":             {method: "GET", path: "/events/onprem/x", want: 404},
		"a provider that does not receive any":   {method: "POST", path: "/events/stranger/", body: one("actes", "a"), want: 404},
		"another path":                           {method: "GET", path: "/metrics", want: 404},
		"no provider":                            {method: "GET", path: "/events//", want: 404},
		"one of several that does not work":      {method: "POST", path: right, body: one("actes", "a"), standby: true, want: 503},
		"a look at one that does not work":       {method: "GET", path: right, standby: true, want: 503},
		"a cluster that cannot be read just now": {method: "POST", path: right, body: one("actes", "a"), err: errors.New("closed"), want: 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, book{test.err})
			p.isLeading = !test.standby
			answer := p.send(test.method, test.path, strings.NewReader(test.body))
			if answer.StatusCode != test.want {
				t.Errorf("answered %s, want %d", answer.Status, test.want)
			}
			if answer.StatusCode == 503 && answer.Header.Get("Retry-After") == "" {
				t.Error("it does not say when to try again")
			}
			for _, of := range []string{"town/a", "town/b"} {
				if waits := p.Queue.Look(of, "").Waiting == 1; waits != test.waits || slices.Contains(p.woken, of) != test.waits {
					t.Errorf("%s: waits %v, woken %q", of, waits, p.woken)
				}
			}
			body, _ := io.ReadAll(answer.Body)
			if strings.Contains(string(body), "s3cret") {
				t.Errorf("the answer tells the secret: %s", body)
			}
			counted := testutil.CollectAndCount(p.received)
			if test.counted != "" && testutil.ToFloat64(p.received.WithLabelValues("onprem", test.counted)) != 1 || test.counted == "" && counted != 0 {
				t.Errorf("%d series were counted, want %q", counted, test.counted)
			}
		})
	}
}

func TestAFloodIsBounded(t *testing.T) {
	p := newPost(t, book{})
	answers := map[int]int{}
	for range burst + 50 {
		answers[p.send("POST", "/events/onprem/s3cret", strings.NewReader(one("actes", "a"))).StatusCode]++
	}
	if diff := cmp.Diff(map[int]int{200: burst, 503: 50}, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if got := p.Queue.Look("town/a", "onprem"); got.Waiting != 1 || !got.LostAt.Equal(p.now) {
		t.Errorf("state %+v", got)
	}
	p.now = p.now.Add(time.Second)
	if answer := p.send("POST", "/events/onprem/s3cret", strings.NewReader(one("actes", "a"))); answer.StatusCode != 200 {
		t.Errorf("a second later: %s", answer.Status)
	}
}

func TestALargeBodyIsNotReadToTheEnd(t *testing.T) {
	p := newPost(t, book{})
	endless := &counting{}
	if answer := p.send("POST", "/events/onprem/s3cret", endless); answer.StatusCode != 413 {
		t.Errorf("answered %s", answer.Status)
	}
	if endless.read > 2*maximumBody {
		t.Errorf("%d bytes were read", endless.read)
	}
	if p.Queue.Look("town/a", "onprem").LostAt.IsZero() {
		t.Error("what was not read is not said to be lost")
	}
	wrong := &counting{}
	if p.send("POST", "/events/onprem/wrong", wrong); wrong.read != 0 {
		t.Errorf("%d bytes were read of somebody who does not know the path", wrong.read)
	}
}

// counting is an endless body.
type counting struct{ read int }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	c.read += len(p)
	return len(p), nil
}

func TestOnlyAFewAreReadAtOnce(t *testing.T) {
	p := newPost(t, book{})
	var ends []*io.PipeWriter
	answered := make(chan int, atOnce)
	for range atOnce {
		body, end := io.Pipe()
		ends = append(ends, end)
		go func() { answered <- p.send("POST", "/events/onprem/s3cret", body).StatusCode }()
		if _, err := end.Write([]byte(" ")); err != nil { // it comes through once somebody reads
			t.Fatal(err)
		}
	}
	if answer := p.send("POST", "/events/onprem/s3cret", strings.NewReader(one("actes", "a"))); answer.StatusCode != 503 {
		t.Errorf("one more was answered %s", answer.Status)
	}
	got := map[int]int{}
	for _, end := range ends {
		if _, err := end.Write([]byte(one("actes", "a"))); err != nil {
			t.Fatal(err)
		}
		end.Close()
	}
	for range atOnce {
		got[<-answered]++
	}
	if !maps.Equal(map[int]int{200: atOnce}, got) {
		t.Errorf("answers %v", got)
	}
}
