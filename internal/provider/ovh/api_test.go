package ovh_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/ovh"
)

func TestRequestsWaitForTheirTurn(t *testing.T) {
	s, store, _ := scripted(t, nil)
	driver := ovh.New(ovh.Options{Requests: ovh.Pace{PerSecond: 0.2, Burst: 2}})
	session := open(t, driver, placeAt(s.server.URL+"/1.0", store.URL), credentials())
	for range 2 {
		if err := list(t.Context(), session); err != nil {
			t.Fatal(err)
		}
	}
	sent := len(s.asked)
	limited, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := list(limited, session)
	if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, context.DeadlineExceeded) || classified {
		t.Errorf("got %v", err)
	}
	// Another session on the project has no turns of its own.
	if err := list(limited, open(t, driver, placeAt(s.server.URL+"/1.0", store.URL), credentials())); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another session: got %v", err)
	}
	if len(s.asked) != sent {
		t.Errorf("asked %q", s.asked[sent:])
	}
}

func TestWhoWouldWaitLongForATurnIsSentAway(t *testing.T) {
	s, store, _ := scripted(t, nil)
	driver := ovh.New(ovh.Options{Requests: ovh.Pace{PerSecond: 0.01, Burst: 1}})
	session := open(t, driver, placeAt(s.server.URL+"/1.0", store.URL), credentials())
	if err := list(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	sent := len(s.asked)
	for range 2 { // nobody's turn is used up by being sent away
		got, _ := errors.AsType[*fault.Error](list(t.Context(), session))
		if got == nil || got.Class != fault.Throttled || got.After <= time.Minute || got.After > 100*time.Second {
			t.Fatalf("got %+v", got)
		}
	}
	if len(s.asked) != sent {
		t.Errorf("asked %q", s.asked[sent:])
	}
}

// A service account works at the vendor's own hosts only, which the transport
// leads to the emulator.
func TestServiceAccount(t *testing.T) {
	server := emulator.Start(t, emulator.Options{Actions: leastActions})
	options := quick()
	options.Transport = server.Transport()
	driver := ovh.New(options)
	place := provider.Place{Provider: "ovh", API: "ovh-eu", Project: server.Project, Installation: installation}
	keys := provider.Credentials{provider.ClientID: secret.New(server.ClientID), provider.ClientSecret: secret.New(server.ClientSecret)}
	found, err := discovered(t, open(t, driver, place, keys))
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range found {
		if region.Name == "GRA" {
			place.Location, place.Endpoint, place.Region = region.Name, region.Endpoint, region.SigningRegion
		}
	}
	session := patient(open(t, driver, place, keys))
	steps := map[string]func(context.Context, provider.Session) error{"create": create, "update": update, "issue": issue, "delete": remove}
	for _, name := range []string{"create", "update", "issue", "delete"} {
		if err := steps[name](t.Context(), session); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	tokens := 0
	for _, request := range server.Requests() {
		switch {
		case strings.HasSuffix(request.Path, "/oauth2/token"):
			tokens++
		case request.Auth != "token":
			t.Errorf("asked %s %s without a token", request.Method, request.Path)
		}
	}
	if tokens != 1 {
		t.Errorf("got %d tokens", tokens)
	}

	t.Run("gets another token when one ends early", func(t *testing.T) {
		server.ExpireTokens()
		bare := open(t, driver, place, keys)
		wantFailure(t, list(t.Context(), bare), failure{provider.ErrNotReady, fault.Transient, fault.TokenExpired, 0})
		wantFailure(t, list(t.Context(), bare), none)
	})
	t.Run("is refused when its secret is wrong", func(t *testing.T) {
		wrong := provider.Credentials{provider.ClientID: keys[provider.ClientID], provider.ClientSecret: secret.New("wr0ng-value")}
		err := list(t.Context(), open(t, driver, place, wrong))
		wantFailure(t, err, authentication)
		if strings.Contains(err.Error(), "wr0ng") || !strings.Contains(err.Error(), "invalid_client") {
			t.Errorf("the message is %q", err)
		}
	})
	t.Run("is refused when a new token is refused", func(t *testing.T) {
		refusing := quick()
		refusing.Transport = transport(func(request *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(request.URL.Path, "/oauth2/token") {
				server.ExpireTokens()
			}
			return server.Transport().RoundTrip(request)
		})
		err := list(t.Context(), open(t, ovh.New(refusing), place, keys))
		wantFailure(t, err, failure{provider.ErrAuthentication, fault.Terminal, fault.TokenExpired, 0})
	})
	t.Run("is told which right it lacks", func(t *testing.T) {
		account, _ := session.Account()
		if _, err := account.Discover(t.Context()); err != nil {
			t.Errorf("discover: %v", err)
		}
		poor := emulator.Start(t, emulator.Options{Actions: []string{"publicCloudProject:apiovh:region/get"}})
		options := quick()
		options.Transport = poor.Transport()
		at := place
		at.Project = poor.Project
		err := list(t.Context(), open(t, ovh.New(options), at, provider.Credentials{
			provider.ClientID: secret.New(poor.ClientID), provider.ClientSecret: secret.New(poor.ClientSecret),
		}))
		wantFailure(t, err, denied)
		if !strings.Contains(err.Error(), "publicCloudProject:apiovh:region/storage/get") {
			t.Errorf("the message is %q", err)
		}
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// leastActions are those that docs/ovhcloud.md asks for.
var leastActions = []string{
	"publicCloudProject:apiovh:get",
	"publicCloudProject:apiovh:region/get",
	"publicCloudProject:apiovh:region/storage/get", "publicCloudProject:apiovh:region/storage/create",
	"publicCloudProject:apiovh:region/storage/edit", "publicCloudProject:apiovh:region/storage/delete",
	"publicCloudProject:apiovh:user/get", "publicCloudProject:apiovh:user/create", "publicCloudProject:apiovh:user/delete",
	"publicCloudProject:apiovh:user/policy/create",
	"publicCloudProject:apiovh:user/s3Credentials/get", "publicCloudProject:apiovh:user/s3Credentials/create",
	"publicCloudProject:apiovh:user/s3Credentials/delete", "publicCloudProject:apiovh:user/s3Credentials/secret/display",
}

// Sessions may be used by many at once, also while nothing is known yet.
func TestManyAskAtOnce(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	session := a.open(t)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for _, do := range []func(context.Context, provider.Session) error{ping, list, observe} {
				if err := do(t.Context(), session); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if users := a.server.Users(); len(users) != 1 || len(users[0].Keys) != 1 {
		t.Errorf("there are the users %+v", users)
	}
}

// A clock that was set in between is not ours for good: the time is asked for anew.
func TestClockOfTheAPIIsLearnedAgain(t *testing.T) {
	s, _, session := scripted(t, map[string][]answer{askBuckets: {refusal(400, "Client::BadRequest", "Query out of time"), good([]any{})}})
	wantFailure(t, list(t.Context(), session), failure{provider.ErrClockSkew, fault.Transient, fault.ClockSkew, 0})
	wantFailure(t, list(t.Context(), session), none)
	times := 0
	for _, asked := range s.asked {
		if asked == askTime {
			times++
		}
	}
	if times != 2 {
		t.Errorf("asked %q", s.asked)
	}
}

// The vendor's client would take what it lacks from the environment, and refuse
// what it finds there beside it.
func TestEnvironmentDoesNotMatter(t *testing.T) {
	for _, name := range []string{"OVH_ENDPOINT", "OVH_APPLICATION_KEY", "OVH_CONSUMER_KEY", "OVH_CLIENT_ID", "OVH_CLIENT_SECRET", "OVH_ACCESS_TOKEN"} {
		t.Setenv(name, "of-somebody-else")
	}
	a := startAccount(t, emulator.Options{})
	if err := list(t.Context(), a.open(t)); err != nil {
		t.Error(err)
	}
}

func TestCertificatesThatNobodyKnowsAreRefused(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	session := open(t, ovh.New(quick()), placeAt(server.URL+"/1.0", "https://s3.gra.io.cloud.ovh.net"), credentials())
	wantFailure(t, list(t.Context(), session), failure{provider.ErrCertificate, fault.Terminal, fault.CertificateInvalid, 0})
}
