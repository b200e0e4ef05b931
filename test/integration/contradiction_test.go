package integration

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/test/emulator/dataplane"
)

// What one object shows is refused as it is written, in YAML as a person writes it and
// with the validation that kubectl asks for. Each is a policy that is right but for
// the one thing.
func TestPoliciesThatCannotBeAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ spec, want string }{
		"more operators than copies": {
			"residency: {perimeter: EU}\ncopies: {minimum: 2, distinctOperators: 3}",
			"distinctOperators cannot be more than minimum: there would be more operators than copies",
		},
		"no allowed country is inside the perimeter": {
			"residency: {perimeter: FR, allowedCountries: [BE, NC]}",
			"none of allowedCountries is inside perimeter, so no place could satisfy both",
		},
		"nor of the Union": {
			"residency: {perimeter: EU, allowedCountries: [UK, 'NO']}", "none of allowedCountries is inside perimeter",
		},
		"premises of one's own that an API confirms": {
			"residency: {perimeter: FR, location: Confirmed}\ncopies: {minimum: 2, onPremise: Required}",
			"copies.onPremise Required or Only and residency.location Confirmed exclude each other",
		},
		"nothing but premises of one's own that an API confirms": {
			"residency: {perimeter: FR, location: Confirmed}\ncopies: {onPremise: Only}",
			"no provider's API confirms one's own premises. Ask for Declared, or list verification in exceptions.rules",
		},
		"an unknown country": {
			"residency: {perimeter: EU, allowedCountries: [FR, XX]}", "XX is the code of no country in ISO 3166-1",
		},
		"SEAL 5": {
			"residency: {perimeter: EU}\nseal: {minimum: 5}", "minimum must be 1 to 4: the framework has nothing above SEAL-4",
		},
		"more than everything with one holder": {
			"residency: {perimeter: EU}\njurisdiction: {maxNonEUHolderPercent: '101'}", "this must be a percentage between 0 and 100, such as 24 or 12.5",
		},
		"more than everything with all holders": {
			"residency: {perimeter: EU}\njurisdiction: {maxNonEUTotalPercent: '240'}", "this must be a percentage between 0 and 100",
		},
		"more than everything with one operator": {
			"residency: {perimeter: EU}\nconcentration: {maximumSharePercent: 101}", "should be less than or equal to 100",
		},
		"more than everything deleted": {
			"residency: {perimeter: EU}\nreplication: {deletionGuard: {maximumPercent: 101}}", "should be less than or equal to 100",
		},
		"a window without a time zone": { // a policy knows no windows yet, and what is not known is not passed over
			"residency: {perimeter: EU}\ndrills: {maximumAge: 720h, window: {start: '01:00', end: '05:00'}}", `unknown field "spec.drills.window"`,
		},
		"a window for copying": {
			"residency: {perimeter: EU}\nreplication: {bandwidth: {windows: [{start: '01:00', end: '05:00'}]}}", `unknown field "spec.replication.bandwidth.windows"`,
		},
		"a selector with an operator that there is not": {
			"residency: {perimeter: EU}\nallowedNamespaces: {matchExpressions: [{key: service, operator: Like, values: [etat-civil]}]}",
			"this selector can select nothing: operators are In and NotIn, with values, or Exists and DoesNotExist, without",
		},
		"a selector of one of no values": {
			"residency: {perimeter: EU}\nappliesTo: {namespaceSelector: {matchExpressions: [{key: service, operator: In}]}}", "this selector can select nothing",
		},
		"a selector of what exists and is something": {
			"residency: {perimeter: EU}\nallowedNamespaces: {matchExpressions: [{key: service, operator: Exists, values: [a]}]}", "this selector can select nothing",
		},
		"exceptions from a rule that there is not": {
			"residency: {perimeter: EU}\nexceptions: {rules: [weather], maximumDuration: 720h}", `Unsupported value: "weather"`,
		},
		"exceptions without an end": {
			"residency: {perimeter: EU}\nexceptions: {rules: [distance]}", "say in maximumDuration how long one may last",
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantWrittenRefused(t, w, "SovereigntyPolicy", test.spec, test.want)
		})
	}

	// What only looks like it is taken.
	for name, spec := range map[string]string{
		"some-inside":      "residency: {perimeter: EU, allowedCountries: [FR, GB]}",
		"an-alias":         "residency: {perimeter: EU, allowedCountries: [EL]}",
		"overseas":         "residency: {perimeter: FR, allowedCountries: [RE]}",
		"of-the-eea":       "residency: {perimeter: EEA, allowedCountries: [LI]}",
		"excepted":         "residency: {perimeter: FR, location: Confirmed}\ncopies: {onPremise: Required}\nexceptions: {rules: [verification], maximumDuration: 720h}",
		"confirmed-clouds": "residency: {perimeter: FR, location: Confirmed}\ncopies: {onPremise: Preferred}",
		"selects": "residency: {perimeter: EU}\nappliesTo: {namespaceSelector: {matchLabels: {a: b}, matchExpressions: [" +
			"{key: service, operator: In, values: [a, b]}, {key: tier, operator: NotIn, values: [c]}, {key: d, operator: Exists}, {key: e, operator: DoesNotExist}]}}",
	} {
		if err := w.client.Create(t.Context(), written(t, "SovereigntyPolicy", name, spec), client.FieldValidation(metav1.FieldValidationStrict), client.DryRunAll); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProvidersThatCannotBeAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	const right = "type: S3\noperator: {legalEntity: X}\ns3: {endpoint: 'https://s3.example.fr', credentialsRef: {name: s}}\nlocations: [{name: a, country: FR}]"
	if err := w.client.Create(t.Context(), written(t, "SovereignProvider", "right", right), client.FieldValidation(metav1.FieldValidationStrict), client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ from, to, want string }{
		"an unknown country":       {"country: FR", "country: XX", "XX is the code of no country in ISO 3166-1"},
		"the Union as a country":   {"country: FR", "country: EU", "EU is the code of no country in ISO 3166-1"},
		"a part of another":        {"country: FR", "country: FR, subdivision: DE-BE", "subdivision must be one of the country"},
		"more than all of it":      {"legalEntity: X", "legalEntity: X, nonEUHolderPercent: '100.5'", "this must be a percentage between 0 and 100"},
		"a selector of namespaces": {"type: S3", "type: S3\nallowedNamespaces: {matchExpressions: [{key: a, operator: Is, values: [b]}]}", "this selector can select nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			wantWrittenRefused(t, w, "SovereignProvider", strings.Replace(right, test.from, test.to, 1), test.want)
		})
	}
}

// written is an object as a person writes it.
func written(t *testing.T, kind, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{}}
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(spec), &fields); err != nil {
		t.Fatal(err)
	}
	object.Object["spec"] = fields
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	object.SetName(name)
	return object
}

// wantWrittenRefused checks that kubectl would not get an object in, and is told why.
func wantWrittenRefused(t *testing.T, w *world, kind, spec, want string) {
	t.Helper()
	err := w.client.Create(t.Context(), written(t, kind, "x", spec), client.FieldValidation(metav1.FieldValidationStrict), client.DryRunAll)
	isRefused := apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
	if !isRefused || !strings.Contains(err.Error(), want) {
		t.Errorf("the API server says %v, want %q", err, want)
	}
}

// What only other objects show is a condition with a reason, and takes it back.
func TestWhatOnlyOtherObjectsContradictIsACondition(t *testing.T) {
	w, _ := emulatedWorld(t)
	w.emulated("belge")
	w.provider("belge", []v1alpha1.Location{in("bru", "BE")})
	w.policy("two-copies") // has the places tried
	policy := w.policy("trois-en-belgique", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Residency = v1alpha1.Residency{Perimeter: v1alpha1.PerimeterEU, AllowedCountries: []string{"BE"}}
		s.Copies = v1alpha1.CopyRules{Minimum: 3}
	})
	w.eventually(func() error { // what a store can do is found out for those that a policy would take
		w.get(policy)
		return wantMessage(policy, v1alpha1.ConditionSatisfiable,
			"no places satisfy this policy: policy trois-en-belgique asks for 3 copies and only 1 place is eligible: belge/bru")
	})
	w.await(policy, v1alpha1.ConditionSatisfiable, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)

	none := w.policy("personne", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.AllowedNamespaces = &metav1.LabelSelector{MatchLabels: map[string]string{"service": "nobody-has-this"}}
	})
	said := w.await(none, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNothingSelected)
	wantIn(t, said.Message, "spec.allowedNamespaces selects no namespace that there is")
	w.update(none, func() { none.Spec.AllowedNamespaces = &metav1.LabelSelector{} })
	w.await(none, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// A provider is declared in France, and its vendor's own API knows better. Nothing is
// ever sent to its store.
func TestAProviderThatLiesAboutItsCountryTakesNothing(t *testing.T) {
	v := newVendors(t)
	liar := v.ovhcloud(func(s *v1alpha1.SovereignProviderSpec) {
		s.Locations = []v1alpha1.Location{{Name: "BHS", Country: "FR"}}
	})
	said := v.await(liar, v1alpha1.ConditionLocationsVerified, metav1.ConditionFalse, v1alpha1.ReasonLocationContradicted)
	wantIn(t, said.Message, "of location BHS spec.locations says FR, and the provider's own API says CA")
	if at := located(liar, "BHS"); at.Verification != v1alpha1.VerificationContradicted || at.Perimeter == v1alpha1.PerimeterFR {
		t.Errorf("the status says %+v", at)
	}
	v.create(&v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{}, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
			Copies: v1alpha1.CopyRules{Minimum: 2},
		},
	})
	bucket := v.bucket("actes", "etat-civil")
	v.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)
	v.eventually(func() error { return objectionOn(v.world, bucket, "ovh", v1alpha1.ReasonLocationContradicted) })
	if copies := v.replicas(bucket); copies["ovh/BHS"] != nil {
		t.Errorf("a copy is at %v", copies)
	}
	if slices.Contains(v.ovh.Running(), "BHS") {
		for _, r := range v.ovh.Region("BHS").Requests(func(r dataplane.Request) bool { return r.Method != "GET" && r.Method != "HEAD" }) {
			t.Errorf("%s %s/%s was sent", r.Operation, r.Bucket, r.Key)
		}
	}

	v.update(liar, func() { liar.Spec.Locations[0].Country = "CA" })
	v.await(liar, v1alpha1.ConditionLocationsVerified, metav1.ConditionTrue)
	v.eventually(func() error { return objectionOn(v.world, bucket, "ovh", v1alpha1.ReasonOutsidePerimeter) })
}
