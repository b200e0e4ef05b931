package placement

import (
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/message"
)

// country refuses places in countries that the policy does not list. Of an unknown one
// the rule of residency speaks, unless that is excepted: then the country is as unknown,
// and not listed.
func country(in Request, policy Policy, c Candidate) *Objection {
	allowed := policy.Spec.Residency.AllowedCountries
	isAllowed := func(code string) bool { return geo.Canonical(code) == c.Territory.Country }
	isLeftToResidency := !c.Territory.Known() && in.exception(policy.Name, RuleResidency) == nil
	if len(allowed) == 0 || isLeftToResidency || slices.ContainsFunc(allowed, isAllowed) {
		return nil
	}
	where := message.Verbatim(c.Territory.Country)
	if c.Territory.Country == "" {
		where = message.Of("an unknown country")
	}
	return object(RuleCountry, v1alpha1.ReasonCountryNotAllowed, "%s is not among the allowed countries %s", where, strings.Join(allowed, ", "))
}
