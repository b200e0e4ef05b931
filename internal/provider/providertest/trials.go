package providertest

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

func testTrials(t *testing.T, s Suite) {
	t.Run("configurations", func(t *testing.T) {
		f := s.start(t, "")
		for kind, capability := range map[provider.Configuration]provider.Capability{
			provider.BucketPolicy: provider.CapabilityBucketPolicy, provider.Lifecycle: provider.CapabilityLifecycle,
			provider.EventNotifications: provider.CapabilityEventNotifications,
		} {
			got, err := f.TryConfiguration(t.Context(), f.bucket, kind)
			if declared := s.Traits.Capabilities.Of(capability); got != declared || err != nil {
				t.Errorf("%s is %s, %v; declared %s", kind, got, err, declared)
			}
		}
		// It is in nobody's way.
		f.put(t, "k", "x", provider.Attributes{})
		if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
			t.Errorf("afterwards an object reads %q, %v", text, err)
		}
	})
	t.Run("conditional writes", func(t *testing.T) { testConditions(t, s) })
	t.Run("checksums", func(t *testing.T) { testChecksums(t, s) })
}

// testConditions: what a condition refuses leaves the object as it was.
func testConditions(t *testing.T, s Suite) {
	f := s.start(t, "")
	first := f.put(t, "k", "first", provider.Attributes{})
	tries := map[provider.Capability]provider.PutTrial{
		provider.CapabilityIfMatchQuoted:   {IfMatch: `"` + noETag + `"`},
		provider.CapabilityIfMatchUnquoted: {IfMatch: noETag},
	}
	if s.declares(provider.CapabilityConditionalWrites) {
		tries[provider.CapabilityConditionalWrites] = provider.PutTrial{IfAbsent: true}
	}
	for capability, trial := range tries {
		if !s.declares(capability) {
			continue
		}
		_, err := f.TryPut(t.Context(), f.ref("k"), content("second"), trial)
		wantFault(t, string(capability), err, provider.ErrChanged, fault.Terminal, "")
		text, object, err := f.get(t, f.ref("k"), provider.GetOptions{})
		if err != nil || text != "first" || object.ETag != first.ETag {
			t.Errorf("%s: a refused write left %q, %v", capability, text, err)
		}
	}
	if !s.declares(provider.CapabilityIfMatchQuoted) {
		return
	}
	if _, err := f.TryPut(t.Context(), f.ref("k"), content("second"), provider.PutTrial{IfMatch: `"` + first.ETag + `"`}); err != nil {
		t.Errorf("the right ETag: %v", err)
	}
	if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "second" || err != nil {
		t.Errorf("the right ETag left %q, %v", text, err)
	}
}

// noETag is of no content that a test puts.
const noETag = "00000000000000000000000000000000"

func testChecksums(t *testing.T, s Suite) {
	f := s.start(t, "")
	sum := func(text string) string {
		digest := sha256.Sum256([]byte(text))
		return base64.StdEncoding.EncodeToString(digest[:])
	}
	_, err := f.TryPut(t.Context(), f.ref("k"), content("x"), provider.PutTrial{Checksum: sum("y")})
	if s.Traits.Capabilities.Of(provider.CapabilityChecksumHeaders) == provider.Broken {
		if err != nil {
			t.Errorf("the store checks and is declared not to: %v", err)
		}
		return
	}
	if err == nil {
		t.Error("a wrong checksum was taken")
	}
	if _, missing := f.Head(t.Context(), f.ref("k")); !errors.Is(missing, provider.ErrNotFound) {
		t.Errorf("a refused write left something: %v", missing)
	}
	_, err = f.TryPut(t.Context(), f.ref("k"), content("x"), provider.PutTrial{Checksum: sum("x")})
	if isTaken := err == nil; isTaken != s.declares(provider.CapabilityChecksumHeaders) {
		t.Errorf("the right checksum came to %v", err)
	}
}
