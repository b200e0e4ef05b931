package placement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
)

// Loosening is a rule that asks less of data than before. What no exception could be
// made to, such as an objective or a wish, is none.
type Loosening struct {
	// Rule that asks less; empty is every rule of the policy.
	Rule Rule
	// Field that says so, below spec.
	Field string
}

// String reads: residency (spec.residency.perimeter).
func (l Loosening) String() string {
	return cmp.Or(string(l.Rule), "every rule") + " (spec." + l.Field + ")"
}

// Loosenings are the rules by which a changed policy asks less of the data that it
// binds. A policy that does not deny keeps nothing away, and nothing of it can be
// loosened. The admission policy rempart-policies says the same in its own language.
func Loosenings(before, after v1alpha1.SovereigntyPolicySpec) []Loosening {
	switch {
	case before.Action() != v1alpha1.ActionDeny:
		return nil
	case after.Action() != v1alpha1.ActionDeny:
		return []Loosening{{Field: "validationActions"}}
	}
	lost := LostTo(before, []v1alpha1.SovereigntyPolicySpec{after})
	if before.AppliesTo != nil && (after.AppliesTo == nil || !isWithin(before.AppliesTo.NamespaceSelector, after.AppliesTo.NamespaceSelector)) {
		lost = append(lost, Loosening{Field: "appliesTo"})
	}
	return lost
}

// LostTo are the rules by which a policy asks of a dataset what none of those asks
// that bind it instead.
func LostTo(before v1alpha1.SovereigntyPolicySpec, instead []v1alpha1.SovereigntyPolicySpec) []Loosening {
	if before.Action() != v1alpha1.ActionDeny {
		return nil
	}
	denying := slices.DeleteFunc(slices.Clone(instead), func(s v1alpha1.SovereigntyPolicySpec) bool { return s.Action() != v1alpha1.ActionDeny })
	var lost []Loosening
	for _, d := range demands {
		if !d.isKept(&before, denying) {
			lost = append(lost, d.Loosening)
		}
	}
	return lost
}

// demand is what a policy asks by a rule, in a field.
type demand struct {
	Loosening
	// isKept tells whether a policy does not ask it, or others ask at least as much.
	isKept func(before *v1alpha1.SovereigntyPolicySpec, instead []v1alpha1.SovereigntyPolicySpec) bool
}

// demands are all that keep data away, in the order of the spec.
var demands = []demand{
	{Loosening{RuleResidency, "residency.perimeter"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return geo.Perimeter(before.Residency.Perimeter).Contains(geo.Perimeter(after.Residency.Perimeter))
	})},
	{Loosening{RuleCountry, "residency.allowedCountries"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return areWithin(before.Residency.AllowedCountries, after.Residency.AllowedCountries)
	})},
	{Loosening{RuleVerification, "residency.location"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return before.Residency.Location != v1alpha1.AssuranceConfirmed || after.Residency.Location == v1alpha1.AssuranceConfirmed
	})},
	{Loosening{RuleJurisdiction, "jurisdiction.perimeter"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		outer, inner := geo.Perimeter(before.Jurisdiction.Perimeter), geo.Perimeter(after.Jurisdiction.Perimeter)
		return outer == "" || outer.Contains(inner)
	})},
	{Loosening{RuleJurisdiction, "jurisdiction.maxNonEUHolderPercent"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return isNoMore(before.Jurisdiction.MaxNonEUHolderPercent, after.Jurisdiction.MaxNonEUHolderPercent)
	})},
	{Loosening{RuleJurisdiction, "jurisdiction.maxNonEUTotalPercent"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return isNoMore(before.Jurisdiction.MaxNonEUTotalPercent, after.Jurisdiction.MaxNonEUTotalPercent)
	})},
	{Loosening{RuleJurisdiction, "jurisdiction.extraterritorialLaw"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return before.Jurisdiction.ExtraterritorialLaw != v1alpha1.Forbidden || after.Jurisdiction.ExtraterritorialLaw == v1alpha1.Forbidden
	})},
	{Loosening{RuleAttestation, "attestations"}, areAttestationsKept},
	{Loosening{RuleSeal, "seal"}, byOne(isSealKept)},
	{Loosening{RuleCopies, "copies.minimum"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return max(after.Copies.Minimum, 1) >= before.Copies.Minimum
	})},
	{Loosening{RuleOperators, "copies.distinctOperators"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return max(after.Copies.DistinctOperators, 1) >= before.Copies.DistinctOperators
	})},
	{Loosening{RuleDistance, "copies.minimumDistanceKm"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return after.Copies.MinimumDistanceKm >= before.Copies.MinimumDistanceKm
	})},
	{Loosening{RuleOnPremise, "copies.onPremise"}, byOne(isOnPremiseKept)},
	{Loosening{RuleGrant, "access.minimumGrant"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return before.Access.MinimumGrant != v1alpha1.GrantScoped || after.Access.MinimumGrant == v1alpha1.GrantScoped
	})},
	{Loosening{RuleGrid, "environment.maximumGridIntensity"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		had, has := before.Environment.MaximumGridIntensity, after.Environment.MaximumGridIntensity
		return had == nil || has != nil && *has <= *had
	})},
	{Loosening{RulePUE, "environment.maximumPUE"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return isNoMore(before.Environment.MaximumPUE, after.Environment.MaximumPUE)
	})},
	{Loosening{RuleCapability, "protection.versioning"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return before.Protection.Versioning != v1alpha1.Required || after.Protection.Versioning == v1alpha1.Required
	})},
	{Loosening{RuleCapability, "protection.objectLock"}, byOne(isLockKept)},
	{Loosening{RuleCapability, "protection.encryption"}, byOne(func(before, after *v1alpha1.SovereigntyPolicySpec) bool {
		return before.Protection.Encryption != v1alpha1.EncryptionProviderManaged || after.Protection.Encryption == v1alpha1.EncryptionProviderManaged
	})},
}

// byOne tells whether one policy alone asks at least as much, or, beside none, one
// that asks nothing would do.
func byOne(isKept func(before, after *v1alpha1.SovereigntyPolicySpec) bool) func(*v1alpha1.SovereigntyPolicySpec, []v1alpha1.SovereigntyPolicySpec) bool {
	return func(before *v1alpha1.SovereigntyPolicySpec, instead []v1alpha1.SovereigntyPolicySpec) bool {
		for i := range instead {
			if isKept(before, &instead[i]) {
				return true
			}
		}
		return isKept(before, &v1alpha1.SovereigntyPolicySpec{})
	}
}

// areWithin tells whether a list of countries allows no other than one before it. An
// empty one allows all.
func areWithin(before, after []v1alpha1.CountryCode) bool {
	isNew := func(code string) bool {
		return !slices.ContainsFunc(before, func(had string) bool { return geo.Canonical(had) == geo.Canonical(code) })
	}
	return len(before) == 0 || len(after) > 0 && !slices.ContainsFunc(after, isNew)
}

// isNoMore tells whether a limit is not above one before it. An empty one is none.
func isNoMore(before, after string) bool {
	if before == "" {
		return true
	}
	isKept, _ := within(after, before)
	return isKept
}

// areAttestationsKept tells whether every attestation that a policy requires is
// required by one of the others, of at least the same copies.
func areAttestationsKept(before *v1alpha1.SovereigntyPolicySpec, instead []v1alpha1.SovereigntyPolicySpec) bool {
	for _, had := range before.Attestations {
		isRequired := had.Requirement == v1alpha1.Preferred
		for i := range instead {
			isRequired = isRequired || slices.ContainsFunc(instead[i].Attestations, func(has v1alpha1.AttestationRule) bool {
				return has.Requirement != v1alpha1.Preferred && strings.EqualFold(had.Scheme, has.Scheme) &&
					(had.MinimumVersion == "" || isAtLeast(has.MinimumVersion, had.MinimumVersion)) && reaches(has.AppliesTo, had.AppliesTo)
			})
		}
		if !isRequired {
			return false
		}
	}
	return true
}

// reaches tells whether copies that need an attestation are all those that needed it.
func reaches(after, before v1alpha1.AttestedCopies) bool {
	before, after = cmp.Or(before, v1alpha1.AttestAllCopies), cmp.Or(after, v1alpha1.AttestAllCopies)
	return after == before || after == v1alpha1.AttestAllCopies || after == v1alpha1.AttestPrimary && before == v1alpha1.AttestAnyCopy
}

func isSealKept(before, after *v1alpha1.SovereigntyPolicySpec) bool {
	had, has := before.Seal, after.Seal
	return had.Minimum == 0 || has.Minimum >= had.Minimum && minimumCoverage(has) >= minimumCoverage(had) &&
		(had.Evidence != v1alpha1.SealEvidenced || has.Evidence == v1alpha1.SealEvidenced)
}

// isOnPremiseKept knows that who allows nothing but own premises has a copy there.
func isOnPremiseKept(before, after *v1alpha1.SovereigntyPolicySpec) bool {
	had, has := before.Copies.OnPremise, after.Copies.OnPremise
	switch had {
	case v1alpha1.Only, v1alpha1.Forbidden:
		return has == had
	case v1alpha1.Required:
		return has == v1alpha1.Required || has == v1alpha1.Only
	case v1alpha1.Preferred, v1alpha1.Allowed:
	}
	return true
}

// isLockKept knows that nobody ends a lock in the mode COMPLIANCE.
func isLockKept(before, after *v1alpha1.SovereigntyPolicySpec) bool {
	had, has := before.Protection.ObjectLock, after.Protection.ObjectLock
	if had == nil || has == nil {
		return had == nil
	}
	return (has.Mode == had.Mode || has.Mode == v1alpha1.LockCompliance) && has.Retention.Duration >= had.Retention.Duration
}
