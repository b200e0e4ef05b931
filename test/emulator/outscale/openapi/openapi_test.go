package openapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rempart/rempart/test/emulator/outscale"
)

func TestWhatTheDocumentDoesNotSayIsFound(t *testing.T) {
	document, err := load()
	if err != nil {
		t.Fatal(err)
	}
	const context = `"ResponseContext": {"RequestId": "0475ca1e-d0c5-441d-712a-da55a4175157"}`
	tests := map[string]struct {
		action, body, answer string
		status               int
		want                 string
	}{
		"as it is":                 {"ReadAccessKeys", `{"Tag": "a"}`, `{"AccessKeys": [], ` + context + `}`, 200, ""},
		"null for a request":       {"ReadAccessKeys", "null\n", `{"AccessKeys": [], ` + context + `}`, 200, ""},
		"an error":                 {"ReadAccessKeys", "{}", `{"Errors": [{"Code": "1", "Type": "AccessDenied", "Details": ""}], ` + context + `}`, 401, ""},
		"another field":            {"ReadAccessKeys", "{}", `{"Keys": [], ` + context + `}`, 200, "answer"},
		"a field of another type":  {"ReadAccessKeys", "{}", `{"AccessKeys": {}, ` + context + `}`, 200, "answer"},
		"another parameter":        {"ReadAccessKeys", `{"Nothing": 1}`, `{"AccessKeys": []}`, 200, "request"},
		"a parameter left out":     {"DeleteAccessKey", `{}`, `{}`, 200, "request"},
		"a code that is a number":  {"ReadAccessKeys", "{}", `{"Errors": [{"Code": 1}]}`, 401, "Code"},
		"an action of another API": {"ReadNothing", "{}", `{}`, 200, "action"},
		"no JSON":                  {"ReadAccessKeys", "{}", `<html>`, 200, "answer"},
	}
	for name, test := range tests {
		exchange := outscale.Exchange{
			Action: test.action, Request: &http.Request{Method: http.MethodPost}, Body: []byte(test.body), Answer: []byte(test.answer),
			Status: test.status, Header: http.Header{"Content-Type": {"application/json"}},
		}
		err := check(document, exchange)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
