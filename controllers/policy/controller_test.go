package policy

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

// bucketThat is a bucket whose residency has a status; empty is none yet.
func bucketThat(complies metav1.ConditionStatus) v1alpha1.SovereignBucket {
	var bucket v1alpha1.SovereignBucket
	if complies != "" {
		bucket.Status.Conditions = []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue},
			{Type: v1alpha1.ConditionResidencyCompliant, Status: complies},
		}
	}
	return bucket
}

func TestOnlyWhatIsKnownToComplyPasses(t *testing.T) {
	for name, test := range map[string]struct {
		buckets []v1alpha1.SovereignBucket
		want    v1alpha1.PolicySummary
	}{
		"no bucket at all":                     {nil, v1alpha1.PolicySummary{}},
		"a bucket that complies passes":        {[]v1alpha1.SovereignBucket{bucketThat(metav1.ConditionTrue)}, v1alpha1.PolicySummary{Pass: 1}},
		"one that does not fails":              {[]v1alpha1.SovereignBucket{bucketThat(metav1.ConditionFalse)}, v1alpha1.PolicySummary{Fail: 1}},
		"one of which it is not known fails":   {[]v1alpha1.SovereignBucket{bucketThat(metav1.ConditionUnknown)}, v1alpha1.PolicySummary{Fail: 1}},
		"one that was not looked at yet fails": {[]v1alpha1.SovereignBucket{bucketThat("")}, v1alpha1.PolicySummary{Fail: 1}},
		"each counts once": {
			[]v1alpha1.SovereignBucket{
				bucketThat(metav1.ConditionTrue), bucketThat(""), bucketThat(metav1.ConditionTrue), bucketThat(metav1.ConditionFalse),
			},
			v1alpha1.PolicySummary{Pass: 2, Fail: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, summarise(&v1alpha1.SovereigntyPolicy{}, test.buckets)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// objectedTo is a bucket with a copy at ovh/GRA, to which policies object by the rules
// of objections.
func objectedTo(complies metav1.ConditionStatus, objections ...v1alpha1.ObjectionStatus) v1alpha1.SovereignBucket {
	bucket := bucketThat(complies)
	gra := v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}
	bucket.Status.Copies = []v1alpha1.CopyStatus{{PlaceReference: gra, Role: v1alpha1.RoleReplica}}
	bucket.Status.Candidates = []v1alpha1.CandidateStatus{
		{ProviderName: "ovh", Locations: []string{"BHS"}, Objections: []v1alpha1.ObjectionStatus{{Policy: "p", Rule: "residency"}}},
		{ProviderName: "ovh", Locations: []string{"SBG", "GRA"}, Objections: objections},
	}
	return bucket
}

func TestUnderAPolicyThatDoesNotDenyNothingFails(t *testing.T) {
	policy := &v1alpha1.SovereigntyPolicy{}
	policy.Name, policy.Spec.ValidationActions = "p", []v1alpha1.ValidationAction{v1alpha1.ActionAudit}
	for name, test := range map[string]struct {
		bucket v1alpha1.SovereignBucket
		want   v1alpha1.PolicySummary
	}{
		"nobody objects":                     {objectedTo(metav1.ConditionTrue), v1alpha1.PolicySummary{Pass: 1}},
		"it objects":                         {objectedTo(metav1.ConditionTrue, v1alpha1.ObjectionStatus{Policy: "p", Rule: "grid"}), v1alpha1.PolicySummary{Warn: 1}},
		"another policy does":                {objectedTo(metav1.ConditionFalse, v1alpha1.ObjectionStatus{Policy: "q", Rule: "grid"}), v1alpha1.PolicySummary{Pass: 1}},
		"it objects to another role":         {objectedTo(metav1.ConditionTrue, v1alpha1.ObjectionStatus{Policy: "p", Rule: "grant", Role: v1alpha1.RolePrimary}), v1alpha1.PolicySummary{Pass: 1}},
		"it objects to this role":            {objectedTo(metav1.ConditionTrue, v1alpha1.ObjectionStatus{Policy: "p", Rule: "grant", Role: v1alpha1.RoleReplica}), v1alpha1.PolicySummary{Warn: 1}},
		"nothing is known of the bucket yet": {bucketThat(""), v1alpha1.PolicySummary{Warn: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, summarise(policy, []v1alpha1.SovereignBucket{test.bucket})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPolicyThatBindsNothingIsNotReady(t *testing.T) {
	labelled := func(value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"service": value}}
	}
	nonsense := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "Nonsense"}}}
	namespaces := []placement.Namespace{{Name: "ccas", Labels: map[string]string{"service": "ccas"}}}
	for name, test := range map[string]struct {
		allowed, applies *metav1.LabelSelector
		want             string // reason
	}{
		"everybody may name it":                  {&metav1.LabelSelector{}, nil, v1alpha1.ReasonSucceeded},
		"somebody may":                           {labelled("ccas"), nil, v1alpha1.ReasonSucceeded},
		"it applies to somebody":                 {nil, labelled("ccas"), v1alpha1.ReasonSucceeded},
		"nobody that there is may name it":       {labelled("etat-civil"), nil, v1alpha1.ReasonNothingSelected},
		"it applies to nobody that there is":     {nil, labelled("etat-civil"), v1alpha1.ReasonNothingSelected},
		"it applies to nobody, and may be named": {&metav1.LabelSelector{}, labelled("etat-civil"), v1alpha1.ReasonNothingSelected},
		"it is for nobody at all":                {nil, nil, v1alpha1.ReasonNothingSelected},
		"its selector is malformed":              {nil, nonsense, v1alpha1.ReasonInvalidConfiguration},
		"one of two is malformed":                {nonsense, labelled("ccas"), v1alpha1.ReasonInvalidConfiguration},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scope{policy: &v1alpha1.SovereigntyPolicy{}, namespaces: namespaces}
			s.policy.Spec.AllowedNamespaces = test.allowed
			if test.applies != nil {
				s.policy.Spec.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: test.applies}
			}
			got := s.ready()
			if got.Reason != test.want || (got.Status == metav1.ConditionTrue) != (test.want == v1alpha1.ReasonSucceeded) {
				t.Errorf("Ready is %s/%s: %s; want %s", got.Status, got.Reason, got.Message, test.want)
			}
		})
	}
}

func TestABaselineBindsByTheLabelsOfNamespaces(t *testing.T) {
	s := &scope{policy: &v1alpha1.SovereigntyPolicy{}, namespaces: []placement.Namespace{
		{Name: "ccas", Labels: map[string]string{"service": "ccas"}}, {Name: "sig"},
	}}
	s.policy.Name = "p"
	bucketIn := func(namespace, policy string) *v1alpha1.SovereignBucket {
		bucket := &v1alpha1.SovereignBucket{}
		bucket.Namespace, bucket.Spec.PolicyRef.Name = namespace, policy
		return bucket
	}
	got := func() []bool {
		return []bool{s.binds(bucketIn("sig", "p")), s.binds(bucketIn("ccas", "q")), s.binds(bucketIn("sig", "q")), s.binds(bucketIn("gone", "q"))}
	}
	if diff := cmp.Diff([]bool{true, false, false, false}, got()); diff != "" {
		t.Errorf("without appliesTo (-want +got):\n%s", diff)
	}
	s.policy.Spec.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"service": "ccas"}}}
	if diff := cmp.Diff([]bool{true, true, false, false}, got()); diff != "" {
		t.Errorf("with appliesTo (-want +got):\n%s", diff)
	}
}

func TestASummaryThatCouldNotBeMadeLeavesTheLastOne(t *testing.T) {
	before := v1alpha1.PolicySummary{Pass: 3, Fail: 1}
	s := &scope{policy: &v1alpha1.SovereigntyPolicy{Status: v1alpha1.SovereigntyPolicyStatus{Summary: before}}}
	s.report(errors.New("the API server is away"))
	if diff := cmp.Diff(before, s.policy.Status.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.buckets = []v1alpha1.SovereignBucket{bucketThat(metav1.ConditionTrue)}
	s.report(nil)
	if diff := cmp.Diff(v1alpha1.PolicySummary{Pass: 1}, s.policy.Status.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
