package gather_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

type indexer struct{ builder *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, of client.Object, field string, extract client.IndexerFunc) error {
	i.builder.WithIndex(of, field, extract)
	return nil
}

// cluster has a namespace ccas with the label service=social, and these objects.
func cluster(t *testing.T, objects ...client.Object) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ccas", Labels: map[string]string{"service": "social"}}}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(append(objects, namespace)...)
	if err := gather.Index(t.Context(), indexer{builder}); err != nil {
		t.Fatal(err)
	}
	return builder.Build()
}

func policy(name string, change ...func(*v1alpha1.SovereigntyPolicySpec)) *v1alpha1.SovereigntyPolicy {
	p := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, f := range change {
		f(&p.Spec)
	}
	return p
}

func appliesTo(service string) func(*v1alpha1.SovereigntyPolicySpec) {
	return func(s *v1alpha1.SovereigntyPolicySpec) {
		s.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"service": service}}}
	}
}

func warns(s *v1alpha1.SovereigntyPolicySpec) {
	s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
}

func names(policies []placement.Policy) []string {
	var names []string
	for _, p := range policies {
		name := p.Name
		if p.IsBaseline {
			name += " as baseline"
		}
		names = append(names, name)
	}
	return names
}

func TestABucketIsBoundByThePolicyThatItNamesAndByBaselines(t *testing.T) {
	now := time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: "dossiers"}}
	for name, test := range map[string]struct {
		named           string
		policies        []client.Object
		binding, advice []string
		wantMissing     bool
	}{
		"the one that it names alone": {"p", []client.Object{policy("a"), policy("p")}, []string{"p"}, nil, false},
		"baselines beside it": {
			"p",
			[]client.Object{policy("b", appliesTo("social")), policy("a", appliesTo("social")), policy("p"), policy("x", appliesTo("elections"))},
			[]string{"p", "a as baseline", "b as baseline"},
			nil, false,
		},
		"one that is both is named":                    {"p", []client.Object{policy("p", appliesTo("social"))}, []string{"p"}, nil, false},
		"a baseline that only warns":                   {"p", []client.Object{policy("a", appliesTo("social"), warns), policy("p")}, []string{"p"}, []string{"a as baseline"}, false},
		"one that is named and warns":                  {"p", []client.Object{policy("p", warns)}, []string{"p"}, nil, false},
		"without the one that it names no other binds": {"p", []client.Object{policy("a", appliesTo("social"))}, nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			bucket.Spec.PolicyRef.Name = test.named
			facts, err := gather.Gatherer{Reader: cluster(t, test.policies...), Clock: clocktesting.NewFakePassiveClock(now)}.Bucket(t.Context(), bucket)
			if fault.HasReason(err, fault.PolicyNotFound) != test.wantMissing || err != nil && !test.wantMissing {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.binding, names(facts.Policies)); diff != "" {
				t.Errorf("binding (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.advice, names(facts.Advice)); diff != "" {
				t.Errorf("advice (-want +got):\n%s", diff)
			}
			request := facts.Request()
			if len(request.Policies) != len(test.binding)+len(test.advice) || !request.Now.Equal(now) {
				t.Errorf("the request has %d policies, as of %s", len(request.Policies), request.Now)
			}
		})
	}
}

func TestFactsThatEndAreWaitedFor(t *testing.T) {
	provider := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}, Spec: v1alpha1.SovereignProviderSpec{
		Locations: []v1alpha1.Location{{Name: "GRA", Country: "FR"}},
		Attestations: []v1alpha1.Attestation{{
			Scheme: "HDS", Service: v1alpha1.ObjectStorage, Locations: []string{"GRA"}, ValidUntil: "2026-11-24",
		}},
	}}
	asking := policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Attestations = []v1alpha1.AttestationRule{{Scheme: "HDS"}} })
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: "dossiers"}}
	bucket.Spec.PolicyRef.Name = "p"
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, time.November, 24, 22, 0, 0, 0, time.UTC))
	gatherer := gather.Gatherer{Reader: cluster(t, provider, asking), Clock: clock}
	for _, want := range []time.Duration{2 * time.Hour, 0} {
		facts, err := gatherer.Bucket(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		if got := facts.UntilExpiry(); got != want {
			t.Errorf("at %s something ends in %s, want %s", clock.Now(), got, want)
		}
		clock.SetTime(clock.Now().Add(2 * time.Hour))
	}
}

// One look at a bucket asks for the places several times, and putting together what is
// known of them takes longer than deciding.
func TestPlacesArePutTogetherOnce(t *testing.T) {
	var providers []client.Object
	for _, name := range []string{"b", "c", "a"} {
		p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for _, location := range []string{"x", "y", "z"} {
			p.Spec.Locations = append(p.Spec.Locations, v1alpha1.Location{Name: location, Country: "FR", Latitude: "48.11", Longitude: "-1.68"})
		}
		providers = append(providers, p)
	}
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: "dossiers"}}
	bucket.Spec.PolicyRef.Name = "p"
	facts, err := gather.Gatherer{Reader: cluster(t, append(providers, policy("p"))...)}.Bucket(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	x := v1alpha1.PlaceReference{ProviderName: "a", Location: "x"}
	request := facts.Request()
	if len(request.Candidates) != 9 || request.Candidates[0].PlaceReference != x {
		t.Fatalf("%d places, the first of them %s", len(request.Candidates), request.Candidates[0])
	}
	if again := testing.AllocsPerRun(10, func() { facts.Request() }); again > 8 {
		t.Errorf("another request takes %.0f allocations", again)
	}
	if again := testing.AllocsPerRun(10, func() { facts.Candidate(x) }); again > 0 {
		t.Errorf("looking up a place takes %.0f allocations", again)
	}
	request.Candidates[0].Holds = true
	if found, isDeclared := facts.Candidate(x); !isDeclared || found.Holds || facts.Request().Candidates[0].Holds {
		t.Error("what is done to one request reaches others")
	}
	if _, isDeclared := facts.Candidate(v1alpha1.PlaceReference{ProviderName: "a", Location: "w"}); isDeclared {
		t.Error("there is a place that nobody declares")
	}
}

// The order is that of names, whatever that of the cache is: messages that tell of the
// first of several must not change from look to look.
func TestProvidersComeInTheOrderOfTheirNames(t *testing.T) {
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: "dossiers"}}
	bucket.Spec.PolicyRef.Name = "p"
	reader := cluster(t, policy("p"), &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
		&v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "b"}})
	facts, err := gather.Gatherer{Reader: backwards{reader}}.Bucket(t.Context(), bucket)
	if err != nil || len(facts.Providers) != 2 || facts.Providers[0].Name != "a" {
		t.Errorf("providers %v, %v", facts.Providers, err)
	}
}

// backwards lists providers as a cache may.
type backwards struct{ client.Reader }

func (b backwards) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	err := b.Reader.List(ctx, into, options...)
	if providers, is := into.(*v1alpha1.SovereignProviderList); is {
		slices.Reverse(providers.Items)
	}
	return err
}

func TestOnlyExceptionsForTheBucketThatCountAreFacts(t *testing.T) {
	noon := time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)
	allows := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Exceptions = v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"grid"}, MaximumDuration: &metav1.Duration{Duration: time.Hour}}
	}
	made := func(name string, change func(*v1alpha1.SovereigntyException)) client.Object {
		e := &v1alpha1.SovereigntyException{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: name, CreationTimestamp: metav1.NewTime(noon)},
			Spec: v1alpha1.SovereigntyExceptionSpec{
				PolicyRef: v1alpha1.NameReference{Name: "p"}, SubjectRef: v1alpha1.SubjectReference{Kind: "SovereignBucket", Name: "b"},
				Rules: []v1alpha1.ExceptableRule{"grid"}, NotAfter: &metav1.Time{Time: noon.Add(time.Hour)},
			},
		}
		change(e)
		return e
	}
	reader := cluster(t, policy("p", allows), policy("warns", allows, warns, appliesTo("social")), policy("elsewhere", allows),
		made("counts", func(*v1alpha1.SovereigntyException) {}),
		made("of-a-baseline", func(e *v1alpha1.SovereigntyException) { e.Spec.PolicyRef.Name = "warns" }),
		made("of-another-bucket", func(e *v1alpha1.SovereigntyException) { e.Spec.SubjectRef.Name = "c" }),
		made("of-another-namespace", func(e *v1alpha1.SovereigntyException) { e.Namespace = "elections" }),
		made("of-a-policy-that-does-not-bind", func(e *v1alpha1.SovereigntyException) { e.Spec.PolicyRef.Name = "elsewhere" }),
		made("of-a-rule-that-is-not-listed", func(e *v1alpha1.SovereigntyException) { e.Spec.Rules[0] = "pue" }),
	)
	bucket := &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ccas", Name: "b"}}
	bucket.Spec.PolicyRef.Name = "p"
	for after, want := range map[time.Duration][]string{0: {"counts", "of-a-baseline"}, time.Hour: nil} {
		facts, err := gather.Gatherer{Reader: reader, Clock: clocktesting.NewFakePassiveClock(noon.Add(after))}.Bucket(t.Context(), bucket)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, counting := range facts.Request().Exceptions {
			got = append(got, counting.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("exceptions after %s (-want +got):\n%s", after, diff)
		}
		if after == 0 && facts.UntilExpiry() != time.Hour {
			t.Errorf("it is looked at again after %s", facts.UntilExpiry())
		}
		if binding := facts.Binding(); len(binding.Exceptions) != len(want) || len(binding.Policies) != 1 || !binding.Now.Equal(facts.Now) {
			t.Errorf("reading is judged by %+v", binding)
		}
	}
}
