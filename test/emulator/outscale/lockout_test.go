package outscale_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/outscale"
)

func TestFourBadSignaturesInARowLockTheKey(t *testing.T) {
	for told, code := range map[string]string{"by its code": "13", "by the code of a bad signature": "1"} {
		t.Run(told, func(t *testing.T) {
			clock := newClock()
			server := start(t, outscale.Options{Clock: clock.Now, LockedCode: code})
			other, otherSecret := server.AddKey(time.Time{})
			try := func(accessKey, secretKey string) answered {
				t.Helper()
				return request(t, http.MethodPost, server.URL+"/ReadAccounts", "", aws4(accessKey, secretKey, "oapi", server.Region))
			}
			bad := func() answered { t.Helper(); return try(server.AccessKey, "wrong") }
			good := func() answered { t.Helper(); return try(server.AccessKey, server.SecretKey) }

			for range 3 {
				bad()
			}
			if got := good(); got.status != 200 {
				t.Fatalf("after three: %d %q", got.status, got.code)
			}
			for i := range 4 {
				if got := bad(); got.status != 401 || got.code != "1" {
					t.Fatalf("bad signature %d in a row: %d %q", i+1, got.status, got.code)
				}
			}
			if got := good(); got.status != 401 || got.code != code || !server.IsLocked(server.AccessKey) {
				t.Errorf("after four, a good one is answered %d %q", got.status, got.code)
			}
			if got := try(other, otherSecret); got.status != 200 || server.IsLocked(other) {
				t.Errorf("another key of the account is answered %d %q", got.status, got.code)
			}
			clock.advance(61 * time.Second)
			for range 4 {
				bad()
			}
			clock.advance(61 * time.Second)
			if got := good(); got.code != code {
				t.Errorf("after eight it is not locked for two minutes: %d %q", got.status, got.code)
			}
			clock.advance(61 * time.Second)
			if got := good(); got.status != 200 || server.IsLocked(server.AccessKey) {
				t.Errorf("after the lock: %d %q", got.status, got.code)
			}
		})
	}
}

func TestALockLastsTenMinutesAtMost(t *testing.T) {
	clock := newClock()
	server := start(t, outscale.Options{Clock: clock.Now})
	// Each lock is a minute longer than the one before, up to ten.
	for range 12 {
		for range 4 {
			request(t, http.MethodPost, server.URL+"/ReadAccessKeys", "", basic("x@example.fr", "wrong"))
		}
		if !server.IsLocked("x@example.fr") {
			t.Fatal("the login is not locked")
		}
		clock.advance(10*time.Minute + time.Second)
		if server.IsLocked("x@example.fr") {
			t.Fatal("the login is still locked")
		}
	}
}
