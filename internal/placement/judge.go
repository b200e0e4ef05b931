package placement

import (
	"fmt"

	"github.com/rempart/rempart/api/v1alpha1"
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
	}
	// policyRules are judged for each candidate under each policy.
	policyRules = []ruleFunc{
		policyNamespace,
		residency,
		verification,
		country,
		onPremise,
		grant,
		versioning,
		objectLock,
		encryption,
	}
	// choiceRules are judged when places are chosen, and not of what is there.
	choiceRules = []ruleFunc{distance}
	// processingRules judge a place where data is read but not kept.
	processingRules = []ruleFunc{residency, verification, country, onPremise}
)

// Judge gives every objection against a candidate, of all policies and rules.
func Judge(in Request, c Candidate) []Objection {
	var objections []Objection
	for _, rule := range ownRules {
		objections = keep(objections, "", rule(in, c))
	}
	for _, policy := range in.Policies {
		for _, rule := range policyRules {
			objections = keep(objections, policy.Name, rule(in, policy, c))
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
			objections = keep(objections, policy.Name, rule(in, policy, c))
		}
	}
	return objections
}

// JudgeProcessing gives every objection against reading data at a place, such as
// the place of the operator itself.
func JudgeProcessing(policies []Policy, c Candidate) []Objection {
	var objections []Objection
	for _, policy := range policies {
		for _, rule := range processingRules {
			objections = keep(objections, policy.Name, rule(Request{Policies: policies}, policy, c))
		}
	}
	return objections
}

func keep(objections []Objection, policy string, objection *Objection) []Objection {
	if objection == nil {
		return objections
	}
	objection.Policy = policy
	return append(objections, *objection)
}

func object(rule Rule, reason, format string, args ...any) *Objection {
	return &Objection{Rule: rule, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// against narrows an objection to copies of one role.
func (o *Objection) against(role v1alpha1.CopyRole) *Objection {
	o.Role = role
	return o
}
