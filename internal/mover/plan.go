package mover

import (
	"context"
	"iter"
	"strings"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// action is what the plan wants done with a key.
type action uint8

const (
	// skip: the target holds the object as the manifest says.
	skip action = iota
	// create: the target lacks the object.
	create
	// overwrite: the target holds another state of the object.
	overwrite
	// compare: nothing is known of the target's object but its size; reading both
	// sides tells.
	compare
	// remove: the source lacks an object that the target holds.
	remove
	// keep: the source lacks it, and deletes are not propagated.
	keep
	// forget: neither side holds what the manifest lists.
	forget
	// refuse: the key is reserved for Rempart, at one end or the other.
	refuse
)

// step is one key of the join, with what each stream says of it.
type step struct {
	key            string
	source, target *provider.Object
	known          *manifest.Entry
}

// policy is what decisions depend on besides the step itself.
type policy struct {
	deletes                    Deletes
	sourcePrefix, targetPrefix string
}

// decide is the whole policy of a pass. It looks at one key alone.
func (p policy) decide(s step) action {
	switch {
	case s.source != nil && (s.key == "" || isReserved(p.sourcePrefix+s.key) || isReserved(p.targetPrefix+s.key)):
		return refuse
	case s.source == nil && s.target == nil:
		return forget
	case s.source == nil && p.deletes == IgnoreDeletes:
		return keep
	case s.source == nil:
		return remove
	case s.target == nil:
		return create
	case s.known != nil && s.known.Describes(*s.source) && s.known.TargetETag == s.target.ETag && s.target.Size == s.source.Size:
		return skip
	case s.known == nil && s.target.Size == s.source.Size:
		return compare
	default:
		return overwrite
	}
}

// isReserved tells whether the key is under the prefix that Rempart keeps for
// itself.
func isReserved(key string) bool { return strings.HasPrefix(key, provider.ReservedPrefix) }

// isOwn tells whether a reserved key is one that Rempart itself writes.
func isOwn(key string) bool {
	rest := strings.TrimPrefix(key, provider.ReservedPrefix)
	return rest == "owner" || strings.HasPrefix(rest, "manifest/") || strings.HasPrefix(rest, "evidence/") ||
		strings.HasPrefix(rest, "probe/")
}

func reservedKey(key string) error {
	if key == "" {
		return fault.New(fault.Terminal, fault.ReservedKey, "the object's key is the prefix itself, so nothing is left to name it at the target")
	}
	return fault.New(fault.Terminal, fault.ReservedKey,
		"the key %q is under %q, which Rempart keeps for itself: give the object another key", key, provider.ReservedPrefix)
}

// relative strips the prefix of an end from the keys of its listing and leaves
// out Rempart's own objects. At the target everything reserved is left out.
func relative(listing iter.Seq2[provider.Object, error], prefix string, isTarget bool) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if err == nil && isReserved(object.Key) && (isTarget || isOwn(object.Key)) {
				continue
			}
			object.Key = strings.TrimPrefix(object.Key, prefix)
			if !yield(object, err) {
				return
			}
		}
	}
}

// within ends a listing after the last key of a range.
func within(listing iter.Seq2[provider.Object, error], keys manifest.Range) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for object, err := range listing {
			if err == nil && keys.Until != "" && object.Key > keys.Until {
				return
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// join merges the three streams, which must be in strictly ascending order, into
// one step for each key. The first error of any stream ends it.
func join(source, target iter.Seq2[provider.Object, error], known iter.Seq2[manifest.Entry, error]) iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		sources, targets, entries := open(source), open(target), open(known)
		defer sources.close()
		defer targets.close()
		defer entries.close()
		for {
			if err := firstError(sources.err, targets.err, entries.err); err != nil {
				yield(step{}, err)
				return
			}
			next, more := lowest(sources, targets, entries)
			if !more {
				return
			}
			s := step{key: next}
			s.source = sources.take(next, func(o provider.Object) string { return o.Key })
			s.target = targets.take(next, func(o provider.Object) string { return o.Key })
			s.known = entries.take(next, func(e manifest.Entry) string { return e.Key })
			if !yield(s, nil) {
				return
			}
		}
	}
}

// stream is an iterator with its next element at hand.
type stream[T any] struct {
	head  T
	more  bool
	err   error
	pull  func() (T, error, bool)
	close func()
}

func open[T any](sequence iter.Seq2[T, error]) *stream[T] {
	s := &stream[T]{}
	s.pull, s.close = iter.Pull2(sequence)
	s.advance()
	return s
}

func (s *stream[T]) advance() {
	s.head, s.err, s.more = s.pull()
	s.more = s.more && s.err == nil
}

// take gives the head if it has the key, and moves on.
func (s *stream[T]) take(key string, keyOf func(T) string) *T {
	if !s.more || keyOf(s.head) != key {
		return nil
	}
	head := s.head
	s.advance()
	return &head
}

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

// readAhead is how many elements of a listing may wait: a page or two.
const readAhead = 2000

func lowest(sources, targets *stream[provider.Object], entries *stream[manifest.Entry]) (key string, more bool) {
	consider := func(candidate string, ok bool) {
		if ok && (!more || candidate < key) {
			key, more = candidate, true
		}
	}
	consider(sources.head.Key, sources.more)
	consider(targets.head.Key, targets.more)
	consider(entries.head.Key, entries.more)
	return key, more
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
