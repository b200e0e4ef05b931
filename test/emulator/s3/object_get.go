package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// version returns the version a request names: the one of versionId, else the
// current one. Delete markers and missing ones are errors. The caller holds mu.
func (c *call) version(b *bucket) (*Object, error) {
	id := c.query.Get("versionId")
	if id != "" && !validVersionID(id) {
		return nil, s3error.InvalidArgument("Invalid version id specified").With("ArgumentName", "versionId")
	}
	o := b.find(c.key, id)
	switch {
	case o == nil && !c.permits("s3:ListBucket", c.bucket, ""):
		// Whoever may not list must not learn what exists.
		return nil, s3error.ErrAccessDenied
	case o == nil && id != "":
		return nil, s3error.ErrNoSuchVersion.With("VersionId", id)
	case o == nil:
		return nil, s3error.ErrNoSuchKey
	case o.DeleteMarker:
		return nil, c.markerError(o, id)
	}
	return o, nil
}

func (c *call) markerError(marker *Object, askedID string) error {
	e := *s3error.ErrNoSuchKey
	if askedID != "" {
		e = *s3error.ErrMethodNotAllowed
	}
	e.Header = map[string]string{markerHeader: "true", versionHeader: marker.VersionID}
	return &e
}

func validVersionID(id string) bool {
	return id == nullVersion || len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

func (c *call) getObject() error {
	b, o, err := c.readable()
	if err != nil {
		return err
	}
	o = c.altered(o)
	if err := checkReadConditions(c.r.Header, "", o); err != nil {
		return err
	}
	span, err := c.span(o)
	if err != nil {
		return err
	}
	c.describe(b, o)
	c.overrideHeaders()
	c.w.Header().Set("Content-Length", strconv.FormatInt(span.end-span.start, 10))
	status := http.StatusOK
	if span.partial {
		status = http.StatusPartialContent
		c.w.Header().Set("Content-Range", span.contentRange(c.size(o)))
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodGet {
		c.sendBody(o.Body[span.start:span.end])
	}
	return nil
}

// readable returns the bucket and the version to read, with its body for a
// GET.
func (c *call) readable() (*bucket, *Object, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	b := c.buckets[c.bucket]
	if b == nil {
		return nil, nil, s3error.ErrNoSuchBucket
	}
	o, err := c.version(b)
	if err != nil {
		return nil, nil, err
	}
	shown := *b // its versioning is needed after the lock
	if c.r.Method == http.MethodGet {
		o = b.load(o)
	}
	return &shown, o, nil
}

// size is what the request sees as the object's length: a GET sends the bytes
// there are, a HEAD says what is recorded. They differ for corrupted objects.
func (c *call) size(o *Object) int64 {
	if c.r.Method == http.MethodGet {
		return int64(len(o.Body))
	}
	return o.Size
}

// checkReadConditions honours the conditional headers, in HTTP's order of
// precedence. Their names begin with prefix, which copies use.
func checkReadConditions(h http.Header, prefix string, o *Object) error {
	modified := o.LastModified.Truncate(time.Second)
	match, noneMatch := h.Get(prefix+"If-Match"), h.Get(prefix+"If-None-Match")
	if match != "" {
		if !etagListed(match, o.ETag) {
			return s3error.PreconditionFailed("If-Match")
		}
	} else if t, err := http.ParseTime(h.Get(prefix + "If-Unmodified-Since")); err == nil && modified.After(t) {
		return s3error.PreconditionFailed("If-Unmodified-Since")
	}
	if noneMatch != "" {
		if etagListed(noneMatch, o.ETag) {
			return unmodified(prefix, o)
		}
	} else if t, err := http.ParseTime(h.Get(prefix + "If-Modified-Since")); err == nil && !modified.After(t) {
		return unmodified(prefix, o)
	}
	return nil
}

func unmodified(prefix string, o *Object) error {
	if prefix != "" {
		return s3error.PreconditionFailed(prefix + "If-None-Match")
	}
	return &s3error.Error{Status: http.StatusNotModified, Code: "NotModified", Header: map[string]string{
		"ETag":          `"` + o.ETag + `"`,
		"Last-Modified": o.LastModified.UTC().Format(http.TimeFormat),
	}}
}

// overrideHeaders lets a signed request choose response headers.
func (c *call) overrideHeaders() {
	if c.who == anonymous {
		return
	}
	for _, name := range storedHeaders {
		if value := c.query.Get("response-" + strings.ToLower(name)); value != "" {
			c.w.Header().Set(name, value)
		}
	}
}
