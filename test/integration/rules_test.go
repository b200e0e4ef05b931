package integration

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rempart/rempart/api/v1alpha1"
)

// asking gives a policy rules, and an objective that a clock which jumps does not
// miss.
func asking(change func(*v1alpha1.SovereigntyPolicySpec)) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Objectives.RPO = &metav1.Duration{Duration: 240 * time.Hour}
		change(s)
	}
}

// hds is an attestation for the object storage of a location.
func hds(location string, validUntil time.Time) v1alpha1.Attestation {
	return v1alpha1.Attestation{
		Scheme: "HDS", Version: "2.0", Service: v1alpha1.ObjectStorage, Locations: []string{location},
		ValidUntil: validUntil.Format(time.DateOnly), Evidence: "https://example.fr/hds.pdf",
	}
}

func TestACopyIsReplacedWhenItsAttestationEnds(t *testing.T) {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	clock := clocktesting.NewFakePassiveClock(today.Add(24*time.Hour - 2*time.Second))
	w := newWorld(t, timed(clock))
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		w.emulated(name)
	}
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
	ovh := w.provider("ovh", []v1alpha1.Location{in("GRA", "FR")}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.Attestations = []v1alpha1.Attestation{hds("GRA", today)}
	})
	w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.Attestations = []v1alpha1.Attestation{hds("eu-west-2", today.AddDate(1, 0, 0))}
	})
	w.policy("ccas", asking(func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS", MinimumVersion: "2", AppliesTo: v1alpha1.AttestCloudCopies}}
	}))
	bucket := w.bucket("dossiers", "ccas")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "dossier", "1")
	w.awaitObjects(bucket, 1)
	w.get(ovh)
	if shown := ovh.Status.Attestations; len(shown) != 1 || shown[0].Source != v1alpha1.SourceSpec || shown[0].ValidUntil != today.Format(time.DateOnly) {
		t.Errorf("the provider shows %+v", shown)
	}
	expiring := w.replicas(bucket)["ovh/GRA"]
	if expiring == nil {
		t.Fatalf("the copies are at %v", w.replicas(bucket))
	}

	// Nothing happens but midnight.
	pass(clock, time.Minute)
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonAttestationExpired)
	wantIn(t, violation.Message, "the copy at ovh/GRA may not be there by rule attestation of policy ccas: "+
		"the attestation of HDS there was valid until "+today.Format(time.DateOnly))
	w.awaitEvent("ResidencyViolation", "the attestation of HDS")
	w.await(expiring, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAttestationExpired)

	// The new copy is made, filled and verified; what is at the old one stays until
	// somebody confirms that it may go.
	w.eventually(func() error {
		replacement := w.replicas(bucket)["tds-outscale/eu-west-2"]
		if replacement == nil || replacement.Status.Objects == nil || *replacement.Status.Objects != 1 {
			return notYet("the replacement is not complete: %v", replacement)
		}
		return nil
	})
	w.await(w.replicas(bucket)["tds-outscale/eu-west-2"], v1alpha1.ConditionVerified, metav1.ConditionTrue)
	if left := w.replicas(bucket)["ovh/GRA"]; left == nil || !left.DeletionTimestamp.IsZero() {
		t.Error("the old copy was withdrawn without a word")
	}
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, expiring.Spec.BucketName)
	w.awaitGone(expiring)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
}

func TestABaselineBindsTheBucketsOfItsNamespaces(t *testing.T) {
	w, _ := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)

	// OVHcloud is bought, and nobody knows by whom the other one is controlled.
	ovh, outscale := &v1alpha1.SovereignProvider{}, &v1alpha1.SovereignProvider{}
	ovh.Name, outscale.Name = "ovh", "tds-outscale"
	w.update(ovh, func() { ovh.Spec.Operator.SeatCountry, ovh.Spec.Operator.ControlCountry = "FR", "US" })
	w.update(outscale, func() { outscale.Spec.Operator.SeatCountry, outscale.Spec.Operator.ControlCountry = "FR", "" })
	law := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "law"}, Spec: v1alpha1.SovereigntyPolicySpec{
		AppliesTo:         &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"law": "union"}}},
		ValidationActions: []v1alpha1.ValidationAction{v1alpha1.ActionWarn},
		Residency:         v1alpha1.Residency{Perimeter: v1alpha1.PerimeterEU},
		Jurisdiction:      v1alpha1.Jurisdiction{Perimeter: v1alpha1.PerimeterEU},
	}}
	w.create(law)
	nobody := w.await(law, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNothingSelected)
	wantIn(t, nobody.Message, "appliesTo.namespaceSelector selects no namespace")

	// It warns first.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	w.update(namespace, func() { namespace.Labels["law"] = "union" })
	w.await(law, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitSummary(law, v1alpha1.PolicySummary{Warn: 1})
	w.eventually(func() error {
		w.get(bucket)
		return wantMessage(bucket, v1alpha1.ConditionResidencyCompliant, "rule jurisdiction of policy law: ")
	})
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	if columns := w.columns("sovereigntypolicies", "law"); columns["Action"] != `["Warn"]` || columns["Law"] != "EU" || columns["Fail"] != "0" {
		t.Errorf("kubectl get shows %v", columns)
	}

	// Then it denies.
	w.update(law, func() { law.Spec.ValidationActions = nil })
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonJurisdictionNotAllowed)
	wantIn(t, violation.Message, "by rule jurisdiction of policy law: ")
	w.awaitSummary(law, v1alpha1.PolicySummary{Fail: 1})
	w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonJurisdictionNotAllowed)
	w.eventually(func() error { return objectionOn(w, bucket, "tds-outscale", v1alpha1.ReasonJurisdictionNotAllowed) })

	// Out of the namespace's labels, it binds no more.
	w.update(namespace, func() { delete(namespace.Labels, "law") })
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.awaitSummary(law, v1alpha1.PolicySummary{})
}

func TestABaselineThatWarnsShowsWhatItAsksOfAllCopies(t *testing.T) {
	w, _ := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	ambition := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "ambition"}, Spec: v1alpha1.SovereigntyPolicySpec{
		AppliesTo:         &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{}},
		ValidationActions: []v1alpha1.ValidationAction{v1alpha1.ActionWarn},
		Residency:         v1alpha1.Residency{Perimeter: v1alpha1.PerimeterEU},
		Copies:            v1alpha1.CopyRules{Minimum: 3, DistinctOperators: 3},
	}}
	w.create(ambition)
	w.awaitSummary(ambition, v1alpha1.PolicySummary{Warn: 1})
	w.eventually(func() error {
		w.get(bucket)
		return wantMessage(bucket, v1alpha1.ConditionResidencyCompliant, "rule copies of policy ambition: 2 copies in all, and policy ambition asks for 3")
	})
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if copies := w.replicas(bucket); len(copies) != 2 {
		t.Errorf("a warning makes copies: %v", copies)
	}
	shown := 0
	for _, candidate := range bucket.Status.Candidates {
		for _, objection := range candidate.Objections {
			if objection.Policy == "ambition" && objection.Reason == v1alpha1.ReasonNotEnoughOperators && objection.Action == v1alpha1.ActionWarn {
				shown++
			}
		}
	}
	if shown != 2 {
		t.Errorf("%d of the two copies show that their operators are too few: %+v", shown, bucket.Status.Candidates)
	}
	w.update(ambition, func() { ambition.Spec.Copies = v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 2} })
	w.awaitSummary(ambition, v1alpha1.PolicySummary{Pass: 1})
}

func TestATaintKeepsNewCopiesAway(t *testing.T) {
	w, _ := emulatedWorld(t)
	w.policy("etat-civil")
	first := w.bucket("actes", "etat-civil")
	w.await(first, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Taints = []v1alpha1.Taint{{Key: "migration", Effect: v1alpha1.TaintNoSchedule}} })
	second := w.bucket("plans", "etat-civil")
	w.await(second, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	if w.replicas(first)["ovh/GRA"] == nil || w.replicas(second)["ovh/GRA"] != nil || w.replicas(second)["tds-outscale/eu-west-2"] == nil {
		t.Errorf("copies at %v and %v", w.replicas(first), w.replicas(second))
	}
	w.eventually(func() error { return objectionOn(w, second, "ovh", v1alpha1.ReasonTainted) })
}

func TestFactsAndRulesThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	provider := func(change func(*v1alpha1.SovereignProviderSpec)) *v1alpha1.SovereignProvider {
		object := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereignProviderSpec{
			Type:     v1alpha1.ProviderTypeS3,
			S3:       &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
			Operator: v1alpha1.Operator{LegalEntity: "X"}, Locations: []v1alpha1.Location{in("a", "FR")},
		}}
		change(&object.Spec)
		return object
	}
	place := func(change func(*v1alpha1.Location)) *v1alpha1.SovereignProvider {
		return provider(func(s *v1alpha1.SovereignProviderSpec) { change(&s.Locations[0]) })
	}
	run := func(by v1alpha1.Operator) *v1alpha1.SovereignProvider {
		by.LegalEntity = "X"
		return provider(func(s *v1alpha1.SovereignProviderSpec) { s.Operator = by })
	}
	attest := func(change func(*v1alpha1.Attestation)) *v1alpha1.SovereignProvider {
		attestation := hds("a", time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC))
		change(&attestation)
		return provider(func(s *v1alpha1.SovereignProviderSpec) { s.Attestations = []v1alpha1.Attestation{attestation} })
	}
	for _, refused := range []struct {
		want   string
		object *v1alpha1.SovereignProvider
	}{
		{"QQ is the code of no country", place(func(l *v1alpha1.Location) { l.Country = "QQ" })},
		{"AN is the code of no country", place(func(l *v1alpha1.Location) { l.Country = "AN" })},
		{"EU is the code of no country", run(v1alpha1.Operator{SeatCountry: "EU"})},
		{"XX is the code of no country", run(v1alpha1.Operator{ControlCountry: "XX"})},
		{"spec.operator.seatCountry", run(v1alpha1.Operator{SeatCountry: "fr"})},
		{"a percentage between 0 and 100", run(v1alpha1.Operator{NonEUHolderPercent: "101"})},
		{"a percentage between 0 and 100", run(v1alpha1.Operator{NonEUTotalPercent: "100.01"})},
		{"a percentage between 0 and 100", run(v1alpha1.Operator{NonEUTotalPercent: "-1"})},
		{"a percentage between 0 and 100", run(v1alpha1.Operator{NonEUTotalPercent: "a few"})},
		{"spec.operator.extraterritorialLaw", run(v1alpha1.Operator{ExtraterritorialLaw: "Maybe"})},
		{"subdivision must be one of the country", place(func(l *v1alpha1.Location) { l.Subdivision = "DE-BE" })},
		{"latitude must be a decimal number of degrees", place(func(l *v1alpha1.Location) { l.Latitude, l.Longitude = "90.5", "2" })},
		{"longitude must be a decimal number of degrees", place(func(l *v1alpha1.Location) { l.Latitude, l.Longitude = "48", "181" })},
		{"latitude must be a decimal number of degrees", place(func(l *v1alpha1.Location) { l.Latitude, l.Longitude = "48°N", "2" })},
		{"latitude and longitude belong together", place(func(l *v1alpha1.Location) { l.Latitude = "48" })},
		{"power usage effectiveness between 1 and 10", place(func(l *v1alpha1.Location) { l.PUE = "0.9" })},
		{"power usage effectiveness between 1 and 10", place(func(l *v1alpha1.Location) { l.PUE = "11" })},
		{"spec.locations[0].gridIntensity", place(func(l *v1alpha1.Location) { l.GridIntensity = new(int32(-1)) })},
		{"validUntil", attest(func(a *v1alpha1.Attestation) { a.ValidUntil = "2027-02-30" })},
		{"validUntil", attest(func(a *v1alpha1.Attestation) { a.ValidUntil = "" })},
		{"a version is numbers with dots", attest(func(a *v1alpha1.Attestation) { a.Version = "v3" })},
		{"spec.attestations[0].scheme", attest(func(a *v1alpha1.Attestation) { a.Scheme = "Sec Num Cloud" })},
		{"spec.attestations[0].service", attest(func(a *v1alpha1.Attestation) { a.Service = "" })},
		{"spec.attestations[0].locations", attest(func(a *v1alpha1.Attestation) { a.Locations = []string{} })},
		{"attestations can only name locations that are listed", attest(func(a *v1alpha1.Attestation) { a.Locations = []string{"a", "b"} })},
		{"evidence must be a URL", attest(func(a *v1alpha1.Attestation) { a.Evidence = "in the cupboard" })},
		{"evidence must be a URL", attest(func(a *v1alpha1.Attestation) { a.Evidence = "https://me:secret@example.fr" })},
		{"spec.taints[0].effect", provider(func(s *v1alpha1.SovereignProviderSpec) {
			s.Taints = []v1alpha1.Taint{{Key: "k", Effect: "NoExecute"}}
		})},
		{"spec.taints[1]", provider(func(s *v1alpha1.SovereignProviderSpec) {
			s.Taints = []v1alpha1.Taint{{Key: "k", Effect: "NoSchedule"}, {Key: "k", Effect: "PreferNoSchedule"}}
		})},
	} {
		w.wantRefused(refused.object, refused.want)
	}

	policy := func(change func(*v1alpha1.SovereigntyPolicySpec)) *v1alpha1.SovereigntyPolicy {
		object := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: v1alpha1.SovereigntyPolicySpec{
			Residency: v1alpha1.Residency{Perimeter: "EU"},
		}}
		change(&object.Spec)
		return object
	}
	asks := func(rule v1alpha1.AttestationRule) *v1alpha1.SovereigntyPolicy {
		return policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Attestations = []v1alpha1.AttestationRule{rule} })
	}
	does := func(actions ...v1alpha1.ValidationAction) *v1alpha1.SovereigntyPolicy {
		return policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.ValidationActions = actions })
	}
	under := func(law v1alpha1.Jurisdiction) *v1alpha1.SovereigntyPolicy {
		return policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Jurisdiction = law })
	}
	for _, refused := range []struct {
		want   string
		object *v1alpha1.SovereigntyPolicy
	}{
		{"QQ is the code of no country", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"FR", "QQ"} })},
		{"spec.residency.location", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Location = "Guessed" })},
		{"perimeter must be FR, EU or EEA: leave it out", under(v1alpha1.Jurisdiction{Perimeter: "None"})},
		{"a percentage between 0 and 100", under(v1alpha1.Jurisdiction{MaxNonEUHolderPercent: "100.5"})},
		{"a percentage between 0 and 100", under(v1alpha1.Jurisdiction{MaxNonEUTotalPercent: "240"})},
		{"spec.protection.versioning", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Versioning = v1alpha1.Forbidden })},
		{"spec.copies.onPremise", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.OnPremise = "Sometimes" })},
		{"spec.jurisdiction.extraterritorialLaw", under(v1alpha1.Jurisdiction{ExtraterritorialLaw: "Required"})},
		{"a version is numbers with dots", asks(v1alpha1.AttestationRule{Scheme: "HDS", MinimumVersion: "two"})},
		{"spec.attestations[0].scheme", asks(v1alpha1.AttestationRule{})},
		{"spec.attestations[0].appliesTo", asks(v1alpha1.AttestationRule{Scheme: "HDS", AppliesTo: "SomeCopies"})},
		{"spec.attestations[0].requirement", asks(v1alpha1.AttestationRule{Scheme: "HDS", Requirement: "Forbidden"})},
		{"power usage effectiveness between 1 and 10", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Environment.MaximumPUE = "0" })},
		{"spec.environment.maximumGridIntensity", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.Environment.MaximumGridIntensity = new(int32(0)) })},
		{"Deny stands alone", does("Deny", "Warn")},
		{"spec.validationActions", does("Ignore")},
		{"spec.validationActions", does("Warn", "Warn")},
		{"spec.appliesTo.namespaceSelector", policy(func(s *v1alpha1.SovereigntyPolicySpec) { s.AppliesTo = &v1alpha1.AppliesTo{} })},
	} {
		w.wantRefused(refused.object, refused.want)
	}

	// What is right is taken, aliases of countries included.
	right := provider(func(s *v1alpha1.SovereignProviderSpec) {
		s.Operator = v1alpha1.Operator{
			LegalEntity: "X", SeatCountry: "EL", ControlCountry: "FR", NonEUHolderPercent: "24", NonEUTotalPercent: "100",
			ExtraterritorialLaw: v1alpha1.LawUnknown,
		}
		s.Locations[0] = v1alpha1.Location{
			Name: "a", Country: "EL", Subdivision: "GR-I", City: "Athènes", Latitude: "37.98", Longitude: "-23.7", PUE: "1", GridIntensity: new(int32(0)),
		}
	})
	if err := w.client.Create(context.Background(), right); err != nil {
		t.Error(err)
	}
	w.eventually(func() error {
		w.get(right)
		if at := right.Status.Locations; len(at) != 1 || at[0].Country != "GR" || right.Status.Operator.SeatCountry != "GR" {
			return notYet("the status says %+v", right.Status)
		}
		return nil
	})
}
