package explain

import (
	"cmp"
	"slices"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

// answer is what is explained.
type answer struct {
	// at is the time as of which it holds, where one was asked for.
	at       *time.Time
	language message.Language
	buckets  []Explanation
}

// isSatisfied tells whether every bucket is.
func (a answer) isSatisfied() bool {
	return !slices.ContainsFunc(a.buckets, func(e Explanation) bool { return !e.Satisfied })
}

// Explanation says where the copies of a bucket are to be and why. Its JSON is a
// contract: see docs/kubectl-rempart.md.
type Explanation struct {
	// Bucket is namespace/name.
	Bucket    string `json:"bucket"`
	Satisfied bool   `json:"satisfied"`
	// Reason and Message say what is missing.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Primary is provider/location, empty if there is no place for one.
	Primary string `json:"primary"`
	// Copies are what is to be there; of an unsatisfied decision, what stays.
	Copies []Copy `json:"copies"`
	// Candidates are all places, the best first.
	Candidates []Candidate `json:"candidates"`
	// Excepted are the objections against all copies together that exceptions keep from
	// counting.
	Excepted []Objection `json:"excepted,omitempty"`

	// title, policy, rules and shortage are for people. The shortage is the message
	// without what only holds in a status.
	title, policy   string
	rules, shortage message.Text
	// baselines are the other policies that bind the bucket, in words.
	baselines []message.Text
	// illegal are copies that exist and may not stay.
	illegal []placement.IllegalCopy
}

// Copy is a copy that is to be.
type Copy struct {
	ProviderName string            `json:"providerName"`
	Location     string            `json:"location"`
	Role         v1alpha1.CopyRole `json:"role"`
	Score        int32             `json:"score"`

	// isPlaced tells that it is there already.
	isPlaced bool
}

// Candidate is a place with every objection against it.
type Candidate struct {
	ProviderName string `json:"providerName"`
	Location     string `json:"location"`
	// Eligible tells whether a copy of any role may be here.
	Eligible bool  `json:"eligible"`
	Score    int32 `json:"score"`
	// Assumed names the facts that nobody confirmed.
	Assumed    []string    `json:"assumed"`
	Objections []Objection `json:"objections"`

	operator, country, perimeter string
	// roles are those that a copy may have here.
	roles []v1alpha1.CopyRole
}

// Objection is one reason against a candidate.
type Objection struct {
	// Policy that objects; empty when the provider or the bucket itself does.
	Policy string `json:"policy"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	// Action is Deny, or Warn or Audit when the objection keeps nothing away.
	Action  string `json:"action"`
	Message string `json:"message"`
	// Exception is the SovereigntyException because of which it keeps nothing away.
	Exception string `json:"exception,omitempty"`
	// Role is set when the objection is only against a copy of that role.
	Role v1alpha1.CopyRole `json:"role,omitempty"`

	// text says all of it, as refusals at admission do.
	text message.Text
}

// explanation makes the model of a decision, with its messages in a language.
func (d decided) explanation(language message.Language) Explanation {
	bucket := d.facts.Bucket
	e := Explanation{
		Bucket:    bucket.Namespace + "/" + bucket.Name,
		Satisfied: d.decision.Satisfied, Reason: d.decision.Reason, Message: d.decision.Message.In(language),
		Copies: []Copy{}, Candidates: []Candidate{},
		title: bucket.Spec.Dataset.Title, policy: bucket.Spec.PolicyRef.Name, shortage: d.decision.Message.Without(placement.SeeCandidates),
		illegal: d.decision.Illegal, Excepted: objections(d.decision.Excepted, language),
	}
	for _, policy := range slices.Concat(d.facts.Policies, d.facts.Advice) {
		if policy.IsBaseline {
			e.baselines = append(e.baselines, message.Of("%s: %s", policy.Name, describe(policy.Spec)))
			continue
		}
		e.rules = describe(policy.Spec)
	}
	placed := d.facts.Placed()
	for _, copied := range d.decision.Copies {
		e.Copies = append(e.Copies, Copy{
			ProviderName: copied.ProviderName, Location: copied.Location, Role: copied.Role, Score: copied.Score,
			isPlaced: slices.ContainsFunc(placed, func(c placement.Copy) bool { return c.PlaceReference == copied.PlaceReference }),
		})
		if copied.Role == v1alpha1.RolePrimary {
			e.Primary = copied.PlaceReference.String()
		}
	}
	for _, candidate := range d.decision.Candidates {
		e.Candidates = append(e.Candidates, d.candidate(candidate, language))
	}
	e.Candidates = append(e.Candidates, d.undeclared(language)...)
	return e
}

func (d decided) candidate(judged placement.Judged, language message.Language) Candidate {
	c := Candidate{
		ProviderName: judged.ProviderName, Location: judged.Location,
		Eligible: judged.Eligible(), Score: judged.Score,
		Assumed: append([]string{}, judged.Assumed...), Objections: objections(judged.Objections, language),
		country: judged.Territory.Country, perimeter: string(judged.Territory.Perimeter), operator: judged.Operator,
	}
	if provider := d.facts.Provider(judged.ProviderName); provider != nil {
		c.operator = cmp.Or(location.OperatorOf(provider).LegalEntity, c.operator)
	}
	for _, role := range []v1alpha1.CopyRole{v1alpha1.RolePrimary, v1alpha1.RoleReplica} {
		if judged.EligibleAs(role) {
			c.roles = append(c.roles, role)
		}
	}
	return c
}

// undeclared are the places of copies that no provider declares any more: they
// are no candidates for anything new, and still have something against them.
func (d decided) undeclared(language message.Language) []Candidate {
	var candidates []Candidate
	for _, illegal := range d.decision.Illegal {
		isDeclared := slices.ContainsFunc(d.decision.Candidates, func(j placement.Judged) bool {
			return j.PlaceReference == illegal.PlaceReference
		})
		if !isDeclared {
			candidates = append(candidates, Candidate{
				ProviderName: illegal.ProviderName, Location: illegal.Location,
				Assumed: []string{}, Objections: objections(illegal.Objections, language),
			})
		}
	}
	return candidates
}

func objections(found []placement.Objection, language message.Language) []Objection {
	converted := make([]Objection, 0, len(found))
	for _, objection := range found {
		converted = append(converted, Objection{
			Policy: objection.Policy, Rule: string(objection.Rule), Reason: objection.Reason,
			Action: string(cmp.Or(objection.Action, v1alpha1.ActionDeny)), Message: objection.Message.In(language), Role: objection.Role,
			Exception: objection.Exception, text: objection.Text(),
		})
	}
	return converted
}
