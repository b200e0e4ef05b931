package integration

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// hammering is how long a store is watched for requests that must not come: some
// probes and some runs would fall into it.
const hammering = 3 * time.Second

// setCredentials changes the Secret of a provider.
func (w *world) setCredentials(name string, data map[string]string) {
	w.t.Helper()
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: name}}
	w.update(credentials, func() { credentials.StringData = data })
}

// Both locations are behind one account, each at an endpoint of its own: one
// refusal is enough for both.
func TestRefusedCredentialsAreTriedOnceUntilTheyChange(t *testing.T) {
	w := newWorld(t)
	stores := []*emulator.Server{w.emulated("onprem"), emulator.Start(t, emulator.Options{
		VersityAdmin: true, AccessKey: "onprem-key", SecretKey: "onprem-secret", MinPartSize: -1,
	})}
	s := w.stores["onprem"]
	s.secretKey = "wrong"
	w.stores["onprem"] = s
	w.policy("p", one)
	onprem := w.provider("onprem", []v1alpha1.Location{
		in("dc1", "FR"), in("dc2", "FR", func(l *v1alpha1.Location) { l.Endpoint = stores[1].URL }),
	})
	refused := w.await(onprem, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	wantIn(t, refused.Message, "not tried again until Secret onprem changes")
	w.await(onprem, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAuthenticationFailed)
	w.awaitEvent("CredentialsRefused", "not tried again until Secret onprem changes")

	// Everything that makes the operator look again: a probe, another spec, a
	// bucket that wants to be placed there, a restart.
	bucket := w.bucket("actes", "p")
	w.update(onprem, func() { onprem.Spec.Limits.RequestsPerSecond = 50 })
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionFalse)
	time.Sleep(hammering)
	w.restart()
	w.update(onprem, func() { onprem.Spec.Limits.RequestsPerSecond = 60 })
	time.Sleep(hammering)
	if sent := len(stores[0].Requests(nil)) + len(stores[1].Requests(nil)); sent != 1 {
		t.Errorf("%d requests were sent with credentials that were refused, want 1", sent)
	}

	w.setCredentials("onprem", map[string]string{provider.SecretKey: "onprem-secret"})
	w.await(onprem, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	if len(stores[1].Requests(nil)) == 0 {
		t.Error("the second location was never asked, so nothing was shown about it")
	}
}

func TestKeysThatAreRefusedInTheMiddleOfARun(t *testing.T) {
	w, stores := emulatedWorld(t)
	w.policy("etat-civil")
	bucket := w.bucket("actes", "etat-civil")
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	const objects, copied = 200, 10
	session, name := w.application(bucket)
	for i := range objects {
		put(t, session, name, fmt.Sprintf("registres/%04d", i), "acte")
	}
	// The store takes some objects and refuses the key from then on, for whatever
	// it is asked.
	puts := emulator.Match{Operation: "PutObject", KeyPrefix: "registres/", Skip: copied}
	revoked := stores["ovh"].Faults().Add(puts, emulator.Fail(403, "InvalidAccessKeyId"))
	w.sync(bucket)
	ovh := &v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	w.await(ovh, v1alpha1.ConditionCredentialsValid, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)
	replica := w.replicas(bucket)["ovh/GRA"]
	w.await(replica, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAuthenticationFailed)

	// Those that were on their way are let through, then there is silence, whoever
	// asks.
	if hits := revoked.Hits(); hits < 1 || hits >= objects-copied {
		t.Errorf("%d objects were sent with the refused key, want those on their way alone", hits)
	}
	stores["ovh"].ForgetRequests()
	w.sync(bucket)
	w.update(ovh, func() { ovh.Spec.Limits.RequestsPerSecond = 1000 })
	time.Sleep(hammering)
	w.restart()
	time.Sleep(hammering)
	for _, request := range stores["ovh"].Requests(nil) {
		t.Errorf("%s was sent with a key that was refused", request.Operation)
	}
	w.await(bucket, v1alpha1.ConditionReady, metav1.ConditionTrue)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionFalse)

	revoked.Clear()
	w.setCredentials("ovh", map[string]string{"renewed": "yes"})
	w.awaitObjects(bucket, objects)
	w.await(bucket, v1alpha1.ConditionReplicated, metav1.ConditionTrue)
	w.await(ovh, v1alpha1.ConditionReady, metav1.ConditionTrue)
}
