package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// ruleFunc judges one candidate under one policy. A nil objection is none.
type ruleFunc func(in Request, policy Policy, c Candidate) *Objection

// Each rule is in a file of its own.
var (
	// ownRules are judged once for each candidate, whatever the policies.
	ownRules = []func(in Request, c Candidate) *Objection{
		providerNamespace,
		selectedProviders,
		selectedPrimary,
		adoptable,
		suspended,
		available,
		taint,
		keyless,
	}
	// policyRules are judged for each candidate under each policy.
	policyRules = []ruleFunc{
		policyNamespace,
		residency,
		verification,
		country,
		seat,
		control,
		nonEUHolder,
		nonEUTotal,
		extraterritorialLaw,
		sealCoverage,
		sealLevel,
		onPremise,
		grid,
		pue,
		grant,
		versioning,
		objectLock,
		encryption,
	}
	// choiceRules are judged when places are chosen, and not of what is there.
	choiceRules = []ruleFunc{distance, concentration}
	// listRules are those of which a policy may have several.
	listRules = []func(in Request, policy Policy, c Candidate) []*Objection{attestation}
	// processingRules judge a place where data is read but not kept: where it stands,
	// and under whose law. What is attested of its object storage is beside the point.
	processingRules = []ruleFunc{
		residency, verification, country, seat, control, nonEUHolder, nonEUTotal, extraterritorialLaw, onPremise,
	}
)

// Judge gives every objection against a candidate, of all policies and rules.
func Judge(in Request, c Candidate) []Objection {
	var objections []Objection
	for _, rule := range ownRules {
		if objection := rule(in, c); objection != nil {
			objections = append(objections, *objection)
		}
	}
	for _, policy := range in.Policies {
		for _, rule := range policyRules {
			objections = in.keep(objections, policy, rule(in, policy, c))
		}
		for _, rule := range listRules {
			objections = in.keep(objections, policy, rule(in, policy, c)...)
		}
	}
	return objections
}

// judgeForChoice gives every objection against having a copy at a candidate, those
// included that it would meet only beside the others.
func judgeForChoice(in Request, c Candidate) []Objection {
	objections := Judge(in, c)
	for _, policy := range in.Policies {
		for _, rule := range choiceRules {
			objections = in.keep(objections, policy, rule(in, policy, c))
		}
	}
	return objections
}

// JudgeProcessing gives every objection that keeps data from being read at a place,
// such as the place of the operator itself. Of the request it takes the policies, the
// exceptions and the time.
func JudgeProcessing(in Request, c Candidate) []Objection {
	var objections []Objection
	for _, policy := range in.Policies {
		if !policy.Denies() {
			continue
		}
		for _, rule := range processingRules {
			objections = in.keep(objections, policy, rule(in, policy, c))
		}
	}
	return slices.DeleteFunc(objections, func(o Objection) bool { return !o.Denies() })
}

// keep adds the objections of a policy, with what it does about them and with the
// exceptions to it.
func (in Request) keep(objections []Objection, policy Policy, raised ...*Objection) []Objection {
	for _, objection := range raised {
		if objection == nil {
			continue
		}
		objection.Policy = policy.Name
		if !policy.Denies() {
			objection.Action = policy.Spec.Action()
		}
		objections = append(objections, in.excuse(*objection))
	}
	return objections
}

func object(rule Rule, reason string, format message.Format, args ...any) *Objection {
	return &Objection{Rule: rule, Reason: reason, Message: message.Of(format, args...)}
}

// againstPrimary narrows an objection to the primary.
func (o *Objection) againstPrimary() *Objection {
	o.Role = v1alpha1.RolePrimary
	return o
}
