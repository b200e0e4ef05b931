package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	signAlgorithm = "AWS4-HMAC-SHA256"
	amzDateFormat = "20060102T150405Z"
	maxSkew       = 15 * time.Minute
	maxPresign    = 7 * 24 * time.Hour
)

// Signature is what a request says about its own signing.
type Signature struct {
	AccessKey string
	Region    string
	Presigned bool

	scope   string // date/region/service/aws4_request
	day     string
	date    time.Time
	headers []string
	value   string
	expires time.Duration
	// payload is the last line of the canonical request.
	payload string
}

// Check is what a server holds a signature against.
type Check struct {
	// Now is the server's time.
	Now time.Time
	// Region is the one that the credential scope must name. AnyFirstRegion also
	// takes us-east-1, since a client that asks for a bucket's region does not
	// know it yet.
	Region         string
	AnyFirstRegion bool
	// Secret returns the secret key of an access key, or false for one that is
	// unknown.
	Secret func(accessKey string) (string, bool)
}

// FirstRegion is the region that S3 has when nothing is said of it.
const FirstRegion = "us-east-1"

// Parse reads the signature of a request from its header or its query. It returns
// nil for an unsigned request; its errors are *s3error.Error.
func Parse(r *http.Request) (*Signature, error) {
	header := r.Header.Get("Authorization")
	query := r.URL.Query()
	presigned := query.Has("X-Amz-Signature") || query.Has("X-Amz-Credential")
	switch {
	case header != "" && presigned:
		return nil, s3error.InvalidArgument("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case r.Header.Get("X-Amz-Security-Token") != "" || query.Has("X-Amz-Security-Token"):
		return nil, s3error.BadRequest("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case header != "":
		return parseHeader(r, header)
	case presigned:
		return parsePresigned(r, query)
	}
	return nil, nil
}

// Verify checks everything that a signature promises but the body: time, key,
// scope, signed headers and the value itself, in this order. It returns what
// verifies the chunks of a streamed body. Its errors are *s3error.Error.
func (sig *Signature) Verify(r *http.Request, c Check) (*ChunkSigner, error) {
	if err := sig.checkTime(c.Now); err != nil {
		return nil, err
	}
	secret, ok := c.Secret(sig.AccessKey)
	if !ok {
		return nil, s3error.Forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.").With("AWSAccessKeyId", sig.AccessKey)
	}
	if err := sig.checkScope(c); err != nil {
		return nil, err
	}
	if err := sig.checkSignedHeaders(r); err != nil {
		return nil, err
	}
	key := signingKey(secret, sig)
	stringToSign := sig.stringToSign(r)
	if !hmac.Equal([]byte(hexMAC(key, stringToSign)), []byte(sig.value)) {
		return nil, s3error.ErrSignatureDoesNotMatch.With("AWSAccessKeyId", sig.AccessKey).With("StringToSign", stringToSign)
	}
	return &ChunkSigner{key: key, date: sig.date.Format(amzDateFormat), scope: sig.scope, previous: sig.value}, nil
}

func (sig *Signature) stringToSign(r *http.Request) string {
	return strings.Join([]string{
		signAlgorithm, sig.date.Format(amzDateFormat), sig.scope, SHA256([]byte(canonicalRequest(r, sig))),
	}, "\n")
}

func malformedHeader(format string, args ...any) *s3error.Error {
	return s3error.BadRequest("AuthorizationHeaderMalformed", "The authorization header is malformed; "+format, args...)
}

func parseHeader(r *http.Request, header string) (*Signature, error) {
	fields, ok := strings.CutPrefix(header, signAlgorithm)
	if !ok {
		return nil, s3error.BadRequest("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use %s.", signAlgorithm)
	}
	sig := &Signature{}
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
	if sig.AccessKey == "" || len(sig.headers) == 0 || sig.value == "" {
		return nil, malformedHeader("it needs Credential, SignedHeaders and Signature.")
	}
	var err error
	if sig.date, err = requestDate(r); err != nil {
		return nil, err
	}
	sig.payload = r.Header.Get(ContentHashHeader)
	if sig.payload == "" {
		return nil, s3error.BadRequest("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
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
	return time.Time{}, s3error.Forbidden("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
}

func malformedQuery(format string, args ...any) *s3error.Error {
	return s3error.BadRequest("AuthorizationQueryParametersError", format, args...)
}

func parsePresigned(r *http.Request, q url.Values) (*Signature, error) {
	sig := &Signature{Presigned: true, value: q.Get("X-Amz-Signature")}
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
	sig.payload = cmp.Or(r.Header.Get(ContentHashHeader), UnsignedPayload)
	return sig, nil
}

// setCredential reads access/day/region/service/aws4_request. An access key may
// hold slashes, the rest not.
func (sig *Signature) setCredential(credential string) error {
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
	sig.AccessKey = strings.Join(parts[:len(parts)-4], "/")
	sig.scope = strings.Join(scope, "/")
	sig.day, sig.Region = scope[0], scope[1]
	return nil
}

func (sig *Signature) checkTime(now time.Time) error {
	if sig.Presigned {
		switch {
		case now.Before(sig.date.Add(-maxSkew)):
			return s3error.Forbidden("AccessDenied", "Request is not valid yet")
		case now.After(sig.date.Add(sig.expires)):
			return s3error.Forbidden("AccessDenied", "Request has expired").With("ServerTime", now.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		return nil
	}
	if skew := now.Sub(sig.date); skew.Abs() <= maxSkew {
		return nil
	}
	return s3error.Forbidden("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.").
		With("RequestTime", sig.date.Format(amzDateFormat)).
		With("ServerTime", now.UTC().Format("2006-01-02T15:04:05.000Z")).
		With("MaxAllowedSkewMilliseconds", strconv.FormatInt(maxSkew.Milliseconds(), 10))
}

func (sig *Signature) checkScope(c Check) error {
	if sig.day != sig.date.Format("20060102") {
		return malformedHeader("invalid credential date %q. This date is not the same as X-Amz-Date: %q.", sig.day, sig.date.Format("20060102"))
	}
	if sig.Region == c.Region || c.AnyFirstRegion && sig.Region == FirstRegion {
		return nil
	}
	return malformedHeader("the region %q is wrong; expecting %q", sig.Region, c.Region).With("Region", c.Region)
}

// checkSignedHeaders wants host and every x-amz-* header signed: one that is
// not could have been added by anybody.
func (sig *Signature) checkSignedHeaders(r *http.Request) error {
	missing := func(name string) bool { return !slices.Contains(sig.headers, name) }
	unsigned := []string{}
	if missing("host") {
		unsigned = append(unsigned, "host")
	}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && missing(name) {
			unsigned = append(unsigned, name)
		}
	}
	if len(unsigned) == 0 {
		return nil
	}
	slices.Sort(unsigned)
	return s3error.Forbidden("AccessDenied", "There were headers present in the request which were not signed").
		With("HeadersNotSigned", strings.Join(unsigned, ", "))
}

func signingKey(secret string, sig *Signature) []byte {
	key := mac([]byte("AWS4"+secret), sig.day)
	key = mac(key, sig.Region)
	key = mac(key, "s3")
	return mac(key, "aws4_request")
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

func hexMAC(key []byte, data string) string { return hex.EncodeToString(mac(key, data)) }

// SHA256 is the digest in hexadecimal digits, as S3 writes it.
func SHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
