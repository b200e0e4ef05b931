package location

import (
	"cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/geo"
)

// OperatorOf tells who runs a provider: what its spec says, and what it leaves out
// from the catalogue. A spec that names another legal entity than the catalogue
// does is about another operator, of which the catalogue knows nothing.
func OperatorOf(p *v1alpha1.SovereignProvider) v1alpha1.Operator {
	operator := p.Spec.Operator
	operator.SeatCountry, operator.ControlCountry = geo.Canonical(operator.SeatCountry), geo.Canonical(operator.ControlCountry)
	known, isKnown := catalogue.OperatorAt(vendor(p), regionOf(p))
	if !isKnown || operator.LegalEntity != "" && operator.LegalEntity != known.LegalEntity.Value {
		return operator
	}
	operator.LegalEntity = cmp.Or(operator.LegalEntity, known.LegalEntity.Value)
	operator.Group = cmp.Or(operator.Group, known.Group.Value)
	operator.SeatCountry = cmp.Or(operator.SeatCountry, known.SeatCountry.Value)
	operator.ControlCountry = cmp.Or(operator.ControlCountry, known.ControlCountry.Value)
	operator.NonEUHolderPercent = cmp.Or(operator.NonEUHolderPercent, known.NonEUHolderPercent.Value)
	operator.NonEUTotalPercent = cmp.Or(operator.NonEUTotalPercent, known.NonEUTotalPercent.Value)
	operator.ExtraterritorialLaw = cmp.Or(operator.ExtraterritorialLaw, v1alpha1.LawExposure(known.ExtraterritorialLaw.Value))
	return operator
}

// regionOf is a region that stands for the whole account: in the US both vendors
// are other companies.
func regionOf(p *v1alpha1.SovereignProvider) string {
	switch {
	case p.Spec.Outscale != nil:
		return p.Spec.Outscale.Region
	case isAmerican(p):
		return "US-EAST-VA"
	}
	return ""
}
