package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

type indexer struct{ builder *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, of client.Object, field string, extract client.IndexerFunc) error {
	i.builder.WithIndex(of, field, extract)
	return nil
}

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	made := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(made); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// hooks are those that are registered, over a cluster with these objects.
type hooks map[string]http.Handler

func (h hooks) Register(path string, hook http.Handler) { h[path] = hook }

func serve(t *testing.T, faults interceptor.Funcs, objects ...client.Object) hooks {
	t.Helper()
	made := scheme(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "mairie"}}
	builder := fake.NewClientBuilder().WithScheme(made).WithObjects(append(objects, namespace)...).WithInterceptorFuncs(faults)
	if err := gather.Index(t.Context(), indexer{builder}); err != nil {
		t.Fatal(err)
	}
	served := hooks{}
	Register(served, Config{Reader: builder.Build(), Clock: clocktesting.NewFakePassiveClock(time.Now()), Scheme: made})
	return served
}

// ask asks a hook about an object; no object before is a creation.
func (h hooks) ask(t *testing.T, path string, before, after any) admission.Response {
	t.Helper()
	request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Operation: admissionv1.Create}}
	request.Object.Raw = encode(t, after)
	if before != nil {
		request.Operation, request.OldObject.Raw = admissionv1.Update, encode(t, before)
	}
	return h.at(path).Handle(t.Context(), request)
}

// at is the hook behind the bound on how many requests are answered at once.
func (h hooks) at(path string) *admission.Webhook {
	return h[path].(limited).Handler.(*admission.Webhook)
}

func encode(t *testing.T, object any) []byte {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func policy(name string) *v1alpha1.SovereigntyPolicy {
	return &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.SovereigntyPolicySpec{
		AllowedNamespaces: &metav1.LabelSelector{}, Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
	}}
}

func provider(name, country string) *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.SovereignProviderSpec{
		Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{CredentialAPI: "Versity"}, AllowedNamespaces: &metav1.LabelSelector{},
		Operator: v1alpha1.Operator{LegalEntity: name}, Locations: []v1alpha1.Location{{Name: "x", Country: country}},
	}}
}

func bucket(name string, primary string) *v1alpha1.SovereignBucket {
	made := &v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mairie", Name: name, UID: "uid-of-" + "bucket"},
		Spec:       v1alpha1.SovereignBucketSpec{PolicyRef: v1alpha1.NameReference{Name: "p"}},
	}
	if primary != "" {
		made.Spec.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: primary, Location: "x"}
	}
	return made
}

// primaryOf is the copy that a bucket has at a provider.
func primaryOf(b *v1alpha1.SovereignBucket, provider string) *v1alpha1.BucketReplica {
	return &v1alpha1.BucketReplica{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.Namespace, Name: b.Name, OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(b, v1alpha1.GroupVersion.WithKind("SovereignBucket"))},
		},
		Spec: v1alpha1.BucketReplicaSpec{
			BucketRef: v1alpha1.NameReference{Name: b.Name}, PlaceReference: v1alpha1.PlaceReference{ProviderName: provider, Location: "x"}, Role: v1alpha1.RolePrimary,
		},
	}
}

func TestUpdatesAreJudgedForWhatTheyName(t *testing.T) {
	strict := policy("strict")
	strict.Spec.Residency.AllowedCountries = []string{"RE"}
	hooks := serve(t, interceptor.Funcs{}, policy("p"), strict, provider("fr", "FR"), provider("ca", "CA"))
	naming := func(names ...string) *v1alpha1.SovereignBucket {
		made := bucket("b", "")
		made.Spec.Placement.ProviderNames = names
		return made
	}
	going := bucket("b", "ca")
	going.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	titled := bucket("b", "ca")
	titled.Spec.Dataset.Title = "Actes"
	for name, test := range map[string]struct {
		before, after *v1alpha1.SovereignBucket
		isRefused     bool
	}{
		"what it named before stays":               {bucket("b", "ca"), titled, false},
		"also beside something new that will do":   {naming("ca"), naming("ca", "fr"), false},
		"also when something else goes":            {naming("ca", "fr"), naming("ca"), false},
		"what it names now is refused":             {naming("fr"), naming("fr", "ca"), true},
		"also in another field":                    {naming("ca"), bucket("b", "ca"), true},
		"another policy judges all that is named":  {bucket("b", "fr"), under(bucket("b", "fr"), "strict"), true},
		"what is being deleted is never held up":   {bucket("b", "fr"), going, false},
		"a bucket that names nothing is let alone": {bucket("b", "ca"), bucket("b", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			response := hooks.ask(t, BucketPath, test.before, test.after)
			if response.Allowed == test.isRefused {
				t.Errorf("it is let in: %t (%v)", response.Allowed, response.Result)
			}
		})
	}
}

func TestWhatCannotBeJudgedIsLetInWithAWarning(t *testing.T) {
	broken := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("no cache")
	}}
	panics := interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		panic("a mistake")
	}}
	drill := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mairie", Name: "d"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: "b"}, To: &v1alpha1.DrillPlace{ProviderName: "ca"}},
	}
	tighter := policy("p")
	tighter.Spec.Residency.AllowedCountries = []string{"RE"}
	for name, test := range map[string]struct {
		faults        interceptor.Funcs
		path          string
		before, after any
		want          string
	}{
		"a cache that fails":               {broken, BucketPath, nil, bucket("b", "ca"), "no cache"},
		"a mistake of ours":                {panics, BucketPath, nil, bucket("b", "ca"), "see the operator's log"},
		"an object of another shape":       {interceptor.Funcs{}, BucketPath, nil, map[string]any{"spec": "text"}, "not judged at admission"},
		"a namespace that is new":          {interceptor.Funcs{}, BucketPath, nil, &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "new", Name: "b"}, Spec: bucket("b", "ca").Spec}, `namespaces "new" not found`},
		"a drill of no bucket":             {interceptor.Funcs{}, DrillPath, nil, drill, `"b" not found`},
		"a policy, and a cache that fails": {broken, PolicyPath, policy("p"), tighter, "it was not looked for copies that fall out: no cache"},
		"a provider, and the same":         {broken, ProviderPath, provider("fr", "FR"), provider("fr", "CA"), "it was not looked for copies that fall out: no cache"},
	} {
		t.Run(name, func(t *testing.T) {
			response := serve(t, test.faults, policy("p"), provider("ca", "CA")).ask(t, test.path, test.before, test.after)
			if told := strings.Join(response.Warnings, "\n"); !response.Allowed || !strings.Contains(told, test.want) {
				t.Errorf("it is let in: %t, with %q, want %q", response.Allowed, told, test.want)
			}
		})
	}
}

func TestWarningsAreBounded(t *testing.T) {
	objects := []client.Object{policy("p"), provider("fr", "FR")}
	for i := range maximumWarnings + 7 {
		b := bucket(fmt.Sprintf("b%02d", i), "")
		objects = append(objects, b, primaryOf(b, "fr"))
	}
	response := serve(t, interceptor.Funcs{}, objects...).ask(t, ProviderPath, provider("fr", "FR"), provider("fr", "CA"))
	if !response.Allowed || len(response.Warnings) != maximumWarnings+1 || response.Warnings[maximumWarnings] != "and 7 more" {
		t.Errorf("it is let in: %t, with %q", response.Allowed, response.Warnings)
	}
	want := "SovereignBucket mairie/b00: its primary at fr/x may not stay and does not move by itself (policy p, residency: CA is outside FR (OutsidePerimeter))"
	if response.Warnings[0] != want {
		t.Errorf("the first is %q, want %q", response.Warnings[0], want)
	}

	var objections []placement.Objection
	for range maximumObjections + 2 {
		objections = append(objections, placement.Objection{Rule: "r", Reason: "R", Message: message.Verbatim("m")})
	}
	if words := inWords(objections); strings.Count(words, "r: m (R)") != maximumObjections || !strings.HasSuffix(words, "and 2 more: see kubectl rempart explain") {
		t.Errorf("the words are %q", words)
	}
}

// Looking ends in time: the API server does not wait for it.
func TestASearchThatTakesTooLongSaysWhatItLeftOut(t *testing.T) {
	b := bucket("b", "")
	ctx, cancel := context.WithCancel(t.Context())
	slow := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, into client.ObjectList, options ...client.ListOption) error {
		if _, is := into.(*v1alpha1.SovereignBucketList); is {
			defer cancel()
		}
		return c.List(ctx, into, options...)
	}}
	hooks := serve(t, slow, policy("p"), provider("fr", "FR"), b, primaryOf(b, "fr"))
	tighter := policy("p")
	tighter.Spec.Residency.AllowedCountries = []string{"RE"}
	request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Operation: admissionv1.Update}}
	request.Object.Raw, request.OldObject.Raw = encode(t, tighter), encode(t, policy("p"))
	response := hooks.at(PolicyPath).Handle(ctx, request)
	if !response.Allowed || len(response.Warnings) != 1 || !strings.HasPrefix(response.Warnings[0], "1 more SovereignBuckets were not looked at") {
		t.Errorf("it is let in: %t, with %q", response.Allowed, response.Warnings)
	}
}

func TestNewBaselinesSayWhatFallsOut(t *testing.T) {
	b := bucket("b", "")
	hooks := serve(t, interceptor.Funcs{}, policy("p"), provider("fr", "FR"), b, primaryOf(b, "fr"))
	baseline := policy("baseline")
	baseline.Spec.Residency.AllowedCountries = []string{"RE"}
	if told := hooks.ask(t, PolicyPath, nil, baseline).Warnings; len(told) > 0 {
		t.Errorf("a policy that nobody names: %q", told)
	}
	baseline.Spec.AppliesTo = &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{}}
	told := hooks.ask(t, PolicyPath, nil, baseline).Warnings
	if len(told) != 1 || !strings.Contains(told[0], "SovereignBucket mairie/b: its primary at fr/x may not stay") || !strings.Contains(told[0], "policy baseline, country") {
		t.Errorf("a baseline: %q", told)
	}
	baseline.Spec.ValidationActions = []v1alpha1.ValidationAction{v1alpha1.ActionWarn}
	if told := hooks.ask(t, PolicyPath, nil, baseline).Warnings; len(told) > 0 {
		t.Errorf("a baseline that only warns: %q", told)
	}
}

func TestCopiesThatNoLongerFindAPlaceAreSaid(t *testing.T) {
	b := bucket("b", "")
	hooks := serve(t, interceptor.Funcs{}, policy("p"), provider("fr", "FR"), b, primaryOf(b, "fr"))
	more := policy("p")
	more.Spec.Copies.Minimum = 2
	told := hooks.ask(t, PolicyPath, policy("p"), more).Warnings
	if len(told) != 1 || !strings.Contains(told[0], "SovereignBucket mairie/b: there is no place for every copy") {
		t.Errorf("more copies than places: %q", told)
	}
}

// Nothing that is deleted is held up, should the rules of the configuration ever
// name deletions.
func TestDeletionsAreNeverHeldUp(t *testing.T) {
	hooks := serve(t, interceptor.Funcs{}, policy("p"), provider("ca", "CA"))
	for path, object := range map[string]any{
		BucketPath: bucket("b", "ca"), DrillPath: &v1alpha1.ReversibilityDrill{}, ProviderPath: provider("ca", "CA"), PolicyPath: policy("p"), MovePath: bucket("b", "ca"), ExceptionPath: exceptedFor("b"),
	} {
		request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Operation: admissionv1.Delete}}
		request.OldObject.Raw = encode(t, object)
		if response := hooks.at(path).Handle(t.Context(), request); !response.Allowed || len(response.Warnings) > 0 {
			t.Errorf("%s: %+v", path, response)
		}
	}
}

// An operator that is asked too much has other work, and memory for so much only.
func TestOnlySoManyRequestsAreAnsweredAtOnce(t *testing.T) {
	served := serve(t, interceptor.Funcs{})
	places := served[BucketPath].(limited).places
	for path, hook := range served {
		if l := hook.(limited); l.places != places || cap(l.places) != maximumAtOnce || l.patience != patience {
			t.Errorf("%s has %d places of its own", path, cap(l.places))
		}
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	one := limited{places: make(chan struct{}, 1), patience: 20 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	})}
	ask := func() int {
		answer := httptest.NewRecorder()
		one.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
		return answer.Code
	}
	codes := make(chan int)
	go func() { codes <- ask() }()
	<-entered
	if code := ask(); code != http.StatusServiceUnavailable {
		t.Errorf("a second one at once is answered with %d", code)
	}
	leave <- struct{}{}
	if code := <-codes; code != http.StatusOK {
		t.Errorf("the first is answered with %d", code)
	}
	go func() { codes <- ask() }()
	<-entered
	leave <- struct{}{}
	if code := <-codes; code != http.StatusOK {
		t.Errorf("one after it is answered with %d", code)
	}
}
