package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/session"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// trusting has a provider trust a certificate, from a ConfigMap of its name.
func (w *world) trusting(name string, bundle []byte) func(*v1alpha1.SovereignProvider) {
	w.t.Helper()
	w.create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: name}, Data: map[string]string{session.CAKey: string(bundle)},
	})
	return func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: name} }
}

func secured(o *emulator.Options) { o.TLS = true }

// settled gives an object once nothing has been written to it for a while: what
// is said of a fault that stays must not change.
func (w *world) settled(object conditioned, quiet time.Duration) {
	w.t.Helper()
	w.get(object)
	version, since, limit := object.GetResourceVersion(), time.Now(), time.Now().Add(3*quiet)
	for time.Since(since) < quiet {
		time.Sleep(50 * time.Millisecond)
		w.get(object)
		if object.GetResourceVersion() != version {
			version, since = object.GetResourceVersion(), time.Now()
		}
		if time.Now().After(limit) {
			w.t.Fatalf("%s %s is written again and again: %v", kindOf(object), object.GetName(), *object.GetConditions())
		}
	}
}

// provoke has a provider looked at again.
func (w *world) provoke(p *v1alpha1.SovereignProvider) {
	w.t.Helper()
	w.update(p, func() { p.Spec.Limits.RequestsPerSecond++ })
	w.eventually(func() error {
		w.get(p)
		if p.Status.ObservedGeneration != p.Generation {
			return notYet("generation %d of provider %s was not looked at", p.Generation, p.Name)
		}
		return nil
	})
}

func TestCertificatesThatAreNotToBeTrusted(t *testing.T) {
	ended := func(o *emulator.Options) { o.TLS, o.CertificateEnds = true, time.Now().Add(-time.Hour) }
	for name, test := range map[string]struct {
		store func(*emulator.Options)
		trust bool
		want  string
	}{
		"of an unknown authority": {secured, false, "unknown authority"},
		"that has ended":          {ended, true, "has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			store := w.emulated("onprem", test.store)
			w.policy("p", one)
			var change []func(*v1alpha1.SovereignProvider)
			if test.trust {
				change = append(change, w.trusting("onprem", store.CertificatePEM))
			}
			onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")}, change...)
			refused := w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
			wantIn(t, refused.Message, test.want)
			w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
			w.await(onprem, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCertificateInvalid)
			w.awaitEvent("ProviderUnreachable", test.want)

			bucket := w.bucket("actes", "p")
			w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse)
			w.provoke(onprem)
			time.Sleep(1100 * time.Millisecond) // the time of day is another one now
			w.provoke(onprem)
			again := w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionFalse)
			if again.Message != refused.Message {
				t.Errorf("the message changed from %q to %q", refused.Message, again.Message)
			}
			if begun := store.Handshakes(); begun > 8 {
				t.Errorf("%d handshakes were begun", begun)
			}
			if sent := len(store.Requests(nil)); sent > 0 {
				t.Errorf("%d requests were sent", sent)
			}
		})
	}

	t.Run("of a store that is in use", func(t *testing.T) {
		w := newWorld(t)
		w.emulated("onprem")
		w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)})
		store, other := w.emulated("ovh", secured), w.emulated("other", secured)
		ovh := w.provider("ovh", []v1alpha1.Location{in("GRA", "FR")}, w.trusting("ovh", store.CertificatePEM))
		w.policy("etat-civil")
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		var authorities corev1.ConfigMap
		authorities.Namespace, authorities.Name = w.system, "ovh"
		w.update(&authorities, func() { authorities.Data[session.CAKey] = string(other.CertificatePEM) })
		w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
		replica := w.replica(bucket, "ovh/GRA")
		w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
		w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)

		w.update(&authorities, func() { authorities.Data[session.CAKey] = string(store.CertificatePEM) })
		w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionTrue)
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	})

	t.Run("until they are", func(t *testing.T) {
		w := newWorld(t)
		store := w.emulated("onprem", secured)
		w.policy("p", one)
		onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
		w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
		trust := w.trusting("onprem", store.CertificatePEM)
		w.update(onprem, func() { trust(onprem) })
		w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
	})
}

// replica waits for the copy of a bucket at a place.
func (w *world) replica(bucket *v1alpha1.SovereignBucket, place string) *v1alpha1.BucketReplica {
	w.t.Helper()
	var found *v1alpha1.BucketReplica
	w.eventually(func() error {
		if found = w.replicas(bucket)[place]; found == nil {
			return notYet("there is no copy at %s", place)
		}
		return nil
	})
	return found
}

func TestACABundleThatIsMalformed(t *testing.T) {
	const words = "this is no certificate"
	half := "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	for name, bundle := range map[string]string{"words": words, "a certificate that is cut": half} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			store := w.emulated("onprem", secured)
			w.policy("p", one)
			onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")}, w.trusting("dc-ca", []byte(bundle)))
			refused := w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
			wantIn(t, refused.Message, "ConfigMap dc-ca in namespace "+w.system)
			w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
			if begun := store.Handshakes(); begun > 0 {
				t.Errorf("%d handshakes were begun", begun)
			}

			var authorities corev1.ConfigMap
			authorities.Namespace, authorities.Name = w.system, "dc-ca"
			w.update(&authorities, func() { authorities.Data[session.CAKey] = string(store.CertificatePEM) })
			w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
		})
	}
}

func TestAStoreThatAsksToSlowDown(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	replica := w.replica(bucket, "ovh/GRA")

	before := len(stores["ovh"].Requests(nil))
	stores["ovh"].Faults().Add(emulator.Match{}, emulator.SlowDownFor(3*time.Minute))
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.sync(bucket)
	w.provoke(ovh)
	w.await(ovh, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonThrottled)
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionTrue) // that it asks to slow down says nothing about what is there
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)  // the primary is well
	w.await(replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	if sent := len(stores["ovh"].Requests(nil)) - before; sent > 20 {
		t.Errorf("%d requests were sent to a store that asks to slow down", sent)
	}

	stores["ovh"].Faults().Clear()
	w.provoke(ovh)
	w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestAnEndpointThatMoved(t *testing.T) {
	t.Run("and says so", func(t *testing.T) {
		w := newWorld(t)
		moved := httptest.NewServer(http.RedirectHandler("https://s3.new.example.fr/", http.StatusMovedPermanently))
		t.Cleanup(moved.Close)
		w.stores["onprem"] = store{endpoint: moved.URL, accessKey: "onprem-key", secretKey: "onprem-secret", region: "r", credentialAPI: "None"}
		w.policy("p", one)
		onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
		refused := w.await(onprem, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonEndpointMoved)
		wantIn(t, refused.Message, "https://s3.new.example.fr")
		w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonEndpointMoved)
	})

	t.Run("and is followed by hand", func(t *testing.T) {
		w, stores := emulatedWorld(t)
		w.policy("etat-civil")
		bucket := w.bucket("actes", "etat-civil")
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
		proxy, err := harness.StartFaultProxy(stores["onprem"].URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Stop)
		onprem := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
		w.update(onprem, func() { onprem.Spec.Locations[0].Endpoint = proxy.Endpoint() })
		w.eventually(func() error {
			var published corev1.Secret
			if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(bucket), &published); err != nil {
				return err
			}
			if at := string(published.Data["AWS_ENDPOINT_URL_S3"]); at != proxy.Endpoint() {
				return notYet("applications are still sent to %s", at)
			}
			return nil
		})
		session, name := w.application(bucket)
		put(t, session, name, "acte", "1901")
		w.awaitObjects(bucket, 1)
		w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	})
}

func TestAQuotaOfBucketsThatIsReached(t *testing.T) {
	w := newWorld(t)
	store := w.emulated("onprem", func(o *emulator.Options) { o.MaxBuckets = 1 })
	onprem := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR")})
	w.policy("p", one)
	first := w.bucket("first", "p")
	w.await(first, v1alpha1.ConditionReady, metav1.ConditionTrue)
	second := w.bucket("second", "p")
	replica := w.replica(second, "onprem/dc1")
	full := w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	wantIn(t, full.Message, "TooManyBuckets")
	w.await(replica, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonQuotaExceeded)
	shown := w.await(second, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	wantIn(t, shown.Message, "quota exceeded")
	w.awaitEvent(v1alpha1.ReasonQuotaExceeded, "TooManyBuckets")
	w.settled(replica, 2*time.Second)
	if asked := store.Count("CreateBucket"); asked > 8 {
		t.Errorf("%d buckets were asked for", asked)
	}
	w.await(first, v1alpha1.ConditionReady, metav1.ConditionTrue)

	// After a restart, what the store can do is known from the status, and nothing
	// needs the scratch bucket that there is no room for.
	w.restart()
	w.provoke(onprem)
	w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(first, v1alpha1.ConditionReady, metav1.ConditionTrue)
}

func TestHalfOfTheProvidersDown(t *testing.T) {
	w, stores := emulatedWorld(t)
	stores["interxion"] = w.emulated("interxion")
	w.provider("interxion", []v1alpha1.Location{in("par1", "FR")})
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies = v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 2}
	})
	for _, name := range []string{"tds-outscale", "interxion"} {
		stores[name].Faults().Down()
	}
	for _, name := range []string{"tds-outscale", "interxion"} {
		down := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: name}}
		w.provoke(down)
		w.await(down, v1alpha1.ConditionReachable, metav1.ConditionFalse, v1alpha1.ReasonProviderUnreachable)
	}
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)
	if placed := w.replicas(bucket); placed["onprem/dc1"] == nil || placed["ovh/GRA"] == nil || len(placed) != 2 {
		t.Errorf("the copies are at %v", placed)
	}
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	for _, name := range []string{"tds-outscale", "interxion"} {
		stores[name].Faults().Up()
	}
}

func TestCredentialsRotatedUnderARunningSync(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	session, name := w.application(bucket)
	for i := range 20 {
		put(t, session, name, fmt.Sprintf("acte-%02d", i), "1901")
	}
	gate := make(chan struct{})
	held := stores["ovh"].Faults().Add(emulator.Match{Operation: "PutObject", KeyPrefix: "acte", Skip: 3}, emulator.Hold(gate))
	w.sync(bucket)
	w.eventually(func() error {
		if held.Hits() == 0 {
			return notYet("the run has not come so far")
		}
		return nil
	})
	// A new key is made and put into the Secret; the old one ends while a run works
	// with it.
	if err := stores["ovh"].AddKey("ovh-key", "ovh-key-2", "ovh-secret-2"); err != nil {
		t.Fatal(err)
	}
	var credentials corev1.Secret
	credentials.Namespace, credentials.Name = w.system, "ovh"
	w.update(&credentials, func() {
		credentials.StringData = map[string]string{provider.AccessKey: "ovh-key-2", provider.SecretKey: "ovh-secret-2"}
	})
	stores["ovh"].RemoveKey("ovh-key")
	held.Clear()
	close(gate)

	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.awaitObjects(bucket, 20)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.provoke(ovh)
	w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if ovh.Status.RejectedCredentials != "" {
		t.Error("the new credentials are taken for refused ones")
	}
	refused := stores["ovh"].Requests(func(r emulator.Request) bool { return r.Code == "InvalidAccessKeyId" })
	if len(refused) > 20 {
		t.Errorf("%d requests were refused for the old key", len(refused))
	}
	replica := w.replica(bucket, "ovh/GRA")
	for i := range 20 {
		if object, found := stores["ovh"].Object(replica.Spec.BucketName, fmt.Sprintf("acte-%02d", i)); !found || string(object.Body) != "1901" {
			t.Errorf("acte-%02d is %q in the copy", i, object.Body)
		}
	}
}

func TestAnAdminAPIThatIssuesNoKeys(t *testing.T) {
	refusing := func(code int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		})
	}
	for name, test := range map[string]struct {
		admin  http.Handler
		reason string
		want   string
	}{
		"it refuses":     {refusing(403, `{"code":"AccessDenied","message":"Forbidden"}`), v1alpha1.ReasonAccessDenied, "set adminToken in the Secret"},
		"it is absent":   {http.NotFoundHandler(), v1alpha1.ReasonCapabilityMissing, "correct spec.s3.credentialAPIEndpoint"},
		"another server": {refusing(200, `{"status":"ok"}`), v1alpha1.ReasonCapabilityMissing, "is not this API"},
		"no key is made": {listing(refusing(403, `{"code":"AccessDenied","message":"Forbidden"}`)), v1alpha1.ReasonAccessDenied, "CreateKey"},
		"nobody listens": {nil, v1alpha1.ReasonProviderUnreachable, "whether the operator may connect"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.plain("onprem")
			asked := make(chan struct{}, 10_000)
			admin := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				asked <- struct{}{}
				test.admin.ServeHTTP(rw, r)
			}))
			t.Cleanup(admin.Close)
			endpoint := admin.URL
			if test.admin == nil {
				endpoint = "http://127.0.0.1:1" // a port that was closed is soon somebody else's
			}
			w.policy("p", one)
			onprem := w.garage("onprem", endpoint)
			w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
			bucket := w.bucket("actes", "p")
			access := &v1alpha1.SovereignBucketAccess{ObjectMeta: metav1.ObjectMeta{Namespace: bucket.Namespace, Name: bucket.Name}}
			refused := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			wantIn(t, refused.Message, test.want)
			shown := w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			wantIn(t, shown.Message, test.want)

			before := len(asked)
			for range 5 {
				w.provoke(onprem) // which wakes everything at the provider, more than once
			}
			time.Sleep(time.Second)
			if sent := len(asked) - before; sent > 5*4 {
				t.Errorf("%d requests were sent to an API that issues no keys", sent)
			}
			again := w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, test.reason)
			if again.Message != refused.Message {
				t.Errorf("the message changed from %q to %q", refused.Message, again.Message)
			}
		})
	}
}

// listing answers who asks for the keys and the account with none and a bucket of
// any name, and lets another handler answer the rest.
func listing(rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/ListKeys" {
			_, _ = w.Write([]byte("[]"))
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// garage makes a provider whose keys are issued through an admin API of Garage.
func (w *world) garage(name, endpoint string) *v1alpha1.SovereignProvider {
	w.t.Helper()
	s := w.stores[name]
	s.credentialAPI = "Garage"
	w.stores[name] = s
	made := w.provider(name, []v1alpha1.Location{in("dc1", "FR")}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.S3.CredentialAPIEndpoint = endpoint
	})
	var credentials corev1.Secret
	credentials.Namespace, credentials.Name = w.system, name
	w.update(&credentials, func() { credentials.StringData = map[string]string{provider.AdminToken: name + "-admin-token"} })
	return made
}

func TestKeysThatGarageIssues(t *testing.T) {
	w := newWorld(t, func(o *app.ManagerOptions) { o.Self = "onprem/dc1" })
	store := w.plain("onprem")
	admin := httptest.NewServer(store.GarageAdmin("onprem-admin-token"))
	t.Cleanup(admin.Close)
	w.policy("p", one)
	onprem := w.garage("onprem", admin.URL)
	w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
	bucket := w.bucket("actes", "p")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	var published corev1.Secret
	if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(bucket), &published); err != nil {
		t.Fatal(err)
	}
	if key := string(published.Data["AWS_ACCESS_KEY_ID"]); !strings.HasPrefix(key, "GK") {
		t.Errorf("the application has the key %s", key)
	}
	if found := meta.FindStatusCondition(bucket.Status.Conditions, v1alpha1.ConditionReady); found == nil || bucket.Status.Primary.Grant != v1alpha1.GrantScoped {
		t.Errorf("the grant is %+v", bucket.Status.Primary)
	}
}
