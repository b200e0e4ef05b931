package s3

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rempart/rempart/internal/provider/outcome"
)

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
		return fmt.Sprintf("HTTP %d %s: %s%s", x.Status, x.problem.Code, x.problem.Message, x.whereTo())
	case x.IsPage() && x.whereTo() == "":
		return fmt.Sprintf("HTTP %d with a web page, not from an object store", x.Status)
	default:
		return fmt.Sprintf("HTTP %d%s", x.Status, x.whereTo())
	}
}

// whereTo tells where a redirect leads: scheme and host, and not what a portal
// puts behind them.
func (x *exchange) whereTo() string {
	if x.Status < 300 || x.Status >= 400 {
		return ""
	}
	target, err := url.Parse(x.Header.Get("Location"))
	if err != nil || target.Host == "" {
		return ""
	}
	return fmt.Sprintf(", redirected to %s://%s", target.Scheme, target.Host)
}

// clean makes foreign text fit for a message, without the credentials, which stores
// repeat in errors about signatures.
func (s *session) clean(text string) string {
	return outcome.Secrets{"secret key": s.secretKey, "access key": s.accessKey, "admin token": s.adminToken}.Clean(text)
}
