package integration

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app/plugin"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// forms are the ways in which a secret value may stand in a text.
func forms(value string) map[string]string {
	all := map[string]string{
		"itself":         value,
		"escaped":        strings.Trim(strconv.Quote(value), `"`),
		"escaped ASCII":  strings.Trim(strconv.QuoteToASCII(value), `"`),
		"in a query":     url.QueryEscape(value),
		"in a path":      url.PathEscape(value),
		"hexadecimal":    hex.EncodeToString([]byte(value)),
		"HEXADECIMAL":    strings.ToUpper(hex.EncodeToString([]byte(value))),
		"as Go's bytes":  strings.Trim(fmt.Sprintf("%d", []byte(value)), "[]"),
		"as Go's syntax": strings.Trim(fmt.Sprintf("%#v", []byte(value)), "[]byte{}"),
	}
	if text, err := json.Marshal(value); err == nil {
		all["in JSON"] = strings.Trim(string(text), `"`)
	}
	for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64 of URLs": base64.RawURLEncoding} {
		// What stands before it in the same encoded text shifts it by up to two bytes.
		for shift, unknown := range []int{0, 2, 3} {
			shifted := strings.Repeat("x", shift) + value
			whole := len(shifted) / 3 * 4
			all[fmt.Sprintf("%s, shifted by %d", name, shift)] = encoding.EncodeToString([]byte(shifted))[unknown:whole]
		}
	}
	return all
}

// leaks tells which secrets stand in which texts. Both have names.
func leaks(texts, secrets map[string]string) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for form, text := range forms(secrets[name]) {
			for _, where := range slices.Sorted(maps.Keys(texts)) {
				if strings.Contains(texts[where], text) {
					found = append(found, fmt.Sprintf("%s holds %s %s", where, name, form))
				}
			}
		}
	}
	return found
}

// TestLeaksAreFound shows that the search of the next test finds what it looks for.
func TestLeaksAreFound(t *testing.T) {
	const planted = "pl4nted/S3cret+value=&<é>"
	secrets := map[string]string{"the planted secret": planted}
	for form, text := range forms(planted) {
		if len(text) < 8 {
			t.Errorf("%q is too short to be looked for", text)
		}
		texts := map[string]string{"the log": "a " + text + " b"}
		if len(leaks(texts, secrets)) == 0 {
			t.Errorf("%s: not found in %q", form, texts["the log"])
		}
	}
	for name, text := range map[string]string{
		"an encoded document": base64.StdEncoding.EncodeToString([]byte(`{"accessKey":"a","secretKey":"` + planted + `"}`)),
		"a struct":            fmt.Sprintf("%+v", struct{ Key []byte }{[]byte(planted)}),
		"a document in JSON":  string(mustJSON(t, map[string]any{"key": []byte(planted), "text": planted})),
	} {
		if len(leaks(map[string]string{name: text}, secrets)) == 0 {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if found := leaks(map[string]string{"the log": "nothing of it"}, secrets); len(found) > 0 {
		t.Errorf("found %q where there is nothing", found)
	}
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// witness collects everything that the operator lets others see.
type witness struct {
	*world
	stores     map[string]*emulator.Server
	kubeconfig string
	seen       map[string]string
}

func newWitness(w *world) *witness {
	w.t.Helper()
	logs.listen(w.t)
	klog.LogToStderr(false)
	klog.SetOutput(&logs)
	w.t.Cleanup(func() { klog.LogToStderr(true) })
	kubeconfig := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := controlPlane.Get(w.t).WriteKubeconfig(kubeconfig); err != nil {
		w.t.Fatal(err)
	}
	return &witness{world: w, stores: map[string]*emulator.Server{}, kubeconfig: kubeconfig, seen: map[string]string{}}
}

// look adds what is to be seen now to what was seen before.
func (w *witness) look() {
	w.t.Helper()
	for where, text := range map[string]string{
		"an object":           w.objects(),
		"an event":            w.events(),
		"a metric":            w.metrics(),
		"the CLI":             w.commands(),
		"a store":             w.stored(),
		"the log":             logs.text(),
		"a Secret's metadata": w.secretsMetadata(),
	} {
		if where == "the log" {
			w.seen[where] = text
			continue
		}
		w.seen[where] += text
	}
}

// objects are all objects of ours, and the ConfigMaps.
func (w *witness) objects() string {
	var text bytes.Buffer
	for _, list := range []client.ObjectList{
		&v1alpha1.SovereignProviderList{}, &v1alpha1.SovereigntyPolicyList{}, &v1alpha1.SovereignBucketList{},
		&v1alpha1.BucketReplicaList{}, &v1alpha1.SovereignBucketAccessList{}, &v1alpha1.ReversibilityDrillList{}, &corev1.ConfigMapList{},
	} {
		w.read(list)
		text.Write(mustJSON(w.t, list))
	}
	return text.String()
}

func (w *witness) read(list client.ObjectList) {
	w.t.Helper()
	if err := w.client.List(context.Background(), list); err != nil {
		w.t.Fatal(err)
	}
}

func (w *witness) events() string {
	var list eventsv1.EventList
	w.read(&list)
	return string(mustJSON(w.t, list))
}

// secretsMetadata is what those see of Secrets who may list but not read them.
func (w *witness) secretsMetadata() string {
	var list corev1.SecretList
	w.read(&list)
	var text bytes.Buffer
	for i := range list.Items {
		text.Write(mustJSON(w.t, list.Items[i].ObjectMeta))
	}
	return text.String()
}

// metrics are those of the operator and of the library it is made with, as they
// are served.
func (w *witness) metrics() string {
	var text bytes.Buffer
	for _, gatherer := range []prometheus.Gatherer{w.options.Registerer.(*prometheus.Registry), metrics.Registry} {
		families, err := gatherer.Gather()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return text.String()
}

// commands are the answers of the command line.
func (w *witness) commands() string {
	var text bytes.Buffer
	for _, args := range [][]string{
		{"status", "-n", w.namespace},
		{"status", "-n", w.namespace, "-o", "yaml"},
		{"explain", "bucket", "actes", "-n", w.namespace, "-o", "json"},
		{"explain", "policy", "etat-civil"},
	} {
		streams := genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &text, ErrOut: &text}
		code := plugin.ExecuteCLI(context.Background(), plugin.NewCLI(streams, "test"), &text, append(args, "--kubeconfig", w.kubeconfig))
		fmt.Fprintf(&text, "exit code %d\n", code)
	}
	return text.String()
}

// stored is what the operator writes for itself into buckets: marks, manifests,
// evidence, policies.
func (w *witness) stored() string {
	var text bytes.Buffer
	for _, server := range w.stores {
		for name, bucket := range server.Buckets() {
			fmt.Fprintf(&text, "%s %v %s\n", name, bucket.Tags, bucket.Policy)
			for _, key := range server.Keys(name) {
				object, _ := server.Object(name, key)
				fmt.Fprintf(&text, "%s %s %v\n", key, object.Body, object.Metadata)
			}
		}
	}
	return text.String()
}

// secrets are all secret values that there are or were.
func (w *witness) secrets(more ...string) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for i, value := range more {
		all[fmt.Sprintf("the given secret %d", i)] = value
	}
	for name, server := range w.stores {
		for i, value := range server.SecretKeys() {
			all[fmt.Sprintf("secret key %d of %s", i, name)] = value
		}
	}
	var list corev1.SecretList
	w.read(&list)
	for i := range list.Items {
		for _, key := range []string{provider.SecretKey, provider.AdminToken, "markKey", "AWS_SECRET_ACCESS_KEY", "COSI_S3_ACCESS_SECRET_KEY"} {
			if value := string(list.Items[i].Data[key]); value != "" {
				all[fmt.Sprintf("%s of Secret %s", key, list.Items[i].Name)] = value
			}
		}
	}
	return all
}

// echoing answers, once it is switched on, every request with a refusal that
// repeats what stores repeat at worst.
type echoing struct {
	next   http.Handler
	on     atomic.Bool
	answer func(r *http.Request) string
}

// ServeHTTP implements http.Handler.
func (e *echoing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.on.Load() {
		e.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(e.answer(r)))
}

// Everything that the operator does, and everything that may go wrong with
// credentials on the way; then nothing that it let others see holds one.
func TestNoSecretIsEverShown(t *testing.T) {
	const (
		outscaleSecret, wrongSecret = "outscale/S3cret+key=one", "wrong/S3cret+key=two"
		onpremSecret, ovhSecret     = "onprem/S3cret+key=three", "ovh/S3cret+key=four"
		token                       = "onprem-admin/t0ken+five="
	)
	w := newWitness(newWorld(t))

	onprem := w.emulated("onprem", func(o *emulator.Options) { o.VersityAdmin, o.SecretKey = false, onpremSecret })
	admin := &echoing{next: onprem.GarageAdmin(token), answer: func(r *http.Request) string {
		return `{"code":"AccessDenied","message":"` + r.Header.Get("Authorization") + `"}`
	}}
	adminServer := httptest.NewServer(admin)
	t.Cleanup(adminServer.Close)
	ovh := w.emulated("ovh", func(o *emulator.Options) {
		o.VersityAdmin, o.CephAdmin, o.AnyPrincipal, o.SecretKey = false, true, true, ovhSecret
	})
	front := &echoing{next: ovh.Handler(), answer: func(r *http.Request) string {
		return "<Error><Code>AccessDenied</Code><Message>" + r.Header.Get("Authorization") + " is not for " + ovhSecret + "</Message></Error>"
	}}
	frontServer := httptest.NewServer(front)
	t.Cleanup(frontServer.Close)
	outscale := w.emulated("tds-outscale", func(o *emulator.Options) { o.TLS, o.SecretKey = true, outscaleSecret })
	w.stores = map[string]*emulator.Server{"onprem": onprem, "ovh": ovh, "tds-outscale": outscale}
	w.world.stores["onprem"] = store{onprem.URL, onprem.AccessKey, onpremSecret, onprem.Region, "Garage"}
	w.world.stores["ovh"] = store{frontServer.URL, ovh.AccessKey, ovhSecret, ovh.Region, "CephRGW"}
	w.world.stores["tds-outscale"] = store{outscale.URL, outscale.AccessKey, wrongSecret, outscale.Region, "Versity"}

	// A certificate that is not trusted, then a wrong key, then the right one.
	w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.S3.CredentialAPIEndpoint = adminServer.URL
	})
	w.provider("ovh", []v1alpha1.Location{in("GRA", "FR")})
	third := w.provider("tds-outscale", []v1alpha1.Location{in("eu-west-2", "FR")})
	w.await(third, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonCertificateInvalid)
	trust := w.trusting("tds-outscale", outscale.CertificatePEM)
	w.update(third, func() { trust(third) })
	w.await(third, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	w.setCredential("tds-outscale", provider.SecretKey, outscaleSecret)
	w.await(third, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.setCredential("onprem", provider.AdminToken, "wrong-admin/t0ken+six=")
	w.policy("etat-civil")

	// An admin API that refuses, and says what it was sent.
	admin.on.Store(true)
	bucket := w.bucket("actes", "etat-civil", func(s *v1alpha1.SovereignBucketSpec) { s.DeletionPolicy = v1alpha1.DeletionDelete })
	access := &v1alpha1.SovereignBucketAccess{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"}}
	w.await(access, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	w.look()
	admin.on.Store(false)
	w.setCredential("onprem", provider.AdminToken, token)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)

	// Data is copied, keys are issued to others and replaced.
	session, name := w.application(bucket)
	put(t, session, name, "registres/1901.txt", "acte 1901")
	w.awaitObjects(bucket, 1)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	reader := &v1alpha1.SovereignBucketAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "lecture"},
		Spec: v1alpha1.SovereignBucketAccessSpec{
			BucketRef: v1alpha1.NameReference{Name: "actes"}, AccessMode: v1alpha1.AccessReadOnly,
			Rotation: v1alpha1.KeyRotation{Overlap: &metav1.Duration{}},
		},
	}
	w.create(reader)
	w.await(reader, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.annotate(reader, v1alpha1.RotateRequestedAnnotation, "now")
	w.awaitEvent("CredentialsRotated", "replaces the one before")

	// A store that denies everything, and says what it knows.
	front.on.Store(true)
	w.sync(bucket)
	w.await(w.replica(bucket, "ovh/GRA"), v1alpha1.ConditionReady, metav1.ConditionFalse)
	w.look()
	front.on.Store(false)
	w.sync(bucket)
	w.await(w.replica(bucket, "ovh/GRA"), v1alpha1.ConditionReady, metav1.ConditionTrue)

	// A drill, and the end.
	drill := w.drill()
	w.awaitVerdict(drill, v1alpha1.VerdictPassed)
	w.await(drill, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
	w.look()
	secrets := w.secrets(wrongSecret, token, "wrong-admin/t0ken+six=")
	w.delete(reader)
	w.awaitGone(reader)
	w.annotate(bucket, v1alpha1.ConfirmDeleteAnnotation, bucket.Status.Primary.BucketName)
	w.delete(bucket)
	w.awaitGone(bucket)
	w.look()

	if len(secrets) < 15 {
		t.Fatalf("only %d secrets are known: %q", len(secrets), slices.Sorted(maps.Keys(secrets)))
	}
	for where, text := range w.seen {
		if text == "" {
			t.Errorf("nothing was seen of %s", where)
		}
	}
	for _, leak := range leaks(w.seen, secrets) {
		t.Error(leak)
	}
	w.wantEverySinkSearched()
}

// setCredential changes one value of a provider's credentials.
func (w *witness) setCredential(name, key, value string) {
	w.t.Helper()
	var credentials corev1.Secret
	credentials.Namespace, credentials.Name = w.system, name
	w.update(&credentials, func() { credentials.StringData = map[string]string{key: value} })
}

// wantEverySinkSearched plants a secret wherever one is looked for, and fails where
// it is not found: then the search above proves nothing.
func (w *witness) wantEverySinkSearched() {
	w.t.Helper()
	const planted = "pl4nted/S3cret+value="
	ctrl.Log.V(6).Info("planted", "value", planted)
	w.create(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "planted"}, Data: map[string]string{"value": planted},
	})
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "planted", Annotations: map[string]string{"value": planted},
	}})
	w.create(&eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "planted"}, EventTime: metav1.NowMicro(),
		Action: "Plant", Reason: "Planted", Type: corev1.EventTypeNormal, ReportingController: "test", ReportingInstance: "test",
		Regarding: corev1.ObjectReference{Kind: "Namespace", Name: w.namespace, Namespace: w.namespace}, Note: planted,
	})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "planted", Help: "x", ConstLabels: prometheus.Labels{"value": planted}})
	w.options.Registerer.MustRegister(gauge)
	w.stores["onprem"].PutObjectDirect("planted", emulator.Object{Key: provider.ReservedPrefix + "planted", Body: []byte(planted)})
	w.create(&v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "actes"},
		Spec: v1alpha1.SovereignBucketSpec{
			PolicyRef: v1alpha1.NameReference{Name: "etat-civil"},
			Dataset:   v1alpha1.Dataset{Title: planted, Purpose: planted, LegalBasis: "LegalObligation"},
		},
	})
	w.seen = map[string]string{}
	time.Sleep(100 * time.Millisecond)
	w.look()
	found := strings.Join(leaks(w.seen, map[string]string{"the planted secret": planted}), "\n")
	for where := range w.seen {
		if !strings.Contains(found, where+" holds") {
			w.t.Errorf("a secret in %s would not be found", where)
		}
	}
}
