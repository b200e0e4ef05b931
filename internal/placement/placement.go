// Package placement decides where copies of a dataset may be, and says why not
// elsewhere.
//
// It is pure: providers and policies come in, a Decision comes out, the same one
// for the same input. Each rule is one function in one file; a chain of them
// keeps every objection against every candidate, because "why not there?" is
// what people ask.
//
// Start reading at Decide; the rules are listed in judge.go.
package placement

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/seal"
)

// Request is everything that a decision depends on.
type Request struct {
	// Namespace is the bucket's namespace.
	Namespace Namespace
	// Narrowing is the bucket's own wish; it never widens what policies allow.
	Narrowing v1alpha1.PlacementSpec
	// Name is the SovereignBucket's, which adoption is allowed to by name.
	Name string
	// Existing is the bucket that is to be adopted as the primary; nil is none.
	Existing *v1alpha1.ExistingBucket
	// Policies that bind the bucket. Every one must be satisfied.
	Policies []Policy
	// Candidates are all places that exist.
	Candidates []Candidate
	// Placed are the copies that exist already.
	Placed []Copy
	// Exceptions are those made for this dataset that the policies allow. One counts
	// until its end.
	Exceptions []Exception
	// Now is the time as of which facts with an end are judged. At the zero time none
	// of them holds.
	Now time.Time
}

// wantedPrimary is the place that the bucket asks for its primary, and the field
// that asks; nil leaves the choice.
func (in Request) wantedPrimary() (place *v1alpha1.PlaceReference, field string) {
	if in.Existing != nil {
		return &in.Existing.PlaceReference, "existingBucket"
	}
	return in.Narrowing.Primary, "placement.primary"
}

// holdsCopyAt tells whether a copy of any role is placed there.
func (in Request) holdsCopyAt(place v1alpha1.PlaceReference) bool {
	return slices.ContainsFunc(in.Placed, func(c Copy) bool { return c.PlaceReference == place })
}

// Namespace is what allowedNamespaces selectors see.
type Namespace struct {
	Name   string
	Labels map[string]string
}

// Policy is a named set of rules.
type Policy struct {
	Name string
	Spec v1alpha1.SovereigntyPolicySpec
	// IsBaseline tells that it binds the bucket through appliesTo, and that the bucket
	// does not name it.
	IsBaseline bool
	// SharePercents are what each operator holds of all that is stored under the
	// policy, by the identity of the operator; nil is not known.
	SharePercents map[string]int32
}

// FromPolicy gives a policy with what its status tells of stored bytes.
func FromPolicy(policy *v1alpha1.SovereigntyPolicy) Policy {
	p := Policy{Name: policy.Name, Spec: policy.Spec}
	if stored := policy.Status.Concentration; stored != nil {
		p.SharePercents = make(map[string]int32, len(stored.Operators))
		for _, operator := range stored.Operators {
			p.SharePercents[operator.Operator] = operator.SharePercent
		}
	}
	return p
}

// Denies tells whether objections of the policy keep data away. Those of others are
// only shown.
func (p Policy) Denies() bool { return p.Spec.Action() == v1alpha1.ActionDeny }

// IsAdvice tells that the policy changes nothing at all: it is a baseline that does
// not deny. One that the bucket names and that does not deny keeps no data away
// either, and still says how copies are kept.
func (p Policy) IsAdvice() bool { return p.IsBaseline && !p.Denies() }

// Candidate is a place with the facts that rules judge.
type Candidate struct {
	v1alpha1.PlaceReference
	// Operator identifies who runs it: providers of one group count as one.
	Operator string
	// RunBy is what is known of who runs it.
	RunBy v1alpha1.Operator
	// Territory is where it stands; the zero value is unknown and thus outside.
	Territory geo.Territory
	// Verification says how sure that is, and Contradiction what is declared and
	// reported instead; it says nothing when nothing contradicts.
	Verification  v1alpha1.LocationVerification
	Contradiction message.Text
	// Availability is what the vendor's API says of the place; empty where none does.
	Availability v1alpha1.LocationAvailability
	OnPremise    bool
	// Point is where it is on the earth; nil is unknown, and then it is far from
	// nothing.
	Point *geo.Point
	// Facts are what else is known of the place.
	Facts location.Facts
	// Attestations are those of its services that count.
	Attestations []v1alpha1.AttestationStatus
	// Taints of the provider.
	Taints []v1alpha1.Taint
	// Sovereignty are the answers to the EU Cloud Sovereignty Framework about its
	// object storage.
	Sovereignty []seal.Answer
	// Grant is the narrowest key that an application can get there; empty is none.
	Grant v1alpha1.GrantLevel
	// Capabilities found by trying.
	Capabilities v1alpha1.Capabilities
	// KeysNotKept are the traits of keys that its store does not keep.
	KeysNotKept []string
	// AllowedNamespaces of the provider; nil selects none.
	AllowedNamespaces *metav1.LabelSelector
	// Adoptable are the buckets here that may be adopted.
	Adoptable []v1alpha1.AdoptableBucket
	// Suspended providers take no new copies.
	Suspended bool
	// Holds tells that a bucket of this dataset is there already, from before the
	// cluster was restored. It goes before every other preference, and allows
	// nothing that a rule forbids.
	Holds bool
	// Ready tells whether the provider answers now. It ranks, it never refuses.
	Ready bool
	// Assumed names the facts that nobody confirmed, for decisions made offline.
	Assumed []string
}

// Copy is a placed copy.
type Copy struct {
	v1alpha1.PlaceReference
	Role  v1alpha1.CopyRole
	Score int32
}

// Objection is one reason against a candidate.
type Objection struct {
	// Policy that objects; empty when the provider or the bucket itself does.
	Policy string
	// Rule that objects, such as residency.
	Rule Rule
	// Reason is one of the reasons in api/v1alpha1.
	Reason string
	// Message says it in a sentence.
	Message message.Text
	// Role is set when the objection is only against a copy of that role.
	Role v1alpha1.CopyRole
	// Action is Warn or Audit when the objection keeps nothing away; empty is Deny.
	Action v1alpha1.ValidationAction
	// Exception is the name of the one because of which it keeps nothing away; empty is
	// none.
	Exception string
}

// Equal tells whether two objections are the same, in the same words.
func (o Objection) Equal(other Objection) bool {
	return o.Policy == other.Policy && o.Rule == other.Rule && o.Reason == other.Reason && o.Role == other.Role &&
		o.Action == other.Action && o.Exception == other.Exception && o.Message.Equal(other.Message)
}

// Concerns tells whether the objection is about a copy of the role.
func (o Objection) Concerns(role v1alpha1.CopyRole) bool { return o.Role == "" || o.Role == role }

// Denies tells whether the objection keeps anything away, and is not only shown.
func (o Objection) Denies() bool { return o.Action == "" && o.Exception == "" }

// IsExcused tells whether the objection would keep something away but for an exception.
func (o Objection) IsExcused() bool { return o.Action == "" && o.Exception != "" }

// Excludes tells whether the objection keeps a copy of the role away.
func (o Objection) Excludes(role v1alpha1.CopyRole) bool { return o.Denies() && o.Concerns(role) }

// Against gives the first objection that keeps a copy of the role away from a
// candidate, or nil.
func Against(in Request, candidate Candidate, role v1alpha1.CopyRole) *Objection {
	for _, objection := range Judge(in, candidate) {
		if objection.Excludes(role) {
			return &objection
		}
	}
	return nil
}

// Rule names what objects. The names are part of the API.
type Rule string

// Rules in the order in which they are judged and shown.
const (
	RuleNamespace    Rule = "namespace"
	RuleSelection    Rule = "selection"
	RuleAdoption     Rule = "adoption"
	RuleSuspended    Rule = "suspended"
	RuleAvailability Rule = "availability"
	RuleTaint        Rule = "taint"
	RuleResidency    Rule = "residency"
	RuleVerification Rule = "verification"
	RuleCountry      Rule = "country"
	RuleJurisdiction Rule = "jurisdiction"
	RuleAttestation  Rule = "attestation"
	RuleSeal         Rule = "seal"
	RuleOnPremise    Rule = "onPremise"
	RuleGrid         Rule = "grid"
	RulePUE          Rule = "pue"
	RuleGrant        Rule = "grant"
	RuleCapability   Rule = "capability"
	RuleCopies       Rule = "copies"
	RuleOperators    Rule = "operators"
	RuleDistance     Rule = "distance"
	// RuleConcentration never keeps anything away.
	RuleConcentration Rule = "concentration"
)

// Judged is a candidate with everything that was found about it.
type Judged struct {
	Candidate
	// Objections, of all policies and all rules.
	Objections []Objection
	// Points rank eligible candidates: hundredths of the score, not rounded.
	Points int32
	// SpreadPoints are those of Points that a set of copies gets once for each
	// operator.
	SpreadPoints int32
	// Score is what is shown of the points: 0 to 100 in steps of 5.
	Score int32
	// Placed tells the role of the copy that is there already; empty if none is.
	Placed v1alpha1.CopyRole
}

// EligibleAs tells whether a copy of the role may be here.
func (j Judged) EligibleAs(role v1alpha1.CopyRole) bool {
	for _, objection := range j.Objections {
		if objection.Excludes(role) {
			return false
		}
	}
	return true
}

// Eligible tells whether any copy may be here.
func (j Judged) Eligible() bool {
	return j.EligibleAs(v1alpha1.RolePrimary) || j.EligibleAs(v1alpha1.RoleReplica)
}

// IsExcepted tells whether an exception lets a copy be here that a rule would keep
// away.
func (j Judged) IsExcepted() bool {
	return slices.ContainsFunc(j.Objections, Objection.IsExcused)
}

// IsBaselineOf tells whether a policy binds every bucket of a namespace, whichever
// policy the bucket names.
func IsBaselineOf(policy v1alpha1.SovereigntyPolicySpec, namespace Namespace) bool {
	return policy.AppliesTo != nil && Selects(policy.AppliesTo.NamespaceSelector, namespace)
}

// Selects tells whether a selector selects the namespace. A nil or malformed
// selector selects nothing.
func Selects(selector *metav1.LabelSelector, namespace Namespace) bool {
	if selector == nil {
		return false
	}
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(labels.Set(namespace.Labels))
}
