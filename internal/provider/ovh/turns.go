package ovh

import (
	"context"
	"sync"
)

// turns lets one at a time do what has the same name.
type turns struct{ byName sync.Map }

// take waits for the turn, or for the end of the context. A few bytes of each name
// are kept for good.
func (t *turns) take(ctx context.Context, name string) (release func(), err error) {
	made, _ := t.byName.LoadOrStore(name, make(chan struct{}, 1))
	turn := made.(chan struct{})
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
