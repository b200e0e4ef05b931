package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
)

// put stores an object as an application does.
func put(t testing.TB, session provider.Session, bucket, key, content string) {
	t.Helper()
	digest := sha256.Sum256([]byte(content))
	_, err := session.Put(context.Background(), provider.Ref{Bucket: bucket, Key: key}, provider.Content{
		Reader: bytes.NewReader([]byte(content)), Size: int64(len(content)), SHA256: hex.EncodeToString(digest[:]),
	}, provider.Attributes{ContentType: "text/plain", UserMetadata: map[string]string{"service": "etat-civil"}})
	if err != nil {
		t.Fatal(err)
	}
}

// The main job: a dataset is declared, placed, copied and drilled.
func TestADatasetIsPlacedCopiedAndDrilled(t *testing.T) {
	w := newWorld(t)
	w.versity("onprem")
	w.versity("ovh")
	w.versity("tds-outscale")
	w.threeProviders()
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Copies.Minimum = 3 })
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	files := map[string]string{
		"registres/1901.txt": "acte 1901", "registres/1902.txt": "acte 1902", "vide": "",
		"numérisation, 1903.tiff": strings.Repeat("registre ", 17<<20/9),
	}
	for key, content := range files {
		put(t, session, name, key, content)
	}
	w.awaitObjects(bucket, int64(len(files)))
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	d := w.drill()
	w.await(d, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(d, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)

	replicas := w.replicas(bucket)
	for providerName, place := range map[string]string{"onprem": "onprem/dc1", "ovh": "ovh/GRA", "tds-outscale": "tds-outscale/eu-west-2"} {
		if replicas[place] == nil {
			t.Fatalf("there is no copy at %s: %v", place, replicas)
		}
		w.wantContents(providerName, replicas[place].Spec.BucketName, files)
	}
	w.wantStoredEvidence(d, int64(len(files)))
}

// account opens a store with the account's own key.
func (w *world) account(providerName string) provider.Session {
	w.t.Helper()
	s := w.stores[providerName]
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: providerName, Location: "test", Endpoint: s.endpoint, Region: s.region, Addressing: provider.PathStyle,
	}, provider.Credentials{provider.AccessKey: secret.New(s.accessKey), provider.SecretKey: secret.New(s.secretKey)})
	if err != nil {
		w.t.Fatal(err)
	}
	return session
}

// wantContents reads every object of a bucket, and wants these with what the
// application stored beside them.
func (w *world) wantContents(providerName, bucket string, want map[string]string) {
	w.t.Helper()
	session := w.account(providerName)
	found := 0
	for object, err := range provider.List(w.t.Context(), session, bucket, provider.ListOptions{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasPrefix(object.Key, provider.ReservedPrefix) {
			continue
		}
		found++
		content, read := w.read(session, bucket, object.Key)
		if expected, isExpected := want[object.Key]; !isExpected || sum(content) != sum([]byte(expected)) {
			w.t.Errorf("%q at %s holds %d bytes of another content than the %d that were stored", object.Key, providerName, len(content), len(expected))
		}
		if read.Attributes.ContentType != "text/plain" || read.Attributes.UserMetadata["service"] != "etat-civil" {
			w.t.Errorf("%q at %s has the attributes %+v", object.Key, providerName, read.Attributes)
		}
	}
	if found != len(want) {
		w.t.Errorf("%s holds %d objects, want %d", providerName, found, len(want))
	}
}

func (w *world) read(session provider.Session, bucket, key string) ([]byte, provider.Object) {
	w.t.Helper()
	body, object, err := session.Get(w.t.Context(), provider.Ref{Bucket: bucket, Key: key}, provider.GetOptions{})
	if err != nil {
		w.t.Fatalf("read %q: %v", key, err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatalf("read %q: %v", key, err)
	}
	return content, object
}

// wantStoredEvidence reads the evidence of a drill that passed at two operators.
func (w *world) wantStoredEvidence(d *v1alpha1.ReversibilityDrill, objects int64) {
	w.t.Helper()
	buckets := map[string]string{} // operator by bucket
	for place, replica := range w.replicas(&v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Spec.BucketRef.Name}}) {
		buckets[replica.Spec.BucketName], _, _ = strings.Cut(place, "/")
	}
	operators := map[string]bool{}
	for _, uri := range d.Status.Evidence.URIs {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		operators[buckets[bucket]] = true
		stored, _ := w.read(w.account(buckets[bucket]), bucket, key)
		if got := sum(stored); got != d.Status.Evidence.Digest {
			w.t.Errorf("the evidence at %s has the digest %s, want %s", buckets[bucket], got, d.Status.Evidence.Digest)
		}
		statement, err := evidence.Read(stored)
		if err != nil {
			w.t.Fatal(err)
		}
		read := statement.Predicate
		if read.Verdict != drill.Passed || read.Names.Drill != d.Name || read.Measured.Objects != objects {
			w.t.Errorf("the evidence at %s says %s", buckets[bucket], stored)
		}
	}
	if len(operators) != 2 {
		w.t.Errorf("the evidence is at %v, want it at two operators", operators)
	}
}
