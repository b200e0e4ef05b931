package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/api/v1alpha1"
	certificates "github.com/rempart/rempart/controllers/certificate"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/certificate"
)

// admission is what a person who writes objects is told.
type admission struct {
	*world
	client client.Client

	mu       sync.Mutex
	warnings []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (a *admission) HandleWarningHeader(_ int, _, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnings = append(a.warnings, text)
}

// told gives the warnings since the last call.
func (a *admission) told() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.warnings = nil }()
	return a.warnings
}

// judged has a webhook served and called, as config/webhook has it but for the
// address: no Service leads to a process on this machine.
func judged(t *testing.T, change ...func(*app.ManagerOptions)) *admission {
	t.Helper()
	port := freePort(t)
	configuration := callingWebhook(t, port)
	w := newWorld(t, append(change, func(o *app.ManagerOptions) {
		o.Webhook = app.WebhookOptions{
			Host: "127.0.0.1", Port: port, Service: "rempart-webhook", Hosts: []string{"127.0.0.1"}, Configuration: configuration.Name,
		}
	})...)
	a := &admission{world: w}
	config := rest.CopyConfig(w.config)
	config.WarningHandler = a
	written, err := client.New(config, client.Options{Scheme: app.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	a.client = written
	w.create(configuration)
	t.Cleanup(func() { _ = w.client.Delete(context.Background(), configuration) })
	return a
}

// callingWebhook reads config/webhook.
func callingWebhook(t *testing.T, port int) *admissionregistrationv1.ValidatingWebhookConfiguration {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "config", "webhook", "configuration.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var configuration admissionregistrationv1.ValidatingWebhookConfiguration
	if err := yaml.UnmarshalStrict(content, &configuration); err != nil {
		t.Fatal(err)
	}
	for i := range configuration.Webhooks {
		config := &configuration.Webhooks[i].ClientConfig
		config.URL, config.Service = new(fmt.Sprintf("https://127.0.0.1:%d%s", port, *config.Service.Path)), nil
	}
	return &configuration
}

// stores makes the usual three providers in front of emulated stores, and a policy.
func (a *admission) stores() {
	a.t.Helper()
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		a.emulated(name)
	}
	a.threeProviders()
	a.policy("etat-civil")
}

// awaitWebhook waits until the API server asks the webhook and believes it.
func (a *admission) awaitWebhook() {
	a.t.Helper()
	a.eventually(func() error {
		err := a.tryBucket("trial", abroad)
		a.told()
		if !apierrors.IsForbidden(err) {
			return notYet("a bucket abroad is not refused: %v", err)
		}
		return nil
	})
}

func abroad(s *v1alpha1.SovereignBucketSpec) {
	s.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "BHS"}
}

// tryBucket asks whether a bucket would be let in.
func (a *admission) tryBucket(name string, change ...func(*v1alpha1.SovereignBucketSpec)) error {
	return a.client.Create(context.Background(), a.bucketObject(name, "etat-civil", change...), client.DryRunAll)
}

func TestWhatNamesAnIneligiblePlaceIsRefusedAsItIsWritten(t *testing.T) {
	a := judged(t)
	a.stores()
	a.create(&v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "law"}, Spec: v1alpha1.SovereigntyPolicySpec{
		AppliesTo: &v1alpha1.AppliesTo{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": a.namespace}}},
		Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterEU, AllowedCountries: []string{"DE", "FR"}},
	}})
	a.awaitWebhook()

	naming := func(names ...string) func(*v1alpha1.SovereignBucketSpec) {
		return func(s *v1alpha1.SovereignBucketSpec) {
			s.Placement = v1alpha1.PlacementSpec{ProviderNames: names}
		}
	}
	for name, test := range map[string]struct {
		change func(*v1alpha1.SovereignBucketSpec)
		// refusals are in the message, or the bucket is let in; so are warnings.
		refusals, warnings []string
	}{
		"a primary outside the perimeter, by the named policy and by the baseline": {abroad, []string{
			"the bucket's placement.primary ovh/BHS is refused: policy etat-civil, residency: CA is outside FR (OutsidePerimeter)",
			"policy law, residency: CA is outside EU (OutsidePerimeter)",
		}, nil},
		"the same by adoption": {func(s *v1alpha1.SovereignBucketSpec) {
			s.Placement = v1alpha1.PlacementSpec{}
			s.ExistingBucket = &v1alpha1.ExistingBucket{
				PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}, BucketName: "of-somebody-else",
			}
		}, []string{"the bucket's existingBucket ovh/GRA is refused: adoption, not as primary: provider ovh does not list bucket of-somebody-else"}, nil},
		"a place that will do":                           {func(*v1alpha1.SovereignBucketSpec) {}, nil, nil},
		"a provider one of whose places will do":         {naming("ovh", "tds-outscale"), nil, nil},
		"no place at all":                                {naming(), nil, nil},
		"a provider that may be declared a moment later": {naming("ovh", "later"), nil, []string{"placement.providerNames names later, which no SovereignProvider declares yet"}},
		"a policy that may be declared a moment later": {func(s *v1alpha1.SovereignBucketSpec) { s.PolicyRef.Name = "later" }, nil, []string{
			"not judged at admission, the operator decides later", "SovereigntyPolicy later does not exist",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a.told()
			err := a.tryBucket("trial", test.change)
			told := strings.Join(a.told(), "\n")
			for _, want := range test.refusals {
				if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want) {
					t.Errorf("refused with %v, want %q", err, want)
				}
			}
			if len(test.refusals) == 0 && err != nil {
				t.Errorf("it is not let in: %v", err)
			}
			for _, want := range test.warnings {
				wantIn(t, told, want)
			}
			if len(test.warnings) == 0 && told != "" {
				t.Errorf("there is a warning: %s", told)
			}
		})
	}

	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	a.update(ovh, func() { ovh.Spec.Suspend = true })
	a.eventually(func() error {
		if err := a.tryBucket("trial", naming("ovh")); err != nil {
			t.Fatalf("what passes by itself refuses: %v", err)
		}
		if told := strings.Join(a.told(), "\n"); !strings.Contains(told, "ovh will not do at present: suspended: provider ovh is suspended") {
			return notYet("the warning is %q", told)
		}
		return nil
	})
}

func TestDrillsAreJudgedAsTheyAreWritten(t *testing.T) {
	a := judged(t)
	a.stores()
	a.bucket("actes", "etat-civil")
	a.awaitWebhook()
	drill := func(from, to *v1alpha1.DrillPlace) error {
		return a.client.Create(context.Background(), &v1alpha1.ReversibilityDrill{
			ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: "drill"},
			Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}, From: from, To: to},
		}, client.DryRunAll)
	}
	a.told()
	err := drill(nil, &v1alpha1.DrillPlace{ProviderName: "ovh", Location: "BHS"})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "the drill's to ovh/BHS is refused: policy etat-civil, residency: CA is outside FR") {
		t.Errorf("a drill abroad: %v", err)
	}
	if err := drill(nil, &v1alpha1.DrillPlace{ProviderName: "ovh"}); err != nil {
		t.Errorf("a drill to a provider one of whose places will do: %v", err)
	}
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	a.update(ovh, func() { ovh.Spec.Operator.Group = "one" })
	outscale := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "tds-outscale"}}
	a.update(outscale, func() { outscale.Spec.Operator.Group = "One" })
	a.eventually(func() error {
		err := drill(&v1alpha1.DrillPlace{ProviderName: "ovh"}, &v1alpha1.DrillPlace{ProviderName: "tds-outscale"})
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "shows nothing about leaving it") {
			return notYet("a drill between two names of one operator: %v", err)
		}
		return nil
	})
}

func TestFactsAndRulesAreLetInAndSayWhatFallsOut(t *testing.T) {
	a := judged(t)
	a.stores()
	bucket := a.bucket("actes", "etat-civil")
	a.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	replica := "ovh/GRA"
	if a.replicas(bucket)[replica] == nil {
		t.Fatalf("the copies are at %v", a.replicas(bucket))
	}
	a.awaitWebhook()
	name := a.namespace + "/actes"
	write := func(object client.Object, change func()) []string {
		t.Helper()
		a.told()
		a.eventually(func() error {
			a.get(object)
			change()
			err := a.client.Update(context.Background(), object)
			if apierrors.IsConflict(err) {
				return err
			}
			if err != nil {
				t.Fatalf("it is not let in: %v", err)
			}
			return nil
		})
		return a.told()
	}
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	if told := write(ovh, func() { ovh.Spec.Locations[0].City = "Gravelines" }); len(told) > 0 {
		t.Errorf("a change that does nothing to copies: %q", told)
	}
	if told := write(ovh, func() { ovh.Labels = map[string]string{"a": "b"} }); len(told) > 0 {
		t.Errorf("a label: %q", told)
	}
	told := write(ovh, func() { ovh.Spec.Locations[0].Country = "GB" })
	want := fmt.Sprintf("SovereignBucket %s: its copy at %s falls out and is replaced (policy etat-civil, residency: GB is outside FR (OutsidePerimeter))", name, replica)
	if len(told) != 1 || told[0] != want {
		t.Errorf("the provider moved: %q, want %q", told, want)
	}
	a.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse)

	policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}}
	told = write(policy, func() { policy.Spec.Residency.AllowedCountries = []string{"RE"} })
	if len(told) != 1 || !strings.Contains(told[0], "its primary at onprem/dc1 may not stay and does not move by itself") {
		t.Errorf("the policy was tightened: %q", told)
	}

	// What was let in before stays changeable, whatever became of its place.
	a.await(bucket, v1alpha1.ConditionPlacementSatisfied, metav1.ConditionFalse, v1alpha1.ReasonPrimaryRelocationRequired)
	if told := write(bucket, func() { bucket.Spec.Dataset.Title = "Actes d'état civil" }); len(told) > 0 {
		t.Errorf("a title: %q", told)
	}
	// A bucket that names an ineligible place goes, with its finalizer.
	a.delete(bucket)
	a.awaitGone(bucket)
}

func TestAnOperatorThatIsDownKeepsNobodyFromAnything(t *testing.T) {
	a := judged(t)
	a.stores()
	bucket := a.bucket("actes", "etat-civil")
	a.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	a.awaitWebhook()
	a.stop()

	started := time.Now()
	unjudged := a.bucketObject("unjudged", "etat-civil", abroad)
	if err := a.client.Create(context.Background(), unjudged); err != nil {
		t.Errorf("a bucket is not let in: %v", err)
	}
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	a.update(ovh, func() { ovh.Spec.Locations[0].City = "Gravelines" })
	a.delete(bucket)
	a.get(bucket)
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	if err := a.client.Patch(context.Background(), bucket, patch); err != nil {
		t.Errorf("a finalizer cannot be removed: %v", err)
	}
	a.awaitGone(bucket)
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}

	// Nor does one that hangs: the API server waits as long as it is told, and no longer.
	hanging, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", a.options.Webhook.Port))
	if err != nil {
		t.Fatal(err)
	}
	started = time.Now()
	if err := a.tryBucket("unjudged-too", abroad); err != nil {
		t.Errorf("a bucket is not let in: %v", err)
	}
	hanging.Close()
	if took := time.Since(started); took < 4*time.Second || took > 12*time.Second {
		t.Errorf("the API server waited %s, want the five seconds of the configuration", took)
	}

	// The loop says what admission could not.
	a.start()
	refused := a.await(unjudged, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	wantIn(t, refused.Message, "CA is outside FR")
	a.awaitWebhook()
}

// served is the certificate that the operator keeps.
func (a *admission) served() certificate.Kept {
	a.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: a.system, Name: certificates.SecretName}}
	a.get(secret)
	if secret.Type != certificates.SecretType {
		a.t.Errorf("the type is %s", secret.Type)
	}
	return certificate.Kept{
		Authorities: secret.Data["ca.crt"], AuthorityKey: secret.Data["ca.key"], Certificate: secret.Data["tls.crt"], Key: secret.Data["tls.key"],
	}
}

// awaitRenewal waits until something else is kept, and is trusted.
func (a *admission) awaitRenewal(before certificate.Kept, changed func(before, after certificate.Kept) bool) certificate.Kept {
	a.t.Helper()
	var after certificate.Kept
	a.eventually(func() error {
		after = a.served()
		if !changed(before, after) {
			return notYet("the certificate is not renewed")
		}
		configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "rempart"}}
		a.get(configuration)
		for _, webhook := range configuration.Webhooks {
			if !slices.Equal(webhook.ClientConfig.CABundle, after.Authorities) {
				return notYet("%s does not trust the authority", webhook.Name)
			}
		}
		return nil
	})
	return after
}

// The API server judges certificates by the real time, so the operator's begins in
// the past and comes to the present.
func TestTheCertificateIsRenewedInTime(t *testing.T) {
	present := time.Now()
	clock := clocktesting.NewFakePassiveClock(present.Add(-certificate.ServingLifetime*2/3 - 10*time.Minute))
	begun := clock.Now()
	a := judged(t, timed(clock))
	a.stores()
	a.awaitWebhook()
	first := a.served()

	// Nothing happens but that time passes: two thirds of the certificate's life.
	pass(clock, present.Sub(begun))
	a.touch()
	second := a.awaitRenewal(first, func(before, after certificate.Kept) bool {
		return string(before.Certificate) != string(after.Certificate)
	})
	if string(first.Authorities) != string(second.Authorities) {
		t.Error("the authority was changed before its time")
	}
	a.awaitWebhook()
}

// touch has the reconciler look now; by itself it looks every hour of the real time.
func (a *admission) touch() {
	a.t.Helper()
	a.annotate(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: a.system, Name: certificates.SecretName}}, "touched", time.Now().Format(time.RFC3339Nano))
}

// seeded has the certificate kept before the operator starts. Both came about in the
// past, the authority first.
func seeded(t *testing.T, authority, served time.Time) func(*app.ManagerOptions) {
	t.Helper()
	return func(o *app.ManagerOptions) {
		hosts := []string{"rempart-webhook." + o.Namespace + ".svc", "127.0.0.1"}
		made, err := certificate.Renew(authority, certificate.Kept{}, hosts)
		if err != nil {
			t.Fatal(err)
		}
		made.Certificate = nil
		if made, err = certificate.Renew(served, made.Kept, hosts); err != nil {
			t.Fatal(err)
		}
		direct, err := client.New(controlPlane.Get(t).RESTConfig(), client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: certificates.SecretName}, Type: certificates.SecretType,
			Data: map[string][]byte{"ca.crt": made.Authorities, "ca.key": made.AuthorityKey, "tls.crt": made.Certificate, "tls.key": made.Key},
		}
		if err := direct.Create(context.Background(), secret); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheAuthorityIsReplacedWithoutAMomentOfDistrust(t *testing.T) {
	present := time.Now()
	clock := clocktesting.NewFakePassiveClock(present.Add(-70 * time.Minute))
	a := judged(t, timed(clock), seeded(t, present.Add(-certificate.AuthorityLifetime*2/3-2*time.Hour), present.Add(-48*time.Hour)))
	a.stores()
	a.awaitWebhook()
	replaced := func(before, after certificate.Kept) bool {
		return string(before.Certificate) != string(after.Certificate)
	}

	// The authority was due when the operator started: another one is made known, and
	// what is served stays.
	first := a.served()
	if got := strings.Count(string(first.Authorities), "BEGIN CERTIFICATE"); got != 2 {
		t.Errorf("%d authorities are kept, want the new one and the one before", got)
	}
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		letIn := 0
		for {
			select {
			case <-stop:
				ended <- letIn
				return
			default:
			}
			if err := a.tryBucket("trial", abroad); !apierrors.IsForbidden(err) {
				letIn++
			}
		}
	}()
	pass(clock, 70*time.Minute)
	a.touch()
	second := a.awaitRenewal(first, replaced)
	time.Sleep(2 * time.Second) // watches bring it everywhere
	close(stop)
	if letIn := <-ended; letIn > 0 {
		t.Errorf("%d requests were let in because the API server did not trust the certificate", letIn)
	}
	if string(first.Authorities) != string(second.Authorities) {
		t.Error("the authorities changed once more")
	}
}

// What others do to the certificate is set right, and every replica serves the same.
func TestReplicasOfTheOperatorServeOneCertificate(t *testing.T) {
	a := judged(t)
	a.stores()
	a.awaitWebhook()
	other := a.options
	other.Webhook.Port = freePort(t)
	other.Registerer = prometheus.NewRegistry()
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := app.NewManager(ctx, a.config, other)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the other replica ended: %v", err)
		}
	}()
	first := a.served()
	a.awaitServed(first, a.options.Webhook.Port, other.Webhook.Port)

	a.delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: a.system, Name: certificates.SecretName}})
	a.eventually(func() error {
		secret := &corev1.Secret{}
		return a.world.client.Get(context.Background(), client.ObjectKey{Namespace: a.system, Name: certificates.SecretName}, secret)
	})
	second := a.awaitRenewal(first, func(before, after certificate.Kept) bool {
		return string(before.Certificate) != string(after.Certificate)
	})
	a.awaitServed(second, a.options.Webhook.Port, other.Webhook.Port)
	a.awaitWebhook()

	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "rempart"}}
	a.update(configuration, func() { configuration.Webhooks[0].ClientConfig.CABundle = nil })
	a.awaitRenewal(certificate.Kept{}, func(_, after certificate.Kept) bool { return string(after.Certificate) == string(second.Certificate) })
}

// The API server calls any replica, and all but one wait to work.
func TestAReplicaThatWaitsJudgesToo(t *testing.T) {
	a := judged(t)
	a.stores()
	a.awaitWebhook()
	a.stop()
	now := metav1.NewMicroTime(time.Now())
	a.create(&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: a.system, Name: "rempart.rempart.dev"},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("another"), LeaseDurationSeconds: new(int32(3600)), AcquireTime: &now, RenewTime: &now,
		},
	})
	a.options.LeaderElection = true
	a.start()
	waiting := a.bucket("waits", "etat-civil")
	a.awaitWebhook()
	a.get(waiting)
	if len(waiting.Status.Conditions) > 0 {
		t.Errorf("it does not wait: %v", waiting.Status.Conditions)
	}
	a.delete(waiting)
}

// A Secret of that name that somebody else made is left alone, and nothing is served.
func TestAnothersSecretIsNotTakenForTheCertificate(t *testing.T) {
	a := judged(t, func(o *app.ManagerOptions) {
		direct, err := client.New(controlPlane.Get(t).RESTConfig(), client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		foreign := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: certificates.SecretName}, StringData: map[string]string{"tls.crt": "precious"},
		}
		if err := direct.Create(context.Background(), foreign); err != nil {
			t.Fatal(err)
		}
	})
	a.stores() // the operator works all the same
	if err := a.tryBucket("trial", abroad); err != nil {
		t.Errorf("a bucket is not let in: %v", err)
	}
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: a.system, Name: certificates.SecretName}}
	a.get(foreign)
	if string(foreign.Data["tls.crt"]) != "precious" || len(foreign.Data) != 1 {
		t.Errorf("the foreign Secret was changed: %v", foreign.Data)
	}
}

// awaitServed waits until what is kept is served on every port.
func (a *admission) awaitServed(kept certificate.Kept, ports ...int) {
	a.t.Helper()
	pair, err := kept.Pair()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, port := range ports {
		a.eventually(func() error {
			connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				return err
			}
			defer connection.Close()
			if !connection.ConnectionState().PeerCertificates[0].Equal(pair.Leaf) {
				return notYet("port %d serves another certificate", port)
			}
			return nil
		})
	}
}

// freePort is one that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
