package integration

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// What somebody else's hand does to a bucket.
const (
	openACL = `<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>` +
		`<Grant><Grantee><ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>` +
		`<Grant><Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>` +
		`</AccessControlList></AccessControlPolicy>`
	copiedElsewhere = `<ReplicationConfiguration><Role>r</Role><Rule><ID>x</ID><Status>Enabled</Status>` +
		`<Destination><Bucket>arn:aws:s3:::elsewhere</Bucket></Destination></Rule></ReplicationConfiguration>`
	deletedEarly = `<LifecycleConfiguration><Rule><ID>purge</ID><Status>Enabled</Status><Filter/>` +
		`<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`
)

// hand is one change, and what is to be seen of it.
type hand struct {
	property, got string
	change        func(t *testing.T, server *emulator.Server, bucket string)
	// isDone tells whether the change is still in force.
	isDone func(server *emulator.Server, bucket string) bool
}

func configures(property, document, got, sign string) hand {
	return hand{
		property: property, got: got,
		change: func(_ *testing.T, server *emulator.Server, bucket string) {
			server.SetConfiguration(bucket, property, document)
		},
		isDone: func(server *emulator.Server, bucket string) bool {
			return strings.Contains(server.Configuration(bucket, property), sign)
		},
	}
}

var hands = []hand{
	{
		property: "versioning", got: "Suspended",
		change: suspend,
		isDone: func(server *emulator.Server, bucket string) bool {
			return server.Buckets()[bucket].Versioning == "Suspended"
		},
	},
	{
		property: "mark", got: "missing",
		change: unmark,
		isDone: func(server *emulator.Server, bucket string) bool {
			return server.Buckets()[bucket].Tags[provider.MarkOwnerTag] == ""
		},
	},
	configures("acl", openACL, "open to everybody (READ)", "AllUsers"),
	{
		property: "policy", got: "open to everybody (s3:GetObject)",
		change: func(t *testing.T, server *emulator.Server, bucket string) {
			t.Helper()
			open := `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + bucket + `/*"}`
			document := `{"Version":"2012-10-17","Statement":[` + open + `]}`
			if own := server.Buckets()[bucket].Policy; own != "" {
				document = strings.Replace(own, `"Statement":[`, `"Statement":[`+open+`,`, 1)
			}
			if err := server.SetBucketPolicy(bucket, document); err != nil {
				t.Fatal(err)
			}
		},
		isDone: func(server *emulator.Server, bucket string) bool {
			return strings.Contains(server.Buckets()[bucket].Policy, `"Allow","Principal":"*"`)
		},
	},
	configures("lifecycle", deletedEarly, "deleting objects after 1 days (rule purge)", "Enabled"),
	configures("replication", copiedElsewhere, "on, to arn:aws:s3:::elsewhere", "Enabled"),
}

// watched is a dataset with one object, copied, at stores that tell everything.
func watched(t *testing.T, change ...func(*v1alpha1.SovereigntyPolicySpec)) (*world, map[string]*emulator.Server, *v1alpha1.SovereignBucket) {
	t.Helper()
	w := newWorld(t)
	stores := map[string]*emulator.Server{}
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		stores[name] = w.emulated(name, tellsSettings)
	}
	w.threeProviders()
	w.policy("etat-civil", change...)
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "acte", "1901")
	w.awaitObjects(bucket, 1)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	return w, stores, bucket
}

func reports(s *v1alpha1.SovereigntyPolicySpec) { s.Protection.Drift = v1alpha1.DriftReport }

func TestEveryKindOfDriftIsSetRight(t *testing.T) {
	w, stores, bucket := watched(t)
	for _, place := range []string{"onprem/dc1", "ovh/GRA"} {
		store, _, _ := strings.Cut(place, "/")
		name := w.replicas(bucket)[place].Spec.BucketName
		for _, hand := range hands {
			hand.change(t, stores[store], name)
			if !hand.isDone(stores[store], name) {
				t.Fatalf("%s of %s was not changed", hand.property, place)
			}
			w.sync(bucket)
			w.eventually(func() error {
				if hand.isDone(stores[store], name) {
					return notYet("%s at %s is as it was changed", hand.property, place)
				}
				if drift := w.replicas(bucket)[place].Status.Drift; len(drift) != 0 {
					return notYet("drift at %s is %+v", place, drift)
				}
				return nil
			})
			w.awaitEvent("DriftDetected", "bucket "+name+" at "+place+" was changed: "+hand.property+" is "+hand.got)
			w.awaitEvent("DriftDetected", "it was set right")
		}
	}
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	// The application's key is in the policy that was closed to the public.
	session, name := w.application(bucket)
	put(t, session, name, "acte-2", "1902")
	w.awaitObjects(bucket, 2)
	for store, server := range stores {
		for _, r := range server.Requests(func(r emulator.Request) bool { return r.Method == http.MethodDelete && r.Key == "" && r.Query != "" }) {
			t.Errorf("sent DELETE /%s?%s to %s: that deletes the bucket of a store that does not know it", r.Bucket, r.Query, store)
		}
	}
}

func TestEveryKindOfDriftIsOnlyReported(t *testing.T) {
	w, stores, bucket := watched(t, reports)
	const place = "ovh/GRA"
	name := w.replicas(bucket)[place].Spec.BucketName
	properties := map[string]string{}
	for _, hand := range hands {
		hand.change(t, stores["ovh"], name)
		properties[hand.property] = hand.got
	}
	w.sync(bucket)
	w.eventually(func() error {
		got := map[string]string{}
		for _, drift := range w.replicas(bucket)[place].Status.Drift {
			if got[drift.Property] = drift.Got; drift.Uncorrected != "" {
				return notYet("somebody tried to set %s right: %s", drift.Property, drift.Uncorrected)
			}
		}
		if diff := cmp.Diff(properties, got); diff != "" {
			return notYet("drift (-want +got):\n%s", diff)
		}
		return nil
	})
	for _, hand := range hands {
		if !hand.isDone(stores["ovh"], name) {
			t.Errorf("%s was set right, and the policy asks for a report", hand.property)
		}
		w.awaitEvent("DriftDetected", hand.property+" is "+hand.got)
	}
	w.awaitEvent("DriftDetected", "it is left as it is, and shown")
	shown := w.await(w.replicas(bucket)[place], v1alpha1.ConditionProvisioned, metav1.ConditionTrue, v1alpha1.ReasonDriftDetected)
	wantIn(t, shown.Message, "versioning is Suspended, should be Enabled; mark is missing, should be present; acl is open to everybody (READ), should be private")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue) // the primary is well
}

// Where a foreign rule copies to, nobody asked a policy.
func TestARuleThatCopiesElsewhereIsAViolationUntilItIsGone(t *testing.T) {
	w, stores, bucket := watched(t, reports)
	name := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	stores["ovh"].SetConfiguration(name, "replication", copiedElsewhere)
	w.sync(bucket)
	violation := w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
	wantIn(t, violation.Message, "bucket "+name+" at ovh/GRA is copied elsewhere by a rule of the store: replication is on, to arn:aws:s3:::elsewhere")
	w.awaitEvent("ResidencyViolation", "arn:aws:s3:::elsewhere")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue) // the primary complies

	// No byte more goes where it would be copied on from.
	held := w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
	wantIn(t, held.Message, "nothing is written to it until the rule is gone")
	session, primary := w.application(bucket)
	put(t, session, primary, "acte-2", "1902")
	looks := stores["ovh"].Count("GetBucketReplication")
	w.sync(bucket)
	w.eventually(func() error {
		if stores["ovh"].Count("GetBucketReplication") == looks {
			return notYet("it was not looked again")
		}
		return nil
	})
	if keys := userKeys(stores["ovh"], name); len(keys) != 1 {
		t.Errorf("the copy got %q while it is copied elsewhere", keys)
	}

	stores["ovh"].SetConfiguration(name, "replication", strings.ReplaceAll(copiedElsewhere, "Enabled", "Disabled"))
	w.awaitObjects(bucket, 2)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)

	// The same at the primary is a matter of the application too.
	stores["onprem"].SetConfiguration(primary, "replication", copiedElsewhere)
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
}

func TestARuleThatTheStoreKeepsIsShownWithTheReason(t *testing.T) {
	w, stores, bucket := watched(t)
	name := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	stores["ovh"].Faults().Add(emulator.Match{Operation: "PutBucketReplication"}, emulator.EmptyBody())
	stores["ovh"].SetConfiguration(name, "replication", copiedElsewhere)
	w.sync(bucket)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
	w.awaitEvent("DriftDetected", "it could not be set right: correct setting replication")
	replica := w.replicas(bucket)["ovh/GRA"]
	if drift := replica.Status.Drift; len(drift) != 1 || !strings.Contains(drift[0].Uncorrected, "the store accepts the change and keeps what was set") {
		t.Errorf("drift is %+v", drift)
	}

	// A store that fails to tell does not make it better.
	stores["ovh"].Faults().Add(emulator.Match{Operation: "GetBucketReplication"}, emulator.Fail(http.StatusNotImplemented, "NotImplemented"))
	w.sync(bucket)
	w.eventually(func() error {
		if unknown := w.replicas(bucket)["ovh/GRA"].Status.DriftUnknown; !cmp.Equal(unknown, []string{"replication"}) {
			return notYet("not known is %q", unknown)
		}
		return nil
	})
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionFalse, v1alpha1.ReasonDriftDetected)
}

func TestAStoreThatAnswersBadlyIsNotKnownAndBlocksNothing(t *testing.T) {
	w := newWorld(t)
	listing := `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`
	stores := map[string]*emulator.Server{
		"onprem": w.emulated("onprem", tellsSettings),
		"ovh": w.emulated("ovh", func(o *emulator.Options) {
			o.BadAnswers = map[string]string{"acl": "", "replication": listing, "lifecycle": "<LifecycleConfiguration><Rule>"}
		}),
		"tds-outscale": w.emulated("tds-outscale", func(o *emulator.Options) { o.CarelessSubresources = true }),
	}
	w.threeProviders()
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Copies = v1alpha1.CopyRules{Minimum: 3, DistinctOperators: 3}
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionResidencyCompliant, metav1.ConditionTrue)
	for place, want := range map[string][]string{
		"onprem/dc1": nil, "ovh/GRA": {"acl", "replication", "lifecycle"}, "tds-outscale/eu-west-2": {"acl", "replication", "lifecycle"},
	} {
		replica := w.replicas(bucket)[place]
		if diff := cmp.Diff(want, replica.Status.DriftUnknown); diff != "" || len(replica.Status.Drift) != 0 {
			t.Errorf("%s: drift %+v, not known (-want +got):\n%s", place, replica.Status.Drift, diff)
		}
		store, _, _ := strings.Cut(place, "/")
		if _, isThere := stores[store].Buckets()[replica.Spec.BucketName]; !isThere {
			t.Errorf("the bucket at %s is gone", place)
		}
	}
}

// An adopted bucket comes with what was set before.
func TestAnAdoptedBucketIsSetRightOnlyOnceItIsMarked(t *testing.T) {
	w, stores := inherited(t)
	server := stores["onprem"]
	server.SetConfiguration(former, "replication", copiedElsewhere)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil", adopting("onprem", "dc1", former))
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	wantMarkedFirst(t, server)
	if strings.Contains(server.Configuration(former, "replication"), "Enabled") {
		t.Error("the rule is still in force")
	}
	w.awaitEvent("DriftDetected", "replication is on, to arn:aws:s3:::elsewhere")
	if state, err := open(t, server, server.AccessKey, server.SecretKey).ObserveBucket(context.Background(), former); err != nil || state.Mark == nil {
		t.Errorf("the bucket is %+v, %v", state, err)
	}
}

// A run sees the bucket that it writes to, so that nobody has to wait for a look.
func TestARunNoticesThatItsTargetChanged(t *testing.T) {
	w, stores, bucket := watched(t)
	name := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	suspend(t, stores["ovh"], name)
	w.eventually(func() error {
		if versioning := stores["ovh"].Buckets()[name].Versioning; versioning != "Enabled" {
			return notYet("versioning is %s", versioning)
		}
		return nil
	})

	// Somebody else takes the bucket over: not a byte more is written to it.
	session, primary := w.application(bucket)
	markAs(t, stores["ovh"], name, ownership.Installation{ID: "other", Key: []byte("other")})
	put(t, session, primary, "acte-2", "1902")
	w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionProvisioned, metav1.ConditionFalse, v1alpha1.ReasonNotOwner)
	if keys := userKeys(stores["ovh"], name); len(keys) != 1 {
		t.Errorf("the bucket of the other owner got %q", keys)
	}
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse)
}

func TestVersioningThatCannotBeSetRightIsShown(t *testing.T) {
	w, stores, bucket := watched(t)
	name := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	suspend(t, stores["ovh"], name)
	stores["ovh"].Faults().Add(emulator.Match{Operation: "PutBucketVersioning"}, emulator.Fail(http.StatusForbidden, "AccessDenied"))
	w.sync(bucket)
	w.awaitEvent("DriftDetected", "versioning is Suspended, should be Enabled; it could not be set right: ")
	refused := w.await(w.replicas(bucket)["ovh/GRA"], v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	wantIn(t, refused.Message, "set up the bucket")
	if drift := w.replicas(bucket)["ovh/GRA"].Status.Drift; len(drift) != 1 || drift[0].Got != "Suspended" || drift[0].Uncorrected == "" {
		t.Errorf("drift is %+v", drift)
	}
}
