package ovh

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	goovh "github.com/ovh/go-ovh/ovh"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

const (
	// answerTime is how long an answer may take. The vendor's client allows three
	// minutes, in which a reconcile would be stuck.
	answerTime = time.Minute
	// answerLimit bounds the body of an answer: a thousand users with their roles
	// are below 4 MiB.
	answerLimit = 16 << 20
	// longestTurn is how long a question waits for its turn. Who would wait longer
	// is sent away until then, and does not hold up others meanwhile.
	longestTurn = 10 * time.Second
)

// api asks the control plane as one login. It is safe for concurrent use.
type api struct {
	login login
	wire  http.RoundTripper
	clock clock.PassiveClock
	pace  *rate.Limiter

	// turn is held by who makes a request out of a question: the vendor's client
	// may ask for the time meanwhile, and is not made for two at once.
	turn   chan struct{}
	client *goovh.Client
	token  *oauth2.Token
}

// question is one request to the API.
type question struct {
	operation operation
	// subject says in messages what it is about: bucket "actes".
	subject string
	method  string
	path    string
	// send is encoded as JSON; nil sends nothing.
	send any
}

// ask sends a question and reads the answer, or leaves it with nil. It is one
// request, and one more when the clock of the API, or a token, is not known yet.
func (a *api) ask(ctx context.Context, q question, answer any) (*exchange, error) {
	x := &exchange{api: a, operation: q.operation, subject: q.subject}
	if err := a.await(ctx); err != nil {
		return x, fmt.Errorf("%s: wait for the turn of a request: %w", x.what(), err)
	}
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	client, request, err := a.request(limited, x, q)
	if err != nil {
		return x, x.fault(ctx, err)
	}
	response, err := x.send(request)
	if err != nil {
		return x, x.fault(ctx, err)
	}
	defer response.Body.Close() // in memory, see send
	if answer != nil && x.isEmpty || x.IsPage() {
		return x, x.fault(ctx, errNoAnswer)
	}
	if err := client.UnmarshalResponse(response, answer); err != nil {
		return x, x.fault(ctx, err)
	}
	return x, nil
}

// await waits for the turn of a request.
func (a *api) await(ctx context.Context) error {
	turn := a.pace.Reserve()
	delay := turn.Delay()
	if delay > longestTurn {
		turn.Cancel()
		return &fault.Error{
			Class: fault.Throttled, Reason: fault.Throttling, After: delay,
			Err: fmt.Errorf("%.4g a second go to OVHcloud's API, and many were asked for: there is one again in %s",
				float64(a.pace.Limit()), delay.Round(time.Second)),
		}
	}
	select {
	case <-time.After(delay):
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return ctx.Err()
	}
}

// request signs a question. It goes through the vendor's client, which is given
// its settings here instead of looking for them in files and the environment, and
// which never sends it: it would follow redirects.
func (a *api) request(ctx context.Context, x *exchange, q question) (*goovh.Client, *http.Request, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if a.client == nil {
		if err := a.connect(); err != nil {
			return nil, nil, err
		}
	}
	// What it sends by itself, to learn the time, is this question's too.
	a.client.Client.Transport = roundTripper(func(request *http.Request) (*http.Response, error) {
		return x.send(request.WithContext(ctx))
	})
	if a.login.kind == serviceAccount {
		isFresh, err := a.renewToken(ctx)
		if err != nil {
			return nil, nil, err
		}
		x.isFresh = isFresh
	}
	request, err := a.client.NewRequest(q.method, q.path, q.send, true)
	if err != nil {
		return nil, nil, err
	}
	return a.client, request.WithContext(ctx), nil
}

// connect makes the vendor's client. Its clock is read with the first question,
// and kept.
func (a *api) connect() error {
	client := &goovh.Client{
		AppKey: a.login.reveal(provider.ApplicationKey), AppSecret: a.login.reveal(provider.ApplicationSecret),
		ConsumerKey: a.login.reveal(provider.ConsumerKey),
		Client:      &http.Client{}, Timeout: answerTime, UserAgent: "rempart",
	}
	if err := client.SetEndpoint(a.login.base); err != nil {
		return err
	}
	a.client = client
	return nil
}

// renewToken gets a token for a service account when there is none that is good,
// and tells whether it did. The vendor's client would get it without a context, and
// through connections of its own.
func (a *api) renewToken(ctx context.Context) (bool, error) {
	if a.token.Valid() {
		return false, nil
	}
	config := clientcredentials.Config{
		ClientID: a.login.reveal(provider.ClientID), ClientSecret: a.login.reveal(provider.ClientSecret),
		TokenURL: tokenURLs[a.login.base], Scopes: []string{"all"},
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, a.client.Client))
	if err != nil {
		return false, &tokenError{err}
	}
	a.token, a.client.AccessToken = token, token.AccessToken
	return true, nil
}

// tokenError is for a token that was not had.
type tokenError struct{ error }

// Unwrap implements the interface of package errors.
func (e *tokenError) Unwrap() error { return e.error }

// forget drops the clock and the token, which the API no longer believes.
func (a *api) forget(ctx context.Context) {
	select {
	case a.turn <- struct{}{}:
		a.client, a.token = nil, nil
		<-a.turn
	case <-ctx.Done():
	}
}

// roundTripper is a function that carries a request.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

// send carries one request and notes in the exchange what came of it.
func (x *exchange) send(request *http.Request) (*http.Response, error) {
	*x = exchange{api: x.api, operation: x.operation, subject: x.subject, isFresh: x.isFresh}
	x.Asked = x.api.clock.Now()
	response, err := x.api.wire.RoundTrip(request)
	x.Answered = x.api.clock.Now()
	if err != nil {
		x.Cause = err
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		x.Cause = err // as good as no answer
		return nil, err
	}
	x.record(response, body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
