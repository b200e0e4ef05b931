package integration

import (
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// Figures that the page about BucketReplicas gives: at most so many requests to the
// bucket itself, everything that the operator does counted.
const (
	creationOfPrimary = 20
	creationOfReplica = 25
	runAtSource       = 3
	runAtCopy         = 8
)

// ofBucket counts the requests to a bucket by operation.
func ofBucket(server *emulator.Server, bucket string) (total int, byOperation map[string]int) {
	byOperation = map[string]int{}
	for _, r := range server.Requests(func(r emulator.Request) bool { return r.Bucket == bucket }) {
		byOperation[r.Operation]++
		total++
	}
	return total, byOperation
}

func wantAtMost(t *testing.T, what string, server *emulator.Server, bucket string, limit int) {
	t.Helper()
	total, byOperation := ofBucket(server, bucket)
	t.Logf("%s: %d requests: %v", what, total, byOperation)
	if total > limit || total == 0 {
		t.Errorf("%s took %d requests, want at most %d: %v", what, total, limit, byOperation)
	}
}

// What a dataset with one copy costs its stores.
func TestRequestsOfADataset(t *testing.T) {
	w := newWorld(t)
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name, tellsSettings)
	}
	w.threeProviders()
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Objectives.RPO = &metav1.Duration{Duration: time.Hour} })
	for _, server := range stores {
		server.ForgetRequests()
	}
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	primary, copied := w.replicas(bucket)["onprem/dc1"].Spec.BucketName, w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	wantAtMost(t, "creation of the primary, its first run included", stores["onprem"], primary, creationOfPrimary)
	wantAtMost(t, "creation of the copy, its first run included", stores["ovh"], copied, creationOfReplica)
	if asked := stores["tds-outscale"].Requests(func(r emulator.Request) bool { return r.Operation != "ListBuckets" }); len(asked) != 0 {
		t.Errorf("a place that holds nothing was asked %d times: %+v", len(asked), asked[0])
	}

	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)

	// A new process looks and runs at once, and finds nothing to do.
	w.stop()
	for _, server := range stores {
		server.ForgetRequests()
	}
	w.start()
	w.eventually(func() error {
		if stores["ovh"].Count("GetBucketLifecycleConfiguration") == 0 || stores["onprem"].Count("ListObjectsV2") == 0 {
			return notYet("no run and no look yet")
		}
		return nil
	})
	replica := w.replicas(bucket)["ovh/GRA"]
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	const look = 6 // versioning, mark and four settings
	wantAtMost(t, "a restart at the primary: a look, and a run with nothing to do", stores["onprem"], primary, look+runAtSource)
	wantAtMost(t, "a restart at the copy: a look, and a run with nothing to do", stores["ovh"], copied, look+runAtCopy)
	for name, server := range stores {
		if lists := server.Count("ListBuckets"); lists > 4 {
			t.Errorf("%d lists of the buckets at %s: %v", lists, name, slices.Sorted(maps.Keys(server.Counts())))
		}
	}
}
