package outscale

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
)

// bodyLimit bounds what is read of a request.
const bodyLimit = 1 << 20

// call is one request to the API, in the course of its answer.
type call struct {
	*Server
	r      *http.Request
	body   []byte
	now    time.Time
	action string
	// accessKey is the one that the request names.
	accessKey string
	// who sends it; nil is the root user.
	who *user
}

// serve answers a request to the API.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if err != nil {
		http.Error(w, "the request is too large, or was cut", http.StatusBadRequest)
		return
	}
	name, isAction := actionOf(r.URL.Path)
	if !isAction {
		http.NotFound(w, r)
		return
	}
	c := &call{Server: s, r: r, body: body, now: s.options.Clock().UTC(), action: name}
	if sig, isSigned := parseSignature(r); isSigned {
		c.accessKey = sig.accessKey
	}
	if failure, struck := strike(&s.faults, name); struck && !c.suffer(w, failure) {
		return
	}
	answer, refused := c.run()
	if refused != nil {
		c.refuse(w, refused)
		return
	}
	c.send(w, http.StatusOK, "", answer)
}

// actionOf reads the action from a path; false means that it is none of the API.
func actionOf(path string) (string, bool) {
	for _, prefix := range []string{"/api/v1/", "/api/latest/", "//api/latest/", "//api/v1/"} {
		if name, found := strings.CutPrefix(path, prefix); found && name != "" && !strings.Contains(name, "/") {
			return name, true
		}
	}
	return "", false
}

// suffer carries out a failure; true means that the request is answered after all.
func (c *call) suffer(w http.ResponseWriter, failure Failure) bool {
	if failure.Delay > 0 {
		c.service.Pause(c.r.Context(), failure.Delay)
	}
	switch {
	case failure.isDelay():
		return true
	case failure.Reset:
		c.note(0, "")
		serving.Cut(w)
	}
	if failure.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(failure.RetryAfter.Seconds())))
	}
	if failure.Page != "" {
		c.note(failure.Status, "")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(failure.Status)
		_, _ = io.WriteString(w, failure.Page)
		return false
	}
	c.refuse(w, &refusal{failure.Status, failure.Code, failure.Type, failure.Details})
	return false
}

// run carries an action out, if the caller may.
func (c *call) run() (any, *refusal) {
	if c.r.Method != http.MethodPost {
		return nil, errMethod
	}
	action, known := actions[c.action]
	if !known {
		return nil, errUnknownAction(c.action)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !action.open {
		if refused := c.authenticate(action); refused != nil {
			return nil, refused
		}
		if c.who != nil && !c.who.allows(c.action, c.now) {
			return nil, errDenied
		}
	}
	answer, err := action.run(c)
	if err != nil {
		refused, isRefusal := errors.AsType[*refusal](err)
		if !isRefusal {
			refused = refuse(http.StatusInternalServerError, "2000", "InternalError", "%v", err)
		}
		return nil, refused
	}
	return answer, nil
}

// authenticate finds out who sends the request. Failures count for the lockout of
// the key or login that is named.
func (c *call) authenticate(action action) *refusal {
	if login, password, isBasic := c.r.BasicAuth(); isBasic {
		if !action.basic {
			return errPasswordHere
		}
		return c.authenticateLogin(login, password)
	}
	sig, isSigned := parseSignature(c.r)
	if !isSigned {
		return errNotAuthenticated
	}
	if c.locks.isLocked(sig.accessKey, c.now) {
		return errLocked(c.options.LockedCode)
	}
	key := c.account.key(sig.accessKey)
	if key == nil {
		c.locks.failed(sig.accessKey, c.now)
		return errUnknownKey
	}
	if !key.isUsable(c.now) || !sig.isPlausible(c.now) || !sig.matches(c.r, c.body, key.secret) {
		c.locks.failed(sig.accessKey, c.now)
		return errNotAuthenticated
	}
	c.locks.succeeded(sig.accessKey)
	c.who = key.user
	return nil
}

func (c *call) authenticateLogin(login, password string) *refusal {
	if c.locks.isLocked(login, c.now) {
		return errLocked(c.options.LockedCode)
	}
	if login != c.options.Login || password != c.options.Password {
		c.locks.failed(login, c.now)
		return errNotAuthenticated
	}
	c.locks.succeeded(login)
	return nil
}

// decode reads the request's parameters into a struct. No body, null and {} are
// all parameters left out. Strings with the tag needed must be there.
func (c *call) decode(into any) error {
	text := bytes.TrimSpace(c.body)
	if len(text) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			return errMalformed(err)
		}
	}
	value := reflect.ValueOf(into).Elem()
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if _, needed := field.Tag.Lookup("needed"); needed && value.Field(i).IsZero() {
			return errMissing(field.Name)
		}
	}
	return nil
}

// send answers with a document, to which the context is added.
func (c *call) send(w http.ResponseWriter, status int, code string, answer any) {
	document := map[string]any{}
	text, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	document["ResponseContext"] = map[string]string{"RequestId": requestID()}
	text, err = json.Marshal(document)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	c.note(status, code)
	if c.options.Observe != nil {
		c.options.Observe(Exchange{
			Action: c.action, Request: c.r, Body: c.body, Answer: text, Status: status, Header: maps.Clone(w.Header()),
		})
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

func (c *call) refuse(w http.ResponseWriter, refused *refusal) {
	c.send(w, refused.Status, refused.Code, struct{ Errors []apiError }{[]apiError{{refused.Code, refused.Type, refused.Details}}})
}

// apiError is one error in an answer.
type apiError struct{ Code, Type, Details string }

func (c *call) note(status int, code string) {
	c.log.Add(&Request{Time: c.now, Action: c.action, AccessKey: c.accessKey, Status: status, Code: code})
}

// contains tells whether a filter lets a value through: it is empty, or names it.
func contains(filter []string, value string) bool {
	return len(filter) == 0 || slices.Contains(filter, value)
}
