package placement_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

// Whatever is said of a decision is said in French as well, whole and with nothing of
// it left in English.
func TestWhateverIsSaidIsSaidInFrench(t *testing.T) {
	reasons := map[string]int{}
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 9))
		policies, candidates := randomSets(r)
		request := placement.Request{Namespace: placement.Namespace{Name: "etat-civil"}, Policies: policies, Candidates: candidates, Now: noon}
		if r.IntN(2) == 0 {
			request.Exceptions = []placement.Exception{{
				Name: "e", Policy: policies[0].Name, Rules: []v1alpha1.ExceptableRule{"copies", "operators", "distance", "onPremise", "attestation"},
				NotAfter: noon.AddDate(0, 1, 0),
			}}
		}
		randomPlaced(r, candidates)(&request)
		decision := placement.Decide(request)
		objections := slices.Clone(decision.Excepted)
		for _, candidate := range decision.Candidates {
			objections = append(objections, candidate.Objections...)
		}
		for _, illegal := range decision.Illegal {
			objections = append(objections, illegal.Objections...)
		}
		said := []message.Text{}
		if !decision.Satisfied {
			said = append(said, decision.Message)
			reasons[decision.Reason]++
		}
		for _, objection := range objections {
			said = append(said, objection.Text())
			reasons[objection.Reason]++
		}
		for _, text := range said {
			if problem := untranslated(text); problem != "" {
				t.Fatalf("seed %d: %s\n%s\n%s", seed, problem, text, text.In(message.French))
			}
		}
	}
	for _, reason := range []string{
		v1alpha1.ReasonNotEnoughCopies, v1alpha1.ReasonNotEnoughOperators, v1alpha1.ReasonTooClose, v1alpha1.ReasonOnPremiseRequired,
		v1alpha1.ReasonExceptionActive, v1alpha1.ReasonPrimaryRelocationRequired,
	} {
		if reasons[reason] == 0 {
			t.Errorf("%s was never the reason of %v", reason, reasons)
		}
	}
}

// untranslated says what is wrong with the French of a text, or nothing.
func untranslated(text message.Text) string {
	french := text.In(message.French)
	if strings.Contains(french, "%!") {
		return "arguments do not fit"
	}
	for _, word := range []string{" the ", " and ", " is ", " are ", " of ", " for ", " policy ", "; see "} {
		if strings.Contains(" "+french, word) {
			return "it is not all French:" + word
		}
	}
	return ""
}
