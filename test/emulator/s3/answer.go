package s3

import (
	"net/http"

	"github.com/rempart/rempart/test/emulator/serving"
)

// newAnswer notes what is sent in the request's record.
func newAnswer(w http.ResponseWriter, log *requestLog, record *Request) *serving.Answer {
	return &serving.Answer{
		ResponseWriter: w,
		OnStatus:       func(status int) { log.Note(func() { record.Status = status }) },
		OnBytes:        func(n int) { log.Note(func() { record.BytesOut += int64(n) }) },
	}
}

// cut resets the connection and ends the request. It does not return.
func (c *call) cut() {
	c.log.Note(func() { c.record.Cut = true })
	serving.Cut(c.w)
}

// hangUp sends what is pending and closes the connection in good order, short
// of the announced length. It does not return.
func (c *call) hangUp() {
	c.log.Note(func() { c.record.Cut = true })
	_ = http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}
