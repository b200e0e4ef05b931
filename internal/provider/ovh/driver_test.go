package ovh_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/secret"
)

func keysOf(names ...string) provider.Credentials {
	keys := provider.Credentials{}
	for _, name := range names {
		keys[name] = secret.New("v4lue-of-" + name)
	}
	return keys
}

var (
	applicationKeys = []string{"applicationKey", "applicationSecret", "consumerKey"}
	serviceAccount  = []string{"clientID", "clientSecret"}
	userKey         = []string{"accessKey", "secretKey"}
)

func TestOpenRefusesWhatCanNeverWork(t *testing.T) {
	good := provider.Place{
		Provider: "ovh", Location: "GRA", Endpoint: "https://s3.gra.io.cloud.ovh.net", Region: "gra", API: "ovh-eu", Project: projectID, Installation: installation,
	}
	but := func(change func(*provider.Place)) provider.Place {
		place := good
		change(&place)
		return place
	}
	tests := map[string]struct {
		place provider.Place
		keys  provider.Credentials
		// says are parts of the message; none is no refusal.
		says []string
	}{
		"an application key":             {good, keysOf(applicationKeys...), nil},
		"a service account":              {good, keysOf(serviceAccount...), nil},
		"the key of a user":              {good, keysOf(userKey...), nil},
		"a Secret with something else":   {good, keysOf("applicationKey", "applicationSecret", "consumerKey", "note"), nil},
		"an account":                     {but(func(p *provider.Place) { p.Location, p.Endpoint, p.Region = "", "", "" }), keysOf(serviceAccount...), nil},
		"an account without an operator": {but(func(p *provider.Place) { p.Location, p.Endpoint, p.Region, p.Installation = "", "", "", "" }), keysOf(serviceAccount...), nil},
		"an API by its URL":              {but(func(p *provider.Place) { p.API = "https://api.example.fr/1.0" }), keysOf(applicationKeys...), nil},
		"the usual API":                  {but(func(p *provider.Place) { p.API = "" }), keysOf(serviceAccount...), nil},
		"a named API by its URL":         {but(func(p *provider.Place) { p.API = "https://eu.api.ovh.com/1.0" }), keysOf(serviceAccount...), nil},
		"an endpoint with a slash":       {but(func(p *provider.Place) { p.Endpoint += "/" }), keysOf(applicationKeys...), nil},

		"no credentials":                     {good, nil, []string{"applicationKey", "applicationSecret", "consumerKey", "clientID", "clientSecret"}},
		"half of an application key":         {good, keysOf("applicationKey", "consumerKey"), []string{"lack applicationSecret"}},
		"half of a service account":          {good, keysOf("clientID"), []string{"have clientID", "lack clientSecret"}},
		"half of a user's key":               {good, keysOf("accessKey"), []string{"lack secretKey"}},
		"both":                               {good, keysOf(append(applicationKeys, serviceAccount...)...), append(applicationKeys, serviceAccount...)},
		"one and part of the other":          {good, keysOf(append(applicationKeys, "clientID")...), []string{"clientID", "consumerKey"}},
		"one and an S3 key":                  {good, keysOf(append(serviceAccount, userKey...)...), append(serviceAccount, userKey...)},
		"a service account at another API":   {but(func(p *provider.Place) { p.API = "https://api.example.fr/1.0" }), keysOf(serviceAccount...), []string{"clientID", "clientSecret", "client refuses", "applicationKey"}},
		"an API that nobody knows":           {but(func(p *provider.Place) { p.API = "ovh-fr" }), keysOf(applicationKeys...), []string{"ovh-eu"}},
		"an API for shops":                   {but(func(p *provider.Place) { p.API = "kimsufi-eu" }), keysOf(applicationKeys...), []string{"ovh-eu"}},
		"an API with a slash at its end":     {but(func(p *provider.Place) { p.API = "https://api.example.fr/1.0/" }), keysOf(applicationKeys...), []string{"API"}},
		"an API with a password":             {but(func(p *provider.Place) { p.API = "https://me:v4lue-of-x@api.example.fr/1.0" }), keysOf(applicationKeys...), []string{"password"}},
		"an API where clouds keep secrets":   {but(func(p *provider.Place) { p.API = "http://169.254.169.254/1.0" }), keysOf(applicationKeys...), []string{"link-local"}},
		"no project":                         {but(func(p *provider.Place) { p.Project = "" }), keysOf(applicationKeys...), []string{"project"}},
		"no installation":                    {but(func(p *provider.Place) { p.Installation = "" }), keysOf(applicationKeys...), []string{"installation"}},
		"a location without an endpoint":     {but(func(p *provider.Place) { p.Endpoint = "" }), keysOf(applicationKeys...), []string{"endpoint"}},
		"a user's key without an endpoint":   {but(func(p *provider.Place) { p.Endpoint = "" }), keysOf(userKey...), []string{"endpoint"}},
		"an account, with the key of a user": {but(func(p *provider.Place) { p.Location = "" }), keysOf(userKey...), []string{"accessKey"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var driver ovh.Driver
			session, err := driver.Open(test.place, test.keys)
			if len(test.says) == 0 {
				if err != nil || session.Place().Provider != "ovh" {
					t.Errorf("got %v", err)
				}
				return
			}
			if !errors.Is(err, provider.ErrInvalidConfiguration) || fault.Of(err).Class != fault.Terminal || fault.Of(err).Reason != fault.InvalidConfiguration {
				t.Fatalf("got %v", err)
			}
			for _, part := range test.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "v4lue") {
				t.Errorf("%q has a secret", err)
			}
		})
	}
}

func TestSessionsSaySo(t *testing.T) {
	driver := ovh.New(ovh.Options{})
	if driver.Type() != "OVHcloud" {
		t.Errorf("the type is %s", driver.Type())
	}
	place := placeAt("ovh-eu", "https://s3.gra.io.cloud.ovh.net")
	place.Region = ""
	full := open(t, driver, place, keysOf(applicationKeys...))
	if full.Place().Region != "gra" {
		t.Errorf("the region in signatures is %q", full.Place().Region)
	}
	for _, printed := range []string{fmt.Sprintf("%+v", full), fmt.Sprintf("%#v", full)} {
		if strings.Contains(printed, "v4lue") {
			t.Error("printing a session shows a credential")
		}
	}
	user := open(t, driver, place, keysOf(userKey...))
	_, issues := user.Keys()
	_, tells := user.Account()
	if issues || tells {
		t.Errorf("a user's session issues keys (%t) or tells of an account (%t)", issues, tells)
	}
	if diff := cmp.Diff(full.Limits(), user.Limits()); diff != "" {
		t.Errorf("limits (-account +user):\n%s", diff)
	}
}

// A session with a user's key sends nothing to the control plane.
func TestUserSessionSpeaksS3Alone(t *testing.T) {
	s, store, _ := scripted(t, nil)
	store.CreateBucket("actes")
	session := open(t, ovh.New(quick()), placeAt(s.server.URL+"/1.0", store.URL), provider.Credentials{
		provider.AccessKey: secret.New(store.AccessKey), provider.SecretKey: secret.New(store.SecretKey),
	})
	for name, do := range map[string]func() error{
		"ping": func() error { return ping(t.Context(), session) }, "list": func() error { return list(t.Context(), session) },
		"observe": func() error { return observe(t.Context(), session) }, "update": func() error { return update(t.Context(), session) },
		"create": func() error { return create(t.Context(), session) }, "delete": func() error { return remove(t.Context(), session) },
	} {
		if err := do(); err != nil && !errors.Is(err, provider.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
}

// The clock of the API and the operator's user are learned once for all sessions on
// a project; other credentials begin anew.
func TestSessionsOnAProjectShareWhatTheyLearn(t *testing.T) {
	s, store, _ := scripted(t, nil)
	driver := ovh.New(quick())
	place := placeAt(s.server.URL+"/1.0", store.URL)
	elsewhere := place
	elsewhere.Location = "SBG"
	for _, at := range []provider.Place{place, elsewhere, place} {
		if err := ping(t.Context(), open(t, driver, at, credentials())); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{askTime, askUsers, setPolicy, askKeys, "POST " + ofUser + "/s3Credentials/" + store.AccessKey + "/secret"}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	changed := maps.Clone(credentials())
	changed[provider.ConsumerKey] = secret.New("another")
	if err := ping(t.Context(), open(t, driver, place, changed)); err != nil || len(s.asked) != 2*len(want) {
		t.Errorf("with other credentials: %v, asked %q", err, s.asked)
	}
}
