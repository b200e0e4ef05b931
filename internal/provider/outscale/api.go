package outscale

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

const (
	dialTimeout = 10 * time.Second
	// callTimeout ends a call to the API. The largest answer is what an account
	// used since the beginning of a month.
	callTimeout = time.Minute
	// answerLimit bounds an answer.
	answerLimit = 16 << 20
)

// api is the vendor's client with the account's key.
type api struct {
	place                provider.Place
	client               *osc.APIClient
	accessKey, secretKey secret.Text
}

func newAPI(place provider.Place, keys provider.Credentials) (*api, error) {
	pool, err := newPool(place.CABundle)
	if err != nil {
		return nil, err
	}
	configuration := osc.NewConfiguration()
	configuration.Servers = osc.ServerConfigurations{{URL: place.API}}
	configuration.UserAgent = "rempart"
	configuration.HTTPClient = &http.Client{
		Transport: bounded{pool},
		Timeout:   callTimeout,
		// A signed request goes where it was signed for, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &api{
		place: place, client: osc.NewAPIClient(configuration),
		accessKey: keys[provider.AccessKey], secretKey: keys[provider.SecretKey],
	}, nil
}

// newPool makes connections that trust what the place trusts.
func newPool(caBundle []byte) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(caBundle) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(caBundle) {
			return nil, errors.New("CA bundle holds no PEM certificate")
		}
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: dialTimeout,
		IdleConnTimeout:     dialTimeout,
		MaxIdleConns:        2,
	}, nil
}

// bounded keeps an answer from filling the memory: the vendor's client reads it
// whole.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, answerLimit), response.Body}
	}
	return response, err
}

// signed gives a context with which the client signs.
func (a *api) signed(ctx context.Context) context.Context {
	return context.WithValue(ctx, osc.ContextAWSv4, osc.AWSv4{AccessKey: a.accessKey.Reveal(), SecretKey: a.secretKey.Reveal()})
}

// ask carries out a call of the vendor's client, and judges what it ended with.
func ask[T any](ctx context.Context, a *api, asked operation, execute func() (T, *http.Response, error)) (T, error) {
	read, answer, err := execute()
	if answer != nil {
		defer answer.Body.Close()
	}
	return read, a.fault(ctx, asked, answer, err)
}

// clean makes foreign text fit for a message: one bounded line without the
// account's credentials.
func (a *api) clean(text string) string {
	text = strings.ReplaceAll(text, a.secretKey.Reveal(), "[secret key]")
	text = strings.ReplaceAll(text, a.accessKey.Reveal(), "[access key]")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > messageLimit {
		text = strings.ToValidUTF8(text[:messageLimit], "") + "…"
	}
	return text
}

// messageLimit bounds in bytes what of the vendor's words a message repeats.
const messageLimit = 300

// what says in messages what was being done, and where.
func (a *api) what(operation operation) string {
	return fmt.Sprintf("%s at the API of %s (%s)", operation, a.place.Provider, a.place.Region)
}
