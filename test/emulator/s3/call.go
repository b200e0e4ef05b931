package s3

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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
	c.w.Header().Set("X-Amz-Request-Id", fmt.Sprintf("%016X", s.log.Number()))
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

// fail answers with an error document.
func (c *call) fail(err error) {
	var known *s3error.Error
	if !errors.As(err, &known) {
		known = &s3error.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
	}
	c.log.Note(func() { c.record.Code = known.Code })
	for name, value := range known.Header {
		c.w.Header().Set(name, value)
	}
	if known.Status == http.StatusNotModified {
		c.w.WriteHeader(known.Status)
		return
	}
	if c.isCeph() {
		c.failJSON(known)
		return
	}
	c.writeDocument(known.Status, c.errorDocument(known))
}

func (c *call) errorDocument(e *s3error.Error) any {
	// Keys go through encoding/xml here: an error about a key that XML cannot
	// hold must still be readable.
	return s3api.ErrorDocument{
		Code: e.Code, Message: e.Message,
		Bucket: c.bucket, Key: c.key, Resource: sigv4.RawPath(c.r),
		RequestID: c.w.Header().Get("X-Amz-Request-Id"),
		Fields:    e.Fields,
	}
}

// writeDocument answers with an XML document; a HEAD gets its length only.
func (c *call) writeDocument(status int, v any) {
	b, err := s3api.Encode(v)
	if err != nil {
		c.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.writeXML(status, b)
}

func (c *call) writeXML(status int, b []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		c.w.Send(b)
	}
}

// ok answers 200 with a document.
func (c *call) ok(v any) error {
	c.writeDocument(http.StatusOK, v)
	return nil
}

// done answers with a status and an empty body.
func (c *call) done(status int) error {
	if status != http.StatusNoContent {
		c.w.Header().Set("Content-Length", "0")
	}
	c.w.WriteHeader(status)
	return nil
}
