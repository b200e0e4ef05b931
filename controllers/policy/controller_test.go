package policy

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
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
			if diff := cmp.Diff(test.want, summarise(test.buckets)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestASummaryThatCouldNotBeMadeLeavesTheLastOne(t *testing.T) {
	before := v1alpha1.PolicySummary{Pass: 3, Fail: 1}
	s := &scope{policy: &v1alpha1.SovereigntyPolicy{Status: v1alpha1.SovereigntyPolicyStatus{Summary: before}}}
	s.report(errors.New("the API server is away"))
	if diff := cmp.Diff(before, s.policy.Status.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.summary = v1alpha1.PolicySummary{Pass: 4}
	s.report(nil)
	if diff := cmp.Diff(s.summary, s.policy.Status.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
