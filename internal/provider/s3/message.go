package s3

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// messageLimit bounds in bytes what of a store's own words a message repeats.
const messageLimit = 300

// what names the action and its objects, for messages.
func (x *exchange) what() string {
	var b strings.Builder
	b.WriteString(x.action)
	if x.key != "" {
		fmt.Fprintf(&b, " %q", x.key)
	}
	switch {
	case x.bucket == "":
	case strings.HasSuffix(x.action, "bucket"):
		fmt.Fprintf(&b, " %q", x.bucket)
	default:
		fmt.Fprintf(&b, " in bucket %q", x.bucket)
	}
	fmt.Fprintf(&b, " at %s", x.session.place)
	return b.String()
}

// detail is the store's own word.
func (x *exchange) detail() string {
	switch {
	case x.problem != nil:
		return fmt.Sprintf("HTTP %d %s: %s%s", x.status, x.problem.Code, x.problem.Message, x.whereTo())
	case x.isHTML() && x.whereTo() == "":
		return fmt.Sprintf("HTTP %d with a web page, not from an object store", x.status)
	default:
		return fmt.Sprintf("HTTP %d%s", x.status, x.whereTo())
	}
}

// whereTo tells where a redirect leads: scheme and host, and not what a portal
// puts behind them.
func (x *exchange) whereTo() string {
	if x.status < 300 || x.status >= 400 {
		return ""
	}
	target, err := url.Parse(x.header.Get("Location"))
	if err != nil || target.Host == "" {
		return ""
	}
	return fmt.Sprintf(", redirected to %s://%s", target.Scheme, target.Host)
}

// clean makes foreign text fit for a message: one bounded line, without the
// credentials, which stores repeat in errors about signatures.
func (s *session) clean(text string) string {
	text = strings.ReplaceAll(text, s.secretKey.Reveal(), "[secret key]")
	text = strings.ReplaceAll(text, s.accessKey.Reveal(), "[access key]")
	if !s.adminToken.IsEmpty() {
		text = strings.ReplaceAll(text, s.adminToken.Reveal(), "[admin token]")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > messageLimit {
		text = strings.ToValidUTF8(text[:messageLimit], "") + "…"
	}
	return text
}

// causeText tells why no answer came, without the port of our own end and the
// time of day, which would make a new message of every try.
func causeText(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return fmt.Sprintf("the certificate has expired or is not yet valid: it is valid from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsTimeout {
			return fmt.Sprintf("lookup %s: timeout", lookup.Name)
		}
		return fmt.Sprintf("lookup %s: %s", lookup.Name, lookup.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s %s: %v", op.Op, op.Addr, op.Err)
	}
	return err.Error()
}

// retryAfter reads the Retry-After header of an answer that came at a time; 0 when
// there is none to read.
func retryAfter(header http.Header, came time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(came))
	}
	return 0
}
