package placement_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/placement"
)

var everyNamespace = &metav1.LabelSelector{}

// place is a candidate that nothing objects to.
func place(provider, location string, change ...func(*placement.Candidate)) placement.Candidate {
	candidate := placement.Candidate{
		PlaceReference:    v1alpha1.PlaceReference{ProviderName: provider, Location: location},
		Operator:          provider,
		Territory:         geo.Classify("FR", ""),
		Grant:             v1alpha1.GrantScoped,
		AllowedNamespaces: everyNamespace,
		Ready:             true,
		Capabilities: v1alpha1.Capabilities{
			Versioning: v1alpha1.CapabilitySupported, ObjectLock: v1alpha1.CapabilityUnsupported, Encryption: v1alpha1.CapabilityBroken,
		},
	}
	for _, f := range change {
		f(&candidate)
	}
	return candidate
}

func in(country string) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Territory = geo.Classify(country, "") }
}

func noKeys(c *placement.Candidate) { c.Grant = "" }

func verified(level v1alpha1.LocationVerification) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Verification = level }
}

func offered(availability v1alpha1.LocationAvailability) func(*placement.Candidate) {
	return func(c *placement.Candidate) { c.Availability = availability }
}

func ownWalls(c *placement.Candidate) { c.OnPremise = true }

// policy asks for nothing but FR.
func policy(name string, change ...func(*v1alpha1.SovereigntyPolicySpec)) placement.Policy {
	p := placement.Policy{Name: name, Spec: v1alpha1.SovereigntyPolicySpec{
		AllowedNamespaces: everyNamespace,
		Residency:         v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
	}}
	for _, f := range change {
		f(&p.Spec)
	}
	return p
}

func perimeter(perimeter v1alpha1.Perimeter) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Perimeter = perimeter }
}

func copies(minimum, operators int32) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies.Minimum, s.Copies.DistinctOperators = minimum, operators
	}
}

func premises(requirement v1alpha1.Requirement) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.OnPremise = requirement }
}

func TestRules(t *testing.T) {
	labelled := &metav1.LabelSelector{MatchLabels: map[string]string{"service": "etat-civil"}}
	scoped := func(s *v1alpha1.SovereigntyPolicySpec) { s.Access.MinimumGrant = v1alpha1.GrantScoped }
	versioned := func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Versioning = v1alpha1.Required }
	countries := func(codes ...string) func(*v1alpha1.SovereigntyPolicySpec) {
		return func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = codes }
	}
	versioningIs := func(support v1alpha1.CapabilitySupport) func(*placement.Candidate) {
		return func(c *placement.Candidate) { c.Capabilities.Versioning = support }
	}
	locked := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Protection.ObjectLock = &v1alpha1.ObjectLock{Mode: v1alpha1.LockGovernance, Retention: &metav1.Duration{Duration: 720 * time.Hour}}
	}
	encrypted := func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Encryption = v1alpha1.EncryptionProviderManaged }
	canLock := func(c *placement.Candidate) { c.Capabilities.ObjectLock = v1alpha1.CapabilitySupported }
	canEncrypt := func(c *placement.Candidate) { c.Capabilities.Encryption = v1alpha1.CapabilitySupported }
	accountWide := func(c *placement.Candidate) { c.Grant = v1alpha1.GrantAccountWide }
	placedHere := []placement.Copy{{PlaceReference: place("a", "x").PlaceReference, Role: v1alpha1.RoleReplica}}

	for name, test := range map[string]struct {
		candidate placement.Candidate
		policy    placement.Policy
		narrowing v1alpha1.PlacementSpec
		placed    []placement.Copy
		namespace map[string]string
		want      []string // policy/rule/reason[/role]
	}{
		"nothing to object": {place("a", "x"), policy("p"), v1alpha1.PlacementSpec{}, nil, nil, nil},

		"residency: EU is outside FR":        {candidate: place("a", "x", in("DE")), policy: policy("p"), want: []string{"p/residency/OutsidePerimeter"}},
		"residency: Germany is inside EU":    {candidate: place("a", "x", in("DE")), policy: policy("p", perimeter("EU"))},
		"residency: Norway is outside EU":    {candidate: place("a", "x", in("NO")), policy: policy("p", perimeter("EU")), want: []string{"p/residency/OutsidePerimeter"}},
		"residency: Norway is inside EEA":    {candidate: place("a", "x", in("NO")), policy: policy("p", perimeter("EEA"))},
		"residency: Canada is outside EEA":   {candidate: place("a", "x", in("CA")), policy: policy("p", perimeter("EEA")), want: []string{"p/residency/OutsidePerimeter"}},
		"residency: unknown is outside":      {candidate: place("a", "x", in("")), policy: policy("p", perimeter("EEA")), want: []string{"p/residency/LocationUnknown"}},
		"residency: no perimeter allows all": {candidate: place("a", "x"), policy: policy("p", perimeter("")), want: []string{"p/residency/OutsidePerimeter"}},

		"country: not listed":               {candidate: place("a", "x", in("DE")), policy: policy("p", perimeter("EU"), countries("FR", "BE")), want: []string{"p/country/CountryNotAllowed"}},
		"country: listed":                   {candidate: place("a", "x", in("DE")), policy: policy("p", perimeter("EU"), countries("FR", "DE"))},
		"country: listed by an alias":       {candidate: place("a", "x", in("GR")), policy: policy("p", perimeter("EU"), countries("EL"))},
		"country: listing does not widen":   {candidate: place("a", "x", in("CA")), policy: policy("p", perimeter("EU"), countries("CA")), want: []string{"p/residency/OutsidePerimeter"}},
		"country: both rules object":        {candidate: place("a", "x", in("CA")), policy: policy("p", perimeter("EU"), countries("FR")), want: []string{"p/residency/OutsidePerimeter", "p/country/CountryNotAllowed"}},
		"country: unknown is residency's":   {candidate: place("a", "x", in("")), policy: policy("p", perimeter("EU"), countries("FR")), want: []string{"p/residency/LocationUnknown"}},
		"onPremise: only, elsewhere":        {candidate: place("a", "x"), policy: policy("p", premises("Only")), want: []string{"p/onPremise/OnPremiseRequired"}},
		"onPremise: only, at home":          {candidate: place("a", "x", ownWalls), policy: policy("p", premises("Only"))},
		"onPremise: forbidden, at home":     {candidate: place("a", "x", ownWalls), policy: policy("p", premises("Forbidden")), want: []string{"p/onPremise/OnPremiseForbidden"}},
		"onPremise: forbidden, elsewhere":   {candidate: place("a", "x"), policy: policy("p", premises("Forbidden"))},
		"onPremise: required is the set's":  {candidate: place("a", "x"), policy: policy("p", premises("Required"))},
		"grant: account-wide, scoped asked": {candidate: place("a", "x", accountWide), policy: policy("p", scoped), want: []string{"p/grant/GrantTooWide/Primary"}},
		"grant: account-wide, nothing said": {candidate: place("a", "x", accountWide), policy: policy("p")},
		"grant: scoped":                     {candidate: place("a", "x"), policy: policy("p", scoped)},
		"grant: none, whatever is asked":    {candidate: place("a", "x", noKeys), policy: policy("p"), want: []string{"/grant/GrantTooWide/Primary"}},
		"grant: none, scoped asked":         {candidate: place("a", "x", noKeys), policy: policy("p", scoped), want: []string{"/grant/GrantTooWide/Primary"}},

		"verification: contradicted, inside":         {candidate: place("a", "x", verified("Contradicted")), policy: policy("p"), want: []string{"p/verification/LocationContradicted"}},
		"verification: contradicted, outside":        {candidate: place("a", "x", in("CA"), verified("Contradicted")), policy: policy("p"), want: []string{"p/residency/OutsidePerimeter", "p/verification/LocationContradicted"}},
		"verification: contradicted where a copy is": {candidate: place("a", "x", verified("Contradicted")), policy: policy("p"), placed: placedHere, want: []string{"p/verification/LocationContradicted"}},
		"verification: confirmed":                    {candidate: place("a", "x", verified("Confirmed")), policy: policy("p")},
		"verification: declared":                     {candidate: place("a", "x", verified("Declared")), policy: policy("p")},

		"availability: under maintenance":                 {candidate: place("a", "x", offered("Maintenance")), policy: policy("p"), want: []string{"/availability/ProviderMaintenance"}},
		"availability: under maintenance where a copy is": {candidate: place("a", "x", offered("Maintenance")), policy: policy("p"), placed: placedHere},
		"availability: not activated":                     {candidate: place("a", "x", offered("NotActivated")), policy: policy("p"), want: []string{"/availability/RegionNotActivated"}},
		"availability: the account has it":                {candidate: place("a", "x", offered("Available")), policy: policy("p")},

		"capability: versioning unsupported":      {candidate: place("a", "x", versioningIs("Unsupported")), policy: policy("p", versioned), want: []string{"p/capability/CapabilityMissing"}},
		"capability: versioning broken":           {candidate: place("a", "x", versioningIs("Broken")), policy: policy("p", versioned), want: []string{"p/capability/CapabilityMissing"}},
		"capability: versioning unknown":          {candidate: place("a", "x", versioningIs("Unknown")), policy: policy("p", versioned), want: []string{"p/capability/CapabilityMissing"}},
		"capability: versioning not tried":        {candidate: place("a", "x", versioningIs("")), policy: policy("p", versioned), want: []string{"p/capability/CapabilityMissing"}},
		"capability: not asked for":               {candidate: place("a", "x", versioningIs("Unsupported")), policy: policy("p")},
		"capability: unknown where a copy is":     {candidate: place("a", "x", versioningIs("Unknown")), policy: policy("p", versioned), placed: placedHere},
		"capability: unsupported where a copy is": {candidate: place("a", "x", versioningIs("Broken")), policy: policy("p", versioned), placed: placedHere, want: []string{"p/capability/CapabilityMissing"}},

		"capability: object lock":                      {candidate: place("a", "x", canLock), policy: policy("p", locked)},
		"capability: object lock unsupported":          {candidate: place("a", "x"), policy: policy("p", locked), want: []string{"p/capability/CapabilityMissing"}},
		"capability: object lock not asked for":        {candidate: place("a", "x"), policy: policy("p")},
		"capability: object lock lost where a copy is": {candidate: place("a", "x"), policy: policy("p", locked), placed: placedHere, want: []string{"p/capability/CapabilityMissing"}},
		"capability: object lock not tried again": {
			candidate: place("a", "x", func(c *placement.Candidate) { c.Capabilities.ObjectLock = "" }), policy: policy("p", locked), placed: placedHere,
		},
		"capability: encryption":             {candidate: place("a", "x", canEncrypt), policy: policy("p", encrypted)},
		"capability: encryption unsupported": {candidate: place("a", "x"), policy: policy("p", encrypted), want: []string{"p/capability/CapabilityMissing"}},
		"capability: encryption of None":     {candidate: place("a", "x"), policy: policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Encryption = v1alpha1.EncryptionNone })},
		"capability: each one is an objection": {
			candidate: place("a", "x", versioningIs("Unsupported")), policy: policy("p", versioned, locked, encrypted),
			want: []string{"p/capability/CapabilityMissing", "p/capability/CapabilityMissing", "p/capability/CapabilityMissing"},
		},

		"namespace: provider admits none": {
			candidate: place("a", "x", func(c *placement.Candidate) { c.AllowedNamespaces = nil }), policy: policy("p"),
			want: []string{"/namespace/NamespaceNotAllowed"},
		},
		"namespace: provider admits others": {
			candidate: place("a", "x", func(c *placement.Candidate) { c.AllowedNamespaces = labelled }), policy: policy("p"),
			want: []string{"/namespace/NamespaceNotAllowed"},
		},
		"namespace: provider admits this one": {
			candidate: place("a", "x", func(c *placement.Candidate) { c.AllowedNamespaces = labelled }), policy: policy("p"),
			namespace: map[string]string{"service": "etat-civil"},
		},
		"namespace: a malformed selector admits none": {
			candidate: place("a", "x", func(c *placement.Candidate) {
				c.AllowedNamespaces = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "Nonsense"}}}
			}), policy: policy("p"),
			want: []string{"/namespace/NamespaceNotAllowed"},
		},
		"namespace: policy admits none": {
			candidate: place("a", "x"), policy: policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.AllowedNamespaces = nil }),
			want: []string{"p/namespace/NamespaceNotAllowed"},
		},

		"selection: another provider is wanted": {candidate: place("a", "x"), policy: policy("p"), narrowing: v1alpha1.PlacementSpec{ProviderNames: []string{"b"}}, want: []string{"/selection/NotSelected"}},
		"selection: this provider is wanted":    {candidate: place("a", "x"), policy: policy("p"), narrowing: v1alpha1.PlacementSpec{ProviderNames: []string{"b", "a"}}},
		"selection: the primary goes elsewhere": {
			candidate: place("a", "x"), policy: policy("p"),
			narrowing: v1alpha1.PlacementSpec{Primary: &v1alpha1.PlaceReference{ProviderName: "a", Location: "y"}},
			want:      []string{"/selection/NotSelected/Primary"},
		},
		"suspended: no new copy":   {candidate: place("a", "x", func(c *placement.Candidate) { c.Suspended = true }), policy: policy("p"), want: []string{"/suspended/Suspended"}},
		"suspended: what is stays": {candidate: place("a", "x", func(c *placement.Candidate) { c.Suspended = true }), policy: policy("p"), placed: placedHere},
	} {
		t.Run(name, func(t *testing.T) {
			request := placement.Request{
				Namespace: placement.Namespace{Name: "ns", Labels: test.namespace},
				Narrowing: test.narrowing, Policies: []placement.Policy{test.policy}, Placed: test.placed,
			}
			if diff := cmp.Diff(test.want, named(placement.Judge(request, test.candidate))); diff != "" {
				t.Errorf("objections (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessingIsJudgedByWhereDataIsRead(t *testing.T) {
	policies := []placement.Policy{policy("p", premises("Only"), func(s *v1alpha1.SovereigntyPolicySpec) {
		s.AllowedNamespaces, s.Access.MinimumGrant = nil, v1alpha1.GrantScoped
		s.Residency.AllowedCountries = []string{"FR"}
	})}
	elsewhere := place("a", "x", in("CA"), func(c *placement.Candidate) { c.AllowedNamespaces, c.Grant = nil, "" })
	got := named(placement.JudgeProcessing(placement.Request{Policies: policies}, elsewhere))
	if diff := cmp.Diff([]string{"p/residency/OutsidePerimeter", "p/country/CountryNotAllowed", "p/onPremise/OnPremiseRequired"}, got); diff != "" {
		t.Errorf("objections (-want +got):\n%s", diff)
	}
	law := policy("law", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Jurisdiction = v1alpha1.Jurisdiction{
			Perimeter: "EU", MaxNonEUHolderPercent: "24", MaxNonEUTotalPercent: "39", ExtraterritorialLaw: v1alpha1.Forbidden,
		}
		s.Residency.Location = v1alpha1.AssuranceConfirmed
		s.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS"}}
		s.Environment.MaximumPUE = "1.1"
	})
	got = named(placement.JudgeProcessing(placement.Request{Policies: []placement.Policy{law}}, place("a", "x")))
	const refused = "law/jurisdiction/JurisdictionNotAllowed"
	if diff := cmp.Diff([]string{"law/verification/LocationUnverified", refused, refused, refused, refused, refused}, got); diff != "" {
		t.Errorf("objections under a law (-want +got):\n%s", diff)
	}
	if got := placement.JudgeProcessing(placement.Request{Policies: policies}, place("a", "x", ownWalls)); got != nil {
		t.Errorf("objections to the own premises: %v", got)
	}
}

func named(objections []placement.Objection) []string {
	var names []string
	for _, o := range objections {
		name := o.Policy + "/" + string(o.Rule) + "/" + o.Reason
		if o.Role != "" {
			name += "/" + string(o.Role)
		}
		names = append(names, name)
	}
	return names
}
