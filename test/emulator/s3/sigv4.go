package s3

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	signAlgorithm = "AWS4-HMAC-SHA256"
	amzDateFormat = "20060102T150405Z"
	maxSkew       = 15 * time.Minute
	maxPresign    = 7 * 24 * time.Hour
)

// signature is what a request says about its own signing.
type signature struct {
	accessKey string
	scope     string // date/region/service/aws4_request
	day       string
	region    string
	date      time.Time
	headers   []string
	value     string
	presigned bool
	expires   time.Duration
	// payload is the last line of the canonical request.
	payload string
}

// authenticate verifies the signature and sets who sends the request. A
// request without any is anonymous.
func (c *call) authenticate() error {
	sig, err := c.parseSignature()
	if err != nil || sig == nil {
		return err
	}
	if err := c.checkTime(sig); err != nil {
		return err
	}
	c.mu.RLock()
	known, ok := c.credentials[sig.accessKey]
	c.mu.RUnlock()
	if !ok {
		return forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.").with("AWSAccessKeyId", sig.accessKey)
	}
	c.log.note(func() { c.record.AccessKey = sig.accessKey })
	if err := c.checkScope(sig); err != nil {
		return err
	}
	if err := c.checkSignedHeaders(sig); err != nil {
		return err
	}
	key := signingKey(known.secret, sig)
	stringToSign := strings.Join([]string{
		signAlgorithm, sig.date.Format(amzDateFormat), sig.scope, sha256Hex([]byte(canonicalRequest(c.r, sig))),
	}, "\n")
	if !hmac.Equal([]byte(hexMAC(key, stringToSign)), []byte(sig.value)) {
		return errSignature.with("AWSAccessKeyId", sig.accessKey).with("StringToSign", stringToSign)
	}
	c.who = known.who
	c.chunks = &chunkSigner{key: key, date: sig.date.Format(amzDateFormat), scope: sig.scope, previous: sig.value}
	return nil
}

// parseSignature returns nil for an unsigned request.
func (c *call) parseSignature() (*signature, error) {
	header := c.r.Header.Get("Authorization")
	presigned := c.query.Has("X-Amz-Signature") || c.query.Has("X-Amz-Credential")
	switch {
	case header != "" && presigned:
		return nil, invalidArgument("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case c.r.Header.Get("X-Amz-Security-Token") != "" || c.query.Has("X-Amz-Security-Token"):
		return nil, badRequest("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case header != "":
		return c.parseHeader(header)
	case presigned:
		return c.parsePresigned()
	}
	return nil, nil
}

func malformedHeader(format string, args ...any) *apiError {
	return badRequest("AuthorizationHeaderMalformed", "The authorization header is malformed; "+format, args...)
}

func (c *call) parseHeader(header string) (*signature, error) {
	fields, ok := strings.CutPrefix(header, signAlgorithm)
	if !ok {
		return nil, badRequest("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use %s.", signAlgorithm)
	}
	sig := &signature{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			if err := sig.setCredential(value); err != nil {
				return nil, err
			}
		case "SignedHeaders":
			sig.headers = strings.Split(value, ";")
		case "Signature":
			sig.value = value
		}
	}
	if sig.accessKey == "" || len(sig.headers) == 0 || sig.value == "" {
		return nil, malformedHeader("it needs Credential, SignedHeaders and Signature.")
	}
	var err error
	if sig.date, err = requestDate(c.r); err != nil {
		return nil, err
	}
	sig.payload = c.r.Header.Get(contentHashHeader)
	if sig.payload == "" {
		return nil, badRequest("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	}
	return sig, nil
}

func requestDate(r *http.Request) (time.Time, error) {
	if date, err := time.Parse(amzDateFormat, r.Header.Get("X-Amz-Date")); err == nil {
		return date, nil
	}
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		return date.UTC(), nil
	}
	return time.Time{}, forbidden("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
}

func malformedQuery(format string, args ...any) *apiError {
	return badRequest("AuthorizationQueryParametersError", format, args...)
}

func (c *call) parsePresigned() (*signature, error) {
	q := c.query
	sig := &signature{presigned: true, value: q.Get("X-Amz-Signature")}
	if q.Get("X-Amz-Algorithm") != signAlgorithm {
		return nil, malformedQuery("X-Amz-Algorithm only supports %q", signAlgorithm)
	}
	if err := sig.setCredential(q.Get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	sig.headers = strings.Split(q.Get("X-Amz-SignedHeaders"), ";")
	var err error
	if sig.date, err = time.Parse(amzDateFormat, q.Get("X-Amz-Date")); err != nil {
		return nil, malformedQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 32)
	sig.expires = time.Duration(seconds) * time.Second
	if err != nil || seconds < 1 || sig.expires > maxPresign {
		return nil, malformedQuery("X-Amz-Expires must be between 1 and 604800 seconds")
	}
	sig.payload = cmp.Or(c.r.Header.Get(contentHashHeader), unsignedPayload)
	return sig, nil
}

// setCredential reads access/day/region/service/aws4_request. An access key may
// hold slashes, the rest not.
func (sig *signature) setCredential(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return malformedHeader("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
	}
	scope := parts[len(parts)-4:]
	if scope[2] != "s3" {
		return malformedHeader("incorrect service %q. This endpoint belongs to \"s3\".", scope[2])
	}
	if scope[3] != "aws4_request" {
		return malformedHeader("incorrect terminal %q. This endpoint uses \"aws4_request\".", scope[3])
	}
	sig.accessKey = strings.Join(parts[:len(parts)-4], "/")
	sig.scope = strings.Join(scope, "/")
	sig.day, sig.region = scope[0], scope[1]
	return nil
}

func (c *call) checkTime(sig *signature) error {
	if sig.presigned {
		switch {
		case c.now.Before(sig.date.Add(-maxSkew)):
			return forbidden("AccessDenied", "Request is not valid yet")
		case c.now.After(sig.date.Add(sig.expires)):
			return forbidden("AccessDenied", "Request has expired").with("ServerTime", timestamp(c.now))
		}
		return nil
	}
	if skew := c.now.Sub(sig.date); skew.Abs() <= maxSkew {
		return nil
	}
	return forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.").
		with("RequestTime", sig.date.Format(amzDateFormat)).
		with("ServerTime", timestamp(c.now)).
		with("MaxAllowedSkewMilliseconds", strconv.FormatInt(maxSkew.Milliseconds(), 10))
}

// checkScope accepts us-east-1 for the location of a bucket, since a client
// that asks for the region does not know it yet.
func (c *call) checkScope(sig *signature) error {
	if sig.day != sig.date.Format("20060102") {
		return malformedHeader("invalid credential date %q. This date is not the same as X-Amz-Date: %q.", sig.day, sig.date.Format("20060102"))
	}
	asksRegion := sig.region == defaultRegion && c.op.name == "GetBucketLocation"
	if sig.region == c.Region || asksRegion {
		return nil
	}
	return malformedHeader("the region %q is wrong; expecting %q", sig.region, c.Region).with("Region", c.Region)
}

// checkSignedHeaders wants host and every x-amz-* header signed: one that is
// not could have been added by anybody.
func (c *call) checkSignedHeaders(sig *signature) error {
	missing := func(name string) bool { return !slices.Contains(sig.headers, name) }
	unsigned := []string{}
	if missing("host") {
		unsigned = append(unsigned, "host")
	}
	for name := range c.r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && missing(name) {
			unsigned = append(unsigned, name)
		}
	}
	if len(unsigned) == 0 {
		return nil
	}
	slices.Sort(unsigned)
	return forbidden("AccessDenied", "There were headers present in the request which were not signed").
		with("HeadersNotSigned", strings.Join(unsigned, ", "))
}

func signingKey(secret string, sig *signature) []byte {
	key := mac([]byte("AWS4"+secret), sig.day)
	key = mac(key, sig.region)
	key = mac(key, "s3")
	return mac(key, "aws4_request")
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexMAC(key []byte, data string) string { return hex.EncodeToString(mac(key, data)) }

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
