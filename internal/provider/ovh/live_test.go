package ovh_test

import (
	"os"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/provider/probe"
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/secret"
)

// Variables that name a live project.
const (
	liveAPI     = "REMPART_LIVE_OVH_API"
	liveProject = "REMPART_LIVE_OVH_PROJECT"
	liveRegion  = "REMPART_LIVE_OVH_REGION"
)

var liveKeys = map[string]string{
	provider.ApplicationKey:    "REMPART_LIVE_OVH_APPLICATION_KEY",
	provider.ApplicationSecret: "REMPART_LIVE_OVH_APPLICATION_SECRET",
	provider.ConsumerKey:       "REMPART_LIVE_OVH_CONSUMER_KEY",
	provider.ClientID:          "REMPART_LIVE_OVH_CLIENT_ID",
	provider.ClientSecret:      "REMPART_LIVE_OVH_CLIENT_SECRET",
}

// A live project is held against what a first probe finds, at the pace that is
// fair there. Nothing is put under lock.
func TestConformanceOfALiveAccount(t *testing.T) {
	place := provider.Place{Provider: "live", API: os.Getenv(liveAPI), Project: os.Getenv(liveProject), Installation: "live-test"}
	if place.Project == "" || os.Getenv(liveRegion) == "" {
		t.Skipf("no live project: set %s and %s, see docs/ovhcloud.md", liveProject, liveRegion)
	}
	keys := provider.Credentials{}
	for key, variable := range liveKeys {
		keys[key] = secret.New(os.Getenv(variable))
	}
	var driver ovh.Driver
	found, err := discovered(t, open(t, &driver, place, keys))
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range found {
		t.Logf("%+v", region)
		if region.Name == os.Getenv(liveRegion) {
			place.Location, place.Endpoint, place.Region = region.Name, region.Endpoint, region.SigningRegion
		}
	}
	if place.Location == "" {
		t.Fatalf("the project has no object storage in region %s", os.Getenv(liveRegion))
	}
	again := retry.New(retry.Options{Attempts: 30, Base: time.Second, Max: time.Minute})
	session := provider.Intercept(open(t, &driver, place, keys), again)
	able, err := probe.Capabilities(t.Context(), session, "rempart-live-probe")
	if err != nil {
		t.Fatalf("try what the store can do: %v", err)
	}
	for _, capability := range provider.EveryCapability() {
		t.Logf("%-20s %s", capability, able[capability])
	}
	providertest.Run(t, providertest.Suite{
		Open: func(testing.TB) provider.Session { return session },
		OpenAs: func(t testing.TB, key provider.Key) provider.Session {
			t.Helper()
			return open(t, &driver, place, provider.Credentials{provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey})
		},
		Traits: providertest.Traits{Capabilities: able, IssuesKeys: true, TellsSettings: told},
	})
}
