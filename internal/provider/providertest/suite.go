// Package providertest says what a driver's word is worth: a suite that every
// driver passes, against an emulator, a real server, or a live account.
//
// What a store can do is declared. A declared power that fails, or an undeclared
// one that is there, fails the suite, so that declarations stay true.
//
// Start reading at Suite and Run.
package providertest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
)

// Suite is a driver at a store, and what is declared of them.
type Suite struct {
	// Open gives a session with all rights of an account.
	Open func(t testing.TB) provider.Session
	// OpenAs gives a session at the same place with another key pair.
	OpenAs func(t testing.TB, key provider.Key) provider.Session
	// OpenOther gives a session of another account that may make buckets; nil where
	// there is none.
	OpenOther func(t testing.TB) provider.Session
	// NewBucket gives the name of a bucket that nobody has; nil makes random ones.
	NewBucket func(t testing.TB) string
	// Harm sets a bucket's setting to something harmful, as another program does; it
	// is called for the settings that the traits declare to be corrected.
	Harm func(t testing.TB, bucket string, setting provider.Setting)
	// IsThrownAway tells that the store goes with the test, so that objects may be
	// left in it that cannot be removed.
	IsThrownAway bool
	// Traits are the declaration.
	Traits Traits
}

// Traits declare what a store does.
type Traits struct {
	// Capabilities are declared one by one, as probe.Capabilities finds them.
	Capabilities provider.Capabilities
	// ExactKeys are kept byte for byte. DefaultKeys are tried in any case.
	ExactKeys []string
	// OtherKeys are not: probe.KeyTrial must find out, and name each.
	OtherKeys []string
	// IssuesKeys tells that the session has the power to issue scoped keys.
	IssuesKeys bool
	// Keys are where those keys fall short of their mode.
	Keys provider.KeyTraits
	// TellsSettings are those whose state the store tells, CorrectsSettings those
	// that Suite.Harm can set and the store lets us set right.
	TellsSettings, CorrectsSettings []provider.Setting
	// DefaultContentType is what the store says of an object sent without a type;
	// empty leaves it to the store.
	DefaultContentType string
}

// DefaultKeys are kept exactly by every store that Rempart knows.
var DefaultKeys = []string{
	"plain", "a/b/c", "a b", "a+b", "a%2Fb", "a%20b", "q?x=1&y#z", "semi;colon,comma", "état/civil", "日本/ключ", "(x)[y]{z}", "quote\"'`", "tilde~", "at@star*", ".dot/..two",
}

// cleanupLimit bounds the removal of a test's bucket.
const cleanupLimit = 2 * time.Minute

// Run tries everything that the contract promises. Parts of the suite may be
// selected with -run, by the names of the subtests.
func Run(t *testing.T, suite Suite) {
	t.Helper()
	parts := map[string]func(*testing.T, Suite){
		"health":       testHealth,
		"buckets":      testBuckets,
		"settings":     testSettings,
		"objects":      testObjects,
		"attributes":   testAttributes,
		"odd keys":     testOddKeys,
		"listings":     testListings,
		"uploads":      testUploads,
		"versions":     testVersions,
		"errors":       testErrors,
		"context":      testContext,
		"protection":   testProtection,
		"trials":       testTrials,
		"capabilities": testCapabilities,
		"scoped keys":  testScopedKeys,
	}
	for name, part := range parts {
		t.Run(name, func(t *testing.T) { part(t, suite) })
	}
}

// fixture is a session and a bucket of its own, for one test.
type fixture struct {
	provider.Session
	bucket string
}

// newName gives the name of a bucket that nobody has.
func (s Suite) newName(t testing.TB) string {
	if s.NewBucket != nil {
		return s.NewBucket(t)
	}
	return "rempart-test-" + strings.ToLower(rand.Text()[:16])
}

// start makes a bucket, which is removed with everything in it at the end.
func (s Suite) start(t testing.TB, versioning provider.Versioning) fixture {
	t.Helper()
	f := fixture{Session: s.Open(t), bucket: s.newName(t)}
	want := provider.Bucket{Name: f.bucket, Versioning: versioning}
	if err := f.CreateBucket(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.remove(t) })
	if versioning != "" {
		if err := f.UpdateBucket(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// remove empties and deletes the bucket. That it works is part of the contract, with
// tries as whoever empties a bucket makes them: versitygw 1.8.0 answers 500 to a listing
// that comes by a folder as its last object goes.
func (f fixture) remove(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
	defer cancel()
	session := provider.Intercept(f.Session, retry.New(retry.Options{}))
	state, err := session.ObserveBucket(ctx, f.bucket)
	if err == nil && !state.Exists {
		return
	}
	if _, err := provider.Empty(ctx, session, f.bucket); err != nil {
		t.Errorf("empty the bucket: %v", err)
	}
	if err := session.DeleteBucket(ctx, f.bucket); err != nil {
		t.Errorf("delete the bucket: %v", err)
	}
}

// declares tells whether a capability is declared to be supported.
func (s Suite) declares(capability provider.Capability) bool {
	return s.Traits.Capabilities.Of(capability) == provider.Supported
}
