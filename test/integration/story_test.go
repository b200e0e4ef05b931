package integration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
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
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "registres/1901.txt", "acte 1901")
	put(t, session, name, "registres/1902.txt", "acte 1902")
	w.awaitObjects(bucket, 2)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	drill := &v1alpha1.ReversibilityDrill{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "drill"},
		Spec:       v1alpha1.ReversibilityDrillSpec{BucketRef: v1alpha1.NameReference{Name: "actes"}},
	}
	w.create(drill)
	w.await(drill, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(drill, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
}
