package replica

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// replicaScope is a replica that is provisioned, under an objective of an hour.
func replicaScope(change ...func(*scope)) *scope {
	s := newScope(&v1alpha1.BucketReplica{Spec: v1alpha1.BucketReplicaSpec{Role: v1alpha1.RoleReplica}}, now)
	s.bucket = &v1alpha1.SovereignBucket{}
	s.facts = gather.Facts{Bucket: s.bucket, Policies: []placement.Policy{{Spec: v1alpha1.SovereigntyPolicySpec{
		Objectives: v1alpha1.Objectives{RPO: &metav1.Duration{Duration: time.Hour}},
	}}}}
	s.replica.Status.Conditions = []metav1.Condition{condition.True(v1alpha1.ConditionProvisioned, "Succeeded", "")}
	for _, f := range change {
		f(s)
	}
	return s
}

// ended is a run that ended just now.
func ended(report mover.Report) func(*scope) {
	return func(s *scope) {
		s.ended = &activity{kind: syncing, report: report, endedAt: now}
		s.memory.report = &report
		s.memory.ranAt = now
	}
}

// ran is a run that ended some time ago.
func ran(report mover.Report) func(*scope) {
	return func(s *scope) { s.memory.report, s.memory.ranAt = &report, report.AsOf }
}

func complete(asOf time.Time) mover.Report {
	return mover.Report{Result: mover.Complete, AsOf: asOf, Objects: 7, Bytes: 70, Copied: 7, Verified: 7}
}

func synced(at time.Time) func(*scope) {
	return func(s *scope) {
		s.replica.Status.LastSyncTime = timeOf(at)
		s.replica.Status.LastVerifiedTime = timeOf(at)
		s.replica.Status.Conditions = append(s.replica.Status.Conditions,
			condition.True(v1alpha1.ConditionInitialSyncComplete, "Succeeded", ""))
	}
}

func TestConditionsOfAReplica(t *testing.T) {
	guarded := mover.Report{
		Result: mover.Aborted, Reason: fault.DeletionGuardTripped, Message: "too much", AsOf: ago(time.Minute),
		Guard: &mover.GuardReport{Planned: 20, Digest: "sha256:x"},
	}
	for name, test := range map[string]struct {
		scope *scope
		err   error
		want  map[string]string // condition: status/reason
	}{
		"before the first run": {
			scope: replicaScope(),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "False/Progressing", "WithinRPO": "Unknown/Progressing",
				"Verified": "Unknown/NotObserved", "Ready": "False/Progressing",
			},
		},
		"waiting for the primary": {
			scope: replicaScope(func(s *scope) { s.waiting = fault.New(fault.Waiting, fault.Progressing, "waiting for the primary") }),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "False/Progressing", "WithinRPO": "Unknown/Progressing",
				"Verified": "Unknown/NotObserved", "Ready": "False/Progressing",
			},
		},
		"the first run is complete": {
			scope: replicaScope(ended(complete(ago(time.Minute)))),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"the first run left objects out": {
			scope: replicaScope(ended(mover.Report{
				Result: mover.Partial, Reason: fault.ObjectsFailed, Message: "2 objects could not be copied", AsOf: ago(time.Minute),
				OldestMissing: ago(30 * time.Minute),
			})),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "False/ObjectsFailed", "WithinRPO": "True/Succeeded",
				"Verified": "Unknown/NotObserved", "Ready": "False/ObjectsFailed",
			},
		},
		"what is missing gets older than the objective": {
			scope: replicaScope(synced(ago(2*time.Hour)), ended(mover.Report{
				Result: mover.Partial, Reason: fault.ObjectsFailed, Message: "x", AsOf: ago(time.Minute), OldestMissing: ago(61 * time.Minute),
			})),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "False/LagExceeded",
				"Verified": "True/Succeeded", "Ready": "False/ObjectsFailed",
			},
		},
		"the last look gets older than the objective": {
			scope: replicaScope(synced(ago(90*time.Minute)), ran(complete(ago(61*time.Minute)))),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "False/LagExceeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"a new process believes what the status remembers": {
			scope: replicaScope(synced(ago(59 * time.Minute))),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"and no longer than the objective": {
			scope: replicaScope(synced(ago(61 * time.Minute))),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "False/LagExceeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"the guard tripped": {
			scope: replicaScope(synced(ago(time.Minute)), ended(guarded)),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "False/DeletionGuardTripped",
				"Verified": "True/Succeeded", "Ready": "False/DeletionGuardTripped",
			},
		},
		"the source could not be listed": {
			scope: replicaScope(synced(ago(time.Minute)), ended(mover.Report{Result: mover.Aborted, Reason: fault.SourceListingSuspicious, Message: "gone"})),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "True/Succeeded", "Ready": "False/SourceListingSuspicious",
			},
		},
		"a run that was stopped is no failure": {
			scope: replicaScope(synced(ago(time.Minute)), ended(mover.Report{Result: mover.Partial, Reason: fault.Interrupted, Message: "stopped"})),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"a complete run that did not verify everything": {
			scope: replicaScope(ended(mover.Report{Result: mover.Complete, AsOf: ago(time.Minute), Objects: 7, Verified: 6})),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "Unknown/NotObserved", "Ready": "True/Succeeded",
			},
		},
		"an audit that came to no result, before the first one that did": {
			scope: replicaScope(synced(ago(time.Minute)), func(s *scope) {
				s.replica.Status.LastVerifiedTime = nil
				s.rememberAudit(activity{kind: auditing, err: fault.New(fault.Terminal, fault.AccessDenied, "read: no")})
			}),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "Unknown/AccessDenied", "Ready": "True/Succeeded",
			},
		},
		"an audit found the copy wanting": {
			scope: replicaScope(synced(ago(time.Minute)), func(s *scope) {
				s.ended = &activity{kind: auditing, audit: mover.AuditReport{Different: 1}, endedAt: now}
			}),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "False/VerificationMismatch", "Ready": "True/Succeeded",
			},
		},
		"a mismatch stands until the next clean audit": {
			scope: replicaScope(synced(ago(time.Minute)), func(s *scope) {
				s.replica.Status.Conditions = append(s.replica.Status.Conditions, condition.False("Verified", "VerificationMismatch", "x"))
			}, ended(complete(ago(time.Minute)))),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "False/VerificationMismatch", "Ready": "True/Succeeded",
			},
		},
		"a verification of last month does not count": {
			scope: replicaScope(synced(ago(time.Minute)), func(s *scope) { s.replica.Status.LastVerifiedTime = timeOf(ago(31 * 24 * time.Hour)) }),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "False/NotObserved", "Ready": "True/Succeeded",
			},
		},
		"a store that fails says nothing about what is there": {
			scope: replicaScope(synced(ago(time.Minute))), err: errors.New("down"),
			want: map[string]string{
				"Provisioned": "True/Succeeded", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded", "Verified": "True/Succeeded",
			},
		},
		"a store that fails before the bucket was made": {
			scope: replicaScope(func(s *scope) { s.replica.Status.Conditions = nil }),
			err:   fault.New(fault.Transient, fault.ProviderUnreachable, "down"),
			want: map[string]string{
				"Provisioned": "False/ProviderUnreachable", "InitialSyncComplete": "False/Progressing", "WithinRPO": "Unknown/Progressing",
				"Verified": "Unknown/NotObserved",
			},
		},
		"drift that is only reported": {
			scope: replicaScope(synced(ago(time.Minute)), func(s *scope) {
				s.looked, s.drift = true, []v1alpha1.DriftStatus{{Property: "versioning", Want: "Enabled", Got: "Suspended"}}
				s.provisioned = new(condition.True(v1alpha1.ConditionProvisioned, "Succeeded", ""))
			}),
			want: map[string]string{
				"Provisioned": "True/DriftDetected", "InitialSyncComplete": "True/Succeeded", "WithinRPO": "True/Succeeded",
				"Verified": "True/Succeeded", "Ready": "True/Succeeded",
			},
		},
		"the primary needs no runs": {
			scope: replicaScope(func(s *scope) { s.replica.Spec.Role = v1alpha1.RolePrimary }),
			want:  map[string]string{"Provisioned": "True/Succeeded", "Ready": "True/Succeeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, c := range test.scope.report(test.err).Conditions {
				got[c.Type] = string(c.Status) + "/" + c.Reason
				if c.Status != metav1.ConditionTrue && c.Message == "" {
					t.Errorf("%s is %s and says nothing", c.Type, c.Status)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheStatusIsNotWrittenAtEveryRun(t *testing.T) {
	s := replicaScope(synced(ago(10*time.Minute)), ended(mover.Report{Result: mover.Complete, AsOf: ago(time.Minute), Objects: 7}))
	s.report(nil)
	if got := s.replica.Status.LastSyncTime.Time; !got.Equal(ago(10 * time.Minute)) {
		t.Errorf("a run that changed nothing moved the time to %s", got)
	}
	s = replicaScope(synced(ago(32*time.Minute)), ended(mover.Report{Result: mover.Complete, AsOf: ago(time.Minute), Objects: 7}))
	s.report(nil)
	if got := s.replica.Status.LastSyncTime.Time; !got.Equal(ago(time.Minute)) {
		t.Errorf("the time stays at %s, more than half of the objective ago", got)
	}
	s = replicaScope(synced(ago(10*time.Minute)), ended(complete(ago(time.Minute))))
	s.report(nil)
	if got := s.replica.Status.LastSyncTime.Time; !got.Equal(ago(time.Minute)) {
		t.Errorf("a run that copied something left the time at %s", got)
	}
}

func TestARunFillsTheStatus(t *testing.T) {
	s := replicaScope(ended(mover.Report{
		Result: mover.Partial, Reason: fault.ObjectsFailed, AsOf: ago(time.Minute), Objects: 7, Bytes: 70, Failed: 12,
		OldestMissing: ago(5 * time.Minute), Failures: []mover.Failure{
			{Key: "a//b", Operation: "copy", Reason: fault.KeysNotExact, Error: "would be a/b"}, {Key: "", Error: "of the run"},
		},
	}))
	s.report(nil)
	want := v1alpha1.BucketReplicaStatus{
		Conditions: s.replica.Status.Conditions,
		Objects:    ptr.To[int64](7), Bytes: ptr.To[int64](70), FailedObjects: 12,
		Failures:          []v1alpha1.ObjectFailure{{Key: "a//b", Reason: "KeysNotExact", Message: "would be a/b"}},
		UnreplicatedSince: timeOf(ago(5 * time.Minute)), LastSyncTime: timeOf(ago(time.Minute)),
	}
	if diff := cmp.Diff(want, s.replica.Status); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheStrictestOfAllPoliciesCounts(t *testing.T) {
	policy := func(rpo time.Duration, objects *int64, percent *int32, verification v1alpha1.Verification, deletes v1alpha1.DeletePropagation) placement.Policy {
		return placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{
			Objectives: v1alpha1.Objectives{RPO: &metav1.Duration{Duration: rpo}},
			Replication: v1alpha1.Replication{
				DeletionGuard: v1alpha1.DeletionGuard{MaximumObjects: objects, MaximumPercent: percent},
				Verification:  verification, Deletes: deletes,
			},
		}}
	}
	s := replicaScope()
	if guard := s.guard(); guard.MaximumObjects != 1000 || guard.MaximumPercent != 10 {
		t.Errorf("the guard is %+v where no policy sets one", guard)
	}
	s.facts.Policies = []placement.Policy{
		policy(30*time.Minute, ptr.To[int64](5000), nil, "Transferred", "Propagate"),
		policy(15*time.Minute, ptr.To[int64](2000), ptr.To[int32](50), "Full", "Ignore"),
		policy(2*time.Hour, nil, ptr.To[int32](20), "None", ""),
	}
	options := s.options(nil)
	if options.Guard.MaximumObjects != 2000 || options.Guard.MaximumPercent != 20 {
		t.Errorf("the guard is %+v", options.Guard)
	}
	if options.Verification != mover.VerifyFull || options.Deletes != mover.IgnoreDeletes {
		t.Errorf("verification is %s, deletes %s", options.Verification, options.Deletes)
	}
	s.facts.Policies[0].Spec.Replication.Bandwidth.BytesPerSecond = new(resource.MustParse("50Mi"))
	s.facts.Policies[1].Spec.Replication.Bandwidth.BytesPerSecond = new(resource.MustParse("10Mi"))
	if got := s.bytesPerSecond(); got != 10<<20 || replicaScope().bytesPerSecond() != 0 {
		t.Errorf("the bandwidth is %d", got)
	}
	if s.rpo() != 15*time.Minute || s.syncInterval() != 5*time.Minute {
		t.Errorf("the objective is %s, a run every %s", s.rpo(), s.syncInterval())
	}
}

func TestTheUsualObjectiveCountsOnlyWhereNoPolicySetsOne(t *testing.T) {
	s := replicaScope()
	s.facts.Policies = []placement.Policy{{}}
	if got := s.rpo(); got != time.Hour {
		t.Errorf("the objective is %s where no policy sets one", got)
	}
	s.facts.Policies = append(s.facts.Policies, placement.Policy{Spec: v1alpha1.SovereigntyPolicySpec{
		Objectives: v1alpha1.Objectives{RPO: &metav1.Duration{Duration: 24 * time.Hour}},
	}})
	if got := s.rpo(); got != 24*time.Hour {
		t.Errorf("the objective is %s, and the policy allows a day", got)
	}
}

func TestACopyIsLookedAtWhenItsFactsEnd(t *testing.T) {
	s := replicaScope()
	before := s.decay()
	provider := v1alpha1.SovereignProvider{}
	provider.Name = "ovh"
	provider.Spec.Locations = []v1alpha1.Location{{Name: "GRA", Country: "FR"}}
	provider.Spec.Attestations = []v1alpha1.Attestation{{
		Scheme: "HDS", Service: v1alpha1.ObjectStorage, Locations: []string{"GRA"}, ValidUntil: "2027-06-30",
	}}
	s.facts.Providers = []v1alpha1.SovereignProvider{provider}
	s.facts.Policies = []placement.Policy{{Spec: v1alpha1.SovereigntyPolicySpec{
		Attestations: []v1alpha1.AttestationRule{{Scheme: "HDS"}},
	}}}
	s.facts.Now = time.Date(2027, time.June, 30, 23, 59, 50, 0, time.UTC)
	if got := s.decay(); got != 10*time.Second {
		t.Errorf("it is looked at in %s, want 10s", got)
	}
	s.facts.Now = s.facts.Now.Add(10 * time.Second)
	if got := s.decay(); got != before {
		t.Errorf("it is looked at in %s once nothing ends any more, and was in %s", got, before)
	}
	s.bucket = nil
	s.facts.Now = s.facts.Now.Add(-time.Second)
	if got := s.untilExpiry(); got != 0 {
		t.Errorf("without a bucket it is looked at in %s", got)
	}
}

func TestWhenARunIsDue(t *testing.T) {
	recent := func(s *scope) { s.memory.ranAt, s.memory.source = ago(time.Minute), "source" }
	for name, test := range map[string]struct {
		change func(*scope)
		want   bool
	}{
		"a new process":               {func(*scope) {}, true},
		"a minute after the last one": {recent, false},
		"ten minutes after it":        {func(s *scope) { recent(s); s.memory.ranAt = ago(10 * time.Minute) }, false},
		"a third of the objective":    {func(s *scope) { recent(s); s.memory.ranAt = ago(20 * time.Minute) }, true},
		"another primary":             {func(s *scope) { recent(s); s.memory.source = "other" }, true},
		"somebody asks": {func(s *scope) {
			recent(s)
			s.bucket.Annotations = map[string]string{v1alpha1.SyncRequestedAnnotation: "now"}
		}, true},
		"somebody asked and was answered": {func(s *scope) {
			recent(s)
			s.memory.requested = "now"
			s.bucket.Annotations = map[string]string{v1alpha1.SyncRequestedAnnotation: "now"}
		}, false},
		"somebody approved the deletions": {func(s *scope) {
			recent(s)
			s.replica.Status.Guard = &v1alpha1.GuardStatus{Digest: "sha256:x"}
			s.bucket.Annotations = map[string]string{v1alpha1.ApprovedDeletionsAnnotation: "sha256:x"}
		}, true},
		"somebody approved others": {func(s *scope) {
			recent(s)
			s.replica.Status.Guard = &v1alpha1.GuardStatus{Digest: "sha256:x"}
			s.bucket.Annotations = map[string]string{v1alpha1.ApprovedDeletionsAnnotation: "sha256:y"}
		}, false},
	} {
		if got := replicaScope(test.change).isRunDue("source"); got != test.want {
			t.Errorf("%s: due is %v", name, got)
		}
	}
}

// next makes an audit end and gives how long after it the next one is due.
func (s *scope) next(t *testing.T, ended activity) time.Duration {
	t.Helper()
	s.rememberAudit(ended)
	if ended.err == nil {
		s.replica.Status.LastVerifiedTime = timeOf(ago(0))
		if ended.audit.IsClean() {
			s.replica.Status.LastVerifiedTime = timeOf(s.now)
		}
	}
	for pause := time.Duration(0); pause <= auditInterval; pause += time.Second {
		later := *s
		later.now = s.now.Add(pause)
		if later.isAuditDue() {
			return pause
		}
	}
	t.Fatal("no audit is due any more")
	return 0
}

func TestAuditsWithoutACleanResultGetRarer(t *testing.T) {
	s := replicaScope(synced(ago(8 * 24 * time.Hour)))
	if !s.isAuditDue() {
		t.Fatal("after a week none is due")
	}
	failing := activity{kind: auditing, err: errors.New("403")}
	for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute} {
		if got := s.next(t, failing); got != want {
			t.Errorf("after failure %d the next is due after %s, want %s", i+1, got, want)
		}
	}
	for range 20 {
		s.rememberAudit(failing)
	}
	if got := s.next(t, failing); got != longestAuditPause {
		t.Errorf("after many failures the next is due after %s", got)
	}
	stopped := activity{kind: auditing, err: fmt.Errorf("read: %w", context.Canceled)}
	if before := s.memory; s.next(t, stopped) != longestAuditPause || s.memory.audits != before.audits {
		t.Error("an audit that was stopped counts as one that failed")
	}
	if got := s.next(t, activity{kind: auditing}); got != auditInterval {
		t.Errorf("after a clean one the next is due after %s", got)
	}
}

func TestAnAuditIsDueWhereNoRunVerifiedTheWholeCopy(t *testing.T) {
	s := replicaScope(synced(ago(time.Minute)))
	if s.isAuditDue() {
		t.Error("one is due a minute after the copy was verified")
	}
	s.replica.Status.LastVerifiedTime = nil
	if !s.isAuditDue() {
		t.Error("none is due for a copy that was never verified")
	}
	s.replica.Status.LastSyncTime = nil
	if s.isAuditDue() {
		t.Error("one is due for a copy that is not complete")
	}
}

// The end of a namespace reaches its objects in any order: a copy must not be let
// go before its dataset is on its way out too and says what is to become of it.
func TestACopyWaitsForItsDatasetWhenANamespaceEnds(t *testing.T) {
	for name, test := range map[string]struct {
		policy v1alpha1.DeletionPolicy
		ending bool
		gone   *metav1.Time
		want   bool
	}{
		"the dataset was not reached yet":               {v1alpha1.DeletionDelete, true, nil, true},
		"the dataset was reached":                       {v1alpha1.DeletionDelete, true, &metav1.Time{Time: now}, false},
		"the buckets are to stay":                       {v1alpha1.DeletionRetain, true, nil, false},
		"somebody deleted the copy, and the rest stays": {v1alpha1.DeletionDelete, false, nil, false},
	} {
		s := replicaScope(func(s *scope) {
			s.facts.IsNamespaceEnding, s.bucket.Spec.DeletionPolicy, s.bucket.DeletionTimestamp = test.ending, test.policy, test.gone
		})
		if got := s.comesBeforeItsBucket(); got != test.want {
			t.Errorf("%s: waits %t", name, got)
		}
	}
}

func TestAStoreThatWantsToBeLeftAloneIs(t *testing.T) {
	r := &Reconciler{memory: newMemory()}
	look := func(at time.Time) *scope {
		return replicaScope(synced(now), func(s *scope) { s.now, s.memory = at, r.memory.of("") })
	}
	asked := &fault.Error{Class: fault.Throttled, Reason: fault.Throttling, After: 3 * time.Minute, Err: errors.New("slow down")}
	if err := r.heed(t.Context(), look(now)); err != nil {
		t.Fatal(err)
	}
	r.rememberThrottling(look(now), fmt.Errorf("observe: %w", asked))
	woken := look(now.Add(time.Minute))
	err := r.heed(t.Context(), woken)
	if got := fault.Of(err); got.Class != fault.Throttled || got.Reason != fault.Throttling || got.After != 2*time.Minute {
		t.Fatalf("%+v", got)
	}
	r.rememberThrottling(woken, err) // which does not begin anew
	if err := r.heed(t.Context(), look(now.Add(3*time.Minute))); err != nil {
		t.Errorf("when the time is over: %v", err)
	}
}

func TestConditionsAreLookedAtWhenTheyMayDecay(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*scope)
		want   time.Duration
	}{
		"nothing is known yet":    {func(*scope) {}, 0},
		"complete 10 minutes ago": {synced(ago(10 * time.Minute)), 50*time.Minute + time.Second},
		"too long ago":            {synced(ago(2 * time.Hour)), 0},
		"a change is older still": {func(s *scope) {
			synced(ago(10 * time.Minute))(s)
			s.replica.Status.UnreplicatedSince = timeOf(ago(40 * time.Minute))
		}, 20*time.Minute + time.Second},
		"and a newer run saw more": {func(s *scope) { synced(ago(50 * time.Minute))(s); ran(complete(ago(time.Minute)))(s) }, 59*time.Minute + time.Second},
	} {
		if got := replicaScope(test.change).decay(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestDriftIsCorrectedOnceItMayBe(t *testing.T) {
	drifted := func(d v1alpha1.DriftStatus) func(*scope) {
		return func(s *scope) { s.replica.Status.Drift = []v1alpha1.DriftStatus{d} }
	}
	left := drifted(v1alpha1.DriftStatus{Property: "versioning", Want: "Enabled", Got: "Suspended"})
	for name, test := range map[string]struct {
		change []func(*scope)
		want   bool
	}{
		"none":                        {nil, false},
		"left while suspended":        {[]func(*scope){left}, true},
		"still suspended":             {[]func(*scope){left, func(s *scope) { s.bucket.Spec.Suspend = true }}, false},
		"only to be reported":         {[]func(*scope){left, func(s *scope) { s.facts.Policies[0].Spec.Protection.Drift = v1alpha1.DriftReport }}, false},
		"one that could not be":       {[]func(*scope){drifted(v1alpha1.DriftStatus{Property: "versioning", Uncorrected: "denied"})}, false},
		"one that has its own rhythm": {[]func(*scope){drifted(v1alpha1.DriftStatus{Property: string(provider.SettingACL)})}, false},
		"what its store cannot add": {[]func(*scope){left, func(s *scope) {
			s.replica.Status.Conditions = []metav1.Condition{condition.False("Provisioned", v1alpha1.ReasonProtectionMissing, "x")}
		}}, false},
	} {
		if got := replicaScope(test.change...).isDriftToCorrect(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
