package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

// answerTo answers a criterion of the framework for some locations, until long after
// any test.
func answerTo(criterion string, rung int32, locations ...string) v1alpha1.SovereigntyAnswer {
	return v1alpha1.SovereigntyAnswer{
		Framework: v1alpha1.FrameworkCSF202606, Service: "object-storage", Locations: locations, Criterion: criterion, Rung: rung,
		EvidenceType: v1alpha1.AnswerSelfDeclared, Assessor: "DSI", Date: "2020-06-30", ValidUntil: "2120-06-30",
	}
}

func TestAnswersToTheFrameworkThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	provider := func(change ...func(*v1alpha1.SovereigntyAnswer)) *v1alpha1.SovereignProvider {
		answer := answerTo("3.4", 5, "dc1")
		for _, f := range change {
			f(&answer)
		}
		return &v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec: v1alpha1.SovereignProviderSpec{
				Type:        v1alpha1.ProviderTypeS3,
				S3:          &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
				Operator:    v1alpha1.Operator{LegalEntity: "X"},
				Locations:   []v1alpha1.Location{in("dc1", "FR")},
				Sovereignty: []v1alpha1.SovereigntyAnswer{answer},
			},
		}
	}
	isCriterion := func(criterion string, rung int32) func(*v1alpha1.SovereigntyAnswer) {
		return func(a *v1alpha1.SovereigntyAnswer) { a.Criterion, a.Rung = criterion, rung }
	}
	const unknown = "criterion must be one of the framework's 48"
	for _, refused := range []struct {
		want   string
		change func(*v1alpha1.SovereigntyAnswer)
	}{
		{unknown, isCriterion("1.9", 1)},
		{unknown, isCriterion("8.5", 1)},
		{unknown, isCriterion("0.1", 1)},
		{unknown, isCriterion("3,4", 1)},
		{"rung", isCriterion("3.4", 6)},
		{"rung", isCriterion("3.4", -1)},
		{"criterion 2.1 has three rungs", isCriterion("2.1", 4)},
		{"criteria 1.1, 1.3 and 1.7 have four rungs", isCriterion("1.7", 5)},
		{`Unsupported value: "Observed"`, func(a *v1alpha1.SovereigntyAnswer) { a.EvidenceType = "Observed" }},
		{`Unsupported value: "csf-1.2.1"`, func(a *v1alpha1.SovereigntyAnswer) { a.Framework = "csf-1.2.1" }},
		{"an answer that was Audited needs evidence", func(a *v1alpha1.SovereigntyAnswer) { a.EvidenceType = v1alpha1.AnswerAudited }},
		{"evidence must be a URL", func(a *v1alpha1.SovereigntyAnswer) { a.Evidence = "the file in my drawer" }},
		{"evidence must be a URL", func(a *v1alpha1.SovereigntyAnswer) { a.Evidence = "https://me:secret@example.fr" }},
		{"validUntil is before date", func(a *v1alpha1.SovereigntyAnswer) { a.ValidUntil = "2020-06-29" }},
		{"spec.sovereignty[0].validUntil", func(a *v1alpha1.SovereigntyAnswer) { a.ValidUntil = "2120-02-30" }},
		{"spec.sovereignty[0].date", func(a *v1alpha1.SovereigntyAnswer) { a.Date = "" }},
		{"spec.sovereignty[0].assessor", func(a *v1alpha1.SovereigntyAnswer) { a.Assessor = "" }},
		{"spec.sovereignty[0].locations", func(a *v1alpha1.SovereigntyAnswer) { a.Locations = nil }},
	} {
		w.wantRefused(provider(refused.change), refused.want)
	}
	policy := func(rules v1alpha1.SealRules) *v1alpha1.SovereigntyPolicy {
		return &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec:       v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: "EU"}, Seal: rules},
		}
	}
	for _, refused := range []struct {
		want  string
		rules v1alpha1.SealRules
	}{
		{"minimum must be 1 to 4: the framework has nothing above SEAL-4", v1alpha1.SealRules{Minimum: 5}},
		{"minimum must be 1 to 4", v1alpha1.SealRules{Minimum: -1}},
		{"spec.seal.minimum: Required value", v1alpha1.SealRules{MinimumCoverage: 30}},
		{"minimumCoverage must be 1 to 48", v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 49}},
		{`Unsupported value: "Proven"`, v1alpha1.SealRules{Minimum: 2, Evidence: "Proven"}},
		{`Unsupported value: "csf-2030"`, v1alpha1.SealRules{Minimum: 2, Weights: "csf-2030"}},
	} {
		w.wantRefused(policy(refused.rules), refused.want)
	}

	// Every criterion is taken with its best rung, and so is a whole list of answers.
	whole := provider()
	whole.Spec.Sovereignty = nil
	for _, criterion := range criteria() {
		for _, locations := range []string{"a", "b", "c", "d", "e"} {
			answer := answerTo(criterion.id, criterion.rungs, strings.Repeat(locations, 63))
			answer.EvidenceType, answer.Evidence = v1alpha1.AnswerAudited, "https://example.fr/"+strings.Repeat("x", 490)
			whole.Spec.Sovereignty = append(whole.Spec.Sovereignty, answer)
		}
	}
	w.create(whole)
	w.create(policy(v1alpha1.SealRules{Minimum: 4, MinimumCoverage: 48, Evidence: v1alpha1.SealEvidenced, Weights: v1alpha1.WeightsCSF121}))
}

type criterion struct {
	id    string
	rungs int32
}

// criteria are the framework's, counted here as its tables have them.
func criteria() []criterion {
	var all []criterion
	for objective, count := range []int{8, 6, 5, 6, 7, 5, 7, 4} {
		for i := range count {
			id := fmt.Sprintf("%d.%d", objective+1, i+1)
			rungs := int32(5)
			switch id {
			case "1.1", "1.3", "1.7":
				rungs = 4
			case "2.1":
				rungs = 3
			}
			all = append(all, criterion{id, rungs})
		}
	}
	return all
}

// answers gives the object storage at a provider's locations the best answers to
// three criteria, until the end of a day.
func answers(until time.Time, locations ...string) func(*v1alpha1.SovereignProvider) {
	return func(p *v1alpha1.SovereignProvider) {
		for id, rung := range map[string]int32{"1.1": 4, "2.1": 3, "3.4": 5} {
			answer := answerTo(id, rung, locations...)
			answer.ValidUntil = until.UTC().Format(time.DateOnly)
			p.Spec.Sovereignty = append(p.Spec.Sovereignty, answer)
		}
	}
}

func TestAnswersThatEndTakeACopysPlace(t *testing.T) {
	clock := newClock()
	w := newWorld(t, timed(clock))
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.emulated(name)
	}
	today, later := clock.Now(), clock.Now().AddDate(5, 0, 0)
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)}, answers(later, "dc1"))
	ovh := w.provider("ovh", []v1alpha1.Location{in("GRA", "FR"), in("SBG", "FR")}, answers(today, "GRA"))
	outscale := w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")})
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Seal = v1alpha1.SealRules{Minimum: 2, MinimumCoverage: 3}
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	w.eventually(func() error { return objectionOn(w, bucket, "tds-outscale", v1alpha1.ReasonSealTooLow) })
	w.eventually(func() error { return objectionOn(w, bucket, "ovh", v1alpha1.ReasonSealTooLow) })
	w.eventually(func() error { return copiesAt(w, bucket, "onprem/dc1", "ovh/GRA") })
	w.get(ovh)
	if shown := ovh.Status.Sovereignty; len(shown) != 1 || len(shown[0].Locations) != 1 || shown[0].Locations[0] != "GRA" ||
		shown[0].Claimed.Level == nil || *shown[0].Claimed.Level != 4 || shown[0].Claimed.Answered != 3 || shown[0].Evidenced.Level != nil {
		t.Errorf("the provider shows %+v", shown)
	}

	pass(clock, 25*time.Hour)
	ended := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonSealTooLow)
	wantIn(t, ended.Message, "the copy at ovh/GRA may not be there by rule seal of policy etat-civil: 0 of the 48 criteria")
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse)
	w.eventually(func() error {
		w.get(ovh)
		if shown := ovh.Status.Sovereignty; len(shown) != 1 || shown[0].Claimed.Level != nil {
			return notYet("the provider shows %+v", shown)
		}
		return nil
	})

	w.update(outscale, func() { answers(later, "eu-west-2")(outscale) })
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue)
	w.eventually(func() error { return copiesAt(w, bucket, "onprem/dc1", "ovh/GRA", "tds-outscale/eu-west-2") })
}

// copiesAt tells whether the copies of a bucket are at these places, and nowhere
// else. One that has to leave is there until its data is erased.
func copiesAt(w *world, bucket *v1alpha1.SovereignBucket, want ...string) error {
	w.get(bucket)
	var got []string
	for _, copied := range bucket.Status.Copies {
		got = append(got, copied.PlaceReference.String())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return notYet("copies at %v, want %v", got, want)
	}
	return nil
}
