package dataplane

import (
	"net/http"

	"github.com/rempart/rempart/test/emulator/serving"
)

// newAnswer notes what is sent in the request's record.
func newAnswer(w http.ResponseWriter, log *serving.Log[Request], record *Request) *serving.Answer {
	return &serving.Answer{
		ResponseWriter: w,
		OnStatus:       func(status int) { log.Note(func() { record.Status = status }) },
	}
}

// cut resets the connection and ends the request. It does not return.
func (c *call) cut() {
	c.log.Note(func() { c.record.Cut = true })
	serving.Cut(c.w)
}
