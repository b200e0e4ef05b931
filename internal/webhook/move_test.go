package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
)

func under(b *v1alpha1.SovereignBucket, policy string) *v1alpha1.SovereignBucket {
	b.Spec.PolicyRef.Name = policy
	return b
}

func asking(p *v1alpha1.SovereigntyPolicy, change func(*v1alpha1.SovereigntyPolicySpec)) *v1alpha1.SovereigntyPolicy {
	change(&p.Spec)
	return p
}

func TestABucketDoesNotGoWhereLessIsAskedOfIt(t *testing.T) {
	two := func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.Minimum = 2 }
	warns := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
	}
	everywhere := func(s *v1alpha1.SovereigntyPolicySpec) {
		s.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{}}
	}
	strict := asking(policy("strict"), two)
	loose := asking(policy("loose"), func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.Perimeter = v1alpha1.PerimeterEU })
	baseline := asking(asking(policy("baseline"), two), everywhere)
	going := under(bucket("b", ""), "loose")
	going.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	const toLoose = "the bucket would leave SovereigntyPolicy strict for loose, which asks less of it by residency (spec.residency.perimeter), " +
		"copies (spec.copies.minimum); bob may not approve that, which takes the verb approve on strict. " +
		"A SovereigntyException to strict lets a rule not count until an end, and the bucket stays under it"
	for name, test := range map[string]struct {
		from    string
		after   *v1alpha1.SovereignBucket
		unborn  bool // there is no copy yet
		objects []client.Object
		want    string // in the refusal; empty lets it in
	}{
		"to a looser policy":                   {"strict", under(bucket("b", ""), "loose"), false, []client.Object{strict, loose}, toLoose},
		"to a stricter one":                    {"loose", under(bucket("b", ""), "strict"), false, []client.Object{strict, loose}, ""},
		"to one that asks the same":            {"strict", under(bucket("b", ""), "too"), false, []client.Object{strict, asking(policy("too"), two)}, ""},
		"to one that only warns":               {"strict", under(bucket("b", ""), "too"), false, []client.Object{strict, asking(asking(policy("too"), two), warns)}, "less of it by residency"},
		"from one that only warned":            {"too", under(bucket("b", ""), "loose"), false, []client.Object{loose, asking(asking(policy("too"), two), warns)}, ""},
		"a baseline asks it as before":         {"strict", under(bucket("b", ""), "p"), false, []client.Object{strict, policy("p"), baseline}, ""},
		"one that only warns does not":         {"strict", under(bucket("b", ""), "p"), false, []client.Object{strict, policy("p"), asking(asking(asking(policy("baseline"), two), everywhere), warns)}, "copies (spec.copies.minimum)"},
		"it goes on as a baseline":             {"baseline", under(bucket("b", ""), "loose"), false, []client.Object{loose, baseline}, ""},
		"to one that does not exist":           {"strict", under(bucket("b", ""), "later"), false, []client.Object{strict}, "later, which does not exist and so asks less of it by residency"},
		"from one that does not":               {"gone", under(bucket("b", ""), "loose"), false, []client.Object{loose}, ""},
		"a bucket that holds nothing yet":      {"strict", under(bucket("b", ""), "loose"), true, []client.Object{strict, loose}, ""},
		"a bucket that stays":                  {"strict", under(bucket("b", "fr"), "strict"), false, []client.Object{strict, loose}, ""},
		"what is being deleted is not held up": {"strict", going, false, []client.Object{strict, loose}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := under(bucket("b", ""), test.from)
			if !test.unborn {
				test.objects = append(test.objects, primaryOf(before, "fr"))
			}
			request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Operation: admissionv1.Update}}
			request.UserInfo.Username = "bob"
			request.OldObject.Raw, request.Object.Raw = encode(t, before), encode(t, test.after)
			response := serve(t, interceptor.Funcs{}, append(test.objects, provider("fr", "FR"))...).at(MovePath).Handle(t.Context(), request)
			if response.Allowed != (test.want == "") || len(response.Warnings) > 0 {
				t.Errorf("it is let in: %t (%v), with %q", response.Allowed, response.Result, response.Warnings)
			}
			if test.want != "" && (response.Result.Code != http.StatusForbidden || !strings.Contains(response.Result.Message, test.want)) {
				t.Errorf("it is refused with %d %q, want %q", response.Result.Code, response.Result.Message, test.want)
			}
		})
	}
}

// Nothing tells later that a bucket was under a stricter policy.
func TestAMoveThatCannotBeJudgedIsRefused(t *testing.T) {
	before, after := under(bucket("b", ""), "strict"), under(bucket("b", ""), "p")
	lists := 0
	for name, faults := range map[string]interceptor.Funcs{
		"a cache that fails": {List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errors.New("no cache")
		}},
		"a cache that fails later": {List: func(ctx context.Context, c client.WithWatch, into client.ObjectList, options ...client.ListOption) error {
			if _, is := into.(*v1alpha1.SovereignProviderList); is {
				if lists++; lists == 2 {
					return errors.New("no cache")
				}
			}
			return c.List(ctx, into, options...)
		}},
		"a mistake of ours": {Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			panic("a mistake")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			hooks := serve(t, faults, policy("strict"), policy("p"), provider("fr", "FR"), primaryOf(before, "fr"))
			response := hooks.ask(t, MovePath, before, after)
			if response.Allowed || strings.Contains(response.Result.Message, "would leave") {
				t.Errorf("it is let in: %t (%v)", response.Allowed, response.Result)
			}
		})
	}
}

func TestAStricterPolicySaysWhatFallsOut(t *testing.T) {
	strict := asking(policy("strict"), func(s *v1alpha1.SovereigntyPolicySpec) { s.Residency.AllowedCountries = []string{"RE"} })
	before := bucket("b", "")
	hooks := serve(t, interceptor.Funcs{}, policy("p"), policy("q"), strict, provider("fr", "FR"), before, primaryOf(before, "fr"))
	response := hooks.ask(t, BucketPath, before, under(bucket("b", ""), "strict"))
	want := "SovereignBucket mairie/b: its primary at fr/x may not stay and does not move by itself (policy strict, country: FR is not among the allowed countries RE (CountryNotAllowed))"
	if !response.Allowed || len(response.Warnings) != 1 || response.Warnings[0] != want {
		t.Errorf("it is let in: %t, with %q, want %q", response.Allowed, response.Warnings, want)
	}
	if told := hooks.ask(t, BucketPath, before, under(bucket("b", ""), "q")).Warnings; len(told) > 0 {
		t.Errorf("a policy that asks the same: %q", told)
	}
}

// exceptedFor lets the rule of countries not count for a bucket.
func exceptedFor(bucket string) *v1alpha1.SovereigntyException {
	return &v1alpha1.SovereigntyException{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mairie", Name: bucket + "-2026", CreationTimestamp: metav1.Now()},
		Spec: v1alpha1.SovereigntyExceptionSpec{
			PolicyRef: v1alpha1.NameReference{Name: "p"}, SubjectRef: v1alpha1.SubjectReference{Kind: "SovereignBucket", Name: bucket},
			Rules: []v1alpha1.ExceptableRule{"country"}, NotAfter: &metav1.Time{Time: time.Now().Add(time.Hour)},
		},
	}
}

func TestTheEndOfAnExceptionSaysWhatFallsOut(t *testing.T) {
	excepting := asking(policy("p"), func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Residency.AllowedCountries = []string{"RE"}
		s.Exceptions = v1alpha1.ExceptionRules{Rules: []v1alpha1.ExceptableRule{"country"}, MaximumDuration: &metav1.Duration{Duration: 2 * time.Hour}}
	})
	b, made := bucket("b", ""), exceptedFor("b")
	later := exceptedFor("b")
	later.Name = "b-too"
	ended := func(hooks hooks, e *v1alpha1.SovereigntyException) admission.Response {
		request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Operation: admissionv1.Delete}}
		request.OldObject.Raw = encode(t, e)
		return hooks.at(ExceptionPath).Handle(t.Context(), request)
	}
	objects := []client.Object{excepting, provider("fr", "FR"), b, primaryOf(b, "fr"), made}
	hooks := serve(t, interceptor.Funcs{}, objects...)
	const want = "SovereignBucket mairie/b: its primary at fr/x may not stay and does not move by itself (policy p, country: FR is not among the allowed countries RE (CountryNotAllowed))"
	if response := ended(hooks, made); !response.Allowed || len(response.Warnings) != 1 || response.Warnings[0] != want {
		t.Errorf("it may be deleted: %t, with %q, want %q", response.Allowed, response.Warnings, want)
	}
	if response := ended(hooks, exceptedFor("gone")); !response.Allowed || len(response.Warnings) > 0 {
		t.Errorf("one for a bucket that is gone may be deleted: %t, with %q", response.Allowed, response.Warnings)
	}
	// It ends as well when its policy does not allow it any more.
	narrower := excepting.DeepCopy()
	narrower.Spec.Exceptions = v1alpha1.ExceptionRules{}
	if told := hooks.ask(t, PolicyPath, excepting, narrower).Warnings; len(told) != 1 || told[0] != want {
		t.Errorf("a policy that allows no exception: %q, want %q", told, want)
	}
	for _, response := range []admission.Response{hooks.ask(t, ExceptionPath, nil, made), hooks.ask(t, ExceptionPath, made, made)} {
		if !response.Allowed || len(response.Warnings) > 0 {
			t.Errorf("making one is let in: %t, with %q", response.Allowed, response.Warnings)
		}
	}
	if response := ended(serve(t, interceptor.Funcs{}, append(objects, later)...), made); !response.Allowed || len(response.Warnings) > 0 {
		t.Errorf("one beside another that counts may be deleted: %t, with %q", response.Allowed, response.Warnings)
	}
}
