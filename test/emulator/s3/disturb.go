package s3

import (
	"io"
	"net/http"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// disturb applies the effects that come before the operation. It returns true
// when it answered the request itself.
func (c *call) disturb() bool {
	if e, ok := c.effects.find(kindGate); ok {
		c.service.Hold(c.r.Context(), e.gate)
	}
	if e, ok := c.effects.find(kindLatency); ok {
		c.service.Pause(c.r.Context(), e.delay)
	}
	// A wait may have ended because the server closes: no answer then.
	if c.effects.has(kindResetBefore) || c.service.IsClosing() {
		c.cut()
	}
	if err := c.injected(""); err != nil {
		c.fail(err)
		return true
	}
	if e, ok := c.effects.find(kindFailWith200); ok {
		c.fail(&s3error.Error{Status: http.StatusOK, Code: e.code, Message: "Injected fault."})
		return true
	}
	if c.effects.has(kindEmptyBody) {
		_ = c.done(http.StatusOK)
		return true
	}
	if e, ok := c.effects.find(kindResetUpload); ok {
		c.r.Body = &cuttingReader{ReadCloser: c.r.Body, call: c, left: e.count}
	}
	c.w.Swallow = c.effects.has(kindResetAfter)
	return false
}

// cuttingReader cuts the connection once left bytes were read.
type cuttingReader struct {
	io.ReadCloser
	call *call
	left int64
}

func (r *cuttingReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		r.call.cut()
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// sendBody sends an object's bytes, as far as the faults let it.
func (c *call) sendBody(b []byte) {
	if e, ok := c.effects.find(kindResetBody); ok && e.count < int64(len(b)) {
		c.w.Send(b[:e.count])
		_ = http.NewResponseController(c.w).Flush()
		c.cut()
	}
	if e, ok := c.effects.find(kindTruncate); ok && e.count < int64(len(b)) {
		c.w.Send(b[:e.count])
		c.hangUp()
	}
	c.w.Send(b)
}
