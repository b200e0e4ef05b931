package app

import (
	"errors"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/outscale"
)

// TestAWrongSecretNeverLocksAnAccount: four bad signatures in a row lock a key at
// Outscale. However many controllers begin with a new Secret at once, with the
// account and with its location, one of them tries it.
func TestAWrongSecretNeverLocksAnAccount(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	requests, err := instrument.New(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	account := (&accounts{requests: requests}).open(v1alpha1.SovereignProvider{})
	open := func(location string) provider.Session {
		t.Helper()
		session, err := outscale.Driver{}.Open(
			provider.Place{Provider: "osc", Location: location, Region: server.Region, Endpoint: server.OOS, API: server.URL},
			provider.Credentials{provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New("wrong")},
		)
		if err != nil {
			t.Fatal(err)
		}
		return account.Wrap(session)
	}
	ofAccount, ofLocation := open(""), open("eu-west-2")
	discover := func() error {
		account, ok := ofAccount.Account()
		if !ok {
			return errors.New("the session tells nothing of the account")
		}
		_, err := account.Discover(t.Context())
		return err
	}
	ping := func() error { _, err := ofLocation.Ping(t.Context()); return err }

	var group sync.WaitGroup
	for range 20 {
		for _, call := range []func() error{discover, ping} {
			group.Go(func() {
				for range 3 {
					if err := call(); !errors.Is(err, provider.ErrAuthentication) {
						t.Errorf("got %v", err)
					}
				}
			})
		}
	}
	group.Wait()
	if sent := len(server.Requests()) + len(server.Store.Requests(nil)); sent != 1 {
		t.Errorf("%d requests were sent", sent)
	}
	if server.IsLocked(server.AccessKey) || account.Refused() == nil {
		t.Errorf("locked is %t, refused is %v", server.IsLocked(server.AccessKey), account.Refused())
	}
}
