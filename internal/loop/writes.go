package loop

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Writes remembers which versions of objects our own writes have replaced. A cache
// that still shows one of them is behind; a status that is compared with it would
// not be written although it has to be. It is safe for concurrent use.
type Writes struct {
	mu       sync.Mutex
	replaced map[types.UID][]string
}

// NewWrites makes one that remembers nothing yet.
func NewWrites() *Writes { return &Writes{replaced: map[types.UID][]string{}} }

func (w *Writes) remember(uid types.UID, versions ...string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replaced[uid] = versions
}

// isBehind tells whether an object as it was read is one that we have replaced.
func (w *Writes) isBehind(read client.Object) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.replaced[read.GetUID()], read.GetResourceVersion()) {
		return true
	}
	delete(w.replaced, read.GetUID()) // what comes after is no older
	return false
}

func (w *Writes) forget(uid types.UID) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.replaced, uid)
}
