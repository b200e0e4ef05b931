// Package placementtest holds changes of policies of which everybody who judges them
// must say the same: the code, and the admission policy in its own language.
//
// Start reading at Changes.
package placementtest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Change is a policy before and after somebody changed it.
type Change struct {
	// Field that is changed, as the spec writes it; [] is any item of a list.
	Field         string
	Before, After v1alpha1.SovereigntyPolicySpec
	// Want is what asks less after it, and Back what does when it is taken back.
	Want, Back []string
}

// spec is a policy that asks for the EEA alone, with changes.
func spec(changes ...func(*v1alpha1.SovereigntyPolicySpec)) v1alpha1.SovereigntyPolicySpec {
	s := v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterEEA}}
	for _, change := range changes {
		change(&s)
	}
	return s
}

type change = func(*v1alpha1.SovereigntyPolicySpec)

// to gives the change of one field, from a value to another one.
func to[T any](field, loosened string, before, after T, set func(*v1alpha1.SovereigntyPolicySpec, T)) Change {
	c := Change{
		Field:  field,
		Before: spec(func(s *v1alpha1.SovereigntyPolicySpec) { set(s, before) }),
		After:  spec(func(s *v1alpha1.SovereigntyPolicySpec) { set(s, after) }),
	}
	if loosened != "" {
		c.Want = []string{loosened}
	}
	return c
}

// eitherWay is a change that loosens in both directions.
func eitherWay(c Change) Change {
	c.Back = c.Want
	return c
}

// Changes are by sentences that say what they do. Every field of a spec is in one.
func Changes() map[string]Change {
	all := map[string]Change{}
	for _, some := range []map[string]Change{
		binding(), residency(), jurisdiction(), attestations(), sealed(), copied(), kept(), wishes(), upkeep(),
	} {
		maps.Copy(all, some)
	}
	return all
}

func asks(rules ...v1alpha1.AttestationRule) change {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Attestations = rules }
}

func binding() map[string]Change {
	actions := func(s *v1alpha1.SovereigntyPolicySpec, v []v1alpha1.ValidationAction) { s.ValidationActions = v }
	admits := func(s *v1alpha1.SovereigntyPolicySpec, v *metav1.LabelSelector) { s.AllowedNamespaces = v }
	applies := func(s *v1alpha1.SovereigntyPolicySpec, v *metav1.LabelSelector) {
		if v != nil {
			s.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: v}
		}
	}
	labels := func(pairs ...string) *metav1.LabelSelector {
		selector := &metav1.LabelSelector{MatchLabels: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			selector.MatchLabels[pairs[i]] = pairs[i+1]
		}
		return selector
	}
	one := func(operator metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "service", Operator: operator, Values: values}}}
	}
	const every, fewer = "every rule (spec.validationActions)", "every rule (spec.appliesTo)"
	type action = v1alpha1.ValidationAction
	loose := spec(func(s *v1alpha1.SovereigntyPolicySpec) { actions(s, []action{"Warn"}) })
	strict := spec(func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Residency.Perimeter = v1alpha1.PerimeterFR
		actions(s, []action{"Warn"})
	})
	selector := func(loosened string, before, after *metav1.LabelSelector) Change {
		return to("appliesTo.namespaceSelector", loosened, before, after, applies)
	}
	return map[string]Change{
		"it only warns":                              to("validationActions", every, []action{"Deny"}, []action{"Warn"}, actions),
		"it is only recorded":                        to("validationActions", every, nil, []action{"Audit"}, actions),
		"it warns and is recorded":                   to("validationActions", every, []action{"Deny"}, []action{"Warn", "Audit"}, actions),
		"it warned, and is only recorded":            to("validationActions", "", []action{"Warn"}, []action{"Audit"}, actions),
		"it says that it denies":                     to("validationActions", "", nil, []action{"Deny"}, actions),
		"it warned, and asks less":                   {Field: "residency.perimeter", Before: strict, After: loose},
		"others may name it":                         to("allowedNamespaces", "", labels("a", "b"), &metav1.LabelSelector{}, admits),
		"nobody may name it":                         to("allowedNamespaces", "", labels("a", "b"), nil, admits),
		"it is no baseline any more":                 selector(fewer, &metav1.LabelSelector{}, nil),
		"a baseline of everybody is one of some":     selector(fewer, &metav1.LabelSelector{}, labels("service", "a")),
		"a baseline of others":                       eitherWay(selector(fewer, labels("service", "a"), labels("service", "b"))),
		"a baseline of fewer, by another label":      selector(fewer, labels("service", "a"), labels("service", "a", "zone", "b")),
		"a baseline of one of two":                   selector(fewer, one("In", "a", "b"), one("In", "b")),
		"the same, as a label":                       selector(fewer, one("In", "a", "b"), labels("service", "b")),
		"the same label, said in another way":        selector("", labels("service", "a"), one("In", "a")),
		"all with a label, and then those with one":  selector(fewer, one("Exists"), labels("service", "a")),
		"all but one, and then all but two":          selector(fewer, one("NotIn", "a"), one("NotIn", "a", "b")),
		"all but one, and then all with some value":  eitherWay(selector(fewer, one("NotIn", "a"), one("Exists"))),
		"all but one, and then those without any":    selector(fewer, one("NotIn", "a"), one("DoesNotExist")),
		"all but one, and then those of another":     selector(fewer, one("NotIn", "a"), one("In", "b")),
		"all with a label, and then all without any": eitherWay(selector(fewer, one("Exists"), one("DoesNotExist"))),
		"the same who have no label":                 selector("", one("DoesNotExist"), one("DoesNotExist")),
	}
}

// countryCodes are one more than a policy may list.
var countryCodes = strings.Fields("DE AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW " +
	"BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DJ DK DM DO DZ EC EE EG")

func residency() map[string]Change {
	const country = "country (spec.residency.allowedCountries)"
	countries := func(loosened string, before, after []string) Change {
		return to("residency.allowedCountries", loosened, before, after, func(s *v1alpha1.SovereigntyPolicySpec, v []string) { s.Residency.AllowedCountries = v })
	}
	perimeter := func(before, after v1alpha1.Perimeter) Change {
		return to("residency.perimeter", "residency (spec.residency.perimeter)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.Perimeter) { s.Residency.Perimeter = v })
	}
	return map[string]Change{
		"a wider perimeter":                   perimeter("FR", "EU"),
		"a perimeter that is wider than that": perimeter("EU", "EEA"),
		"another country":                     countries(country, []string{"FR"}, []string{"FR", "DE"}),
		"another country in its place":        eitherWay(countries(country, []string{"FR"}, []string{"DE"})),
		"all countries":                       countries(country, []string{"FR"}, nil),
		"one of as many as can be listed":     eitherWay(countries(country, countryCodes[1:], append([]string{"FR"}, countryCodes[2:]...))),
		"the same country by its alias":       countries("", []string{"GR", "UK"}, []string{"GB", "EL"}),
		"a place need not be confirmed": to("residency.location", "verification (spec.residency.location)", v1alpha1.AssuranceConfirmed, v1alpha1.AssuranceDeclared,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.LocationAssurance) { s.Residency.Location = v }),
		"of confirming nothing is said": to("residency.location", "verification (spec.residency.location)", v1alpha1.AssuranceConfirmed, "",
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.LocationAssurance) { s.Residency.Location = v }),
	}
}

func jurisdiction() map[string]Change {
	perimeter := func(before, after v1alpha1.Perimeter) Change {
		return to("jurisdiction.perimeter", "jurisdiction (spec.jurisdiction.perimeter)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.Perimeter) { s.Jurisdiction.Perimeter = v })
	}
	holder := func(loosened, before, after string) Change {
		return to("jurisdiction.maxNonEUHolderPercent", loosened, before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v string) { s.Jurisdiction.MaxNonEUHolderPercent = v })
	}
	total := func(before, after string) Change {
		return to("jurisdiction.maxNonEUTotalPercent", "jurisdiction (spec.jurisdiction.maxNonEUTotalPercent)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v string) { s.Jurisdiction.MaxNonEUTotalPercent = v })
	}
	law := func(after v1alpha1.Requirement) Change {
		return to("jurisdiction.extraterritorialLaw", "jurisdiction (spec.jurisdiction.extraterritorialLaw)", v1alpha1.Forbidden, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.Requirement) {
				s.Jurisdiction.ExtraterritorialLaw = v
			})
	}
	const one = "jurisdiction (spec.jurisdiction.maxNonEUHolderPercent)"
	return map[string]Change{
		"operators of a wider perimeter":        perimeter("FR", "EEA"),
		"operators from anywhere":               perimeter("EU", ""),
		"a larger share of one holder":          holder(one, "9", "24"),
		"a share that is larger by little":      holder(one, "24", "24.01"),
		"the same share":                        holder("", "24", "24.0"),
		"any share of one holder":               holder(one, "24", ""),
		"a larger share of all holders":         total("9.5", "39"),
		"any share of all holders":              total("39", ""),
		"laws of other countries are allowed":   law(v1alpha1.Allowed),
		"of laws of other countries is nothing": law(""),
	}
}

func attestations() map[string]Change {
	type rule = v1alpha1.AttestationRule
	const less = "attestation (spec.attestations)"
	from := func(field string, want, back bool, before, after []rule) Change {
		c := Change{Field: "attestations[]." + field, Before: spec(asks(before...)), After: spec(asks(after...))}
		if want {
			c.Want = []string{less}
		}
		if back {
			c.Back = []string{less}
		}
		return c
	}
	version := func(want bool, before, after string) Change {
		return from("minimumVersion", want, false, []rule{{Scheme: "HDS", MinimumVersion: before}}, []rule{{Scheme: "HDS", MinimumVersion: after}})
	}
	of := func(back bool, before, after v1alpha1.AttestedCopies) Change {
		return from("appliesTo", true, back, []rule{{Scheme: "HDS", AppliesTo: before}}, []rule{{Scheme: "HDS", AppliesTo: after}})
	}
	var many []rule
	for i := range 16 {
		many = append(many, rule{Scheme: fmt.Sprintf("scheme-%d", i), MinimumVersion: "1.2.3.4"})
	}
	return map[string]Change{
		"one of as many as can be asked for":  from("scheme", true, false, many, many[1:]),
		"an attestation less":                 from("scheme", true, false, []rule{{Scheme: "HDS"}, {Scheme: "SecNumCloud"}}, []rule{{Scheme: "HDS"}}),
		"another attestation":                 from("scheme", true, true, []rule{{Scheme: "HDS"}}, []rule{{Scheme: "SecNumCloud"}}),
		"the same attestations":               from("scheme", false, false, []rule{{Scheme: "HDS"}, {Scheme: "SecNumCloud"}}, []rule{{Scheme: "secnumcloud"}, {Scheme: "hds"}}),
		"it is only preferred":                from("requirement", true, false, []rule{{Scheme: "HDS", Requirement: v1alpha1.Required}}, []rule{{Scheme: "HDS", Requirement: v1alpha1.Preferred}}),
		"one that was only preferred is gone": from("requirement", false, false, []rule{{Scheme: "HDS", Requirement: v1alpha1.Preferred}}, nil),
		"an earlier version":                  version(true, "3.10", "3.2"),
		"an earlier version by its last part": version(true, "1.2.3.4", "1.2.3.3"),
		"the same version":                    version(false, "3.2", "3.2.0"),
		"a year":                              version(true, "2022", "2013"),
		"any version":                         version(true, "2", ""),
		"of the cloud alone":                  of(false, "", v1alpha1.AttestCloudCopies),
		"of the primary alone":                of(false, v1alpha1.AttestAllCopies, v1alpha1.AttestPrimary),
		"of one copy instead of the primary":  of(false, v1alpha1.AttestPrimary, v1alpha1.AttestAnyCopy),
		"of the primary instead of the cloud": of(true, v1alpha1.AttestCloudCopies, v1alpha1.AttestPrimary),
		"of the cloud instead of one copy":    of(true, v1alpha1.AttestAnyCopy, v1alpha1.AttestCloudCopies),
	}
}

func sealed() map[string]Change {
	type rules = v1alpha1.SealRules
	from := func(field, loosened string, before, after rules) Change {
		return to("seal."+field, loosened, before, after, func(s *v1alpha1.SovereigntyPolicySpec, v rules) { s.Seal = v })
	}
	const less = "seal (spec.seal)"
	return map[string]Change{
		"a lower SEAL":                   from("minimum", less, rules{Minimum: 3}, rules{Minimum: 2}),
		"no SEAL":                        from("minimum", less, rules{Minimum: 1}, rules{}),
		"a SEAL that is only claimed":    from("evidence", less, rules{Minimum: 2, Evidence: v1alpha1.SealEvidenced}, rules{Minimum: 2, Evidence: v1alpha1.SealClaimed}),
		"a SEAL on fewer criteria":       from("minimumCoverage", less, rules{Minimum: 2}, rules{Minimum: 2, MinimumCoverage: 47}),
		"a SEAL on all criteria":         from("minimumCoverage", "", rules{Minimum: 2, MinimumCoverage: 48}, rules{Minimum: 2}),
		"a score that counts in its way": from("weights", "", rules{Minimum: 2, Weights: "csf-2026-06"}, rules{Minimum: 2, Weights: "csf-1.2.1"}),
	}
}

func copied() map[string]Change {
	type rules = v1alpha1.CopyRules
	from := func(field, loosened string, before, after rules) Change {
		return to("copies."+field, loosened, before, after, func(s *v1alpha1.SovereigntyPolicySpec, v rules) { s.Copies = v })
	}
	own := func(want, back bool, before, after v1alpha1.Requirement) Change {
		const less = "onPremise (spec.copies.onPremise)"
		c := from("onPremise", "", rules{OnPremise: before}, rules{OnPremise: after})
		if want {
			c.Want = []string{less}
		}
		if back {
			c.Back = []string{less}
		}
		return c
	}
	return map[string]Change{
		"fewer copies":           from("minimum", "copies (spec.copies.minimum)", rules{Minimum: 3}, rules{Minimum: 2}),
		"one copy":               from("minimum", "copies (spec.copies.minimum)", rules{Minimum: 2}, rules{}),
		"one copy, if it is one": from("minimum", "", rules{Minimum: 1}, rules{}),
		"fewer operators": from("distinctOperators", "operators (spec.copies.distinctOperators)",
			rules{Minimum: 3, DistinctOperators: 3}, rules{Minimum: 3, DistinctOperators: 2}),
		"one operator":                         from("distinctOperators", "operators (spec.copies.distinctOperators)", rules{Minimum: 3, DistinctOperators: 2}, rules{Minimum: 3}),
		"copies nearer to each other":          from("minimumDistanceKm", "distance (spec.copies.minimumDistanceKm)", rules{MinimumDistanceKm: 100}, rules{MinimumDistanceKm: 99}),
		"copies at any distance":               from("minimumDistanceKm", "distance (spec.copies.minimumDistanceKm)", rules{MinimumDistanceKm: 100}, rules{}),
		"no copy need be on own premises":      own(true, false, v1alpha1.Required, v1alpha1.Allowed),
		"a copy elsewhere":                     own(true, false, v1alpha1.Only, v1alpha1.Required),
		"own premises are preferred":           own(true, false, v1alpha1.Only, v1alpha1.Preferred),
		"own premises are allowed":             own(true, false, v1alpha1.Forbidden, v1alpha1.Allowed),
		"of own premises nothing is said":      own(true, false, v1alpha1.Forbidden, ""),
		"own premises only, and then not":      own(true, true, v1alpha1.Only, v1alpha1.Forbidden),
		"own premises are not preferred":       own(false, false, v1alpha1.Preferred, ""),
		"own premises were not, and there are": own(true, true, v1alpha1.Forbidden, v1alpha1.Required),
	}
}

func kept() map[string]Change {
	lock := func(mode v1alpha1.LockMode, days int) *v1alpha1.ObjectLock {
		return &v1alpha1.ObjectLock{Mode: mode, Retention: &metav1.Duration{Duration: time.Duration(days) * 24 * time.Hour}}
	}
	locked := func(field string, before, after *v1alpha1.ObjectLock) Change {
		return to("protection.objectLock."+field, "capability (spec.protection.objectLock)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v *v1alpha1.ObjectLock) { s.Protection.ObjectLock = v })
	}
	grid := func(before, after *int32) Change {
		return to("environment.maximumGridIntensity", "grid (spec.environment.maximumGridIntensity)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v *int32) { s.Environment.MaximumGridIntensity = v })
	}
	pue := func(before, after string) Change {
		return to("environment.maximumPUE", "pue (spec.environment.maximumPUE)", before, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v string) { s.Environment.MaximumPUE = v })
	}
	grant := func(after v1alpha1.GrantLevel) Change {
		return to("access.minimumGrant", "grant (spec.access.minimumGrant)", v1alpha1.GrantScoped, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.GrantLevel) { s.Access.MinimumGrant = v })
	}
	encrypted := func(after v1alpha1.EncryptionAtRest) Change {
		return to("protection.encryption", "capability (spec.protection.encryption)", v1alpha1.EncryptionProviderManaged, after,
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.EncryptionAtRest) { s.Protection.Encryption = v })
	}
	return map[string]Change{
		"keys to the whole account":    grant(v1alpha1.GrantAccountWide),
		"of keys nothing is said":      grant(""),
		"a dirtier grid":               grid(new(int32(100)), new(int32(101))),
		"any grid":                     grid(new(int32(100)), nil),
		"a data centre that uses more": pue("1.5", "1.51"),
		"a data centre that uses much": pue("1.5", "10"),
		"any data centre":              pue("1.5", ""),
		"no old versions": to("protection.versioning", "capability (spec.protection.versioning)", v1alpha1.Required, "",
			func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.Requirement) { s.Protection.Versioning = v }),
		"no lock":                             locked("mode", lock(v1alpha1.LockGovernance, 30), nil),
		"a lock that some may end":            locked("mode", lock(v1alpha1.LockCompliance, 30), lock(v1alpha1.LockGovernance, 30)),
		"a shorter lock":                      locked("retention", lock(v1alpha1.LockGovernance, 30), lock(v1alpha1.LockGovernance, 29)),
		"a longer lock that some may end":     eitherWay(locked("retention", lock(v1alpha1.LockCompliance, 30), lock(v1alpha1.LockGovernance, 60))),
		"nothing is encrypted":                encrypted(v1alpha1.EncryptionNone),
		"of encryption nothing is said":       encrypted(""),
		"what is found changed is only shown": to("protection.drift", "", v1alpha1.DriftCorrect, v1alpha1.DriftReport, func(s *v1alpha1.SovereigntyPolicySpec, v v1alpha1.DriftAction) { s.Protection.Drift = v }),
	}
}

// wishes choose among places and keep data away from none.
func wishes() map[string]Change {
	by := func(name v1alpha1.PrioritizerName, weight int32) []v1alpha1.Prioritizer {
		return []v1alpha1.Prioritizer{{Name: name, Weight: weight}}
	}
	prioritised := func(s *v1alpha1.SovereigntyPolicySpec, v []v1alpha1.Prioritizer) { s.Prioritizers = v }
	near := func(s *v1alpha1.SovereigntyPolicySpec, v *v1alpha1.Point) { s.Near = v }
	return map[string]Change{
		"another description": to("description", "", "a", "b", func(s *v1alpha1.SovereigntyPolicySpec, v string) { s.Description = v }),
		"a larger share":      to("concentration.maximumSharePercent", "", 10, 0, func(s *v1alpha1.SovereigntyPolicySpec, v int32) { s.Concentration.MaximumSharePercent = v }),
		"another wish":        to("prioritizers[].name", "", by(v1alpha1.PrioritizerCarbon, 1), nil, prioritised),
		"a lesser wish":       to("prioritizers[].weight", "", by(v1alpha1.PrioritizerCarbon, 3), by(v1alpha1.PrioritizerCarbon, 1), prioritised),
		"near another town": to("near.latitude", "", &v1alpha1.Point{Latitude: "48.11", Longitude: "-1.68"},
			&v1alpha1.Point{Latitude: "50.63", Longitude: "-1.68"}, near),
		"near no town": to("near.longitude", "", &v1alpha1.Point{Latitude: "48.11", Longitude: "-1.68"}, nil, near),
	}
}

// upkeep is how copies are kept where rules allow them to be. No exception can be made
// to it.
func upkeep() map[string]Change {
	long := func(hours int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(hours) * time.Hour} }
	type policy = v1alpha1.SovereigntyPolicySpec
	exceptions := func(s *policy, v v1alpha1.ExceptionRules) { s.Exceptions = v }
	return map[string]Change{
		"deletions are ignored": to("replication.deletes", "", v1alpha1.DeletesPropagate, v1alpha1.DeletesIgnore, func(s *policy, v v1alpha1.DeletePropagation) { s.Replication.Deletes = v }),
		"more may be deleted":   to("replication.deletionGuard.maximumObjects", "", new(int64(1)), nil, func(s *policy, v *int64) { s.Replication.DeletionGuard.MaximumObjects = v }),
		"a larger share may be": to("replication.deletionGuard.maximumPercent", "", new(int32(1)), nil, func(s *policy, v *int32) { s.Replication.DeletionGuard.MaximumPercent = v }),
		"more bandwidth":        to("replication.bandwidth.bytesPerSecond", "", new(resource.MustParse("1Mi")), nil, func(s *policy, v *resource.Quantity) { s.Replication.Bandwidth.BytesPerSecond = v }),
		"less is verified":      to("replication.verification", "", v1alpha1.VerifyFull, v1alpha1.VerifyNone, func(s *policy, v v1alpha1.Verification) { s.Replication.Verification = v }),
		"copies may be older":   to("objectives.rpo", "", long(1), long(2), func(s *policy, v *metav1.Duration) { s.Objectives.RPO = v }),
		"a restore may take":    to("objectives.rto", "", long(1), nil, func(s *policy, v *metav1.Duration) { s.Objectives.RTO = v }),
		"drills may be older":   to("drills.maximumAge", "", long(24), nil, func(s *policy, v *metav1.Duration) { s.Drills.MaximumAge = v }),
		"more may be excepted": to("exceptions.rules", "", v1alpha1.ExceptionRules{},
			v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: long(1)}, exceptions),
		"exceptions may last longer": to("exceptions.maximumDuration", "", v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: long(1)},
			v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: long(2)}, exceptions),
	}
}
