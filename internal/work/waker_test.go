package work_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/rempart/rempart/internal/work"
)

// remembering is a queue that notes what it is asked for.
type remembering struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	after map[reconcile.Request]time.Duration
}

func (r *remembering) AddAfter(request reconcile.Request, after time.Duration) {
	r.after[request] = after
}

func TestAWakerWakesAtItsTime(t *testing.T) {
	waker := &work.Waker{}
	waker.WakeAfter("ns/early", time.Second) // nobody listens yet
	queue := &remembering{after: map[reconcile.Request]time.Duration{}}
	if err := waker.Source().Start(t.Context(), queue); err != nil {
		t.Fatal(err)
	}
	waker.WakeAfter("ns/drill", time.Hour)
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "drill"}}
	if len(queue.after) != 1 || queue.after[request] != time.Hour {
		t.Errorf("the queue was asked for %v", queue.after)
	}
}
