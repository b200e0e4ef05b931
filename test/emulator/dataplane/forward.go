package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// ownHeaders are about this connection or this signature, and are not passed on.
var ownHeaders = []string{
	"Authorization", "Date", "X-Amz-Date", sigv4.ContentHashHeader, sigv4.DecodedLengthHeader,
	"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
	"Content-Length", "Host", "Accept-Encoding", "User-Agent",
}

// forwardedHeader is the header for the backend.
func (c *call) forwardedHeader() http.Header {
	header := c.r.Header.Clone()
	for _, name := range ownHeaders {
		header.Del(name)
	}
	// aws-chunked describes the framing, which ended here.
	var codings []string
	for coding := range strings.SplitSeq(header.Get("Content-Encoding"), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && coding != "aws-chunked" {
			codings = append(codings, coding)
		}
	}
	header.Del("Content-Encoding")
	if len(codings) > 0 {
		header.Set("Content-Encoding", strings.Join(codings, ","))
	}
	return header
}

// forwardedQuery is the query without a presigned signature.
func (c *call) forwardedQuery() url.Values {
	query := url.Values{}
	for name, values := range c.query {
		if !strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			query[name] = values
		}
	}
	return query
}

// ask sends the request on, with its document where the method has one.
func (c *call) ask() (*http.Response, error) {
	if c.r.Method != http.MethodPut && c.r.Method != http.MethodPost {
		return c.askWith(&payload{Reader: http.NoBody})
	}
	text, err := c.document()
	if err != nil {
		return nil, err
	}
	return c.askWith(documentOf(text))
}

// askStreaming sends the request on, its body streamed as it comes in.
func (c *call) askStreaming() (*http.Response, error) {
	body, err := c.payload()
	if err != nil {
		return nil, err
	}
	return c.askWith(body)
}

// askWith sends the request on with another body. The caller closes the body of
// the answer.
func (c *call) askWith(body *payload) (*http.Response, error) {
	res, err := c.Region.backend.send(c.r.Context(), message{
		method: c.r.Method, bucket: c.bucket, key: c.key,
		query: c.forwardedQuery(), header: c.forwardedHeader(),
		body: body, length: body.length, hash: body.hash,
	})
	switch {
	case body.err != nil && errors.Is(body.err, os.ErrDeadlineExceeded), errors.Is(context.Cause(c.r.Context()), errUploadLimit):
		if res != nil {
			_ = res.Body.Close()
		}
		c.cut()
	case err != nil && body.err != nil:
		return nil, incomplete(body.err)
	case err != nil:
		return nil, fmt.Errorf("ask the backend: %w", err)
	}
	return res, nil
}

// pass sends the request on and the answer back.
func (c *call) pass() error {
	res, err := c.ask()
	if err != nil {
		return err
	}
	return c.relay(res)
}

// hiddenHeaders of the backend are not the region's.
var hiddenHeaders = []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Date", s3api.RequestIDHeader, "X-Amz-Id-2", "X-Amz-Bucket-Region"}

// relay sends the backend's answer to the client.
func (c *call) relay(res *http.Response) error {
	defer res.Body.Close()
	for name, values := range res.Header {
		if !slices.Contains(hiddenHeaders, name) {
			c.w.Header()[name] = values
		}
	}
	c.w.WriteHeader(res.StatusCode)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(c.w, res.Body); err != nil {
		// The status is out: all that is left is to break the connection.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// read takes the body of an answer whole, and puts it back for relay.
func (c *call) read(res *http.Response) ([]byte, error) {
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the backend's answer: %w", err)
	}
	replaceBody(res, string(text))
	return text, nil
}

func replaceBody(res *http.Response, text string) {
	res.Body = io.NopCloser(strings.NewReader(text))
	res.Header.Set("Content-Length", fmt.Sprint(len(text)))
}

func succeeded(res *http.Response) bool { return res.StatusCode < http.StatusMultipleChoices }

var errUploadLimit = errors.New("the upload took longer than one request may")

// limitUpload cuts the request off when it takes longer than the vendor lets an
// upload last. What it returns ends the limit.
func (c *call) limitUpload() (end func()) {
	limit := c.options.UploadLimit
	if limit <= 0 {
		return func() {}
	}
	connection := http.NewResponseController(c.w)
	// A client that sends nothing blocks a read, which only this ends.
	_ = connection.SetReadDeadline(time.Now().Add(limit))
	ctx, cancel := context.WithTimeoutCause(c.r.Context(), limit, errUploadLimit)
	c.r = c.r.WithContext(ctx)
	return func() {
		cancel()
		_ = connection.SetReadDeadline(time.Time{})
	}
}

// condition takes the conditions of a write and checks them, alone among the
// conditional writes of the key until release is called.
func (c *call) condition() (release func(), err error) {
	noneMatch, match := c.take("If-None-Match"), c.take("If-Match")
	if noneMatch == "" && match == "" {
		return func() {}, nil
	}
	switch {
	case !c.habit.conditionalWrites, noneMatch != "" && noneMatch != "*":
		return nil, s3error.NotImplemented("A header you provided implies functionality that is not implemented: a condition on a write")
	case noneMatch != "" && match != "":
		return nil, s3error.BadRequest("InvalidRequest", "If-Match and If-None-Match exclude each other")
	}
	release = c.conditional.lock(c.bucket + "/" + c.key)
	if err := c.holds(noneMatch, match); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// holds decides a condition. OVHcloud wants the ETag of If-Match without quotes;
// that one in quotes is answered as any other that does not match is an
// ASSUMPTION.
func (c *call) holds(noneMatch, match string) error {
	res, err := c.Region.backend.send(c.r.Context(), message{
		method: http.MethodHead, bucket: c.bucket, key: c.key, header: http.Header{},
	})
	if err != nil {
		return fmt.Errorf("ask the backend for the object: %w", err)
	}
	defer res.Body.Close()
	exists := succeeded(res)
	if !exists && res.StatusCode != http.StatusNotFound {
		return &s3error.Error{Status: res.StatusCode, Code: http.StatusText(res.StatusCode)}
	}
	switch {
	case noneMatch == "*" && exists:
		return s3error.PreconditionFailed("If-None-Match")
	case match != "" && !exists:
		return s3error.ErrNoSuchKey
	case match != "" && match != "*" && match != strings.Trim(res.Header.Get("ETag"), `"`):
		return s3error.PreconditionFailed("If-Match")
	}
	return nil
}
