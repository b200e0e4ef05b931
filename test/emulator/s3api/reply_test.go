package s3api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// answered is what a client gets.
type answered struct {
	Status             int
	Length, Type, Body string
}

func TestReplies(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	const tagged = head + "<Tag><Key>a</Key></Tag>"
	length := func(text string) string { return strconv.Itoa(len(text)) }
	const refusal = head + `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>` +
		`<BucketName>b</BucketName><Key>k</Key><Resource>/b/k</Resource><RequestId>7</RequestId></Error>`
	const failure = head + `<Error><Code>InternalError</Code><Message>the disk is full</Message><Resource>/b/k</Resource><RequestId>7</RequestId></Error>`
	for name, test := range map[string]struct {
		method string
		reply  func(s3api.Reply)
		want   answered
	}{
		"a document": {
			"GET", func(r s3api.Reply) { r.Document(http.StatusOK, tag{Key: "a"}) },
			answered{200, length(tagged), "application/xml", tagged},
		},
		"a HEAD is told the length only": {
			"HEAD", func(r s3api.Reply) { r.Document(http.StatusOK, tag{Key: "a"}) }, answered{200, length(tagged), "application/xml", ""},
		},
		"a document that cannot be written": {
			"GET", func(r s3api.Reply) { r.Document(http.StatusOK, make(chan int)) }, answered{Status: 500},
		},
		"nothing":           {"PUT", func(r s3api.Reply) { r.Done(http.StatusOK) }, answered{Status: 200, Length: "0"}},
		"nothing, for good": {"DELETE", func(r s3api.Reply) { r.Done(http.StatusNoContent) }, answered{Status: 204}},
		"a refusal":         {"GET", func(r s3api.Reply) { r.Refuse(s3error.ErrNoSuchKey, "b", "k") }, answered{404, length(refusal), "application/xml", refusal}},
		"what is not S3's":  {"GET", func(r s3api.Reply) { r.Refuse(s3error.Of(errors.New("the disk is full")), "", "") }, answered{500, length(failure), "application/xml", failure}},
		"what has no body":  {"GET", func(r s3api.Reply) { r.Refuse(&s3error.Error{Status: 304}, "b", "k") }, answered{Status: 304}},
	} {
		recorder := httptest.NewRecorder()
		recorder.Header().Set(s3api.RequestIDHeader, "7")
		test.reply(s3api.Reply{W: recorder, R: httptest.NewRequestWithContext(t.Context(), test.method, "/b/k", nil)})
		got := answered{recorder.Code, recorder.Header().Get("Content-Length"), recorder.Header().Get("Content-Type"), recorder.Body.String()}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARefusalBringsItsHeaders(t *testing.T) {
	recorder := httptest.NewRecorder()
	slow := &s3error.Error{Status: 503, Code: "SlowDown", Header: map[string]string{"Retry-After": "3"}}
	s3api.Reply{W: recorder, R: httptest.NewRequestWithContext(t.Context(), "GET", "/b", nil)}.Refuse(slow, "b", "")
	if got := recorder.Header().Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After is %q, want 3", got)
	}
}
