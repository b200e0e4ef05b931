package mover

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// join merges the three streams, which must be in strictly ascending order, into
// one step for each key. The first error of any stream ends it, and so does a key
// that is not in order.
func join(source, target iter.Seq2[provider.Object, error], known iter.Seq2[manifest.Entry, error]) iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		keyOf := func(o provider.Object) string { return o.Key }
		sources, targets := open(source, keyOf), open(target, keyOf)
		entries := open(known, func(e manifest.Entry) string { return e.Key })
		defer sources.close()
		defer targets.close()
		defer entries.close()
		for {
			if err := cmp.Or(sources.err, targets.err, entries.err); err != nil {
				yield(step{}, err)
				return
			}
			next, more := lowest(sources, targets, entries)
			if !more {
				return
			}
			if !yield(step{key: next, source: sources.take(next), target: targets.take(next), known: entries.take(next)}, nil) {
				return
			}
		}
	}
}

// stream is an iterator with its next element at hand.
type stream[T any] struct {
	head  T
	key   string
	more  bool
	err   error
	keyOf func(T) string
	pull  func() (T, error, bool)
	close func()
}

func open[T any](sequence iter.Seq2[T, error], keyOf func(T) string) *stream[T] {
	s := &stream[T]{keyOf: keyOf}
	s.pull, s.close = iter.Pull2(sequence)
	s.next()
	if s.more {
		s.key = keyOf(s.head)
	}
	return s
}

func (s *stream[T]) next() {
	s.head, s.err, s.more = s.pull()
	s.more = s.more && s.err == nil
}

// advance moves on, and makes sure that it is forwards.
func (s *stream[T]) advance() {
	last := s.key
	s.next()
	if !s.more {
		return
	}
	if s.key = s.keyOf(s.head); s.key <= last {
		s.more = false
		s.err = &fault.Error{
			Class: fault.Terminal, Reason: fault.UnsortedListing,
			Err: fmt.Errorf("after %q came %q: %w", last, s.key, provider.ErrUnsortedListing),
		}
	}
}

// take gives the head if it has the key, and moves on.
func (s *stream[T]) take(key string) *T {
	if !s.more || s.key != key {
		return nil
	}
	head := s.head
	s.advance()
	return &head
}

func lowest(sources, targets *stream[provider.Object], entries *stream[manifest.Entry]) (key string, more bool) {
	consider := func(candidate string, ok bool) {
		if ok && (!more || candidate < key) {
			key, more = candidate, true
		}
	}
	consider(sources.key, sources.more)
	consider(targets.key, targets.more)
	consider(entries.key, entries.more)
	return key, more
}

// readAhead is how many elements of a listing may wait: a page or two.
const readAhead = 2000

// ahead reads a sequence in a goroutine of its own, so that three listings are
// fetched side by side. The goroutine ends with the consumer or the context.
func ahead[T any](ctx context.Context, sequence iter.Seq2[T, error]) iter.Seq2[T, error] {
	type element struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		elements := make(chan element, readAhead)
		go func() {
			defer close(elements)
			for value, err := range sequence {
				select {
				case elements <- element{value, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for e := range elements {
			if !yield(e.value, e.err) {
				return
			}
		}
		// A context that ends while the channel is empty must not look like the
		// end of the sequence.
		if err := ctx.Err(); err != nil {
			var none T
			yield(none, err)
		}
	}
}
