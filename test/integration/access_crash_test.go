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
// is left that nobody knows of; also when the access is deleted in between.
func TestKilledAnywhereNoKeyIsLostOrLeft(t *testing.T) {
	w, stores, _, _ := issued(t)
	first := firstKill(t)
	for _, after := range []bool{false, true} {
		for _, givenUp := range []bool{false, true} {
			for number, reached := first, true; reached && !t.Failed(); number += *crashStep {
				name, at := fmt.Sprintf("report-%d-%t-%t", number, after, givenUp), point{number: number, after: after}
				t.Run(fmt.Sprintf("%s, deleted then: %v", at, givenUp), func(t *testing.T) {
					w.t = t
					life := &life{world: w, killer: newKiller(at), access: w.accessTo("actes", name, revokedAtOnce), givenUp: givenUp}
					reached = life.play()
				})
				w.t = t
				w.wantKeys(stores["onprem"].AccessKeys(), 1)
			}
		}
	}
}

func revokedAtOnce(s *v1alpha1.SovereignBucketAccessSpec) { s.Rotation.Overlap = &metav1.Duration{} }

// life is that of an access whose operator is killed at a write.
type life struct {
	*world
	killer *killer
	access *v1alpha1.SovereignBucketAccess
	// givenUp tells that the access is deleted while no operator runs.
	givenUp  bool
	isKilled bool
}

// play gives an access, rotates its key and takes it away, and tells whether that
// has as many writes.
func (l *life) play() bool {
	l.stop()
	l.options.Around = l.killer.around
	l.options.WrapClient = func(c client.Client) client.Client { return killedClient{c, l.killer, l.system} }
	l.start()
	l.killer.arm()
	l.create(l.access)
	if l.reach(l.serves) {
		first := l.access.Status.ActiveKeys[0].KeyID
		l.annotate(l.access, v1alpha1.RotateRequestedAnnotation, time.Now().Format(time.RFC3339Nano))
		if l.reach(func() error { return l.servesOther(first) }) {
			l.delete(l.access)
		}
	}
	l.eventually(func() error {
		l.takeOver()
		if err := l.client.Get(context.Background(), keyOf(l.access), l.access); err == nil {
			return notYet("%s is still there: %v", l.access.Name, l.access.Status.Conditions)
		}
		return nil
	})
	l.wantNoSecret(l.access.Name)
	if !l.isKilled {
		l.revive()
	}
	return l.isKilled
}

// serves waits for a key that works.
func (l *life) serves() error {
	if !l.has(l.access, v1alpha1.ConditionReady, metav1.ConditionTrue) {
		return notYet("%s is not ready: %v", l.access.Name, l.access.Status.Conditions)
	}
	session, bucket := l.consumer(l.access.Name)
	return try(session, bucket)
}

// servesOther waits for another key, alone.
func (l *life) servesOther(first string) error {
	if err := l.serves(); err != nil {
		return err
	}
	if keys := l.access.Status.ActiveKeys; len(keys) != 1 || keys[0].KeyID == first {
		return notYet("keys are %v, want one other than %s", keys, first)
	}
	return nil
}

// reach waits until the access has come somewhere, with another operator if the
// first is killed on the way. It tells whether the life goes on from there.
func (l *life) reach(objection func() error) bool {
	l.t.Helper()
	l.eventually(func() error {
		l.takeOver()
		if l.isKilled && l.givenUp {
			return nil
		}
		return objection()
	})
	return !l.isKilled || !l.givenUp
}

// takeOver starts another operator once the first is dead.
func (l *life) takeOver() {
	select {
	case <-l.killer.dead:
	default:
		return
	}
	if l.isKilled {
		return
	}
	l.isKilled = true
	l.stop()
	if l.givenUp {
		_ = l.client.Delete(context.Background(), l.access) // it may be on its way out
	}
	l.revive()
}

// revive starts an operator that lives.
func (l *life) revive() {
	l.stop()
	l.options.Around, l.options.WrapClient = nil, nil
	l.start()
}

// wantKeys checks that a store has these many keys beside the account's own, and
// the operator a copy of each.
func (w *world) wantKeys(keys []string, want int) {
	w.t.Helper()
	if len(keys) != want+1 || len(w.copies()) != want {
		w.t.Errorf("keys at the store: %v, %d copies, want %d beside the account's", keys, len(w.copies()), want)
	}
}
