package s3_test

import (
	"context"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/secret"
	outscaleemulator "github.com/rempart/rempart/test/emulator/outscale"
	ovhemulator "github.com/rempart/rempart/test/emulator/ovh"
)

// Of the vendors, the table says what is known of them and no more: what the
// emulators do, whose habits are assumed where docs/emulators.md says so.
func TestTheTableOfStoresSaysWhatIsEmulated(t *testing.T) {
	checkRecorded(t, "OVHcloud, emulated", "", openAtOVHcloud(t))
	checkRecorded(t, "Outscale, emulated", "", openAtOutscale(t))
}

func openAtOVHcloud(t *testing.T) provider.Session {
	t.Helper()
	server := ovhemulator.Start(t, ovhemulator.Options{})
	driver := ovh.New(ovh.Options{Requests: ovh.Pace{PerSecond: 1e6, Burst: 1e6}})
	place := provider.Place{Provider: "ovh", API: server.URL, Project: server.Project, Installation: "table"}
	keys := provider.Credentials{
		provider.ApplicationKey: secret.New(server.ApplicationKey), provider.ApplicationSecret: secret.New(server.ApplicationSecret),
		provider.ConsumerKey: secret.New(server.ConsumerKey),
	}
	open := func() provider.Session {
		session, err := driver.Open(place, keys)
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	account, _ := open().Account()
	regions, err := account.Discover(t.Context())
	if err != nil || len(regions) == 0 {
		t.Fatalf("discovered %v, %v", regions, err)
	}
	place.Location, place.Endpoint, place.Region = regions[0].Name, regions[0].Endpoint, regions[0].SigningRegion
	// It takes a while until the operator's user is made.
	soon := func(ctx context.Context, _ time.Duration) error {
		time.Sleep(5 * time.Millisecond)
		return ctx.Err()
	}
	return provider.Intercept(open(), retry.New(retry.Options{Attempts: 100, Sleep: soon}))
}

func openAtOutscale(t *testing.T) provider.Session {
	t.Helper()
	server := outscaleemulator.Start(t, outscaleemulator.Options{})
	place := provider.Place{Provider: "outscale", Location: server.Region, Region: server.Region, Endpoint: server.OOS, API: server.URL}
	session, err := outscale.Driver{}.Open(place, provider.Credentials{
		provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}
