package integration

import (
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// movedClock is a clock that is ahead of the real one.
type movedClock struct{ ahead atomic.Int64 }

// Now implements clock.PassiveClock.
func (c *movedClock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Since implements clock.PassiveClock.
func (c *movedClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *movedClock) move(d time.Duration) { c.ahead.Add(int64(d)) }

const week = 7 * 24 * time.Hour

// readsOf counts how often an object was read.
func readsOf(server *emulator.Server, bucket, key string) int {
	return len(server.Requests(func(r emulator.Request) bool {
		return r.Operation == "GetObject" && r.Bucket == bucket && r.Key == key
	}))
}

// A disk of the copy's store fails silently: listings go on saying what they said.
func TestTheWeeklyAuditFindsWhatListingsDoNotShow(t *testing.T) {
	var now movedClock
	w, stores := emulatedWorld(t, func(o *app.ManagerOptions) { o.Clock = &now })
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Objectives.RPO = &metav1.Duration{Duration: 10 * time.Second}
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "registres/1901", "acte 1901")
	put(t, session, name, "registres/1902", "acte 1902")
	w.awaitObjects(bucket, 2)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)

	// The first audit is due at once or within the week, as may be: after a week
	// there was one, and it is clean.
	now.move(week + time.Hour)
	w.sync(bucket)
	replica := w.replicas(bucket)["ovh/GRA"]
	audited := w.awaitVerifiedSince(replica, now.Now().Add(-time.Hour))
	w.await(replica, v1alpha1.ConditionVerified, metav1.ConditionTrue)

	if err := stores["ovh"].Corrupt(replica.Spec.BucketName, "registres/1902", func(o *emulator.Object) { o.Body[0] ^= 1 }); err != nil {
		t.Fatal(err)
	}
	// Runs see nothing of it, and the audit is not due for a week.
	w.get(replica)
	runs := stores["ovh"].Count("ListObjectsV2")
	w.eventually(func() error {
		if stores["ovh"].Count("ListObjectsV2") < runs+4 {
			return notYet("there were no more runs")
		}
		return nil
	})
	w.await(replica, v1alpha1.ConditionVerified, metav1.ConditionTrue)
	if stored, _ := stores["ovh"].Object(replica.Spec.BucketName, "registres/1902"); string(stored.Body) == "acte 1902" {
		t.Fatal("a run repaired what it cannot see, so the audit has nothing to find")
	}

	// The repair is held up, so that there is time to see what is said meanwhile.
	gate := make(chan struct{})
	repair := stores["ovh"].Faults().Add(emulator.Match{Operation: "PutObject", Key: "registres/1902"}, emulator.Hold(gate))
	now.move(week + time.Hour)
	w.sync(bucket)
	found := w.await(replica, v1alpha1.ConditionVerified, metav1.ConditionFalse, v1alpha1.ReasonVerificationMismatch)
	wantIn(t, found.Message, "1 objects are different")
	w.awaitEvent("VerificationMismatch", "1 objects are different")
	w.await(bucket, v1alpha1.ConditionVerified, metav1.ConditionFalse, v1alpha1.ReasonVerificationMismatch)

	// The next run sets it right, and the audit after a pause says so.
	w.eventually(func() error {
		if repair.Hits() == 0 {
			return notYet("no run sets it right")
		}
		return nil
	})
	close(gate)
	w.eventually(func() error {
		if stored, _ := stores["ovh"].Object(replica.Spec.BucketName, "registres/1902"); string(stored.Body) != "acte 1902" {
			return notYet("the copy holds %q", stored.Body)
		}
		return nil
	})
	w.await(replica, v1alpha1.ConditionVerified, metav1.ConditionFalse, v1alpha1.ReasonVerificationMismatch)
	now.move(2 * time.Minute)
	w.sync(bucket)
	w.awaitVerifiedSince(replica, audited.Add(week))
	w.await(replica, v1alpha1.ConditionVerified, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionVerified, metav1.ConditionTrue)

	// Then there is silence for another week.
	reads, runs := readsOf(stores["ovh"], replica.Spec.BucketName, "registres/1901"), stores["ovh"].Count("ListObjectsV2")
	w.eventually(func() error {
		if stores["ovh"].Count("ListObjectsV2") < runs+4 {
			return notYet("there were no more runs")
		}
		return nil
	})
	if again := readsOf(stores["ovh"], replica.Spec.BucketName, "registres/1901"); again != reads {
		t.Errorf("the copy was read %d more times although its audit is not due", again-reads)
	}
}

// awaitVerifiedSince waits until the content of a copy was verified no longer ago
// than that, and tells when.
func (w *world) awaitVerifiedSince(replica *v1alpha1.BucketReplica, since time.Time) time.Time {
	w.t.Helper()
	w.eventually(func() error {
		w.get(replica)
		if verified := replica.Status.LastVerifiedTime; verified == nil || verified.Time.Before(since) {
			return notYet("the content was last verified at %v, want it after %s: %v", verified, since, replica.Status.Conditions)
		}
		return nil
	})
	return replica.Status.LastVerifiedTime.Time
}

// An audit that cannot read the copy says nothing about it, and is not begun
// again and again: each reads all that the copy holds.
func TestAnAuditThatFailsIsNotRepeatedWithoutPause(t *testing.T) {
	var now movedClock
	w, stores := emulatedWorld(t, func(o *app.ManagerOptions) { o.Clock = &now })
	w.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) {
		s.Objectives.RPO = &metav1.Duration{Duration: time.Hour}
	})
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	session, name := w.application(bucket)
	put(t, session, name, "registres/1901", "acte 1901")
	put(t, session, name, "registres/1902", "acte 1902")
	w.awaitObjects(bucket, 2)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)

	copied := w.replicas(bucket)["ovh/GRA"].Spec.BucketName
	unreadable := stores["ovh"].Faults().Add(
		emulator.Match{Operation: "GetObject", Bucket: copied, Key: "registres/1902"}, emulator.Fail(403, "AccessDenied"))
	before := readsOf(stores["ovh"], copied, "registres/1901")
	now.move(week + time.Hour)
	w.sync(bucket)
	w.eventually(func() error {
		if unreadable.Hits() == 0 {
			return notYet("no audit began")
		}
		return nil
	})
	w.awaitEvent("VerificationFailed", "the content at ovh/GRA could not be verified")
	time.Sleep(hammering)
	if reads := readsOf(stores["ovh"], copied, "registres/1901") - before; reads > 1 {
		t.Errorf("the copy was read %d times within %s, want once", reads, hammering)
	}
}
