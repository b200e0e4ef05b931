package harness

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// SetDown makes the server look crashed, or up again: open connections break,
// also in the middle of a transfer, and new ones are reset. Requests made
// meanwhile never arrive and are not counted.
func (p *FaultProxy) SetDown(down bool) { p.gate.set(down) }

// SetLatency delays every request before it is passed on or refused.
func (p *FaultProxy) SetLatency(d time.Duration) {
	p.faults.change(func(s *settings) { s.latency = d })
}

// FailNext refuses the next n requests with an S3 error, such as 503 SlowDown,
// before they reach the server. Calls add up.
func (p *FaultProxy) FailNext(n, status int, s3Code string) {
	p.faults.change(func(s *settings) {
		for range n {
			s.next = append(s.next, failure{status: status, code: s3Code})
		}
	})
}

// FailMatching refuses every request that match picks, until Reset, before it
// reaches the server. Calls add up, and the first that picks a request decides.
// A request that is refused this way does not use up one of FailNext.
func (p *FaultProxy) FailMatching(match func(*http.Request) bool, status int, s3Code string) {
	p.faults.change(func(s *settings) {
		s.rules = append(s.rules, rule{match: match, failure: failure{status: status, code: s3Code}})
	})
}

// TruncateBodies breaks the connection after n bytes of each longer response
// body. Zero or less ends that.
func (p *FaultProxy) TruncateBodies(n int64) {
	p.faults.change(func(s *settings) { s.truncate = n })
}

// ShiftDate moves the Date header of responses, as a server's wrong clock
// would. The server itself, and so what it thinks of a signature's age, is not
// changed.
func (p *FaultProxy) ShiftDate(d time.Duration) {
	p.faults.change(func(s *settings) { s.dateShift = d })
}

// OnRequest has hook see every request before any fault strikes; a hook that
// blocks holds the request up. Nil removes it.
func (p *FaultProxy) OnRequest(hook func(*http.Request)) {
	p.faults.change(func(s *settings) { s.hook = hook })
}

// Requests counts the requests that arrived since the start or the last Reset.
func (p *FaultProxy) Requests() int {
	return p.RequestsMatching(func(*http.Request) bool { return true })
}

// RequestsMatching counts those that match picks. The proxy remembers the head
// of every request for that, about a kilobyte each: measure large runs without
// it, or Reset it now and then.
func (p *FaultProxy) RequestsMatching(match func(*http.Request) bool) int {
	p.faults.mu.Lock()
	seen := p.faults.seen
	p.faults.mu.Unlock()
	n := 0
	for _, r := range seen {
		if match(r) {
			n++
		}
	}
	return n
}

// Reset ends all faults, removes the hook and forgets all requests.
func (p *FaultProxy) Reset() {
	p.SetDown(false)
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.settings, p.faults.seen = settings{}, nil
}

// faults is the state behind the knobs; its zero value does no harm.
type faults struct {
	mu       sync.Mutex
	settings settings
	seen     []*http.Request // appended to only, so a copy of the slice is a snapshot
}

type settings struct {
	latency   time.Duration
	next      []failure
	rules     []rule
	truncate  int64
	dateShift time.Duration
	hook      func(*http.Request)
}

type rule struct {
	match   func(*http.Request) bool
	failure failure
}

type failure struct {
	status int
	code   string
}

// verdict is what happens to one request.
type verdict struct {
	latency   time.Duration
	failure   *failure
	dateShift time.Duration
}

func (f *faults) change(set func(*settings)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set(&f.settings)
}

// judge calls the hook and the rules without the lock, so that they may turn
// the knobs themselves.
func (f *faults) judge(r *http.Request) verdict {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	now := f.settings
	f.mu.Unlock()
	if now.hook != nil {
		now.hook(r)
	}
	v := verdict{latency: now.latency, dateShift: now.dateShift}
	for _, rule := range now.rules {
		if rule.match(r) {
			v.failure = &rule.failure
			return v
		}
	}
	v.failure = f.takeNext()
	return v
}

func (f *faults) takeNext() *failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.settings.next) == 0 {
		return nil
	}
	first := f.settings.next[0]
	f.settings.next = f.settings.next[1:]
	return &first
}

// spoil applies the faults that strike responses.
func (f *faults) spoil(resp *http.Response) error {
	f.mu.Lock()
	now := f.settings
	f.mu.Unlock()
	if now.truncate > 0 {
		resp.Body = &truncated{ReadCloser: resp.Body, left: now.truncate}
	}
	if now.dateShift != 0 {
		sent, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			sent = time.Now() // a server without a clock still has a wrong one
		}
		resp.Header.Set("Date", shifted(sent, now.dateShift))
	}
	return nil
}

func shifted(t time.Time, by time.Duration) string { return t.Add(by).UTC().Format(http.TimeFormat) }

// answer refuses a request the way S3 does. The body is read to its end first:
// a client that is still writing when the connection closes would see a broken
// pipe and not the answer.
func (f *failure) answer(w http.ResponseWriter, r *http.Request, dateShift time.Duration) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: f.code, Message: "injected by the fault proxy", Resource: r.URL.Path, RequestID: "fault-proxy"})
	if err != nil {
		panic(http.ErrAbortHandler) // unreachable: strings always marshal
	}
	body = append([]byte(xml.Header), body...)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Date", shifted(time.Now(), dateShift))
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client may be gone; nobody is left to tell
}

// errTruncated makes the proxy break the connection.
var errTruncated = errors.New("truncated by the fault proxy")

// truncated ends with an error after left bytes if there is more to read.
type truncated struct {
	io.ReadCloser
	left int64
}

// Read returns errTruncated where an unspoilt body would go on.
func (t *truncated) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if t.left > 0 {
		n, err := t.ReadCloser.Read(p[:min(int64(len(p)), t.left)])
		t.left -= int64(n)
		return n, err
	}
	n, err := t.ReadCloser.Read(p[:1])
	if n > 0 {
		return 0, errTruncated
	}
	return 0, err
}
