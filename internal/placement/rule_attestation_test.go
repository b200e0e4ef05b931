package placement_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

// attested gives a candidate attestations of object storage, as "scheme version
// until"; a dash is unknown.
func attested(attestations ...string) func(*placement.Candidate) {
	return func(c *placement.Candidate) {
		for _, text := range attestations {
			fields := strings.Fields(text)
			c.Attestations = append(c.Attestations, v1alpha1.AttestationStatus{
				Scheme: fields[0], Version: orNothing(fields[1]), ValidUntil: orNothing(fields[2]), Service: v1alpha1.ObjectStorage,
			})
		}
	}
}

func orNothing(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

// asks gives a policy a rule about attestations.
func asks(rules ...v1alpha1.AttestationRule) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) { s.Attestations = rules }
}

func TestAttestation(t *testing.T) {
	anyVersion := policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud"}))
	version := policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud", MinimumVersion: "3.2", AppliesTo: "AllCopies", Requirement: "Required"}))
	of := func(copies v1alpha1.AttestedCopies) placement.Policy {
		return policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud", AppliesTo: copies}))
	}
	missing, expired := []string{"p/attestation/AttestationMissing"}, []string{"p/attestation/AttestationExpired"}
	otherService := func(c *placement.Candidate) { c.Attestations[0].Service = "compute" }
	conditional := func(c *placement.Candidate) { c.Attestations[0].Condition = "the HDS option" }
	lastDay := time.Date(2027, time.June, 30, 0, 0, 0, 0, time.UTC)
	valid := place("a", "x", attested("SecNumCloud 3.2 2027-06-30"))

	holds(t, map[string]ruling{
		"nothing is asked":               {candidate: place("a", "x"), policy: policy("p")},
		"it is attested":                 {candidate: valid, policy: anyVersion},
		"in whatever case it is written": {candidate: place("a", "x", attested("secnumcloud 3.2 2027-06-30")), policy: anyVersion},
		"it is not":                      {candidate: place("a", "x"), policy: anyVersion, want: missing, message: "SecNumCloud is not attested of object storage there"},
		"another scheme is":              {candidate: place("a", "x", attested("ISO27001 2022 2027-06-30")), policy: version, want: missing, message: "SecNumCloud 3.2 is not attested of object storage there"},
		"another service has it":         {candidate: place("a", "x", attested("SecNumCloud 3.2 2027-06-30"), otherService), policy: anyVersion, want: missing},
		"only on a condition": {
			candidate: place("a", "x", attested("SecNumCloud 3.2 2027-06-30"), conditional), policy: anyVersion, want: missing,
			message: "SecNumCloud is attested there for who has the HDS option: if the account has, declare it in spec.attestations of the provider",
		},

		"in the version that is asked for": {candidate: valid, policy: version},
		"in a later one":                   {candidate: place("a", "x", attested("SecNumCloud 3.10 2027-06-30")), policy: version},
		"in a later patch":                 {candidate: place("a", "x", attested("SecNumCloud 3.2.1 2027-06-30")), policy: version},
		"in an earlier one": {
			candidate: place("a", "x", attested("SecNumCloud 3.1 2027-06-30")), policy: version, want: missing,
			message: "SecNumCloud is attested there in version 3.1, and the policy asks for 3.2",
		},
		"in a shorter one":               {candidate: place("a", "x", attested("SecNumCloud 3 2027-06-30")), policy: version, want: missing},
		"in one that is written shorter": {candidate: valid, policy: policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud", MinimumVersion: "3.2.0"}))},
		"in a version that nobody knows": {
			candidate: place("a", "x", attested("SecNumCloud - 2027-06-30")), policy: version, want: missing,
			message: "SecNumCloud is attested there in a version that is not known, and the policy asks for 3.2",
		},
		"in one that is no version":     {candidate: place("a", "x", attested("SecNumCloud three 2027-06-30")), policy: version, want: missing},
		"in one that nobody asks about": {candidate: place("a", "x", attested("SecNumCloud - 2027-06-30")), policy: anyVersion},

		"on the first moment of its last day": {candidate: valid, policy: anyVersion, at: lastDay},
		"on the last moment of its last day":  {candidate: valid, policy: anyVersion, at: lastDay.Add(24*time.Hour - time.Nanosecond)},
		"on the last day as Paris has it":     {candidate: valid, policy: anyVersion, at: time.Date(2027, time.July, 1, 1, 59, 0, 0, time.FixedZone("CEST", 7200))},
		"on the first moment of the next day": {candidate: valid, policy: anyVersion, at: lastDay.Add(24 * time.Hour), want: expired, message: "the attestation of SecNumCloud there was valid until 2027-06-30"},
		"until a day that nobody knows": {
			candidate: place("a", "x", attested("SecNumCloud 3.2 -")), policy: anyVersion, want: missing,
			message: "SecNumCloud is attested there until a day that is not known: read the certificate, and declare it in spec.attestations of the provider",
		},
		"until a day that there is not": {candidate: place("a", "x", attested("SecNumCloud 3.2 2027-02-30")), policy: anyVersion, want: missing},
		"one that is over and one that holds": {
			candidate: place("a", "x", attested("SecNumCloud 3.2 2020-01-01", "SecNumCloud 3.2 2027-06-30")), policy: version,
		},
		"one that is too old and one that is over": {
			candidate: place("a", "x", attested("SecNumCloud 3.1 2027-06-30", "SecNumCloud 3.2 2020-01-01")), policy: version, want: expired,
		},
		"one that is over and one that is too old": {
			candidate: place("a", "x", attested("SecNumCloud 3.2 2020-01-01", "SecNumCloud 3.1 2027-06-30")), policy: version, want: expired,
		},
		"a copy that is there needs it too": {candidate: place("a", "x"), policy: anyVersion, placed: here(v1alpha1.RoleReplica), want: missing},

		"all copies: own premises too":         {candidate: place("a", "x", ownWalls), policy: of("AllCopies"), want: missing},
		"cloud copies: own premises need none": {candidate: place("a", "x", ownWalls), policy: of("CloudCopies")},
		"cloud copies: others do":              {candidate: place("a", "x"), policy: of("CloudCopies"), want: missing},
		"the primary: no other copy":           {candidate: place("a", "x"), policy: of("Primary"), want: []string{"p/attestation/AttestationMissing/Primary"}},
		"the primary: it has it":               {candidate: valid, policy: of("Primary")},
		"any copy: it is asked of the set":     {candidate: place("a", "x"), policy: of("AnyCopy")},
		"preferred: nothing is refused":        {candidate: place("a", "x"), policy: policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud", Requirement: "Preferred"}))},
		"each one that is missing is an objection": {
			candidate: place("a", "x"), policy: policy("p", asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud"}, v1alpha1.AttestationRule{Scheme: "HDS"})),
			want: append(missing, missing...),
		},
	})
}

func TestAtNoTimeNothingIsAttested(t *testing.T) {
	request := placement.Request{
		Namespace: placement.Namespace{Name: "ns"}, Policies: []placement.Policy{policy("p", asks(v1alpha1.AttestationRule{Scheme: "HDS"}))},
	}
	got := named(placement.Judge(request, place("a", "x", attested("HDS 2.0 2027-06-30"))))
	if len(got) != 1 || got[0] != "p/attestation/AttestationExpired" {
		t.Errorf("objections %v", got)
	}
}

func TestOneCopyOfTheSetIsAttested(t *testing.T) {
	anyCopy := policy("p", copies(2, 2), asks(v1alpha1.AttestationRule{Scheme: "SecNumCloud", AppliesTo: "AnyCopy"}))
	now := func(r *placement.Request) { r.Now = noon }
	has := attested("SecNumCloud 3.2 2027-06-30")

	one := decide([]placement.Policy{anyCopy}, []placement.Candidate{place("a", "x"), place("b", "x"), place("z", "x", has)}, now)
	if !one.Satisfied || !strings.Contains(strings.Join(placesOf(one.Copies), " "), "z/x") {
		t.Errorf("copies %v, want z/x among them", placesOf(one.Copies))
	}
	none := decide([]placement.Policy{anyCopy}, []placement.Candidate{place("a", "x"), place("b", "x")}, now)
	if none.Satisfied || none.Reason != v1alpha1.ReasonAttestationMissing {
		t.Errorf("satisfied %t, reason %s: %s", none.Satisfied, none.Reason, none.Message)
	}
	later := decide([]placement.Policy{anyCopy}, []placement.Candidate{place("a", "x"), place("z", "x", has)},
		func(r *placement.Request) { r.Now = noon.AddDate(1, 0, 0) })
	if later.Satisfied {
		t.Error("an attestation that is over is good enough")
	}
	preferred := anyCopy
	preferred.Spec.Attestations = []v1alpha1.AttestationRule{{Scheme: "SecNumCloud", AppliesTo: "AnyCopy", Requirement: "Preferred"}}
	if got := decide([]placement.Policy{preferred}, []placement.Candidate{place("a", "x"), place("b", "x")}, now); !got.Satisfied {
		t.Errorf("what is only preferred is asked for: %s", got.Message)
	}
}
