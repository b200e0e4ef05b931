package bucket

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func replica(place string, role v1alpha1.CopyRole, conditions ...metav1.Condition) v1alpha1.BucketReplica {
	return v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{Name: "actes-" + place},
		Spec: v1alpha1.BucketReplicaSpec{
			PlaceReference: v1alpha1.PlaceReference{ProviderName: place, Location: "x"}, Role: role, BucketName: "bucket-" + place,
		},
		Status: v1alpha1.BucketReplicaStatus{Conditions: conditions},
	}
}

func yes(conditionType string) metav1.Condition {
	return condition.True(conditionType, "Succeeded", "")
}

// healthy is a dataset with two copies that lacks nothing.
func healthy(change ...func(*scope)) *scope {
	bucket := &v1alpha1.SovereignBucket{}
	s := &scope{bucket: bucket, now: now, access: access(yes("Ready"))}
	s.facts = gather.Facts{
		Bucket: bucket, Policies: []placement.Policy{{Name: "p"}},
		Replicas: []v1alpha1.BucketReplica{
			replica("a", v1alpha1.RolePrimary, yes("Provisioned"), yes("Ready")),
			replica("b", v1alpha1.RoleReplica, yes("Provisioned"), yes("Ready"), yes("InitialSyncComplete"), yes("WithinRPO"), yes("Verified")),
		},
	}
	s.decision = &placement.Decision{Satisfied: true, Copies: s.facts.Placed()}
	copies := s.facts.Replicas
	s.facts.Replicas = nil
	for _, each := range copies {
		s.add(each)
	}
	for _, f := range change {
		f(s)
	}
	return s
}

// add adds a copy at a place against which there are these objections.
func (s *scope) add(copied v1alpha1.BucketReplica, objections ...placement.Objection) {
	s.facts.Replicas = append(s.facts.Replicas, copied)
	s.decision.Candidates = append(s.decision.Candidates, placement.Judged{
		Candidate: placement.Candidate{PlaceReference: copied.Spec.PlaceReference}, Objections: objections,
	})
}

// outside is what is said of a place outside the perimeter.
var outside = []placement.Objection{{Rule: placement.RuleResidency, Reason: "OutsidePerimeter", Message: message.Verbatim("GB is outside FR")}}

// excused is what is said where an exception covers a rule.
func excused(rule placement.Rule) []placement.Objection {
	return []placement.Objection{{Policy: "p", Rule: rule, Reason: v1alpha1.ReasonExceptionActive, Exception: "e", Message: message.Verbatim("not counted")}}
}

// access is the application's, with a key that reaches this bucket alone.
func access(conditions ...metav1.Condition) *v1alpha1.SovereignBucketAccess {
	return &v1alpha1.SovereignBucketAccess{
		Status: v1alpha1.SovereignBucketAccessStatus{Conditions: conditions, Grant: v1alpha1.GrantScoped},
	}
}

func drill(name string, verdict v1alpha1.DrillVerdict, ended time.Time) v1alpha1.ReversibilityDrill {
	return v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     v1alpha1.ReversibilityDrillStatus{Verdict: verdict, CompletionTime: &metav1.Time{Time: ended}},
	}
}

func maximumAge(age time.Duration) func(*scope) {
	return func(s *scope) { s.facts.Policies[0].Spec.Drills.MaximumAge = &metav1.Duration{Duration: age} }
}

func TestConditionsOfABucket(t *testing.T) {
	for name, test := range map[string]struct {
		scope *scope
		err   error
		want  map[string]string // what is not True/Succeeded
	}{
		"a healthy one, without drills asked for": {
			scope: healthy(), want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"a copy that an exception to residency lets be where it is": {
			scope: healthy(func(s *scope) { s.decision.Candidates[1].Objections = excused(placement.RuleResidency) }),
			want: map[string]string{
				"PlacementSatisfied": "True/ExceptionActive", "ResidencyCompliant": "True/ExceptionActive", "DrillCurrent": "True/NotRequired",
			},
		},
		"an exception to what a store can do": {
			scope: healthy(func(s *scope) { s.decision.Candidates[1].Objections = excused(placement.RuleCapability) }),
			want:  map[string]string{"PlacementSatisfied": "True/ExceptionActive", "DrillCurrent": "True/NotRequired"},
		},
		"an exception that only a primary there would need": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = excused(placement.RuleResidency)
				s.decision.Candidates[1].Objections[0].Role = v1alpha1.RolePrimary
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"an exception to the number of copies": {
			scope: healthy(func(s *scope) { s.decision.Excepted = excused(placement.RuleCopies) }),
			want:  map[string]string{"PlacementSatisfied": "True/ExceptionActive", "DrillCurrent": "True/NotRequired"},
		},
		"an excepted rule of a policy that only warns": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = excused(placement.RuleResidency)
				s.decision.Candidates[1].Objections[0].Action = v1alpha1.ActionWarn
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"one exception does not cover another rule": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = append(excused(placement.RuleResidency),
					placement.Objection{Rule: placement.RuleCountry, Reason: "CountryNotAllowed", Message: message.Verbatim("GB is not listed")})
			}),
			want: map[string]string{
				"PlacementSatisfied": "True/ExceptionActive", "ResidencyCompliant": "False/CountryNotAllowed", "DrillCurrent": "True/NotRequired",
			},
		},
		"an unknown policy": {
			scope: healthy(func(s *scope) { s.facts, s.decision = gather.Facts{Bucket: s.bucket}, nil }),
			err:   fault.New(fault.Waiting, fault.PolicyNotFound, "no such policy"),
			want: map[string]string{
				"PlacementSatisfied": "False/PolicyNotFound", "ResidencyCompliant": "Unknown/PolicyNotFound", "DrillCurrent": "Unknown/PolicyNotFound",
				"Replicated": "False/NotEnoughCopies", "Verified": "False/NotEnoughCopies", "Protected": "False/NotEnoughCopies",
			},
		},
		"nothing satisfies the policy": {
			scope: healthy(func(s *scope) {
				s.facts.Replicas = nil
				s.decision = &placement.Decision{Reason: "NotEnoughCopies", Message: message.Verbatim("x")}
			}),
			want: map[string]string{
				"Ready": "False/NotEnoughCopies", "PlacementSatisfied": "False/NotEnoughCopies", "ResidencyCompliant": "Unknown/Progressing",
				"Replicated": "False/NotEnoughCopies", "Verified": "False/NotEnoughCopies", "Protected": "False/NotEnoughCopies",
				"DrillCurrent": "True/NotRequired",
			},
		},
		"a copy stands where it may not": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = outside
			}),
			want: map[string]string{"ResidencyCompliant": "False/OutsidePerimeter", "DrillCurrent": "True/NotRequired"},
		},
		"the operator of a copy is bought": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = []placement.Objection{
					{Policy: "p", Rule: placement.RuleJurisdiction, Reason: "JurisdictionNotAllowed", Message: message.Verbatim("x")},
				}
			}),
			want: map[string]string{"ResidencyCompliant": "False/JurisdictionNotAllowed", "DrillCurrent": "True/NotRequired"},
		},
		"the attestation of a copy is over": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = []placement.Objection{{Rule: placement.RuleAttestation, Reason: "AttestationExpired", Message: message.Verbatim("x")}}
			}),
			want: map[string]string{"ResidencyCompliant": "False/AttestationExpired", "DrillCurrent": "True/NotRequired"},
		},
		"a policy only warns of the place of a copy": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = []placement.Objection{
					{Rule: placement.RuleResidency, Reason: "OutsidePerimeter", Message: message.Verbatim("x"), Action: v1alpha1.ActionWarn},
				}
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"a copy on its way out is still where it may not be": {
			scope: healthy(func(s *scope) {
				leaving := replica("c", v1alpha1.RoleReplica, yes("Provisioned"))
				leaving.DeletionTimestamp = &metav1.Time{Time: now}
				s.add(leaving, outside...)
			}),
			want: map[string]string{"ResidencyCompliant": "False/OutsidePerimeter", "DrillCurrent": "True/NotRequired"},
		},
		"a place may not be one for the other role": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = []placement.Objection{{Rule: placement.RuleResidency, Reason: "x", Role: v1alpha1.RolePrimary}}
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"nobody declares the place of a copy any more": {
			scope: healthy(func(s *scope) { s.decision.Candidates = s.decision.Candidates[:1] }),
			want:  map[string]string{"ResidencyCompliant": "False/LocationUnknown", "DrillCurrent": "True/NotRequired"},
		},
		"a copy stands where it may, in a store that cannot": {
			scope: healthy(func(s *scope) {
				s.decision.Candidates[1].Objections = []placement.Objection{
					{Rule: placement.RuleCapability, Reason: "CapabilityMissing", Message: message.Verbatim("x")},
				}
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"a copy has no place, and the primary has": {
			scope: healthy(func(s *scope) {
				s.decision.Satisfied, s.decision.Reason, s.decision.Message = false, "NotEnoughCopies", message.Verbatim("4 are asked for")
			}),
			want: map[string]string{"PlacementSatisfied": "False/NotEnoughCopies", "DrillCurrent": "True/NotRequired"},
		},
		"nothing has a place": {
			scope: healthy(func(s *scope) {
				s.facts.Replicas = nil
				s.decision = &placement.Decision{Reason: "NotEnoughCopies", Message: message.Verbatim("4 are asked for")}
			}),
			want: map[string]string{
				"PlacementSatisfied": "False/NotEnoughCopies", "Ready": "False/NotEnoughCopies", "ResidencyCompliant": "Unknown/Progressing",
				"Replicated": "False/NotEnoughCopies", "Verified": "False/NotEnoughCopies", "Protected": "False/NotEnoughCopies", "DrillCurrent": "True/NotRequired",
			},
		},
		"the primary is lost": {
			scope: healthy(func(s *scope) {
				s.facts.Replicas[0].Status.Conditions = []metav1.Condition{condition.False("Provisioned", "PrimaryRelocationRequired", "gone")}
			}),
			want: map[string]string{
				"Ready": "False/PrimaryRelocationRequired", "PlacementSatisfied": "False/PrimaryRelocationRequired", "DrillCurrent": "True/NotRequired",
			},
		},
		"the primary is being made": {
			scope: healthy(func(s *scope) { s.facts.Replicas[0].Status.Conditions, s.access = nil, nil }),
			want:  map[string]string{"Ready": "False/Progressing", "DrillCurrent": "True/NotRequired"},
		},
		"the key is not published yet": {
			scope: healthy(func(s *scope) { s.access = nil }),
			want:  map[string]string{"Ready": "False/Progressing", "DrillCurrent": "True/NotRequired"},
		},
		"a copy that says nothing is not healthy": {
			scope: healthy(func(s *scope) { s.facts.Replicas[1].Status.Conditions = nil }),
			want: map[string]string{
				"Replicated": "Unknown/NotObserved", "Verified": "Unknown/NotObserved", "Protected": "Unknown/NotObserved", "DrillCurrent": "True/NotRequired",
			},
		},
		"one of several copies lags": {
			scope: healthy(func(s *scope) {
				s.add(replica("c", v1alpha1.RoleReplica,
					yes("InitialSyncComplete"), condition.False("WithinRPO", "LagExceeded", "late"), yes("Verified")))
			}),
			want: map[string]string{"Replicated": "False/LagExceeded", "Protected": "False/LagExceeded", "DrillCurrent": "True/NotRequired"},
		},
		"a copy on its way out does not count": {
			scope: healthy(func(s *scope) {
				leaving := replica("c", v1alpha1.RoleReplica, condition.False("WithinRPO", "LagExceeded", "late"))
				leaving.DeletionTimestamp = &metav1.Time{Time: now}
				s.add(leaving)
			}),
			want: map[string]string{"DrillCurrent": "True/NotRequired"},
		},
		"no drill yet": {
			scope: healthy(maximumAge(time.Hour)),
			want:  map[string]string{"DrillCurrent": "False/DrillOverdue", "Protected": "False/DrillOverdue"},
		},
		"a drill that passed": {
			scope: healthy(maximumAge(time.Hour), func(s *scope) {
				s.drills = []v1alpha1.ReversibilityDrill{drill("d", "Passed", now.Add(-59*time.Minute))}
			}),
			want: map[string]string{},
		},
		"a drill that passed too long ago": {
			scope: healthy(maximumAge(time.Hour), func(s *scope) {
				s.drills = []v1alpha1.ReversibilityDrill{drill("d", "Passed", now.Add(-61*time.Minute))}
			}),
			want: map[string]string{"DrillCurrent": "False/DrillOverdue", "Protected": "False/DrillOverdue"},
		},
		"a later drill that failed does not undo the evidence": {
			scope: healthy(maximumAge(time.Hour), func(s *scope) {
				s.drills = []v1alpha1.ReversibilityDrill{drill("d", "Passed", now.Add(-59*time.Minute)), drill("e", "Failed", now)}
			}),
			want: map[string]string{},
		},
		"a look that failed half-way keeps what was known": {
			scope: healthy(func(s *scope) {
				s.decision = nil
				s.bucket.Status.Conditions = []metav1.Condition{yes("ResidencyCompliant")}
			}),
			err:  errors.New("the API is down"),
			want: map[string]string{"PlacementSatisfied": "False/Failed", "DrillCurrent": "True/NotRequired"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, c := range test.scope.report(test.err).Conditions {
				if verdict := string(c.Status) + "/" + c.Reason; verdict != "True/Succeeded" {
					got[c.Type] = verdict
				}
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

func TestTheStatusShowsTheCopies(t *testing.T) {
	since := metav1.NewTime(now.Add(-time.Minute))
	s := healthy(func(s *scope) {
		s.facts.Replicas[1].Status.UnreplicatedSince = &since
		s.decision.Copies = append(s.decision.Copies, placement.Copy{Role: v1alpha1.RoleReplica})
		s.drills = []v1alpha1.ReversibilityDrill{drill("d", "Passed", now.Add(-time.Hour)), drill("e", "Failed", now)}
	})
	s.report(nil)
	status := s.bucket.Status
	if status.PrimaryName != "a/x" || status.Primary.BucketName != "bucket-a" || status.Primary.Grant != v1alpha1.GrantScoped {
		t.Errorf("the primary is %s, %+v", status.PrimaryName, status.Primary)
	}
	if status.CopiesReady != "2/3" || len(status.Copies) != 2 || status.Copies[0].Role != v1alpha1.RolePrimary {
		t.Errorf("copies: %s, %+v", status.CopiesReady, status.Copies)
	}
	if status.UnreplicatedSince == nil || !status.UnreplicatedSince.Equal(&since) {
		t.Errorf("unreplicated since %v", status.UnreplicatedSince)
	}
	if status.LastDrill.Name != "e" || status.LastDrill.Verdict != v1alpha1.VerdictFailed {
		t.Errorf("the last drill is %+v", status.LastDrill)
	}
}

func TestABucketIsLookedAtBeforeItsDrillGetsTooOld(t *testing.T) {
	s := healthy(maximumAge(time.Hour), func(s *scope) {
		s.drills = []v1alpha1.ReversibilityDrill{drill("d", "Passed", now.Add(-57*time.Minute))}
	})
	if got := s.lookAgain(); got < 3*time.Minute || got > 3*time.Minute+time.Second {
		t.Errorf("looked at again after %s, want when the drill gets too old", got)
	}
	if got := healthy().lookAgain(); got != lookAgain {
		t.Errorf("looked at again after %s", got)
	}
}

func TestWhoMayNotStayIsNamedWithTheRule(t *testing.T) {
	objection := placement.Objection{Policy: "ccas", Rule: placement.RuleAttestation, Reason: "AttestationExpired", Message: message.Verbatim("HDS was valid until 2027-06-30")}
	s := healthy(func(s *scope) { s.decision.Candidates[0].Objections = []placement.Objection{objection} })
	got := s.residencyCompliant()
	want := "the copy at " + s.facts.Replicas[0].Spec.PlaceReference.String() +
		" may not be there by rule attestation of policy ccas: HDS was valid until 2027-06-30. It is the primary, which does not move by itself" +
		relocation
	if got.Message != want {
		t.Errorf("got %q, want %q", got.Message, want)
	}

	objection.Action = v1alpha1.ActionWarn
	s.decision.Candidates[0].Objections = []placement.Objection{objection}
	got = s.residencyCompliant()
	want = "the copy at " + s.facts.Replicas[0].Spec.PlaceReference.String() +
		" is warned of by rule attestation of policy ccas: HDS was valid until 2027-06-30"
	if got.Status != metav1.ConditionTrue || got.Message != want {
		t.Errorf("got %s %q, want %q", got.Status, got.Message, want)
	}

	objection.Action = v1alpha1.ActionAudit
	s.decision.Candidates[0].Objections = []placement.Objection{objection}
	if got = s.residencyCompliant(); got.Status != metav1.ConditionTrue || got.Message != "" {
		t.Errorf("what is only recorded is told of: %s %q", got.Status, got.Message)
	}
}

func TestABucketIsLookedAtWhenItsFactsEnd(t *testing.T) {
	s := healthy(func(s *scope) {
		s.facts.Now = time.Date(2027, time.June, 30, 23, 59, 0, 0, time.UTC)
		s.facts.Policies[0].Spec.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS"}}
		provider := v1alpha1.SovereignProvider{}
		provider.Spec.Locations = []v1alpha1.Location{{Name: "GRA", Country: "FR"}}
		provider.Spec.Attestations = []v1alpha1.Attestation{{
			Scheme: "HDS", Service: v1alpha1.ObjectStorage, Locations: []string{"GRA"}, ValidUntil: "2027-06-30",
		}}
		s.facts.Providers = []v1alpha1.SovereignProvider{provider}
	})
	if got := s.report(nil).Decay; got != time.Minute {
		t.Errorf("it is looked at in %s, want a minute", got)
	}
	s.facts.Now = s.facts.Now.Add(time.Minute)
	if got := s.report(nil).Decay; got != 0 {
		t.Errorf("it is looked at in %s, though nothing ends any more", got)
	}
	s.decision = nil
	if got := s.untilExpiry(); got != 0 {
		t.Errorf("what could not be decided is looked at in %s", got)
	}
}
