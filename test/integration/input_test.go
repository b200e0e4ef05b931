package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// emulatedWorld is a world with the usual three providers on emulated stores.
func emulatedWorld(t *testing.T, change ...func(*app.ManagerOptions)) (*world, map[string]*emulator.Server) {
	t.Helper()
	w := newWorld(t, change...)
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name)
	}
	w.threeProviders()
	return w, stores
}

func TestAnUnknownPolicyIsNamedAndMayComeLater(t *testing.T) {
	w, stores := emulatedWorld(t)
	bucket := w.bucket("actes", "etat-civil")
	refused := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotFound)
	wantIn(t, refused.Message, "SovereigntyPolicy etat-civil does not exist")
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPolicyNotFound)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionUnknown)
	wantNoBuckets(t, stores)
	w.policy("etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestNamespacesThatAreNotAllowed(t *testing.T) {
	others := &metav1.LabelSelector{MatchLabels: map[string]string{"service": "ccas"}}

	t.Run("by the policy", func(t *testing.T) {
		w, stores := emulatedWorld(t)
		w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.AllowedNamespaces = others })
		bucket := w.bucket("actes", "etat-civil")
		refused := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
		wantIn(t, refused.Message, "policy etat-civil does not admit namespace "+w.namespace)
		wantNoBuckets(t, stores)

		var namespace corev1.Namespace
		namespace.Name = w.namespace
		w.update(&namespace, func() { namespace.Labels["service"] = "ccas" })
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	})

	t.Run("by a provider", func(t *testing.T) {
		w := newWorld(t)
		stores := map[string]*emulator.Server{"onprem": w.emulated("onprem"), "ovh": w.emulated("ovh")}
		w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
		ovh := w.provider("ovh", []v1alpha1.Location{in("GRA", "FR")},
			func(p *v1alpha1.SovereignProvider) { p.Spec.AllowedNamespaces = nil })
		w.policy("etat-civil")
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNotEnoughCopies)
		w.eventually(func() error { return objectionOn(w, bucket, "ovh", v1alpha1.ReasonNamespaceNotAllowed) })
		wantNoBuckets(t, stores)

		w.update(ovh, func() { ovh.Spec.AllowedNamespaces = &metav1.LabelSelector{} })
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	})
}

func TestAPolicyThatNothingSatisfiesNamesEveryObjection(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.create(&v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{},
			Residency:         v1alpha1.Residency{Perimeter: "FR", AllowedCountries: []string{"RE"}},
			Copies:            v1alpha1.CopyRules{OnPremise: v1alpha1.Forbidden},
		},
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse)
	for providerName, reasons := range map[string][]string{
		"onprem":       {v1alpha1.ReasonCountryNotAllowed, v1alpha1.ReasonOnPremiseForbidden},
		"ovh":          {v1alpha1.ReasonCountryNotAllowed, v1alpha1.ReasonOutsidePerimeter},
		"tds-outscale": {v1alpha1.ReasonCountryNotAllowed},
	} {
		for _, reason := range reasons {
			w.eventually(func() error { return objectionOn(w, bucket, providerName, reason) })
		}
	}
	wantNoBuckets(t, stores)
}

func TestAProviderWithoutItsSecret(t *testing.T) {
	w := newWorld(t)
	w.emulated("onprem")
	w.policy("p", one)
	onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.S3.CredentialsRef.Name = "other"
	})
	missing := w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCredentialsMissing)
	wantIn(t, missing.Message, "Secret other does not exist in namespace "+w.system)
	w.await(onprem, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonCredentialsMissing)

	half := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "other"},
		StringData: map[string]string{provider.AccessKey: "onprem-key"},
	}
	w.create(half)
	w.eventually(func() error {
		w.get(onprem)
		return wantMessage(onprem, v1alpha1.ConditionReady, "has no key secretKey")
	})
	w.update(half, func() { half.StringData = map[string]string{provider.SecretKey: "onprem-secret"} })
	w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

// one asks for one copy, of whatever kind.
func one(s *v1alpha1.SovereigntyPolicySpec) {
	s.Copies = v1alpha1.CopyRules{}
	s.Access = v1alpha1.AccessRules{}
}

func TestAnUnreachableEndpoint(t *testing.T) {
	w := newWorld(t)
	w.stores["onprem"] = store{endpoint: "http://127.0.0.1:1", accessKey: "a", secretKey: "b", region: "r", credentialAPI: "None"}
	w.policy("p", one)
	onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
	down := w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	wantIn(t, down.Message, "dc1")
	w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	w.await(onprem, v1alpha1.ConditionReconciling, metav1.ConditionTrue)
}

func TestAClockThatIsTwentyMinutesOff(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead of": 20 * time.Minute, "behind": -20 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.emulated("onprem", func(o *emulator.Options) { o.Clock = func() time.Time { return time.Now().Add(off) } })
			w.policy("p", one)
			onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
			skewed := w.await(onprem, v1alpha1.ConditionClockInSync, metav1.ConditionFalse, v1alpha1.ReasonClockSkew)
			wantIn(t, skewed.Message, name)
			w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonClockSkew)
			w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionTrue)
		})
	}
}

func TestEndpointsThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	for endpoint, want := range map[string]string{
		"https://s3.example.fr/path":          "must have no path",
		"https://s3.example.fr?x=1":           "must have no path, query or fragment",
		"https://user:secret@s3.example.fr":   "must have no user name or password",
		"ftp://s3.example.fr":                 "must be https://host or https://host:port",
		"s3.example.fr":                       "must be https://host or https://host:port",
		"https://169.254.169.254":             "must not be a link-local address",
		"https://[fe80::1]":                   "must not be a link-local address",
		"https://s3.example.fr:443/":          "must have no path",
		"https://" + strings.Repeat("a", 600): "Too long",
	} {
		object := &v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec: v1alpha1.SovereignProviderSpec{
				Type:      v1alpha1.ProviderTypeS3,
				S3:        &v1alpha1.S3Endpoint{Endpoint: endpoint, CredentialsRef: v1alpha1.NameReference{Name: "s"}},
				Operator:  v1alpha1.Operator{LegalEntity: "X"},
				Locations: []v1alpha1.Location{in("a", "FR")},
			},
		}
		w.wantRefused(object, want)
		object.Spec.S3.Endpoint = "https://s3.example.fr"
		object.Spec.Locations[0].Endpoint = endpoint
		w.wantRefused(object, want)
		object.Spec.Locations[0].Endpoint = ""
		object.Spec.S3.CredentialAPI, object.Spec.S3.CredentialAPIEndpoint = "CephRGW", endpoint
		w.wantRefused(object, want)
	}
}

func TestCredentialAPIsThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(*v1alpha1.S3Endpoint){
		"credentialAPI Garage needs credentialAPIEndpoint": func(e *v1alpha1.S3Endpoint) { e.CredentialAPI = "Garage" },
		"credentialAPIEndpoint needs a credentialAPI":      func(e *v1alpha1.S3Endpoint) { e.CredentialAPIEndpoint = "https://a.example.fr" },
		`Unsupported value: "MinIO"`:                       func(e *v1alpha1.S3Endpoint) { e.CredentialAPI = "MinIO" },
	} {
		object := &v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec: v1alpha1.SovereignProviderSpec{
				Type:      v1alpha1.ProviderTypeS3,
				S3:        &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
				Operator:  v1alpha1.Operator{LegalEntity: "X"},
				Locations: []v1alpha1.Location{in("a", "FR")},
			},
		}
		change(object.Spec.S3)
		w.wantRefused(object, want)
	}
}

func TestProvidersOfVendorsThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	ovh := func(change ...func(*v1alpha1.SovereignProviderSpec)) *v1alpha1.SovereignProvider {
		object := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereignProviderSpec{
			Type:     v1alpha1.ProviderTypeOVHcloud,
			OVHcloud: &v1alpha1.OVHcloudAccount{ProjectID: "p1", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
		}}
		for _, f := range change {
			f(&object.Spec)
		}
		return object
	}
	at := func(endpoint string) func(*v1alpha1.SovereignProviderSpec) {
		return func(s *v1alpha1.SovereignProviderSpec) { s.OVHcloud.Endpoint = endpoint }
	}
	outscale := func(change func(*v1alpha1.OutscaleAccount)) *v1alpha1.SovereignProvider {
		account := &v1alpha1.OutscaleAccount{Region: "eu-west-2", CredentialsRef: v1alpha1.NameReference{Name: "s"}}
		change(account)
		return &v1alpha1.SovereignProvider{
			ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeOutscale, Outscale: account},
		}
	}
	for _, refused := range []struct {
		want   string
		object *v1alpha1.SovereignProvider
	}{
		{"type OVHcloud needs the block ovhcloud", ovh(func(s *v1alpha1.SovereignProviderSpec) { s.OVHcloud = nil })},
		{"type S3 needs the block s3, and other types have none", ovh(func(s *v1alpha1.SovereignProviderSpec) {
			s.S3 = &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}}
		})},
		{"type S3 needs locations", &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3, Operator: v1alpha1.Operator{LegalEntity: "X"},
			S3: &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
		}}},
		{"type S3 needs operator.legalEntity", &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3, Locations: []v1alpha1.Location{in("a", "FR")},
			S3: &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr", CredentialsRef: v1alpha1.NameReference{Name: "s"}},
		}}},
		{"spec.ovhcloud.projectID", ovh(func(s *v1alpha1.SovereignProviderSpec) { s.OVHcloud.ProjectID = "a project" })},
		{"endpoint must be ovh-eu, ovh-ca, ovh-us or a URL", ovh(at("soyoustart-eu"))},
		{"no slash at its end", ovh(at("https://eu.api.example.fr/1.0/"))},
		{"must have no user name or password", ovh(at("https://a:b@eu.api.example.fr/1.0"))},
		{"must not be a link-local address", ovh(at("https://169.254.169.254/1.0"))},
		{"spec.outscale.region", outscale(func(a *v1alpha1.OutscaleAccount) { a.Region = "Paris" })},
		{"spec.outscale.applicationKeys", outscale(func(a *v1alpha1.OutscaleAccount) { a.ApplicationKeys = "Scoped" })},
		{"api must be a URL", outscale(func(a *v1alpha1.OutscaleAccount) { a.Endpoints.API = "api.example.fr" })},
		{"must have no path", outscale(func(a *v1alpha1.OutscaleAccount) { a.Endpoints.OOS = "https://oos.example.fr/bucket" })},
	} {
		w.wantRefused(refused.object, refused.want)
	}

	valid := ovh()
	w.create(valid)
	if valid.Spec.OVHcloud.Endpoint != "ovh-eu" {
		t.Errorf("the endpoint is %q", valid.Spec.OVHcloud.Endpoint)
	}
	w.wantUpdateRefused(valid, "projectID cannot change", func() { valid.Spec.OVHcloud.ProjectID = "p2" })
}

func TestSpecsThatAreRefusedAtAdmission(t *testing.T) {
	w := newWorld(t)
	w.emulated("onprem")
	valid := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
	w.policy("p")
	bucket := w.bucket("actes", "p")

	w.wantUpdateRefused(valid, "endpoint cannot change", func() { valid.Spec.S3.Endpoint = "https://elsewhere.example.fr" })
	w.wantUpdateRefused(valid, "must differ in more than case", func() {
		valid.Spec.Locations = append(valid.Spec.Locations, in("DC1", "FR"))
	})

	for want, object := range map[string]client.Object{
		"distinctOperators cannot be more than minimum": &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "x"},
			Spec: v1alpha1.SovereigntyPolicySpec{
				Residency: v1alpha1.Residency{Perimeter: "EU"}, Copies: v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 3},
			},
		},
		"perimeter must be FR, EU or EEA": &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "x"},
			Spec:       v1alpha1.SovereigntyPolicySpec{Residency: v1alpha1.Residency{Perimeter: "None"}},
		},
		"rpo must be between 10s and 8760h": &v1alpha1.SovereigntyPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "x"},
			Spec: v1alpha1.SovereigntyPolicySpec{
				Residency:  v1alpha1.Residency{Perimeter: "EU"},
				Objectives: v1alpha1.Objectives{RPO: &metav1.Duration{Duration: time.Second}},
			},
		},
		"spec.dataset.legalBasis": &v1alpha1.SovereignBucket{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "x"},
			Spec: v1alpha1.SovereignBucketSpec{
				PolicyRef: v1alpha1.NameReference{Name: "p"},
				Dataset:   v1alpha1.Dataset{Title: "T", Purpose: "P", LegalBasis: "Curiosity"},
			},
		},
		"spec.dataset.purpose": &v1alpha1.SovereignBucket{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "x"},
			Spec: v1alpha1.SovereignBucketSpec{
				PolicyRef: v1alpha1.NameReference{Name: "p"}, Dataset: v1alpha1.Dataset{Title: "T", LegalBasis: "PublicTask"},
			},
		},
		"to must be another provider than from": &v1alpha1.ReversibilityDrill{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "x"},
			Spec: v1alpha1.ReversibilityDrillSpec{
				BucketRef: v1alpha1.NameReference{Name: "actes"},
				From:      &v1alpha1.DrillPlace{ProviderName: "a"}, To: &v1alpha1.DrillPlace{ProviderName: "a"},
			},
		},
	} {
		w.wantRefused(object, want)
	}

	drill := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "d"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: bucket.Name}},
	}
	w.create(drill)
	w.wantUpdateRefused(drill, "a ReversibilityDrill cannot change", func() { drill.Spec.BucketRef.Name = "other" })
}

func TestHttpNeedsToBeAllowed(t *testing.T) {
	w := newWorld(t, func(o *app.ManagerOptions) { o.AllowInsecureEndpoints = false })
	store := w.emulated("onprem")
	w.policy("p", one)
	onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
	refused := w.await(onprem, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidConfiguration)
	wantIn(t, refused.Message, "--allow-insecure-endpoints")
	if sent := len(store.Requests(nil)); sent != 0 {
		t.Errorf("%d requests were sent over http", sent)
	}
}

func TestASecretOfAnotherTypeIsNeverOverwritten(t *testing.T) {
	w, _ := emulatedWorld(t)
	w.policy("etat-civil")
	foreign := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}, StringData: map[string]string{"precious": "value"},
	}
	w.create(foreign)
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	conflict := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNameConflict)
	wantIn(t, conflict.Message, "Secret actes exists in this namespace")
	w.get(foreign)
	if string(foreign.Data["precious"]) != "value" || foreign.Type != corev1.SecretTypeOpaque || len(foreign.Data) != 1 {
		t.Errorf("the foreign Secret was changed: %v, %v", foreign.Type, foreign.Data)
	}

	w.delete(bucket)
	w.awaitGone(bucket)
	w.get(foreign)
}

// wantRefused checks that the API server refuses an object, saying why.
func (w *world) wantRefused(object client.Object, want string) {
	w.t.Helper()
	err := w.client.Create(context.Background(), object)
	if err == nil {
		w.t.Errorf("%s was accepted, want it refused with %q", object.GetName(), want)
		_ = w.client.Delete(context.Background(), object)
		return
	}
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), want) {
		w.t.Errorf("refused with %q, want %q", err, want)
	}
}

// wantUpdateRefused checks that the API server refuses a change, saying why.
func (w *world) wantUpdateRefused(object client.Object, want string, change func()) {
	w.t.Helper()
	w.eventually(func() error {
		w.get(object)
		change()
		err := w.client.Update(context.Background(), object)
		if apierrors.IsConflict(err) {
			return err // somebody else was faster
		}
		if err == nil || !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), want) {
			w.t.Errorf("the update ended with %v, want it refused with %q", err, want)
		}
		return nil
	})
}

func wantIn(t testing.TB, message, want string) {
	t.Helper()
	if !strings.Contains(message, want) {
		t.Errorf("the message is %q, want %q in it", message, want)
	}
}

// wantMessage tells whether a condition's message holds the words.
func wantMessage(object conditioned, conditionType, want string) error {
	for _, c := range *object.GetConditions() {
		if c.Type == conditionType && strings.Contains(c.Message, want) {
			return nil
		}
	}
	return notYet("no condition %s of %s says %q: %v", conditionType, object.GetName(), want, *object.GetConditions())
}

// wantNoBuckets checks that nothing is left at any store: also scratch buckets
// of probes go.
func wantNoBuckets(t testing.TB, stores map[string]*emulator.Server) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for name, server := range stores {
		for len(server.Buckets()) > 0 && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
		for bucket := range server.Buckets() {
			t.Errorf("there is a bucket %s at %s", bucket, name)
		}
	}
}

// objectionOn tells whether the bucket's status shows an objection against a
// provider.
func objectionOn(w *world, bucket *v1alpha1.SovereignBucket, providerName, reason string) error {
	w.get(bucket)
	for _, candidate := range bucket.Status.Candidates {
		for _, objection := range candidate.Objections {
			if candidate.ProviderName == providerName && objection.Reason == reason {
				return nil
			}
		}
	}
	return notYet("no objection %s against %s: %+v", reason, providerName, bucket.Status.Candidates)
}
