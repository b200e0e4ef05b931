package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// The operator is killed between any two writes of an access's life, and another
// one takes over: whoever reads the Secret always has a key that works, and no key
// is left that nobody knows of.
func TestKilledAnywhereNoKeyIsLostOrLeft(t *testing.T) {
	w, stores, _, _ := issued(t)
	for _, after := range []bool{false, true} {
		for at, reached := 1, true; reached && !t.Failed(); at += *crashStep {
			name := fmt.Sprintf("report-%d-%t", at, after)
			t.Run(fmt.Sprintf("at write %d, after it: %v", at, after), func(t *testing.T) {
				w.t = t
				reached = w.killedWhileServing(name, at, after)
			})
			w.t = t
			w.wantKeys(stores["onprem"].AccessKeys(), 1)
		}
	}
}

// killedWhileServing gives an access, rotates its key and takes it away, with a
// kill at a write, and tells whether there are that many.
func (w *world) killedWhileServing(name string, at int, after bool) bool {
	killing := newKiller(at, after)
	w.stop()
	w.options.Around = killing.around
	w.options.WrapClient = func(c client.Client) client.Client { return killedClient{c, killing} }
	w.start()
	killing.arm()

	access := w.accessTo("actes", name, func(s *v1alpha1.SovereignBucketAccessSpec) {
		s.Rotation.Overlap = &metav1.Duration{}
	})
	w.create(access)
	revive := func() {
		w.stop()
		w.options.Around, w.options.WrapClient = nil, nil
		w.start()
	}
	isKilled := false
	// reach waits until the access has come somewhere, with another operator if the
	// first is killed on the way.
	reach := func(objection func() error) {
		w.t.Helper()
		w.eventually(func() error {
			select {
			case <-killing.dead:
				if !isKilled {
					isKilled = true
					revive()
				}
			default:
			}
			return objection()
		})
	}
	ready := func() error {
		if !w.has(access, v1alpha1.ConditionReady, metav1.ConditionTrue) {
			return notYet("%s is not ready: %v", name, access.Status.Conditions)
		}
		session, bucket := w.consumer(name)
		return try(session, bucket)
	}
	reach(ready)
	first := access.Status.ActiveKeys[0].KeyID
	w.annotate(access, v1alpha1.RotateRequestedAnnotation, time.Now().Format(time.RFC3339Nano))
	reach(func() error {
		if err := ready(); err != nil {
			return err
		}
		if keys := access.Status.ActiveKeys; len(keys) != 1 || keys[0].KeyID == first {
			return notYet("keys are %v, want one other than %s", keys, first)
		}
		return nil
	})
	w.delete(access)
	reach(func() error {
		if err := w.client.Get(context.Background(), keyOf(access), access); err == nil {
			return notYet("%s is still there: %v", name, access.Status.Conditions)
		}
		return nil
	})
	w.wantNoSecret(name)
	if !isKilled {
		revive()
	}
	return isKilled
}

// wantKeys checks that a store has these many keys beside the account's own, and
// the operator a copy of each.
func (w *world) wantKeys(keys []string, want int) {
	w.t.Helper()
	if len(keys) != want+1 || len(w.copies()) != want {
		w.t.Errorf("keys at the store: %v, %d copies, want %d beside the account's", keys, len(w.copies()), want)
	}
}
