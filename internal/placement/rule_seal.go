package placement

import (
	"cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/seal"
)

// sealCoverage refuses places of which too few criteria of the EU Cloud Sovereignty
// Framework are answered: a SEAL on some of them is only an upper bound.
func sealCoverage(in Request, policy Policy, c Candidate) *Objection {
	rules := policy.Spec.Seal
	if rules.Minimum == 0 {
		return nil
	}
	result, kind := lookedAt(seal.Assess(c.Sovereignty, in.Now), rules)
	answered, wanted := result.Answered(), minimumCoverage(rules)
	if answered >= wanted {
		return nil
	}
	return object(RuleSeal, v1alpha1.ReasonSealTooLow,
		"%d of the %d criteria of the EU Cloud Sovereignty Framework %s for its object storage, and the policy asks for %d",
		answered, seal.CriterionCount, kind, wanted)
}

// sealLevel refuses places whose SEAL is lower than the policy asks for. What is
// only claimed raises no SEAL that must be evidenced, but a claim that falls below
// the minimum is taken at its word.
func sealLevel(in Request, policy Policy, c Candidate) *Objection {
	rules := policy.Spec.Seal
	minimum := seal.Level(rules.Minimum)
	if minimum == 0 {
		return nil
	}
	assessed := seal.Assess(c.Sovereignty, in.Now)
	result, _ := lookedAt(assessed, rules)
	if level, known := assessed.Claimed.Level(); known && level < minimum {
		result = assessed.Claimed
	}
	level, known := result.Level()
	if !known || level >= minimum {
		return nil // sealCoverage objects to what is not known
	}
	weights := cmp.Or(seal.Weights(rules.Weights), seal.Weights202606)
	return object(RuleSeal, v1alpha1.ReasonSealTooLow, "%s (score %s %% by %s) on %d of %d criteria, and the policy asks for %s: %s",
		level, result.Score(weights), weights, result.Answered(), seal.CriterionCount, minimum, tooLow(result.Below(minimum), minimum))
}

// lookedAt gives the result that a policy looks at, and how to say that criteria
// count in it.
func lookedAt(assessed seal.Assessment, rules v1alpha1.SealRules) (result seal.Result, kind message.Text) {
	if rules.Evidence == v1alpha1.SealEvidenced {
		return assessed.Evidenced, message.Of("have an audited answer")
	}
	return assessed.Claimed, message.Of("are answered")
}

func minimumCoverage(rules v1alpha1.SealRules) int {
	return cmp.Or(int(rules.MinimumCoverage), seal.CriterionCount)
}

// namedStandings is how many criteria a message names.
const namedStandings = 3

// tooLow says which criteria are below a level, the lowest first.
func tooLow(below []seal.Standing, level seal.Level) message.Text {
	var said []message.Text
	for _, standing := range below[:min(len(below), namedStandings)] {
		one := message.Of("%s %s is at rung %d and reaches that at %d",
			standing.Criterion.ID, standing.Criterion.Name, standing.Rung, standing.Criterion.RungFor(level))
		if standing.IsOver {
			one = one.Then(message.Of(", by an answer that has ended"))
		}
		said = append(said, one)
	}
	if more := len(below) - len(said); more > 0 {
		said = append(said, message.Of("%d more", more))
	}
	return message.Join("; ", said...)
}
