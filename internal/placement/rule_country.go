package placement

import (
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// country refuses places in countries that the policy does not list.
func country(_ Request, policy Policy, c Candidate) *Objection {
	allowed := policy.Spec.Residency.AllowedCountries
	isAllowed := func(code string) bool { return geo.Canonical(code) == c.Territory.Country }
	if len(allowed) == 0 || !c.Territory.Known() || slices.ContainsFunc(allowed, isAllowed) {
		return nil
	}
	return object(RuleCountry, v1alpha1.ReasonCountryNotAllowed,
		"%s is not among the allowed countries %s", c.Territory.Country, strings.Join(allowed, ", "))
}
