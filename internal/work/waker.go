package work

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Waker puts objects into the queue of a controller from outside. It never
// blocks; before the controller runs there is nobody to wake.
type Waker struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// Source gives the source that a controller watches to be woken.
func (w *Waker) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue = queue
		return nil
	})
}

// Wake has the object with the key reconciled.
func (w *Waker) Wake(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.Add(reconcile.Request{NamespacedName: nameOf(key)})
	}
}

// WakeAfter has the object with the key reconciled after a while, whatever its
// reconciles ask for meanwhile: what is to be done at a certain time must not wait
// for a backoff or a longer wait. An earlier time that was asked for stays.
func (w *Waker) WakeAfter(key string, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.AddAfter(reconcile.Request{NamespacedName: nameOf(key)}, after)
	}
}

// Key gives the key of an object; a cluster-scoped one has no namespace.
func Key(name types.NamespacedName) string { return name.String() }

func nameOf(key string) types.NamespacedName {
	namespace, name, _ := strings.Cut(key, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}
}
