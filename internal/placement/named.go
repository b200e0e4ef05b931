package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Named is a place that somebody names in a spec, or a provider whatever its place.
type Named struct {
	// Field names it, such as placement.primary.
	Field string
	// Place is what is named; no location is any.
	Place v1alpha1.PlaceReference
	// Role is that of the copy that it is named for; empty is any.
	Role v1alpha1.CopyRole
}

// String gives what is named as it is written.
func (n Named) String() string {
	if n.Place.Location == "" {
		return n.Place.ProviderName
	}
	return n.Place.String()
}

// names tells whether a place is meant.
func (n Named) names(place v1alpha1.PlaceReference) bool {
	return n.Place.ProviderName == place.ProviderName && (n.Place.Location == "" || n.Place.Location == place.Location)
}

// NamedBy are the places that a bucket's spec names.
func NamedBy(spec v1alpha1.SovereignBucketSpec) []Named {
	var named []Named
	if primary := spec.Placement.Primary; primary != nil {
		named = append(named, Named{Field: "placement.primary", Place: *primary, Role: v1alpha1.RolePrimary})
	}
	if existing := spec.ExistingBucket; existing != nil {
		named = append(named, Named{Field: "existingBucket", Place: existing.PlaceReference, Role: v1alpha1.RolePrimary})
	}
	for _, name := range spec.Placement.ProviderNames {
		named = append(named, Named{Field: "placement.providerNames", Place: v1alpha1.PlaceReference{ProviderName: name}})
	}
	return named
}

// Verdict is what was found about a named place.
type Verdict struct {
	Named
	// IsDeclared tells whether any SovereignProvider has such a place.
	IsDeclared bool
	// Refusals are objections that keep every such place away, each said once. They
	// last until somebody changes a fact or a rule. Empty means that some place will
	// do.
	Refusals []Objection
	// Hindrances are objections where some place will do, once they have passed by
	// themselves.
	Hindrances []Objection
}

// JudgeNamed judges a named place. What nobody has looked at yet does not speak
// against it: the decision itself waits for that.
func JudgeNamed(in Request, named Named) Verdict {
	verdict := Verdict{Named: named}
	willOneDo := false
	for _, candidate := range in.Candidates {
		if !named.names(candidate.PlaceReference) {
			continue
		}
		verdict.IsDeclared = true
		lasting, passing := named.objections(in, candidate)
		switch {
		case len(lasting) > 0:
			verdict.Refusals = withEach(verdict.Refusals, lasting)
		case len(passing) > 0:
			verdict.Hindrances, willOneDo = withEach(verdict.Hindrances, passing), true
		default:
			return Verdict{Named: named, IsDeclared: true}
		}
	}
	if willOneDo {
		verdict.Refusals = nil
	}
	return verdict
}

// objections are what keeps a copy away from a candidate: until somebody changes
// something, and until it passes by itself.
func (n Named) objections(in Request, c Candidate) (lasting, passing []Objection) {
	for _, objection := range excluding(Judge(in, presumeCapable(c)), n.Role) {
		switch objection.Rule {
		case RuleAvailability, RuleSuspended, RuleTaint:
			passing = append(passing, objection)
		default:
			lasting = append(lasting, objection)
		}
	}
	return lasting, passing
}

// presumeCapable lets a store do what rules ask for as long as nobody has tried.
func presumeCapable(c Candidate) Candidate {
	for _, support := range []*v1alpha1.CapabilitySupport{&c.Capabilities.Versioning, &c.Capabilities.ObjectLock, &c.Capabilities.Encryption} {
		if *support == "" || *support == v1alpha1.CapabilityUnknown {
			*support = v1alpha1.CapabilitySupported
		}
	}
	return c
}

// withEach adds the objections that are not there yet.
func withEach(objections, more []Objection) []Objection {
	for _, objection := range more {
		if !slices.ContainsFunc(objections, objection.Equal) {
			objections = append(objections, objection)
		}
	}
	return objections
}

// FallsOut are the copies that a change makes illegal: those that may stay by the
// decision before it, and may not by the one after it.
func FallsOut(before, after Decision) []IllegalCopy {
	return slices.DeleteFunc(slices.Clone(after.Illegal), func(c IllegalCopy) bool {
		return slices.ContainsFunc(before.Illegal, func(b IllegalCopy) bool { return b.PlaceReference == c.PlaceReference && b.Role == c.Role })
	})
}

// HoldsCopy tells whether a copy is placed where it names.
func (n Named) HoldsCopy(in Request) bool {
	return slices.ContainsFunc(in.Placed, func(c Copy) bool { return n.names(c.PlaceReference) })
}

// SharedOperator is the operator of every place that either names; empty where they
// may be at different operators, or one of them names nothing that exists.
func SharedOperator(in Request, a, b Named) string {
	first, isOne := a.operator(in)
	second, isOther := b.operator(in)
	if isOne && isOther && first == second {
		return first
	}
	return ""
}

// operator is that of every place that is named, and whether there is such a one.
func (n Named) operator(in Request) (operator string, isOne bool) {
	for _, candidate := range in.Candidates {
		if !n.names(candidate.PlaceReference) {
			continue
		}
		if isOne && candidate.Operator != operator {
			return "", false
		}
		operator, isOne = candidate.Operator, true
	}
	return operator, isOne
}
