package s3

import (
	"fmt"
	"net/http"
	"net/url"
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
	who    *identity
	chunks *sigv4.ChunkSigner
	now    time.Time
	body   []byte
	// effects are the faults that hit this request.
	effects effects
	record  *Request
}

// serve is the way of every request: what it is, what disturbs it, who sends
// it, whether he may, then the operation itself.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	record := &Request{}
	c := &call{
		Server: s,
		w:      newAnswer(w, s.log, record),
		record: record,
		r:      r,
		query:  r.URL.Query(),
		who:    anonymous,
		now:    s.now(),
	}
	if s.faults.IsDown() || s.service.IsClosing() {
		c.cut()
	}
	c.w.Header().Set("Date", c.now.Format(http.TimeFormat))
	c.w.Header().Set("Server", "S3Emulator")
	c.w.Header().Set(s3api.RequestIDHeader, fmt.Sprintf("%016X", s.log.Number()))
	routeErr := c.route()
	c.remember()
	c.effects = strike(s.faults, c.op, c.bucket, c.key)
	if c.disturb() {
		return
	}
	// Who asks comes before what is asked, as on a real store.
	steps := []func() error{
		c.authenticate, func() error { return routeErr }, c.authorize, c.readBody,
		func() error { return c.op.Handle(c) },
	}
	if err := firstError(steps); err != nil {
		c.fail(err)
	}
	if c.w.Swallow {
		c.cut()
	}
}

func firstError(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// reply is what the request is answered with.
func (c *call) reply() s3api.Reply { return s3api.Reply{W: c.w, R: c.r} }

// fail answers with an error document.
func (c *call) fail(err error) {
	known := s3error.Of(err)
	c.log.Note(func() { c.record.Code = known.Code })
	if c.isCeph() {
		c.failJSON(known)
		return
	}
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
