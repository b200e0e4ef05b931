package outscale

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scheme is a way to sign requests with an access key.
type scheme struct {
	algorithm, prefix, terminal string
	// date is the name of the header that says when a request was signed.
	date string
	// services that may be named in the scope.
	services []string
}

// schemes are the two that the vendor's clients use: that of AWS, and the same
// under names of the vendor's own.
var schemes = []scheme{
	{"AWS4-HMAC-SHA256", "AWS4", "aws4_request", "X-Amz-Date", []string{"oapi", "osc", "api"}},
	{"OSC4-HMAC-SHA256", "OSC4", "osc4_request", "X-Osc-Date", []string{"oapi", "osc", "api"}},
}

const (
	signTime = "20060102T150405Z"
	maxSkew  = 15 * time.Minute
)

// signature is what a request says about its own signing.
type signature struct {
	scheme          scheme
	accessKey       string
	scope           []string // day, region, service, terminal
	headers         string   // in the order in which they were signed
	value, dateText string
	date            time.Time
}

// parseSignature reads an Authorization header; false means that it is not one
// of a signature, or one that cannot be read.
func parseSignature(r *http.Request) (signature, bool) {
	algorithm, fields, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	i := slices.IndexFunc(schemes, func(s scheme) bool { return s.algorithm == algorithm })
	if i < 0 {
		return signature{}, false
	}
	sig := signature{scheme: schemes[i]}
	var credential string
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			sig.headers = value
		case "Signature":
			sig.value = value
		}
	}
	parts := strings.Split(credential, "/")
	sig.dateText = r.Header.Get(sig.scheme.date)
	date, err := time.Parse(signTime, sig.dateText)
	if len(parts) != 5 || sig.headers == "" || err != nil {
		return signature{}, false
	}
	sig.accessKey, sig.scope, sig.date = parts[0], parts[1:], date
	return sig, true
}

// isPlausible tells whether a signature says that it was made now, for this
// service. The region may be any: the vendor's own client in Go names eu-west-2
// wherever it goes.
func (s signature) isPlausible(now time.Time) bool {
	names := strings.Split(s.headers, ";")
	return s.date.Sub(now).Abs() <= maxSkew &&
		s.scope[0] == s.date.Format("20060102") && s.scope[1] != "" &&
		slices.Contains(s.scheme.services, s.scope[2]) && s.scope[3] == s.scheme.terminal &&
		slices.Contains(names, "host") && slices.Contains(names, strings.ToLower(s.scheme.date))
}

// matches tells whether the signature is the one that the secret makes of a
// request. A path that begins with two slashes may be signed with one: the
// vendor's client in Python sends the former and signs the latter.
func (s signature) matches(r *http.Request, body []byte, secret string) bool {
	path := r.URL.EscapedPath()
	return s.isOf(r, path, body, secret) ||
		strings.HasPrefix(path, "//") && s.isOf(r, path[1:], body, secret)
}

func (s signature) isOf(r *http.Request, path string, body []byte, secret string) bool {
	canonical := strings.Join([]string{
		r.Method, path, r.URL.RawQuery, canonicalHeaders(r, s.headers), s.headers, sum(body),
	}, "\n")
	text := strings.Join([]string{s.scheme.algorithm, s.dateText, strings.Join(s.scope, "/"), sum([]byte(canonical))}, "\n")
	key := []byte(s.scheme.prefix + secret)
	for _, part := range s.scope {
		key = mac(key, part)
	}
	return hmac.Equal([]byte(hex.EncodeToString(mac(key, text))), []byte(s.value))
}

func canonicalHeaders(r *http.Request, names string) string {
	var b strings.Builder
	for name := range strings.SplitSeq(names, ";") {
		b.WriteString(name + ":" + canonicalValue(r, name) + "\n")
	}
	return b.String()
}

func canonicalValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, value := range values {
		values[i] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(values, ",")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
