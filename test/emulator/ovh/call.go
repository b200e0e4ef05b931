package ovh

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/serving"
)

// maxBody bounds what a client may send.
const maxBody = 4 << 20

// call is one request on its way through the server.
type call struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	path   string
	query  url.Values
	vars   map[string]string
	body   []byte
	now    time.Time
	record *Request
	route  *route
	who    caller
}

// serve is the way of every request: what disturbs it, what it is, who sends it,
// whether he may, then the call itself.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{Server: s, w: w, r: r, query: r.URL.Query(), now: s.now()}
	c.record = s.remember(r, c.now)
	w.Header().Set("X-Ovh-QueryID", c.record.QueryID)
	w.Header().Set("Date", c.now.Format(http.TimeFormat))
	routeErr := c.find()
	s.log.Note(func() { c.record.Path, c.record.Route = c.path, c.route.template })
	if s.faults.IsDown() {
		c.cut()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		c.fail(errInvalidParameter("The body could not be read"))
		return
	}
	c.body = body
	answer, hit := strike(&s.faults, r.Method, c.path, c.route.template)
	if hit && c.disturb(answer) {
		return
	}
	steps := []func() error{c.authenticate, func() error { return routeErr }, c.authorize, c.inProject}
	for _, step := range steps {
		if err := step(); err != nil {
			c.fail(err)
			return
		}
	}
	result, err := c.route.handle(c)
	switch {
	case answer.Lost:
		c.cut()
	case err != nil:
		c.fail(err)
	default:
		c.send(http.StatusOK, result)
	}
}

// find splits the path in version and call. An unknown call has a route of its own,
// so that who asks is still told first.
func (c *call) find() error {
	c.route = &route{}
	path := c.r.URL.EscapedPath()
	for _, version := range []string{"/1.0", "/v1", "/v2"} {
		rest, ok := strings.CutPrefix(path, version)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		c.path = rest
		if version == "/v2" {
			c.path = path
		}
		return c.match()
	}
	c.path = path
	return c.match()
}

func (c *call) match() error {
	// The vendor's command line client asks for /me/ where it means /me.
	c.path = strings.TrimSuffix(c.path, "/")
	segments := strings.Split(strings.TrimPrefix(c.path, "/"), "/")
	known := false
	for i, candidate := range routes {
		vars, ok := candidate.vars(segments)
		if !ok {
			continue
		}
		known = true
		if candidate.method == c.r.Method {
			c.route, c.vars = &routes[i], vars
			return nil
		}
	}
	if known {
		return errWrongMethod()
	}
	return errNoSuchCall()
}

// inProject holds what is asked of a project against the one that exists.
func (c *call) inProject() error {
	id, ok := c.vars["serviceName"]
	if !ok {
		return nil
	}
	if id != c.Project {
		return errProjectNotFound()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.knobs.expired {
		return errServiceExpired()
	}
	return nil
}

// decode reads the body.
func (c *call) decode(into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return errInvalidParameter("The body is no valid JSON: " + err.Error())
	}
	return nil
}

// send answers with a document; nil is null.
func (c *call) send(status int, document any) {
	encoded, err := json.Marshal(document)
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"message":"The answer could not be written"}`)
	}
	c.log.Note(func() { c.record.Status = status })
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	// The client may be gone; nobody else wants the answer.
	_, _ = c.w.Write(encoded)
}

func (c *call) fail(err error) {
	if refused, ok := errors.AsType[*oauth2Error](err); ok {
		c.send(refused.status, map[string]string{"error": refused.code})
		return
	}
	known, ok := errors.AsType[*apiError](err)
	if !ok {
		known = &apiError{Status: http.StatusInternalServerError, Class: "Server::InternalServerError", Message: err.Error()}
	}
	c.log.Note(func() { c.record.Class = known.Class })
	c.send(known.Status, known.document())
}

// cut resets the connection.
func (c *call) cut() { serving.Cut(c.w) }

// id reads a number from the path.
func (c *call) id(name string) (int64, error) {
	var id int64
	if _, err := fmt.Sscanf(c.vars[name], "%d", &id); err != nil || fmt.Sprint(id) != c.vars[name] {
		return 0, errInvalidParameter(name + " is not a number")
	}
	return id, nil
}
