package placement_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/placement/placementtest"
)

func said(loosenings []placement.Loosening) []string {
	var all []string
	for _, l := range loosenings {
		all = append(all, l.String())
	}
	return all
}

func TestLoosenings(t *testing.T) {
	for name, change := range placementtest.Changes() {
		t.Run(name, func(t *testing.T) {
			if reflect.DeepEqual(change.Before, change.After) && len(change.Want) > 0 {
				t.Fatal("nothing is changed")
			}
			if diff := cmp.Diff(change.Want, said(placement.Loosenings(change.Before, change.After))); diff != "" {
				t.Errorf("what asks less (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(change.Back, said(placement.Loosenings(change.After, change.Before))); diff != "" {
				t.Errorf("what asks less when it is taken back (-want +got):\n%s", diff)
			}
			for _, same := range []v1alpha1.SovereigntyPolicySpec{change.Before, change.After} {
				if got := placement.Loosenings(same, same); got != nil {
					t.Errorf("what does not change asks less: %v", got)
				}
			}
		})
	}
}

// A field that is added to a policy is loosened by some change of it, or is shown not
// to be.
func TestEveryFieldOfAPolicyIsJudged(t *testing.T) {
	changed := map[string]bool{}
	for _, change := range placementtest.Changes() {
		changed[change.Field] = true
	}
	want := leaves(reflect.TypeFor[v1alpha1.SovereigntyPolicySpec](), "")
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(changed))); diff != "" {
		t.Errorf("fields (-spec +changes):\n%s", diff)
	}
}

// leaves are the paths of the fields of a type that have no fields of ours in them.
func leaves(in reflect.Type, path string) []string {
	switch in {
	case reflect.TypeFor[metav1.Duration](), reflect.TypeFor[metav1.LabelSelector](), reflect.TypeFor[resource.Quantity]():
		return []string{path}
	}
	switch in.Kind() {
	case reflect.Pointer:
		return leaves(in.Elem(), path)
	case reflect.Slice:
		if in.Elem().Kind() != reflect.Struct {
			return []string{path}
		}
		return leaves(in.Elem(), path+"[]")
	case reflect.Struct:
	default:
		return []string{path}
	}
	var all []string
	for field := range in.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		all = append(all, leaves(field.Type, strings.TrimPrefix(path+"."+name, "."))...)
	}
	return all
}

func TestADatasetLosesWhatNoOtherPolicyAsks(t *testing.T) {
	spec := func(change ...func(*v1alpha1.SovereigntyPolicySpec)) v1alpha1.SovereigntyPolicySpec {
		return policy("p", change...).Spec
	}
	type specs = []v1alpha1.SovereigntyPolicySpec
	both := asks(v1alpha1.AttestationRule{Scheme: "HDS"}, v1alpha1.AttestationRule{Scheme: "ISO27001"})
	for name, test := range map[string]struct {
		before  v1alpha1.SovereigntyPolicySpec
		instead specs
		want    []string
	}{
		"nothing is left":                      {spec(copies(2, 1)), nil, []string{"residency (spec.residency.perimeter)", "copies (spec.copies.minimum)"}},
		"a policy that is as strict":           {spec(copies(2, 1)), specs{spec(copies(3, 2))}, nil},
		"one that is not":                      {spec(copies(2, 1)), specs{spec()}, []string{"copies (spec.copies.minimum)"}},
		"and a baseline that is":               {spec(copies(2, 1)), specs{spec(), spec(perimeter("EEA"), copies(2, 1))}, nil},
		"a baseline that only warns":           {spec(copies(2, 1)), specs{spec(), spec(copies(2, 1), does("Warn"))}, []string{"copies (spec.copies.minimum)"}},
		"what only warned loses nothing":       {spec(copies(2, 1), does("Warn")), nil, nil},
		"attestations, each by another policy": {spec(both), specs{spec(asks(v1alpha1.AttestationRule{Scheme: "HDS"})), spec(asks(v1alpha1.AttestationRule{Scheme: "iso27001"}))}, nil},
		"and one of them by none":              {spec(both), specs{spec(asks(v1alpha1.AttestationRule{Scheme: "HDS"})), spec()}, []string{"attestation (spec.attestations)"}},
		"whom a baseline binds is its own": {spec(func(s *v1alpha1.SovereigntyPolicySpec) {
			s.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{}}
		}), specs{spec()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, said(placement.LostTo(test.before, test.instead))); diff != "" {
				t.Errorf("what is lost (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOfSelectorsThatNobodyCanReadNothingIsKnown(t *testing.T) {
	baselineOf := func(selector *metav1.LabelSelector) v1alpha1.SovereigntyPolicySpec {
		return policy("p", func(s *v1alpha1.SovereigntyPolicySpec) {
			s.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: selector}
		}).Spec
	}
	nonsense := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "Nonsense"}}}
	everybody := &metav1.LabelSelector{}
	if got := placement.Loosenings(baselineOf(everybody), baselineOf(nonsense)); len(got) != 1 {
		t.Errorf("a baseline that selects nobody: %v", got)
	}
	if got := placement.Loosenings(baselineOf(everybody), baselineOf(nil)); len(got) != 1 {
		t.Errorf("a baseline without a selector: %v", got)
	}
	if got := placement.Loosenings(baselineOf(nil), baselineOf(nil)); got != nil {
		t.Errorf("it never had one: %v", got)
	}
	if got := placement.Loosenings(baselineOf(nil), baselineOf(everybody)); got != nil {
		t.Errorf("a baseline that selected nobody: %v", got)
	}
}

// What is no loosening lets no place in, and makes no dataset satisfied.
func TestWhatIsNoLooseningLetsNothingIn(t *testing.T) {
	kept, refused := 0, 0
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 11))
		before, candidates := random(r)
		after, _ := random(r)
		before, after = before[:1], after[:1]
		if r.IntN(2) == 0 { // most that differ in everything loosen something
			after[0].Spec.Residency, after[0].Spec.Copies = before[0].Spec.Residency, before[0].Spec.Copies
		}
		if placement.Loosenings(before[0].Spec, after[0].Spec) != nil {
			continue
		}
		kept++
		was, is := decide(before, candidates), decide(after, candidates)
		for _, candidate := range is.Candidates {
			then := was.Candidates[slices.IndexFunc(was.Candidates, func(j placement.Judged) bool { return j.PlaceReference == candidate.PlaceReference })]
			for _, role := range []v1alpha1.CopyRole{v1alpha1.RolePrimary, v1alpha1.RoleReplica} {
				if candidate.EligibleAs(role) && !then.EligibleAs(role) {
					t.Fatalf("seed %d: %s is eligible as %s by %+v, and was not by %+v", seed, candidate, role, after[0].Spec, before[0].Spec)
				}
			}
		}
		if is.Satisfied && !was.Satisfied {
			t.Fatalf("seed %d: %+v is satisfied, and %+v was not", seed, after[0].Spec, before[0].Spec)
		}
		if was.Satisfied && !is.Satisfied {
			refused++
		}
	}
	if kept < 500 || refused < 50 {
		t.Errorf("%d changes loosen nothing, and %d of them keep a dataset from its place", kept, refused)
	}
}
