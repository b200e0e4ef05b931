package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/app"
	manifests "github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// told is an installation whose store on premises tells of what changes.
type told struct {
	*world
	address string
	stores  map[string]*emulator.Server
	bucket  *v1alpha1.SovereignBucket
	// primary and copied are the buckets at the stores.
	primary, copied string
	replica         *v1alpha1.BucketReplica
}

// newTold makes a dataset of n objects, copied once, whose passes come as often as the
// objective asks for.
func newTold(t *testing.T, n int, rpo time.Duration, change ...func(*app.ManagerOptions)) *told {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tt := &told{address: listener.Addr().String(), stores: map[string]*emulator.Server{}}
	listener.Close()
	tt.world = newWorld(t, append([]func(*app.ManagerOptions){func(o *app.ManagerOptions) { o.Events.Address = tt.address }}, change...)...)
	for _, name := range []string{"onprem", "ovh", "tds-outscale"} {
		tt.stores[name] = tt.emulated(name, tellsSettings)
	}
	tt.threeProviders()
	tt.policy("etat-civil", func(s *v1alpha1.SovereigntyPolicySpec) { s.Objectives.RPO = &metav1.Duration{Duration: rpo} })
	tt.bucket = tt.world.bucket("actes", "etat-civil")
	tt.await(tt.bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	tt.primary = tt.replicas(tt.bucket)["onprem/dc1"].Spec.BucketName
	for i := range n {
		tt.stores["onprem"].PutObjectDirect(tt.primary, emulator.Object{Key: fmt.Sprintf("registres/%05d", i), Body: []byte("acte")})
	}
	tt.awaitObjects(tt.bucket, int64(n))
	tt.replica = tt.replicas(tt.bucket)["ovh/GRA"]
	tt.copied = tt.replica.Spec.BucketName
	return tt
}

// enable has events received and gives the URL to send them to.
func (w *told) enable() string {
	w.t.Helper()
	p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	w.update(p, func() { p.Spec.S3.Events = v1alpha1.EventsEnabled })
	w.await(p, v1alpha1.ConditionEventsServed, metav1.ConditionTrue)
	secret := w.secret(p.Status.Events.SecretName)
	return "http://" + w.address + string(secret.Data[v1alpha1.EventsPathKey])
}

func (w *told) secret(name string) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: name}}
	w.get(secret)
	return secret
}

// send posts a notification and gives the status of the answer.
func (w *told) send(url, bucket, key string) int {
	w.t.Helper()
	body := fmt.Sprintf(`{"Records":[{"s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, bucket, key)
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// awaitTaken waits until the endpoint answers for the path: the operator's memory learns
// of it a moment after the cluster.
func (w *told) awaitTaken(url string) {
	w.t.Helper()
	w.eventually(func() error {
		response, err := http.Head(url)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return notYet("a look is answered %s", response.Status)
		}
		return nil
	})
}

// awaitCopied waits until the copy holds the content, and tells how long it took.
func (w *told) awaitCopied(key, content string) time.Duration {
	w.t.Helper()
	began := time.Now()
	w.eventually(func() error {
		if got, _ := w.stores["ovh"].Object(w.copied, key); string(got.Body) != content {
			return notYet("the copy holds %q under %s", got.Body, key)
		}
		return nil
	})
	return time.Since(began)
}

// Figures that the page about BucketReplicas gives: requests for an object at its source,
// for what else its key may mean, and at the copy for all that are copied together.
const (
	eventAtSource = 2
	eventForForm  = 2
	eventAtCopy   = 12
)

// within is how long a change may take that the source tells of.
const within = 2 * time.Second

func TestAChangeThatTheSourceTellsOfIsCopiedAtOnce(t *testing.T) {
	w := newTold(t, 3000, time.Hour)
	url := w.enable()
	w.awaitTaken(url)
	w.stores["onprem"].SendEvents(url, emulator.EventHabits{})
	session, name := w.application(w.bucket)
	w.stores["onprem"].ForgetRequests()
	w.stores["ovh"].ForgetRequests()
	put(t, session, name, "registres/01500", "changed")
	if took := w.awaitCopied("registres/01500", "changed"); took > within {
		t.Errorf("a changed object took %s", took)
	}
	w.eventually(func() error {
		if written := w.stores["ovh"].Requests(func(r emulator.Request) bool {
			return r.Operation == "PutObject" && r.Key == manifests.Root("")+"index/whole.json"
		}); len(written) == 0 {
			return notYet("the manifest was not written")
		}
		return nil
	})
	wantAtMost(t, "one change at the source, the change itself included", w.stores["onprem"], w.primary, 1+eventAtSource+eventForForm)
	wantAtMost(t, "one change at the copy", w.stores["ovh"], w.copied, 1+eventAtCopy)
	w.stores["onprem"].SendEvents(url, emulator.EventHabits{Duplicates: 2})
	put(t, session, name, "registres/n° 7+8", "new")
	if took := w.awaitCopied("registres/n° 7+8", "new"); took > within {
		t.Errorf("a new object took %s", took)
	}
	if n := w.stores["onprem"].Count("ListObjectsV2"); n != 0 {
		t.Errorf("the source was listed %d times", n)
	}
	w.eventually(func() error {
		w.get(w.replica)
		if got := *w.replica.Status.Objects; got != 3001 {
			return notYet("%d objects", got)
		}
		return nil
	})

	// A deletion waits for the pass, which counts all of them, and is not hidden meanwhile.
	if err := session.Remove(context.Background(), provider.Ref{Bucket: name, Key: "registres/00007"}); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() error {
		w.get(w.replica)
		if w.replica.Status.UnreplicatedSince == nil {
			return notYet("the deletion is not shown as missing")
		}
		return nil
	})
	if _, isThere := w.stores["ovh"].Object(w.copied, "registres/00007"); !isThere {
		t.Error("a deletion was carried out outside a pass")
	}
	w.awaitObjects(w.bucket, 3000)
	w.eventually(func() error {
		w.get(w.replica)
		if since := w.replica.Status.UnreplicatedSince; since != nil {
			return notYet("missing since %s", since)
		}
		return nil
	})
	w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionTrue)
}

func TestWhatNoEventTellsOfIsFoundByThePass(t *testing.T) {
	w := newTold(t, 20, 10*time.Second)
	url := w.enable()
	w.awaitTaken(url)
	w.stores["onprem"].SendEvents(url, emulator.EventHabits{Drop: func(int) bool { return true }})
	session, name := w.application(w.bucket)
	put(t, session, name, "untold", "all the same")
	w.awaitCopied("untold", "all the same")
	w.stores["onprem"].SendEvents(url, emulator.EventHabits{Reorder: 3, Delay: 100 * time.Millisecond})
	for i := range 3 {
		put(t, session, name, "told", fmt.Sprint("state ", i))
	}
	w.awaitCopied("told", "state 2")
	w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionTrue)
}

func TestForgedEventsCopyNothing(t *testing.T) {
	w := newTold(t, 20, time.Hour)
	url := w.enable()
	w.awaitTaken(url)
	before := userKeys(w.stores["ovh"], w.copied)
	w.stores["ovh"].ForgetRequests()
	for _, key := range []string{"forged", "../../etc/passwd", ".rempart/owner", "registres/00003", "registres/00004/"} {
		if status := w.send(url, w.primary, key); status != http.StatusOK {
			t.Errorf("%s: %d", key, status)
		}
	}
	w.send(url, w.copied, "registres/00001") // a copy is nobody's source
	w.send(url, "strangers", "x")
	w.eventually(func() error {
		if len(w.stores["onprem"].Requests(func(r emulator.Request) bool { return r.Operation == "HeadObject" && r.Key == "registres/00003" })) == 0 {
			return notYet("the source was not asked")
		}
		return nil
	})
	put(t, w.session(), w.primary, "real", "real")
	w.send(url, w.primary, "real")
	w.awaitCopied("real", "real")
	after := userKeys(w.stores["ovh"], w.copied)
	if len(after) != len(before)+1 {
		t.Errorf("the copy holds %q", after)
	}
	for _, r := range w.stores["ovh"].Requests(func(r emulator.Request) bool { return r.Operation == "PutObject" || r.Operation == "DeleteObject" }) {
		if r.Key != "real" && !strings.HasPrefix(r.Key, provider.ReservedPrefix) {
			t.Errorf("%s of %q", r.Operation, r.Key)
		}
	}
	if status := w.send(strings.TrimSuffix(url, url[len(url)-3:]), w.primary, "forged"); status != http.StatusNotFound {
		t.Errorf("a wrong path is answered %d", status)
	}
}

// session is the application's.
func (w *told) session() provider.Session {
	w.t.Helper()
	session, _ := w.application(w.bucket)
	return session
}

func TestAFloodOfEventsIsBounded(t *testing.T) {
	w := newTold(t, 50, time.Hour)
	url := w.enable()
	w.awaitTaken(url)
	w.stores["onprem"].ForgetRequests()
	var answers [600]atomic.Int64
	var senders sync.WaitGroup
	for sender := range 8 {
		senders.Go(func() {
			for i := range 250 {
				answers[w.send(url, w.primary, fmt.Sprintf("registres/%05d", (sender+i)%50))].Add(1)
			}
		})
	}
	senders.Wait()
	if ok, later := answers[200].Load(), answers[503].Load(); ok == 0 || ok+later != 2000 {
		t.Errorf("%d were taken and %d refused", ok, later)
	}
	put(t, w.session(), w.primary, "after", "the flood")
	w.eventually(func() error {
		if status := w.send(url, w.primary, "after"); status != http.StatusOK {
			return notYet("answered %d", status)
		}
		return nil
	})
	if took := w.awaitCopied("after", "the flood"); took > 5*time.Second {
		t.Errorf("what came after the flood took %s", took)
	}
	if n := w.stores["onprem"].Count("GetObject"); n > 3 {
		t.Errorf("%d objects were read", n)
	}
	if asked := w.stores["onprem"].Count("HeadObject"); asked > 1500 {
		t.Errorf("the source was asked %d times about 50 objects", asked)
	}
}

func TestAnObjectiveShorterThanAListingIsSaidAtOnce(t *testing.T) {
	w := newTold(t, 20, time.Hour)
	slow := w.stores["onprem"].Faults().Add(emulator.Match{Operation: "ListObjectsV2", Bucket: w.primary}, emulator.Latency(11*time.Second))
	policy := &v1alpha1.SovereigntyPolicy{ObjectMeta: metav1.ObjectMeta{Name: "etat-civil"}}
	w.update(policy, func() { policy.Spec.Objectives.RPO = &metav1.Duration{Duration: 10 * time.Second} })
	said := w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonRPOUnattainable)
	wantIn(t, said.Message, "longer than the objective of 10s")
	wantIn(t, said.Message, "spec.s3.events")
	w.await(w.bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse, v1alpha1.ReasonRPOUnattainable)

	url := w.enable()
	w.awaitTaken(url)
	w.eventually(func() error {
		w.get(w.replica)
		for _, c := range w.replica.Status.Conditions {
			if c.Type == v1alpha1.ConditionWithinRPO && strings.Contains(c.Message, "none has come") {
				return nil
			}
		}
		return notYet("%v", w.replica.Status.Conditions)
	})
	w.stores["onprem"].SendEvents(url, emulator.EventHabits{})
	put(t, w.session(), w.primary, "told", "of")
	if took := w.awaitCopied("told", "of"); took > within {
		t.Errorf("beside a pass that lists, a change took %s", took)
	}
	w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionTrue)
	// Nothing comes any more, and no pass can say in time that nothing changed.
	w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionFalse, v1alpha1.ReasonLagExceeded)
	slow.Clear()
	w.await(w.replica, v1alpha1.ConditionWithinRPO, metav1.ConditionTrue)
}

func TestThePathOfEventsIsKeptAndWithdrawn(t *testing.T) {
	logs.listen(t)
	w := newTold(t, 1, time.Hour)
	url := w.enable()
	w.awaitTaken(url)
	p := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "onprem"}}
	w.get(p)
	secret := w.secret(p.Status.Events.SecretName)
	w.delete(secret)
	var renewed string
	w.eventually(func() error {
		again := &corev1.Secret{}
		if err := w.client.Get(context.Background(), client.ObjectKeyFromObject(secret), again); err != nil {
			return err
		}
		renewed = "http://" + w.address + string(again.Data[v1alpha1.EventsPathKey])
		return nil
	})
	if renewed == url {
		t.Error("the path is the same after its Secret was deleted")
	}
	w.awaitTaken(renewed)
	w.send(renewed, w.primary, "x")
	w.get(p)
	shown, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{url, renewed} {
		if secret := address[strings.LastIndex(address, "/")+1:]; strings.Contains(string(shown), secret) || strings.Contains(logs.text(), secret) {
			t.Errorf("the secret part of the path is shown, or logged")
		}
	}
	if status := w.send(url, w.primary, "x"); status != http.StatusNotFound {
		t.Errorf("the old path is answered %d", status)
	}
	w.update(p, func() { p.Spec.S3.Events = "Disabled" })
	w.eventually(func() error {
		w.get(p)
		err := w.client.Get(context.Background(), client.ObjectKeyFromObject(secret), &corev1.Secret{})
		if p.Status.Events != nil || !apierrors.IsNotFound(err) {
			return notYet("status %+v, Secret: %v", p.Status.Events, err)
		}
		return nil
	})
	if status := w.send(renewed, w.primary, "x"); status != http.StatusNotFound {
		t.Errorf("a path that was withdrawn is answered %d", status)
	}
}

func TestEventsWithoutAnEndpointAreSaidNotToCome(t *testing.T) {
	w := newWorld(t)
	w.emulated("onprem")
	p := w.provider("onprem", []v1alpha1.Location{in("dc1", "FR", ownWalls)}, func(p *v1alpha1.SovereignProvider) {
		p.Spec.S3.Events = v1alpha1.EventsEnabled
	})
	w.await(p, v1alpha1.ConditionEventsServed, metav1.ConditionFalse, v1alpha1.ReasonEventsNotServed)
	w.await(p, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.update(p, func() { p.Spec.S3.Events = "" })
	w.eventually(func() error {
		w.get(p)
		for _, c := range p.Status.Conditions {
			if c.Type == v1alpha1.ConditionEventsServed {
				return notYet("%+v", c)
			}
		}
		return nil
	})
}

// Whatever an event says, nothing is read or written that a pass might not.
func TestEventsMoveNothingThatAPassMightNot(t *testing.T) {
	w := newTold(t, 5, time.Hour)
	url := w.enable()
	w.awaitTaken(url)
	session := w.session()
	w.update(w.bucket, func() { w.bucket.Spec.Suspend = true })
	w.await(w.replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	put(t, session, w.primary, "told", "while suspended")
	w.send(url, w.primary, "told")
	w.eventually(func() error { // nobody hides that it is missing
		w.get(w.replica)
		if w.replica.Status.UnreplicatedSince == nil {
			return notYet("nothing is shown as missing")
		}
		return nil
	})
	if got, isThere := w.stores["ovh"].Object(w.copied, "told"); isThere {
		t.Errorf("the copy was written to while suspended: %q", got.Body)
	}
	w.update(w.bucket, func() { w.bucket.Spec.Suspend = false })
	w.awaitCopied("told", "while suspended")

	// The place of the copy turns out to be outside the perimeter.
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.update(ovh, func() { ovh.Spec.Locations[0].Country = "CA" })
	w.await(w.replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonOutsidePerimeter)
	w.stores["onprem"].ForgetRequests()
	w.stores["ovh"].ForgetRequests()
	put(t, session, w.primary, "told", "from outside")
	w.send(url, w.primary, "told")
	w.eventually(func() error { // the other copy, which takes its place, is made of a pass and told of it too
		elsewhere := w.replicas(w.bucket)["tds-outscale/eu-west-2"]
		if elsewhere == nil {
			return notYet("no other copy yet")
		}
		if got, _ := w.stores["tds-outscale"].Object(elsewhere.Spec.BucketName, "told"); string(got.Body) != "from outside" {
			return notYet("the other copy holds %q", got.Body)
		}
		return nil
	})
	if got, _ := w.stores["ovh"].Object(w.copied, "told"); string(got.Body) != "while suspended" {
		t.Errorf("the copy outside the perimeter holds %q", got.Body)
	}
	if n := w.stores["ovh"].Count("PutObject"); n != 0 {
		t.Errorf("%d objects were written outside the perimeter", n)
	}
}
