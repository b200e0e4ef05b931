package outscale_test

import (
	"os"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/provider/probe"
	"github.com/rempart/rempart/internal/provider/providertest"
)

// Variables that name a live account.
const (
	liveRegion    = "REMPART_LIVE_OUTSCALE_REGION"
	liveAccessKey = "REMPART_LIVE_OUTSCALE_ACCESS_KEY"
	liveSecretKey = "REMPART_LIVE_OUTSCALE_SECRET_KEY"
	liveAPI       = "REMPART_LIVE_OUTSCALE_API"
	liveOOS       = "REMPART_LIVE_OUTSCALE_OOS"
)

// A live account is held against what a first probe finds of its store, and its API
// is asked what it tells. Nothing is put under lock there.
func TestConformanceOfALiveAccount(t *testing.T) {
	place := provider.Place{
		Provider: "live", Location: os.Getenv(liveRegion), Region: os.Getenv(liveRegion),
		API: os.Getenv(liveAPI), Endpoint: os.Getenv(liveOOS),
	}
	accessKey, secretKey := os.Getenv(liveAccessKey), os.Getenv(liveSecretKey)
	if place.Region == "" || accessKey == "" || secretKey == "" {
		t.Skipf("no live account: set %s, %s and %s, see docs/outscale.md", liveRegion, liveAccessKey, liveSecretKey)
	}
	openAs := func(t testing.TB, accessKey, secretKey string) provider.Session {
		t.Helper()
		session, err := outscale.Driver{}.Open(place, credentials(accessKey, secretKey))
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	session := openAs(t, accessKey, secretKey)
	regions, err := account(t, session).Discover(t.Context())
	if err != nil || len(regions) != 1 {
		t.Fatalf("the API tells of the regions %+v, %v", regions, err)
	}
	t.Logf("region: %+v", regions[0])
	footprint, err := account(t, session).Footprint(t.Context(), time.Now().AddDate(0, -1, 0))
	t.Logf("footprint: %+v, %v", footprint, err)
	found, err := probe.Capabilities(t.Context(), session, "rempart-live-probe")
	if err != nil {
		t.Fatalf("try what the account can do: %v", err)
	}
	for _, capability := range provider.EveryCapability() {
		t.Logf("%-20s %s", capability, found[capability])
	}
	providertest.Run(t, providertest.Suite{
		Open: func(t testing.TB) provider.Session { t.Helper(); return openAs(t, accessKey, secretKey) },
		OpenAs: func(t testing.TB, key provider.Key) provider.Session {
			t.Helper()
			return openAs(t, key.AccessKey, key.SecretKey.Reveal())
		},
		Traits: providertest.Traits{Capabilities: found, TellsSettings: told},
	})
}
