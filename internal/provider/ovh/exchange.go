package ovh

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/internal/provider/outcome"
)

// errNoAnswer means that a success came without what was asked for.
var errNoAnswer = errors.New("the answer is empty")

// exchange is a question and what came back.
type exchange struct {
	api       *api
	operation operation
	subject   string
	// isFresh tells that the question was asked with a token that was just got.
	isFresh bool

	outcome.Exchange
	// refusal is the API's word on a refusal, nil when something else answered.
	refusal *refusal
	// isEmpty tells that the answer has no content.
	isEmpty bool
}

// refusal is the error document of the API. The code is older than the class, and
// some parts of the API have the one, some the other (php-ovh issue 56 of 2017 and
// komiser issue 1490 of 2024 show both, third-party).
type refusal struct {
	Class   string
	Code    string `json:"errorCode"`
	Message string
	Details map[string]string
	// Error and Description are how a refused token is told (RFC 6749).
	Error       string
	Description string `json:"error_description"`
}

func (x *exchange) record(response *http.Response, body []byte) {
	x.Status, x.Header = response.StatusCode, response.Header.Clone()
	trimmed := bytes.TrimSpace(body)
	x.isEmpty = len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null"))
	if !x.Refused() {
		return
	}
	var told refusal
	if json.Unmarshal(body, &told) == nil && (told.Class != "" || told.Code != "" || told.Message != "" || told.Error != "") {
		x.refusal = &told
	}
}

// what names in messages what was being done.
func (x *exchange) what() string {
	what := string(x.operation)
	if x.subject != "" {
		what += " " + x.subject
	}
	return what
}

// about gives the exchange as one about something else, which its answer tells.
func (x *exchange) about(operation operation, subject string) *exchange {
	other := *x
	other.operation, other.subject = operation, subject
	return &other
}

// detail is the API's own word. The id of the query, which is another one at each
// try, is left out: a message that ends in a condition must not change while
// nothing does.
func (x *exchange) detail() string {
	text := fmt.Sprintf("HTTP %d", x.Status)
	if r := x.refusal; r != nil {
		text = strings.Join(slices.DeleteFunc([]string{text, r.Code, r.Class, r.Error}, isBlank), " ")
		text = x.api.secrets().Clean(text+": "+strings.Join(slices.DeleteFunc([]string{r.Message, r.Description}, isBlank), " ")) + x.api.secrets().Clean(r.missing())
	} else if x.IsPage() {
		text += " with a web page, not from the API"
	}
	return text
}

func isBlank(text string) bool { return text == "" }

// missing names the rights that a refusal says are missing.
func (r *refusal) missing() string {
	var rights []string
	for _, key := range slices.Sorted(maps.Keys(r.Details)) {
		if strings.HasPrefix(key, "unauthorizedActions") && r.Details[key] != "" {
			rights = append(rights, r.Details[key])
		}
	}
	if len(rights) == 0 {
		return ""
	}
	return "; missing rights: " + strings.Join(rights, ", ")
}

// secrets are what the login is made of.
func (a *api) secrets() outcome.Secrets { return outcome.Secrets(a.login.credentials) }
