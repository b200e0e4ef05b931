package ovh

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rempart/rempart/internal/provider"
)

// messageLimit bounds in bytes what of the API's own words a message repeats.
const messageLimit = 300

// errNoAnswer means that a success came without what was asked for.
var errNoAnswer = errors.New("the answer is empty")

// exchange is a question and what came back.
type exchange struct {
	api       *api
	operation operation
	subject   string
	// isFresh tells that the question was asked with a token that was just got.
	isFresh bool

	asked, answered time.Time
	// cause is why no answer came.
	cause error
	// status is 0 until an answer came.
	status int
	header http.Header
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
	x.status, x.header = response.StatusCode, response.Header.Clone()
	trimmed := bytes.TrimSpace(body)
	x.isEmpty = len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null"))
	if !x.refused() {
		return
	}
	var told refusal
	if json.Unmarshal(body, &told) == nil && (told.Class != "" || told.Code != "" || told.Message != "" || told.Error != "") {
		x.refusal = &told
	}
}

// refused tells whether an answer came and was not a success.
func (x *exchange) refused() bool { return x.status >= http.StatusMultipleChoices }

// isHTML tells whether a proxy or a portal answered in the place of the API.
func (x *exchange) isHTML() bool {
	return strings.HasPrefix(strings.ToLower(x.header.Get("Content-Type")), "text/html")
}

// date is the time of the answer on the vendor's clock.
func (x *exchange) date() time.Time {
	date, err := http.ParseTime(x.header.Get("Date"))
	if err != nil {
		return x.answered
	}
	return date
}

// health tells what the exchange says about the place.
func (x *exchange) health() provider.Health {
	health := provider.Health{AskedAt: x.asked, AnsweredAt: x.answered}
	if date, err := http.ParseTime(x.header.Get("Date")); err == nil {
		health.ServerTime = date
	}
	return health
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
	text := fmt.Sprintf("HTTP %d", x.status)
	if r := x.refusal; r != nil {
		text = strings.Join(slices.DeleteFunc([]string{text, r.Code, r.Class, r.Error}, isBlank), " ")
		text = x.api.clean(text+": "+strings.Join(slices.DeleteFunc([]string{r.Message, r.Description}, isBlank), " ")) + x.api.clean(r.missing())
	} else if x.isHTML() {
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

// redact takes what the login is made of out of a text.
func (a *api) redact(text string) string {
	for name, value := range a.login.credentials {
		if !value.IsEmpty() {
			text = strings.ReplaceAll(text, value.Reveal(), "["+name+"]")
		}
	}
	return text
}

// clean makes foreign text fit for a message: one bounded line, without what the
// login is made of.
func (a *api) clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, a.redact(text))
	if len(text) > messageLimit {
		text = strings.ToValidUTF8(text[:messageLimit], "") + "…"
	}
	return text
}

// causeText tells why no answer came, without the port of our own end, which would
// make a new message of every try.
func causeText(err error) string {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("lookup %s: %s", lookup.Name, lookup.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	return err.Error()
}

// retryAfter reads the Retry-After header; 0 when there is none to read.
func (x *exchange) retryAfter() time.Duration {
	value := x.header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(x.date()))
	}
	return 0
}
