package drill_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// hasty is a store that wants uploads to end before they can.
type hasty struct{ provider.Session }

func (hasty) Limits() provider.StoreLimits { return provider.StoreLimits{UploadDuration: 1} }

func TestARestoreKeepsToTheTimeThatAStoreAllowsForUploads(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.replicate()
	open := s.sandbox.OpenWith
	s.sandbox.OpenWith = func(key provider.Key) (provider.Session, error) {
		session, err := open(key)
		return hasty{session}, err
	}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, fault.UploadTooSlow) {
		t.Errorf("the verdict is %s, because of %v", outcome.Verdict, outcome.Err)
	}
}

// unissuing is a session of a provider that issues no keys.
type unissuing struct{ provider.Session }

func (unissuing) Keys() (provider.KeyIssuer, bool) { return nil, false }

// slow is a provider that takes a while to make who a key is for.
type slow struct {
	provider.Session
	left *int
}

func (s slow) Keys() (provider.KeyIssuer, bool) {
	issuer, issues := s.Session.Keys()
	return slowIssuer{issuer, s.left}, issues
}

type slowIssuer struct {
	provider.KeyIssuer
	left *int
}

func (i slowIssuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	if *i.left--; *i.left >= 0 {
		return provider.Key{}, fmt.Errorf("issue: %w", fault.New(fault.Throttled, fault.Progressing, "user 7 is being made: %w", provider.ErrNotReady))
	}
	return i.KeyIssuer.IssueKey(ctx, grant)
}

func TestADrillWaitsForAKeyThatIsBeingMade(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.replicate()
	left := 20
	s.sandbox.Session = slow{s.sandbox.Session, &left}
	if outcome := s.run(t.Context()); outcome.Verdict != drill.Passed {
		t.Errorf("the verdict is %s, because of %v", outcome.Verdict, outcome.Err)
	}
}

func TestADrillWaitsForAKeyNoLongerThanItMayLast(t *testing.T) {
	s := newScene(t)
	s.put("a", "acte a")
	s.replicate()
	left := 1 << 30
	s.sandbox.Session = slow{s.sandbox.Session, &left}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	outcome := s.run(ctx)
	if outcome.Verdict != drill.Inconclusive || !fault.HasReason(outcome.Err, fault.DeadlineExceeded) {
		t.Errorf("the verdict is %s, because of %v", outcome.Verdict, outcome.Err)
	}
}
