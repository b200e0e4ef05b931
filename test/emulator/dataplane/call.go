package dataplane

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/serving"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// call is one request on its way through the server.
type call struct {
	*Server
	w      *serving.Answer
	r      *http.Request
	query  url.Values
	op     *operation
	bucket string
	key    string
	now    time.Time
	record *Request

	// accessKey and identity are empty in an unsigned request.
	accessKey string
	identity  string
	chunks    *sigv4.ChunkSigner
}

// serve is the way of every request: what it is, what disturbs it, who sends it,
// whether the vendor has it, whether he may, then the operation itself.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	record := &Request{}
	c := &call{
		Server: s, w: newAnswer(w, s.log, record), record: record,
		r: r, query: r.URL.Query(), op: refused, now: s.options.Clock().UTC(),
	}
	if s.faults.IsDown() || s.service.IsClosing() {
		c.cut()
	}
	c.w.Header().Set("Date", c.now.Format(http.TimeFormat))
	c.w.Header().Set(s3api.RequestIDHeader, fmt.Sprintf("%016X", s.log.Number()))
	routed := c.route()
	c.remember()
	if c.disturb() {
		return
	}
	steps := []func() error{
		c.authenticate, func() error { return routed }, c.authorize, func() error { return c.op.Handle(c) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			c.fail(err)
			break
		}
	}
	if c.w.Swallow {
		c.cut()
	}
}

// route finds bucket, key and operation.
func (c *call) route() error {
	var err error
	if c.bucket, c.key, err = sigv4.Target(c.r); err != nil {
		return err
	}
	return c.choose()
}

// remember starts the record of a routed request.
func (c *call) remember() {
	header := c.r.Header.Clone()
	header.Del("Authorization")
	query := c.r.URL.Query()
	query.Del("X-Amz-Signature")
	c.record.Time, c.record.Operation, c.record.Method = c.now, c.op.Name, c.r.Method
	c.record.Bucket, c.record.Key = c.bucket, c.key
	c.record.Query, c.record.Header = query.Encode(), header
	c.log.Add(c.record)
}

// disturb applies the faults that hit the request. It returns true when it
// answered the request itself.
func (c *call) disturb() bool {
	var identity string
	if sig, err := sigv4.Parse(c.r); err == nil && sig != nil {
		key, _ := c.options.Lookup(sig.AccessKey)
		identity = key.Identity
	}
	struck := strike(c.faults, c.op.Name, c.bucket, c.key, identity)
	if e, ok := struck[kindHold]; ok {
		c.service.Hold(c.r.Context(), e.gate)
	}
	if e, ok := struck[kindLatency]; ok {
		c.service.Pause(c.r.Context(), e.delay)
	}
	// A wait may have ended because the server closes: no answer then.
	if _, ok := struck[kindResetBefore]; ok || c.service.IsClosing() {
		c.cut()
	}
	if e, ok := struck[kindFail]; ok {
		injected := &s3error.Error{Status: e.status, Code: e.code, Message: "Injected fault."}
		if e.delay > 0 {
			injected.Header = map[string]string{"Retry-After": strconv.Itoa(int(e.delay / time.Second))}
		}
		c.fail(injected)
		return true
	}
	_, c.w.Swallow = struck[kindResetAfter]
	return false
}

// authenticate verifies the signature and sets who sends the request. A request
// without any is nobody's.
func (c *call) authenticate() error {
	sig, err := sigv4.Parse(c.r)
	if err != nil || sig == nil {
		return err
	}
	var known Key
	chunks, err := sig.Verify(c.r, sigv4.Check{
		Now: c.now, Region: c.Region.Name, AnyFirstRegion: c.op.Name == "GetBucketLocation",
		Secret: func(accessKey string) (string, bool) {
			var ok bool
			if known, ok = c.options.Lookup(accessKey); ok {
				c.log.Note(func() { c.record.AccessKey, c.record.Identity = accessKey, known.Identity })
			}
			return known.Secret, ok
		},
	})
	if err != nil {
		return err
	}
	c.accessKey, c.identity, c.chunks = sig.AccessKey, known.Identity, chunks
	return nil
}

// authorize asks the judge for the operation's own permission. Its bucket must
// exist, but for the one that makes it.
func (c *call) authorize() error {
	if c.op.Level != s3api.Service && c.op.Name != "CreateBucket" {
		if _, ok := c.Region.Bucket(c.bucket); !ok {
			return s3error.ErrNoSuchBucket
		}
	}
	if c.op.Action == "" {
		return nil
	}
	action := c.op.Action
	if other, ok := versionActions[action]; ok && c.query.Get("versionId") != "" {
		action = other
	}
	return c.require(action, c.bucket, c.key)
}

// require refuses what the judge does not allow.
func (c *call) require(action, name, key string) error {
	asked := Call{
		AccessKey: c.accessKey, Identity: c.identity, Action: action, Bucket: name, Key: key, Source: c.source(),
	}
	// A bucket that is missing has no owner; who asks has seen to that.
	_ = c.Region.change(name, func(b *bucket) error {
		asked.Owner, asked.BucketGrants, asked.ObjectGrants, asked.Policy = b.Owner, b.Grants, b.grants[key], b.policy
		return nil
	})
	if c.options.Judge(asked) != Allow {
		return s3error.ErrAccessDenied
	}
	return nil
}

func (c *call) source() netip.Addr {
	from, err := netip.ParseAddrPort(c.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}

// reply is what the request is answered with.
func (c *call) reply() s3api.Reply { return s3api.Reply{W: c.w, R: c.r} }

// fail answers with an error document.
func (c *call) fail(err error) {
	known := s3error.Of(err)
	c.log.Note(func() { c.record.Code = known.Code })
	c.reply().Refuse(known, c.bucket, c.key)
}

// ok answers 200 with a document.
func (c *call) ok(v any) error {
	c.reply().Document(http.StatusOK, v)
	return nil
}

// done answers with a status and an empty body.
func (c *call) done(status int) error {
	c.reply().Done(status)
	return nil
}

// take takes a header away from the request and returns its value.
func (c *call) take(name string) string {
	value := strings.TrimSpace(c.r.Header.Get(name))
	c.r.Header.Del(name)
	return value
}
