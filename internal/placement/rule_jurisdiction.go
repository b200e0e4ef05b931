package placement

import (
	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/message"
)

// seat refuses operators whose registered seat is outside the perimeter of the
// policy's jurisdiction. Unknown is outside.
func seat(_ Request, policy Policy, c Candidate) *Objection {
	return insideLaw(policy, c, c.RunBy.SeatCountry,
		"%[1]s has its seat in %[2]s, which is outside %[3]s",
		"it is not known in which country %[1]s has its seat, and unknown is outside %[3]s: see operator.seatCountry")
}

// control refuses operators that are controlled from outside that perimeter.
func control(_ Request, policy Policy, c Candidate) *Objection {
	return insideLaw(policy, c, c.RunBy.ControlCountry,
		"%[1]s is controlled from %[2]s, which is outside %[3]s",
		"it is not known from which country %[1]s is controlled, and unknown is outside %[3]s: see operator.controlCountry")
}

// insideLaw objects to a country outside the perimeter of the policy's jurisdiction.
// Its words are given the operator, the country and the perimeter.
func insideLaw(policy Policy, c Candidate, country string, outside, unknown message.Format) *Objection {
	perimeter := geo.Perimeter(policy.Spec.Jurisdiction.Perimeter)
	territory := geo.Classify(country, "")
	words := outside
	switch {
	case perimeter == "" || perimeter.Contains(territory.Perimeter):
		return nil
	case !territory.Known():
		words = unknown
	}
	return object(RuleJurisdiction, v1alpha1.ReasonJurisdictionNotAllowed, words, entityOf(c), territory.Country, perimeter)
}

// nonEUHolder refuses operators of which one holder from outside the Union has more
// than the policy allows.
func nonEUHolder(_ Request, policy Policy, c Candidate) *Objection {
	return withinShare(c, c.RunBy.NonEUHolderPercent, policy.Spec.Jurisdiction.MaxNonEUHolderPercent,
		"one holder from outside the Union has %[2]s %% of %[1]s, and the policy allows %[3]s %%",
		"it is not known how much of %[1]s its largest holder from outside the Union has, and the policy allows %[3]s %%: "+
			"see operator.nonEUHolderPercent")
}

// nonEUTotal refuses operators of which all holders from outside the Union together
// have more than the policy allows.
func nonEUTotal(_ Request, policy Policy, c Candidate) *Objection {
	return withinShare(c, c.RunBy.NonEUTotalPercent, policy.Spec.Jurisdiction.MaxNonEUTotalPercent,
		"holders from outside the Union together have %[2]s %% of %[1]s, and the policy allows %[3]s %%",
		"it is not known how much of %[1]s holders from outside the Union have together, and the policy allows %[3]s %%: "+
			"see operator.nonEUTotalPercent")
}

// withinShare objects to a share above the limit, or to one that is not known. Its
// words are given the operator, the share and the limit.
func withinShare(c Candidate, share, limit string, above, unknown message.Format) *Objection {
	isWithin, isKnown := within(share, limit)
	words := above
	switch {
	case limit == "" || isWithin:
		return nil
	case !isKnown:
		words = unknown
	}
	return object(RuleJurisdiction, v1alpha1.ReasonJurisdictionNotAllowed, words, entityOf(c), share, limit)
}

// extraterritorialLaw refuses operators that laws of a country outside the Union
// reach, and those of whom it is not established that none does.
func extraterritorialLaw(_ Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Jurisdiction.ExtraterritorialLaw != v1alpha1.Forbidden {
		return nil
	}
	switch c.RunBy.ExtraterritorialLaw {
	case v1alpha1.LawNone:
		return nil
	case v1alpha1.LawExposed:
		return object(RuleJurisdiction, v1alpha1.ReasonJurisdictionNotAllowed, "laws of a country outside the Union reach %s", entityOf(c))
	default:
		return object(RuleJurisdiction, v1alpha1.ReasonJurisdictionNotAllowed,
			"it is not known whether laws of a country outside the Union reach %s: see operator.extraterritorialLaw", entityOf(c))
	}
}

// entityOf names who runs a place.
func entityOf(c Candidate) message.Text {
	if c.RunBy.LegalEntity != "" {
		return message.Verbatim(c.RunBy.LegalEntity)
	}
	return message.Of("the operator of provider %s", c.ProviderName)
}
