package status

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/output"
)

func ago(d time.Duration) *metav1.Time { return new(metav1.NewTime(clitest.Now.Add(-d))) }

// is makes a condition that was judged at generation 1.
func is(conditionType string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: message, ObservedGeneration: 1}
}

func allTrue(types []string) []metav1.Condition {
	var conditions []metav1.Condition
	for _, conditionType := range types {
		conditions = append(conditions, is(conditionType, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, ""))
	}
	return conditions
}

// but replaces conditions.
func but(conditions []metav1.Condition, replaced ...metav1.Condition) []metav1.Condition {
	for _, c := range replaced {
		conditions = slices.DeleteFunc(conditions, func(old metav1.Condition) bool { return old.Type == c.Type })
		conditions = append(conditions, c)
	}
	return conditions
}

// healthy makes a bucket that is well, with a primary on premises and a replica
// at ovh.
func healthy(name, title string) (v1alpha1.SovereignBucket, []v1alpha1.BucketReplica) {
	bucket := v1alpha1.SovereignBucket{
		ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: name, UID: types.UID(name), Generation: 1},
		Spec: v1alpha1.SovereignBucketSpec{
			PolicyRef: v1alpha1.NameReference{Name: "etat-civil"}, Dataset: v1alpha1.Dataset{Title: title},
		},
		Status: v1alpha1.SovereignBucketStatus{
			Conditions: allTrue(bucketConditions()), PrimaryName: "onprem/dc1", CopiesReady: "2/2",
			Primary: &v1alpha1.PrimaryStatus{
				PlaceReference: v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"},
				BucketName:     name + "-7f3k2", Endpoint: "https://s3.dc1.bruz.example",
			},
			LastDrill: &v1alpha1.LastDrillStatus{Name: name + "-20261101", Verdict: v1alpha1.VerdictPassed, Time: *ago(21 * 24 * time.Hour)},
		},
	}
	copyAt := func(provider, location string, role v1alpha1.CopyRole) v1alpha1.BucketReplica {
		return v1alpha1.BucketReplica{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: bucket.Namespace, Name: name + "-" + provider, Generation: 1,
				OwnerReferences: []metav1.OwnerReference{{Kind: "SovereignBucket", Name: name, UID: bucket.UID, Controller: new(true)}},
			},
			Spec: v1alpha1.BucketReplicaSpec{
				BucketRef: v1alpha1.NameReference{Name: name}, Role: role, BucketName: name + "-7f3k2",
				PlaceReference: v1alpha1.PlaceReference{ProviderName: provider, Location: location},
			},
			Status: v1alpha1.BucketReplicaStatus{Conditions: allTrue(replicaConditions(role))},
		}
	}
	replica := copyAt("ovh", "GRA", v1alpha1.RoleReplica)
	replica.Status.Objects, replica.Status.Bytes = new(int64(10000)), new(int64(1234567890))
	replica.Status.LastVerifiedTime = ago(50 * time.Hour)
	return bucket, []v1alpha1.BucketReplica{replica, copyAt("onprem", "dc1", v1alpha1.RolePrimary)}
}

// tripped makes a bucket whose deletion guard stopped a run.
func tripped() world {
	bucket, replicas := healthy("actes", "Actes d'état civil")
	message := "a run would delete or overwrite too much and waits; nothing was deleted"
	stopped := func(conditionType string) metav1.Condition {
		return is(conditionType, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped, message)
	}
	bucket.Status.Conditions = but(bucket.Status.Conditions,
		is(v1alpha1.ConditionReplicated, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped, "copy at ovh/GRA: "+message),
		is(v1alpha1.ConditionDrillCurrent, metav1.ConditionFalse, v1alpha1.ReasonDrillOverdue, "the last drill that passed is older than 720h"),
		is(v1alpha1.ConditionProtected, metav1.ConditionFalse, v1alpha1.ReasonDeletionGuardTripped, "copy at ovh/GRA: "+message))
	bucket.Status.UnreplicatedSince, bucket.Status.CopiesReady = ago(17*time.Minute), "1/2"
	replicas[0].Status.Conditions = but(replicas[0].Status.Conditions, stopped(v1alpha1.ConditionReady), stopped(v1alpha1.ConditionWithinRPO))
	replicas[0].Status.Guard = &v1alpha1.GuardStatus{Planned: 4321, Digest: "sha256:0123abcd"}
	replicas[0].Status.UnreplicatedSince, replicas[0].Status.FailedObjects = ago(17*time.Minute), 3
	return world{
		buckets: []v1alpha1.SovereignBucket{bucket}, replicas: replicas, accesses: accesses("actes"),
		providers: []v1alpha1.SovereignProvider{
			{
				ObjectMeta: metav1.ObjectMeta{Name: "outscale", Generation: 1},
				Status: v1alpha1.SovereignProviderStatus{Conditions: []metav1.Condition{
					is(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed, "eu-west-2: the credentials are refused"),
				}},
			},
			{
				ObjectMeta: metav1.ObjectMeta{Name: "onprem", Generation: 1},
				Status:     v1alpha1.SovereignProviderStatus{Conditions: allTrue([]string{v1alpha1.ConditionReady})},
			},
			{ObjectMeta: metav1.ObjectMeta{Name: "nouveau", Generation: 1}},
		},
	}
}

// accesses makes the application's own access to a bucket, another one that is not
// well, and one to another bucket.
func accesses(bucket string) []v1alpha1.SovereignBucketAccess {
	make := func(name, to string, mode v1alpha1.AccessMode) v1alpha1.SovereignBucketAccess {
		return v1alpha1.SovereignBucketAccess{
			ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: name, Generation: 1},
			Spec:       v1alpha1.SovereignBucketAccessSpec{BucketRef: v1alpha1.NameReference{Name: to}, AccessMode: mode},
			Status: v1alpha1.SovereignBucketAccessStatus{
				Conditions: allTrue([]string{v1alpha1.ConditionReady, v1alpha1.ConditionCredentialsValid}), Grant: v1alpha1.GrantScoped,
				LastRotationTime: ago(9 * 24 * time.Hour), ActiveKeys: []v1alpha1.KeyStatus{{KeyID: "k2", State: v1alpha1.KeyActive}},
			},
		}
	}
	own := make(bucket, bucket, v1alpha1.AccessReadWrite)
	own.Spec.Rotation.Interval = &metav1.Duration{Duration: 720 * time.Hour}
	scanner := make("a-scanner", bucket, v1alpha1.AccessWriteOnly)
	scanner.Spec.AccessSecretName = "scans"
	scanner.Status.ActiveKeys = append(scanner.Status.ActiveKeys, v1alpha1.KeyStatus{KeyID: "k1", State: v1alpha1.KeyRetiring})
	scanner.Status.Conditions = but(scanner.Status.Conditions, is(v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse,
		v1alpha1.ReasonProviderUnreachable, "key k1 could not be revoked and is tried again: no answer"))
	return []v1alpha1.SovereignBucketAccess{scanner, own, make("other", "other", v1alpha1.AccessReadOnly)}
}

// several makes buckets in several states.
func several() world {
	w := tripped()
	w.providers, w.accesses = nil, nil
	add := func(bucket v1alpha1.SovereignBucket, replicas []v1alpha1.BucketReplica) {
		w.buckets, w.replicas = append(w.buckets, bucket), append(w.replicas, replicas...)
	}
	add(healthy("deliberations", "Délibérations du conseil municipal, et tout ce qui les accompagne"))
	untouched, _ := healthy("nouveau", "Nouveau")
	untouched.Status = v1alpha1.SovereignBucketStatus{}
	add(untouched, nil)
	leaving, replicas := healthy("ancien", "Ancien")
	leaving.Namespace, leaving.DeletionTimestamp = "archives", ago(time.Hour)
	add(leaving, replicas)
	edited, replicas := healthy("photos", "Photothèque")
	edited.Generation, edited.Spec.Suspend = 2, true
	add(edited, replicas)
	return w
}

func TestShowsBucketsForPeople(t *testing.T) {
	clitest.Golden(t, "list.txt", renderList(several().models(), clitest.Now))
	clitest.Golden(t, "one.txt", renderOne(tripped().models()[0], clitest.Now))
	well, replicas := healthy("actes", "Actes d'état civil")
	w := world{buckets: []v1alpha1.SovereignBucket{well}, replicas: replicas}
	clitest.Golden(t, "well.txt", renderOne(w.models()[0], clitest.Now))
	untouched := v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "etat-civil", Name: "nouveau", Generation: 1}}
	clitest.Golden(t, "untouched.txt", renderOne(world{buckets: []v1alpha1.SovereignBucket{untouched}}.models()[0], clitest.Now))
}

func TestShowsBucketsForPrograms(t *testing.T) {
	var b strings.Builder
	if err := output.Write(&b, output.JSON, tripped().models(), nil); err != nil {
		t.Fatal(err)
	}
	clitest.Golden(t, "one.json", b.String())
	if !json.Valid([]byte(b.String())) {
		t.Error("it is not JSON")
	}
}

func TestUnknownIsNeverShownAsHealthy(t *testing.T) {
	tests := map[string]struct {
		conditions []metav1.Condition
		generation int64
		want       metav1.ConditionStatus
	}{
		"a condition that holds":                       {allTrue([]string{"X"}), 1, metav1.ConditionTrue},
		"one that does not":                            {[]metav1.Condition{is("X", metav1.ConditionFalse, "R", "")}, 1, metav1.ConditionFalse},
		"one that is absent":                           {nil, 1, metav1.ConditionUnknown},
		"one that held for a spec that has changed":    {allTrue([]string{"X"}), 2, metav1.ConditionUnknown},
		"one that was False before the spec changed":   {[]metav1.Condition{is("X", metav1.ConditionFalse, "R", "")}, 2, metav1.ConditionFalse},
		"one of which the operator says it is unknown": {[]metav1.Condition{is("X", metav1.ConditionUnknown, "R", "")}, 1, metav1.ConditionUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := judge(test.conditions, "X", test.generation).Status; got != test.want {
				t.Errorf("it is shown as %s, want %s", got, test.want)
			}
		})
	}
}

func TestACopyThatSomebodyElseMadeIsNotShown(t *testing.T) {
	bucket, replicas := healthy("actes", "Actes")
	foreign := *replicas[0].DeepCopy()
	foreign.Name, foreign.OwnerReferences = "foreign", nil
	elsewhere := *replicas[0].DeepCopy()
	elsewhere.Namespace = "archives"
	former := *replicas[0].DeepCopy()
	former.Name, former.OwnerReferences[0].UID = "of-a-bucket-of-that-name-before", "other"
	w := world{buckets: []v1alpha1.SovereignBucket{bucket}, replicas: append(replicas, foreign, elsewhere, former)}
	if got := w.models()[0].Copies; len(got) != 2 {
		t.Errorf("copies %+v, want the two of the bucket", got)
	}
}

// tenants is a cluster in which neither providers nor accesses may be read.
type tenants struct{ world }

func (c tenants) Get(_ context.Context, _ client.ObjectKey, into client.Object) error {
	c.buckets[0].DeepCopyInto(into.(*v1alpha1.SovereignBucket))
	return nil
}

func (c tenants) List(_ context.Context, into client.ObjectList, _ ...client.ListOption) error {
	switch into := into.(type) {
	case *v1alpha1.SovereignBucketList:
		into.Items = c.buckets
	case *v1alpha1.BucketReplicaList:
		into.Items = c.replicas
	default:
		return apierrors.NewForbidden(schema.GroupResource{Resource: "sovereignproviders"}, "", nil)
	}
	return nil
}

func TestWhoMayNotReadEverythingIsShownTheRest(t *testing.T) {
	streams, _, _, errOut := genericiooptions.NewTestIOStreams()
	c := command{env: &env.Environment{IOStreams: streams}}
	seen, err := c.look(t.Context(), tenants{tripped()}, "etat-civil", []string{"actes"})
	if err != nil {
		t.Fatal(err)
	}
	notes := errOut.String()
	if len(seen.models()[0].Copies) != 2 || !strings.Contains(notes, "you may not read SovereignProviders") ||
		!strings.Contains(notes, "you may not read SovereignBucketAccesses") {
		t.Errorf("copies %v, notes %q", seen.models()[0].Copies, errOut)
	}
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{{"a", "b"}, {"actes", "-A"}, {"-o", "wide"}, {"--failed"}} {
		if got := clitest.Run(t, "", NewCommand, args...); got.Code != env.ExitUsage || got.ErrOut == "" {
			t.Errorf("%v: exit code %d, errors %q", args, got.Code, got.ErrOut)
		}
	}
}

func TestWithoutAClusterItFails(t *testing.T) {
	got := clitest.Run(t, "", NewCommand, "--server", "http://127.0.0.1:1")
	if got.Code != env.ExitFailure || !strings.Contains(got.ErrOut, "cannot reach the cluster") || got.Out != "" {
		t.Errorf("exit code %d, output %q, errors %q", got.Code, got.Out, got.ErrOut)
	}
}
