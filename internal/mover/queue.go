package mover

import "context"

// queueLength bounds what may be answered before what stands first is.
const queueLength = 1024

// queue brings answers that come in any order into that of the questions. It holds
// queueLength of them at most.
type queue[T any] struct {
	places chan chan T
}

func newQueue[T any]() *queue[T] { return &queue[T]{places: make(chan chan T, queueLength)} }

// place takes the next place, and gives what puts the answer there. It is to be
// called once, and never waits.
func (q *queue[T]) place(ctx context.Context) (func(T), error) {
	place := make(chan T, 1)
	select {
	case q.places <- place:
		return func(answer T) { place <- answer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close tells that no more places are taken.
func (q *queue[T]) close() { close(q.places) }

// serve hands the answers out in order until the queue is closed and empty. A place
// that nobody answers ends it with the context.
func (q *queue[T]) serve(ctx context.Context, each func(context.Context, T) error) error {
	for place := range q.places {
		select {
		case answer := <-place:
			if err := each(ctx, answer); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
