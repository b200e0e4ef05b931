package s3_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// stacked wraps a session as the operator does: retry outermost, then the breaker
// and the account's limits, each try counted, bytes limited around it all.
func stacked(t *testing.T, session provider.Session) (provider.Session, *breaker.Breaker, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics, err := instrument.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	account, fuse := throttle.NewAccount(throttle.Limits{RequestsPerSecond: 10_000, BytesPerSecond: 1 << 30}), breaker.New()
	again := retry.New(retry.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
	return account.Bytes(provider.Intercept(session, again, fuse.Intercept, account.Intercept, metrics.Intercept)), fuse, registry
}

func TestStackSendsAgainWhatFailedForAWhile(t *testing.T) {
	server, session := start(t, emulator.Options{})
	stack, fuse, registry := stacked(t, session)
	server.Faults().Add(emulator.Match{Operation: "PutObject", Times: 1}, emulator.ResetUpload(1<<10))
	server.Faults().Add(emulator.Match{Operation: "PutObject", Times: 1}, emulator.SlowDown())
	text := strings.Repeat("0123456789", 1<<16)
	put(t, stack, "k", text, everything)
	if stored, _ := server.Object(bucket, "k"); string(stored.Body) != text {
		t.Errorf("stored %d bytes, and not those that were to be sent", len(stored.Body))
	}
	if tries, err := testutil.GatherAndCount(registry, "rempart_provider_requests_total"); tries < 2 || err != nil || fuse.Tripped() != nil {
		t.Errorf("%d kinds of results, %v, tripped by %v", tries, err, fuse.Tripped())
	}
}

func TestStackUsesRefusedCredentialsOnce(t *testing.T) {
	server, session := start(t, emulator.Options{})
	stack, fuse, _ := stacked(t, openAs(t, session.Place(), server.AccessKey, "wrong"))
	for range 3 {
		if _, err := stack.Put(t.Context(), ref("k"), content("x"), provider.Attributes{}); !errors.Is(err, provider.ErrAuthentication) {
			t.Errorf("put: %v", err)
		}
		if _, err := stack.Ping(t.Context()); !errors.Is(err, provider.ErrAuthentication) {
			t.Errorf("ping: %v", err)
		}
	}
	if diff := cmp.Diff(map[string]int{"PutObject": 1}, server.Counts()); diff != "" || fuse.Tripped() == nil {
		t.Errorf("tripped by %v, sent (-want +got):\n%s", fuse.Tripped(), diff)
	}
}
