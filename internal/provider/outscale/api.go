package outscale

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
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
	config, err := provider.Trust(caBundle)
	if err != nil {
		return nil, err
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

// clean makes foreign text fit for a message, without the account's credentials.
func (a *api) clean(text string) string {
	return outcome.Secrets{"secret key": a.secretKey, "access key": a.accessKey}.Clean(text)
}

// what says in messages what was being done, and where.
func (a *api) what(operation operation) string {
	return fmt.Sprintf("%s at the API of %s (%s)", operation, a.place.Provider, a.place.Region)
}
