package chart

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// The operator does its whole work with the token of its ServiceAccount, and is
// never refused anything.
func (r *installed) theOperatorWorks(t *testing.T) {
	var refusals refusals
	config := rest.CopyConfig(r.operator)
	config.Wrap(refusals.record)
	metrics := startOperator(t, config, r.webhook)
	r.provider(t, "onprem", "dc1")
	r.provider(t, "ovh", "GRA", "BHS")
	r.awaitPlace(t, worker().Name, "onprem/dc1")
	r.create(t, newPolicy())
	r.refusesAtAdmission(t)
	bucket := newBucket(r.tenant, "actes")
	r.create(t, bucket)
	r.await(t, bucket, v1alpha1.ConditionReady)
	r.await(t, bucket, v1alpha1.ConditionReplicated)
	drill := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.tenant, Name: "drill"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: bucket.Name}},
	}
	r.create(t, drill)
	r.await(t, drill, v1alpha1.ConditionCleanedUp)
	r.excepts(t, bucket)
	r.publishes(t, bucket)
	report := r.givesAccess(t, bucket)
	t.Run("metrics are served to readers and have what the alerts ask for", func(t *testing.T) { r.metrics(t, metrics) })
	for _, object := range []client.Object{report, bucket} {
		if err := r.admin.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		r.awaitGone(t, object)
	}
	r.awaitGone(t, newSecret(r.tenant, report.Name, ""))
	for _, refusal := range refusals.all() {
		t.Errorf("the operator was refused: %s", refusal)
	}
}

// refusesAtAdmission shows that the API server trusts the webhook, whose certificate
// nobody made but the operator.
func (r *installed) refusesAtAdmission(t *testing.T) {
	t.Helper()
	alice := clientOf(t, r.plane.User("alice"))
	abroad := newBucket(r.tenant, "abroad")
	abroad.Spec.Placement.Primary = &v1alpha1.PlaceReference{ProviderName: "ovh", Location: "BHS"}
	eventually(t, func(ctx context.Context) error {
		err := alice.Create(ctx, abroad.DeepCopy(), client.DryRunAll)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "CA is outside FR") {
			return fmt.Errorf("a bucket abroad is not refused: %w", cmp.Or(err, errors.New("it was let in")))
		}
		return nil
	})
}

// excepts makes an exception for a bucket, under the admission policy of the chart.
func (r *installed) excepts(t *testing.T, bucket *v1alpha1.SovereignBucket) {
	t.Helper()
	made := &v1alpha1.SovereigntyException{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.tenant, Name: "actes-2026"},
		Spec: v1alpha1.SovereigntyExceptionSpec{
			PolicyRef:  bucket.Spec.PolicyRef,
			SubjectRef: v1alpha1.SubjectReference{Kind: "SovereignBucket", Name: bucket.Name},
			Rules:      []v1alpha1.ExceptableRule{"operators"}, Reason: "a trial", ApprovedBy: "dave",
			NotAfter: &metav1.Time{Time: time.Now().Add(time.Hour)},
		},
	}
	// Dave has all rights in the namespace, and none on policies until he is given them.
	dave := clientOf(t, r.plane.User("dave"))
	eventually(t, func(ctx context.Context) error {
		return refused(dave.Create(ctx, made.DeepCopy(), client.DryRunAll), "rempart-exceptions")
	})
	r.create(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "approver-dave"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rempart-exception-approver"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "dave"}},
	})
	eventually(t, func(ctx context.Context) error { return dave.Create(ctx, made) })
	r.await(t, made, v1alpha1.ConditionActive)
}

// givesAccess gives a second consumer a key, which is replaced once.
func (r *installed) givesAccess(t *testing.T, bucket *v1alpha1.SovereignBucket) *v1alpha1.SovereignBucketAccess {
	t.Helper()
	access := &v1alpha1.SovereignBucketAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.tenant, Name: "report"},
		Spec: v1alpha1.SovereignBucketAccessSpec{
			BucketRef: v1alpha1.NameReference{Name: bucket.Name}, AccessMode: v1alpha1.AccessReadOnly,
			Rotation: v1alpha1.KeyRotation{Overlap: &metav1.Duration{}},
		},
	}
	r.create(t, access)
	r.await(t, access, v1alpha1.ConditionReady)
	first := access.Status.ActiveKeys[0].KeyID
	request := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"rempart.dev/rotate-requested":"now"}}}`))
	if err := r.admin.Patch(t.Context(), access, request); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		if err := r.admin.Get(ctx, client.ObjectKeyFromObject(access), access); err != nil {
			return err
		}
		if keys := access.Status.ActiveKeys; len(keys) != 1 || keys[0].KeyID == first {
			return fmt.Errorf("keys are %v, want one other than %s", keys, first)
		}
		return nil
	})
	return access
}

// awaitGone waits until an object does not exist any more.
func (r *installed) awaitGone(t *testing.T, object client.Object) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		err := r.admin.Get(ctx, client.ObjectKeyFromObject(object), object)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(fmt.Errorf("%T %s is still there", object, object.GetName()), err)
	})
}

// refusals remembers the requests that the API server refused.
type refusals struct {
	mu   sync.Mutex
	seen []string
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (r *refusals) record(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err == nil && (response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.seen = append(r.seen, request.Method+" "+request.URL.Path)
		}
		return response, err
	})
}

func (r *refusals) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// startOperator starts the operator as its pod would, and gives where its metrics
// are.
func startOperator(t *testing.T, config *rest.Config, webhook *net.TCPAddr) string {
	t.Helper()
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := app.NewManager(ctx, config, app.ManagerOptions{
		Namespace: system, InstallationID: "town", Self: "onprem/dc1", LeaderElection: true,
		MetricsAddress: address, MetricsSecure: true, ProbeAddress: "0", Version: "test", SkipNameValidation: true,
		Webhook: app.WebhookOptions{
			Host: webhook.IP.String(), Port: webhook.Port, Hosts: []string{webhook.IP.String()},
			Service: "rempart-webhook", Configuration: "rempart",
		},
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended: %v", err)
		}
	})
	return "https://" + address + "/metrics"
}

// freeAddress is one that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// provider declares a provider in front of an emulated store that serves https
// with a certificate of its own, so that a Secret and a ConfigMap are read.
func (r *installed) provider(t *testing.T, name, location string, abroad ...string) {
	t.Helper()
	store := emulator.Start(t, emulator.Options{TLS: true, VersityAdmin: true, AccessKey: name, SecretKey: name + "-secret", MinPartSize: -1})
	r.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name},
		StringData: map[string]string{provider.AccessKey: store.AccessKey, provider.SecretKey: store.SecretKey},
	})
	r.create(t, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name},
		Data:       map[string]string{"ca.crt": certificateOf(t, store.URL)},
	})
	locations := []v1alpha1.Location{{Name: location, Country: "FR", OnPremise: name == "onprem"}}
	for _, name := range abroad {
		locations = append(locations, v1alpha1.Location{Name: name, Country: "CA"})
	}
	r.create(t, &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3,
			S3: &v1alpha1.S3Endpoint{
				Endpoint: store.URL, Region: store.Region, CredentialAPI: "Versity",
				CredentialsRef: v1alpha1.NameReference{Name: name}, CABundleRef: &v1alpha1.NameReference{Name: name},
			},
			AllowedNamespaces: &metav1.LabelSelector{},
			Operator:          v1alpha1.Operator{LegalEntity: strings.ToUpper(name) + " SA", ControlCountry: "FR"},
			Locations:         locations,
		},
	})
}

func certificateOf(t *testing.T, endpoint string) string {
	t.Helper()
	parsed, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(t.Context(), "tcp", parsed.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	certificate := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
}

func newPolicy() *v1alpha1.SovereigntyPolicy {
	return &v1alpha1.SovereigntyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"},
		Spec: v1alpha1.SovereigntyPolicySpec{
			AllowedNamespaces: &metav1.LabelSelector{},
			Residency:         v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
			Copies:            v1alpha1.CopyRules{Minimum: 2, DistinctOperators: 2},
			Exceptions: v1alpha1.ExceptionRules{
				Rules: []v1alpha1.ExceptableRule{"operators"}, MaximumDuration: &metav1.Duration{Duration: 2 * time.Hour},
			},
			Objectives: v1alpha1.Objectives{
				RPO: &metav1.Duration{Duration: 10 * time.Second}, RTO: &metav1.Duration{Duration: 5 * time.Minute},
			},
		},
	}
}

// await waits until a condition of an object of ours is True.
func (r *installed) await(t *testing.T, object interface {
	client.Object
	GetConditions() *[]metav1.Condition
}, conditionType string,
) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		if err := r.admin.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(*object.GetConditions(), conditionType) {
			return fmt.Errorf("%s is not %s: %v", object.GetName(), conditionType, *object.GetConditions())
		}
		return nil
	})
}

// publishes looks for what the operator left in the tenant's namespace.
func (r *installed) publishes(t *testing.T, bucket *v1alpha1.SovereignBucket) {
	t.Helper()
	var key corev1.Secret
	if err := r.admin.Get(t.Context(), client.ObjectKeyFromObject(bucket), &key); err != nil {
		t.Fatal(err)
	}
	if key.Type != v1alpha1.BucketCredentialsSecretType || len(key.Data["AWS_ACCESS_KEY_ID"]) == 0 {
		t.Errorf("the application's Secret is of type %s and has no key", key.Type)
	}
	eventually(t, func(ctx context.Context) error {
		var events eventsv1.EventList
		if err := r.admin.List(ctx, &events, client.InNamespace(r.tenant)); err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Regarding.Kind == "SovereignBucket" && event.Regarding.Name == bucket.Name {
				return nil
			}
		}
		return fmt.Errorf("none of %d events is about the bucket", len(events.Items))
	})
}

// metrics are served to readers alone, and have what the alerts ask for.
func (r *installed) metrics(t *testing.T, address string) {
	t.Helper()
	if _, status := r.scrape(t, address, ""); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	r.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "stranger"}})
	if _, status := r.scrape(t, address, r.tokenFor(t, "stranger").BearerToken); status != http.StatusForbidden {
		t.Errorf("with a token of somebody who may not: %d", status)
	}
	r.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "reader"}})
	served, status := r.scrape(t, address, r.tokenFor(t, "reader").BearerToken)
	if status != http.StatusOK {
		t.Fatalf("with the token of a reader: %d", status)
	}
	wantAlertsToBeRaised(t, served)
}

func (r *installed) scrape(t *testing.T, address, token string) (body string, status int) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content), response.StatusCode
}
