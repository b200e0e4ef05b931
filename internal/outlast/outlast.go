// Package outlast lets what must be tidied up go on after its caller has left, for
// a while.
package outlast

import (
	"context"
	"time"
)

// Context gives a context that ends a while after its parent has ended, and with
// the call of the function that it gives. It carries the parent's values and has no
// deadline of its own. What is done after the parent has ended shares one while,
// however many steps it has, if it shares the context.
func Context(parent context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { time.AfterFunc(while, cancel) })
	return ctx, func() { stop(); cancel() }
}
