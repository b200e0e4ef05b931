package replica

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

func locks(mode v1alpha1.LockMode, retention time.Duration) placement.Policy {
	return placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{Protection: v1alpha1.Protection{
		ObjectLock: &v1alpha1.ObjectLock{Mode: mode, Retention: &metav1.Duration{Duration: retention}},
	}}}
}

var (
	encrypts = placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{Protection: v1alpha1.Protection{Encryption: v1alpha1.EncryptionProviderManaged}}}
	nothing  = placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{Protection: v1alpha1.Protection{Encryption: v1alpha1.EncryptionNone}}}
	monthly  = locks(v1alpha1.LockGovernance, 720*time.Hour)
)

func TestTheStrictestProtectionOfAllPoliciesCounts(t *testing.T) {
	for name, test := range map[string]struct {
		policies   []placement.Policy
		versioning provider.Versioning
		want       provider.Protection
	}{
		"nothing is asked for": {policies: []placement.Policy{nothing}},
		"a lock keeps versions": {
			policies: []placement.Policy{monthly}, versioning: provider.VersioningEnabled,
			want: provider.Protection{ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 30}},
		},
		"the stricter mode and the longer time": {
			policies:   []placement.Policy{locks(v1alpha1.LockCompliance, 24*time.Hour), nothing, monthly},
			versioning: provider.VersioningEnabled,
			want:       provider.Protection{ObjectLock: true, Retention: provider.Retention{Mode: provider.Compliance, Days: 30}},
		},
		"part of a day is a day": {
			policies: []placement.Policy{locks(v1alpha1.LockGovernance, 25*time.Hour)}, versioning: provider.VersioningEnabled,
			want: provider.Protection{ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 2}},
		},
		"one that encrypts is enough": {policies: []placement.Policy{nothing, encrypts}, want: provider.Protection{Encryption: provider.ProviderManaged}},
	} {
		versioning, got := protection(test.policies)
		if diff := cmp.Diff(test.want, got); diff != "" || versioning != test.versioning {
			t.Errorf("%s: versioning %q, (-want +got):\n%s", name, versioning, diff)
		}
	}
}

// shed is a store with one bucket in it.
type shed struct {
	provider.Session
	state   provider.BucketState
	refusal error
	updated []provider.Bucket
	looked  int
}

func (s *shed) ObserveProtection(context.Context, string) (provider.Protection, error) {
	s.looked++
	return s.state.Protection, nil
}

func (s *shed) UpdateBucket(_ context.Context, want provider.Bucket) error {
	s.updated = append(s.updated, want)
	if s.refusal == nil {
		s.state.Protection = want.Protection
	}
	return s.refusal
}

// setUpScene is a copy whose bucket is there and is ours.
type setUpScene struct {
	*Reconciler
	shed  *shed
	scope *scope
}

func newSetUpScene(protection provider.Protection, policies ...placement.Policy) *setUpScene {
	scene := &setUpScene{
		Reconciler: &Reconciler{memory: newMemory(), Config: Config{Installation: ownership.Installation{ID: "i", Key: []byte("k")}}},
		shed: &shed{state: provider.BucketState{
			Exists: true, Versioning: provider.VersioningEnabled, Mark: &provider.Mark{}, Protection: protection,
		}},
	}
	scene.look(policies...)
	return scene
}

// look is the next reconcile, with the status of the one before.
func (s *setUpScene) look(policies ...placement.Policy) {
	before := []metav1.Condition{condition.True(v1alpha1.ConditionProvisioned, "Succeeded", "")}
	if s.scope != nil {
		before = s.scope.replica.Status.Conditions
	}
	s.scope = replicaScope(func(scope *scope) {
		scope.replica.Status.Conditions = before
		scope.replica.Spec.BucketName = "actes-1"
		scope.facts.Policies = policies
		scope.session = s.shed
		scope.memory = s.memory.of("")
	})
}

// configures runs the phase and puts the condition into the status.
func (s *setUpScene) configures(t *testing.T) *metav1.Condition {
	t.Helper()
	state := s.shed.state
	state.Protection = provider.Protection{} // ObserveBucket does not tell
	if err := s.configure(t.Context(), s.scope, state); err != nil {
		t.Fatal(err)
	}
	s.scope.looked = true
	s.scope.replica.Status.Drift = s.scope.driftNow()
	found := s.scope.isProvisioned(nil)
	s.scope.replica.Status.Conditions = []metav1.Condition{found}
	return &found
}

func (s *setUpScene) eventNames() (names []string) {
	for _, event := range s.scope.events {
		names = append(names, event.Reason)
	}
	return names
}

func TestABucketThatWasMadeWithoutALockSaysSo(t *testing.T) {
	s := newSetUpScene(provider.Protection{}, monthly)
	s.memory.set("", memorised{setUp: provider.Bucket{Name: "actes-1"}}) // the policy asked for less until now
	s.look(monthly)
	s.shed.refusal = provider.ErrUnsupported
	found := s.configures(t)
	if found.Status != metav1.ConditionFalse || found.Reason != v1alpha1.ReasonProtectionMissing {
		t.Fatalf("provisioned is %+v", found)
	}
	for _, part := range []string{"object lock is off, should be GOVERNANCE for 30 days", "without that protection", "delete bucket actes-1"} {
		if !strings.Contains(found.Message, part) {
			t.Errorf("%q does not say %q", found.Message, part)
		}
	}
	if len(s.scope.drift) != 1 || s.eventNames() != nil {
		t.Errorf("drift is %v, events are %v", s.scope.drift, s.eventNames())
	}
	if !s.scope.wasProvisioned() {
		t.Error("the bucket is taken for one that was never there")
	}
	// The content is kept up, from a primary too that lacks protection.
	if !isThere(s.scope.replica) {
		t.Error("nothing would be copied to it, or from it")
	}
	// It is looked at again, and told once.
	s.look(monthly)
	if again := s.configures(t); *again != *found || s.eventNames() != nil {
		t.Errorf("again: %+v, events %v", again, s.eventNames())
	}
	// And it heals by itself.
	s.shed.refusal = nil
	s.look(monthly)
	if healed := s.configures(t); healed.Status != metav1.ConditionTrue || len(s.scope.drift) > 0 {
		t.Errorf("healed: %+v", healed)
	}
}

func TestAPrimaryWithoutItsLockHasToMove(t *testing.T) {
	s := newSetUpScene(provider.Protection{}, monthly)
	s.scope.replica.Spec.Role = v1alpha1.RolePrimary
	s.shed.refusal = provider.ErrNotKept
	if found := s.configures(t); found.Reason != v1alpha1.ReasonProtectionMissing || !strings.Contains(found.Message, "a person's decision") {
		t.Errorf("provisioned is %+v", found)
	}
}

// Nothing is written to a new bucket that cannot be protected as it was asked for.
func TestANewBucketWithoutItsLockIsNotUsed(t *testing.T) {
	s := newSetUpScene(provider.Protection{}, monthly)
	s.scope.replica.Status.Conditions = nil
	s.shed.refusal = fault.New(fault.Terminal, fault.CapabilityMissing, "no lock: %w", provider.ErrUnsupported)
	err := s.configure(t.Context(), s.scope, s.shed.state)
	if !errors.Is(err, provider.ErrUnsupported) {
		t.Fatalf("got %v", err)
	}
	if found := s.scope.isProvisioned(err); found.Status != metav1.ConditionFalse || found.Reason != v1alpha1.ReasonCapabilityMissing {
		t.Errorf("provisioned is %+v", found)
	}
	s.scope.replica.Status.Conditions = []metav1.Condition{s.scope.isProvisioned(err)}
	if isThere(s.scope.replica) || s.scope.wasProvisioned() {
		t.Error("it is taken for one that may be written to")
	}
}

func TestProtectionThatWasTakenAwayIsDrift(t *testing.T) {
	for name, test := range map[string]struct {
		policy placement.Policy
		found  provider.Protection
		event  string
	}{
		"a shorter lock": {
			monthly,
			provider.Protection{ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 1}},
			"object lock is GOVERNANCE for a day, should be GOVERNANCE for 30 days",
		},
		"no default any more": {monthly, provider.Protection{ObjectLock: true}, "object lock is none, should be GOVERNANCE for 30 days"},
		"no encryption":       {encrypts, provider.Protection{}, "encryption is None, should be ProviderManaged"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetUpScene(test.found, test.policy)
			found := s.configures(t)
			if found.Status != metav1.ConditionTrue || len(s.shed.updated) != 1 || len(s.scope.drift) > 0 {
				t.Errorf("provisioned is %+v, updated %d times, drift %v", found, len(s.shed.updated), s.scope.drift)
			}
			if len(s.scope.events) != 1 || !strings.Contains(s.scope.events[0].Note, test.event) {
				t.Errorf("events are %v", s.scope.events)
			}

			test.policy.Spec.Protection.Drift = v1alpha1.DriftReport
			s = newSetUpScene(test.found, test.policy)
			found = s.configures(t)
			if found.Reason != v1alpha1.ReasonDriftDetected || !strings.Contains(found.Message, test.event) || len(s.shed.updated) > 0 {
				t.Errorf("only reported: %+v, updated %d times", found, len(s.shed.updated))
			}
		})
	}
}

func TestAMissingLockIsNoDriftThatIsJustReported(t *testing.T) {
	policy := monthly
	policy.Spec.Protection.Drift = v1alpha1.DriftReport
	s := newSetUpScene(provider.Protection{}, policy)
	if found := s.configures(t); found.Reason != v1alpha1.ReasonProtectionMissing || len(s.shed.updated) > 0 {
		t.Errorf("provisioned is %+v, updated %d times", found, len(s.shed.updated))
	}
}

func TestProtectionCostsNothingWhereNobodyAsks(t *testing.T) {
	s := newSetUpScene(provider.Protection{}, nothing)
	s.configures(t)
	if s.shed.looked > 0 {
		t.Errorf("looked %d times", s.shed.looked)
	}
}

func TestALockedBucketIsTriedAgainWhenItMayGo(t *testing.T) {
	for name, test := range map[string]struct{ in, after time.Duration }{
		"in a month":     {30 * 24 * time.Hour, 24 * time.Hour},
		"in ten minutes": {10 * time.Minute, 10 * time.Minute},
		"by now":         {-time.Hour, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Reconciler{memory: newMemory()}
			met := &provider.LockedError{Bucket: "actes-1", Until: now.Add(test.in), Err: provider.ErrDenied}
			look := func(at time.Time, ended *activity) *scope {
				return replicaScope(func(s *scope) {
					s.now, s.ended, s.memory = at, ended, r.memory.of("")
					s.replica.Spec.BucketName = "actes-1"
				})
			}
			first := look(now, &activity{kind: emptying, err: met})
			err := r.deleteBucket(t.Context(), first)
			found := fault.Of(err)
			if found.Class != fault.Waiting || found.Reason != fault.DeletionBlocked || found.After != test.after {
				t.Errorf("%+v", found)
			}
			if until := now.Add(test.in).Format(time.DateOnly); !strings.Contains(err.Error(), until) || !strings.Contains(err.Error(), "Retain") {
				t.Errorf("%q does not say until %s, or the other way out", err, until)
			}
			// Whatever wakes us before: nothing is opened, nothing is sent.
			woken := look(now.Add(test.after/2), nil)
			if again := r.deleteBucket(t.Context(), woken); again == nil || again.Error() != err.Error() {
				t.Errorf("woken: %v", again)
			}
			if due := r.lock(look(now.Add(test.after), nil)); due != nil {
				t.Errorf("when it is due: %v", due)
			}
			// Another end of the work is no lock, even if one was met before.
			if other := r.lock(look(now.Add(time.Second), &activity{kind: emptying, err: provider.ErrServer})); other != nil {
				t.Errorf("another failure: %v", other)
			}
		})
	}
}
