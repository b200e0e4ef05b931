package location_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/seal"
)

func TestAnswersToTheFrameworkAreThoseAboutTheObjectStorageOfALocation(t *testing.T) {
	said := func(change func(*v1alpha1.SovereigntyAnswer)) v1alpha1.SovereigntyAnswer {
		a := v1alpha1.SovereigntyAnswer{
			Framework: v1alpha1.FrameworkCSF202606, Service: "object-storage", Locations: []string{"GRA", "SBG"},
			Criterion: "3.4", Rung: 5, EvidenceType: v1alpha1.AnswerAudited, Date: "2026-06-30", ValidUntil: "2027-06-30",
		}
		change(&a)
		return a
	}
	want := seal.Answer{
		Criterion: "3.4", Rung: 5, Evidence: seal.Audited,
		From: time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC),
	}
	for name, test := range map[string]struct {
		change func(*v1alpha1.SovereigntyAnswer)
		want   []seal.Answer
	}{
		"here, until the end of its last day": {func(*v1alpha1.SovereigntyAnswer) {}, []seal.Answer{want}},
		"elsewhere":                           {func(a *v1alpha1.SovereigntyAnswer) { a.Locations = []string{"SBG"} }, nil},
		"of another service":                  {func(a *v1alpha1.SovereigntyAnswer) { a.Service = "compute" }, nil},
		"of another framework":                {func(a *v1alpha1.SovereigntyAnswer) { a.Framework = "csf-2030-01" }, nil},
		"without a date":                      {func(a *v1alpha1.SovereigntyAnswer) { a.Date = "" }, nil},
		"until a day that there is not":       {func(a *v1alpha1.SovereigntyAnswer) { a.ValidUntil = "2027-02-30" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := ovh()
			p.Spec.Sovereignty = []v1alpha1.SovereigntyAnswer{said(test.change)}
			if diff := cmp.Diff(test.want, location.AnswersAt(p, "GRA")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
