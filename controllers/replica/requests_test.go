package replica

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/rollcall"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// fleet are many copies at one place of one account, looked after on a fake clock.
// It runs the phases that ask the store about buckets; runs of the mover are not
// part of it.
type fleet struct {
	t        *testing.T
	server   *emulator.Server
	session  provider.Session
	clock    *clocktesting.FakeClock
	operator *Reconciler
	replicas []*v1alpha1.BucketReplica
}

func newFleet(t *testing.T, size int, change ...func(*emulator.Options)) *fleet {
	t.Helper()
	options := emulator.Options{MaxBuckets: size + 1, StoredConfigurations: []string{"acl", "replication", "lifecycle"}}
	for _, f := range change {
		f(&options)
	}
	server := emulator.Start(t, options)
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: "onprem", Location: "dc1", Endpoint: server.URL, Region: server.Region,
	}, provider.Credentials{provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, server: server, session: session, clock: clocktesting.NewFakeClock(now)}
	for i := range size {
		replica := &v1alpha1.BucketReplica{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: fmt.Sprintf("b%d", i), UID: types.UID(fmt.Sprint(i))},
			Spec:       v1alpha1.BucketReplicaSpec{BucketName: fmt.Sprintf("bucket-%d", i), Role: v1alpha1.RolePrimary},
		}
		replica.Spec.ProviderName, replica.Spec.Location, replica.Spec.BucketRef.Name = "onprem", "dc1", replica.Name
		f.replicas = append(f.replicas, replica)
	}
	f.restart()
	return f
}

// restart is another process, which remembers nothing but what the statuses do.
func (f *fleet) restart() {
	f.operator = NewReconciler(Config{
		Clock: f.clock, Register: rollcall.New(f.clock), Installation: ownership.Installation{ID: "test", Key: []byte("key")},
	})
}

// look looks after one copy once.
func (f *fleet) look(replica *v1alpha1.BucketReplica) error {
	f.t.Helper()
	s := newScope(replica, f.clock.Now())
	s.memory = f.operator.memory.of(replica.UID)
	s.bucket = &v1alpha1.SovereignBucket{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: replica.Name}}
	s.facts = gather.Facts{Bucket: s.bucket, Policies: []placement.Policy{{Spec: v1alpha1.SovereigntyPolicySpec{
		Protection: v1alpha1.Protection{Versioning: v1alpha1.Required},
	}}}}
	s.session = f.session
	err := loop.Run(f.t.Context(), s, f.operator.provision, f.operator.inspect)
	replica.Status.Conditions = s.report(err).Conditions
	return err
}

// pass looks after all copies every so often for a while.
func (f *fleet) pass(during, every time.Duration) {
	f.t.Helper()
	for range int(during / every) {
		for _, replica := range f.replicas {
			if err := f.look(replica); err != nil {
				f.t.Fatalf("%s: %v", replica.Name, err)
			}
		}
		f.clock.Step(every)
	}
}

// sent counts the requests since the last count.
func (f *fleet) sent() int {
	total := 0
	for _, count := range f.server.Counts() {
		total += count
	}
	f.server.ForgetRequests()
	return total
}

// Figures that the page about BucketReplicas gives.
const (
	perCreation = 10
	perRestart  = 6
	perHour     = 5
)

func TestRequestsOfABucket(t *testing.T) {
	f := newFleet(t, 1)
	f.pass(time.Second, time.Second)
	if sent := f.sent(); sent > perCreation+1 {
		t.Errorf("making a bucket took %d requests: %v", sent, f.server.Counts())
	} else {
		t.Logf("creation: %d requests, one of them the list that all share", sent)
	}
	// The list is older than the bucket, which is missing in it: that says nothing.
	f.pass(9*time.Minute, time.Minute)
	if sent := f.sent(); sent != 0 {
		t.Errorf("just made, it cost %d requests more", sent)
	}
	f.pass(24*time.Hour, 10*time.Minute)
	lists := f.server.Count("ListBuckets")
	if sent := f.sent(); lists > 24*6 || sent-lists > 24*perHour {
		t.Errorf("at rest: %d requests in a day, and %d lists", sent-lists, lists)
	} else {
		t.Logf("at rest: %d requests in a day, and %d lists that all share", sent-lists, lists)
	}
}

func TestRequestsOf500Buckets(t *testing.T) {
	const buckets = 500
	f := newFleet(t, buckets)
	f.pass(time.Second, time.Second)
	if sent := f.sent(); sent > buckets*perCreation+1 {
		t.Errorf("making %d buckets took %d requests", buckets, sent)
	}
	f.pass(3*time.Hour, 5*time.Minute)
	lists := f.server.Count("ListBuckets")
	if lists > 3*6 {
		t.Errorf("%d lists in three hours", lists)
	}
	if sent := f.sent(); sent-lists > 3*buckets*perHour {
		t.Errorf("at rest: %d requests in three hours for %d buckets", sent-lists, buckets)
	} else {
		t.Logf("at rest: %d requests in three hours for %d buckets, and %d lists", sent-lists, buckets, lists)
	}
	f.restart()
	f.pass(time.Second, time.Second)
	if sent := f.sent(); sent > buckets*perRestart+1 {
		t.Errorf("a restart took %d requests for %d buckets", sent, buckets)
	}
}

// Every copy is looked at again and again, as the queue does after failures; the
// store sees none of that.
func TestAFailingProviderIsNotHammered(t *testing.T) {
	const buckets = 500
	for name, fill := range map[string]bool{"with buckets at rest": true, "with buckets to be made": false} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, buckets)
			if fill {
				f.pass(time.Second, time.Second)
			}
			f.clock.Step(driftInterval)
			f.sent()
			f.server.Faults().Add(emulator.Match{}, emulator.Fail(http.StatusInternalServerError, "InternalError"))
			for range 10 * 60 {
				for _, replica := range f.replicas[:50] {
					if err := f.look(replica); !errors.Is(err, provider.ErrServer) {
						t.Fatalf("%s: %v", replica.Name, err)
					}
				}
				f.clock.Step(time.Second)
			}
			if sent := f.sent(); sent > 10*4+1 {
				t.Errorf("%d requests in ten minutes", sent)
			}
		})
	}
}

func TestABucketThatVanishesIsMissedByTheList(t *testing.T) {
	f := newFleet(t, 20)
	f.pass(time.Minute, time.Minute)
	if err := f.session.DeleteBucket(t.Context(), "bucket-7"); err != nil {
		t.Fatal(err)
	}
	f.sent()
	lost := func() bool {
		err := f.look(f.replicas[7])
		return err != nil && f.replicas[7].Status.Conditions[0].Reason == v1alpha1.ReasonPrimaryRelocationRequired
	}
	for range 10 {
		if lost() {
			if sent := f.sent(); sent > 2 {
				t.Errorf("it took %d requests to miss it, want a list and a look", sent)
			}
			return
		}
		f.clock.Step(time.Minute)
	}
	t.Errorf("after %s it is not missed: %+v", driftInterval, f.replicas[7].Status.Conditions)
}

// A key that reaches only some buckets has to look at each.
func TestAKeyThatMayNotListLooksAtEachBucket(t *testing.T) {
	f := newFleet(t, 3)
	f.server.Faults().Add(emulator.Match{Operation: "ListBuckets"}, emulator.Fail(http.StatusForbidden, "AccessDenied"))
	f.pass(time.Minute, time.Minute)
	f.sent()
	if err := f.session.DeleteBucket(t.Context(), "bucket-1"); err != nil {
		t.Fatal(err)
	}
	f.clock.Step(driftInterval)
	if err := f.look(f.replicas[1]); err == nil || f.replicas[1].Status.Conditions[0].Reason != v1alpha1.ReasonPrimaryRelocationRequired {
		t.Errorf("it is not missed: %v, %+v", err, f.replicas[1].Status.Conditions)
	}
	f.sent()
	for _, replica := range []*v1alpha1.BucketReplica{f.replicas[0], f.replicas[2]} {
		for range 60 {
			if err := f.look(replica); err != nil {
				t.Fatal(err)
			}
			f.clock.Step(time.Minute)
		}
	}
	if sent := f.sent(); sent > 2*(6*2+2*4)+3 {
		t.Errorf("%d requests for two buckets in an hour each", sent)
	}
}

// Nobody asks, and it is found all the same.
func TestDriftIsFoundOnSchedule(t *testing.T) {
	rule := `<ReplicationConfiguration><Rule><Status>Enabled</Status><Destination><Bucket>b</Bucket></Destination></Rule></ReplicationConfiguration>`
	for name, test := range map[string]struct {
		change func(s *emulator.Server)
		within time.Duration
		isDone func(s *emulator.Server) bool
	}{
		"a rule that copies elsewhere within an hour and a quarter": {
			func(s *emulator.Server) { s.SetConfiguration("bucket-0", "replication", rule) }, 75 * time.Minute,
			func(s *emulator.Server) bool { return s.Configuration("bucket-0", "replication") != rule },
		},
		"a mark that was removed within seven hours and a half": {
			func(s *emulator.Server) { s.RemoveTags("bucket-0") }, 450 * time.Minute,
			func(s *emulator.Server) bool { return s.Buckets()["bucket-0"].Tags[provider.MarkOwnerTag] != "" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t, 1)
			f.pass(time.Minute, time.Minute)
			test.change(f.server)
			begin := f.clock.Now()
			for !test.isDone(f.server) {
				if f.clock.Since(begin) > test.within {
					t.Fatal("it was not found")
				}
				f.pass(time.Minute, time.Minute)
			}
		})
	}
}

func TestLooksSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := jittered(detailInterval)
		if d < detailInterval*3/4 || d >= detailInterval*5/4 {
			t.Fatalf("%s is not within a quarter of %s", d, detailInterval)
		}
		seen[d.Truncate(10*time.Minute)] = true
	}
	if len(seen) < 10 {
		t.Errorf("100 looks come at %d times", len(seen))
	}
}
