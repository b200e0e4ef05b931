package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// KeyTrial finds out which keys a bucket keeps exactly. It tries each trait of
// keys, such as two slashes in a row, when a key with it comes first, and
// remembers what came of it; a key without traits costs nothing. It is safe for
// concurrent use.
//
// What it cannot find out is whether two keys go together: a posix gateway has no
// "conf" beside "conf/child", and says so when the second one comes.
type KeyTrial struct {
	objects        provider.Objects
	bucket, prefix string

	// turn is held by whoever tries. One trait is tried after the other: a posix
	// gateway has been seen to leave out of a listing what is there, while folders
	// beside it came and went.
	turn chan struct{}

	mu sync.Mutex
	// findings are those that trials came to, by the names of the traits.
	findings map[string]finding
}

// NewKeyTrial makes the trial of a bucket, with objects under a prefix that ends
// in a slash and belongs to Rempart.
func NewKeyTrial(objects provider.Objects, bucket, prefix string) *KeyTrial {
	return &KeyTrial{objects: objects, bucket: bucket, prefix: prefix, turn: make(chan struct{}, 1), findings: map[string]finding{}}
}

// Traits names what a key has that some store does not keep, such as two slashes in
// a row. Most keys have nothing.
func Traits(key string, isEmpty bool) []string {
	var names []string
	for _, t := range traitsOf(key, isEmpty) {
		names = append(names, t.name)
	}
	return names
}

// Exact gives nil when the bucket keeps the key exactly, with any content. It
// fails with provider.ErrInvalidKey, Terminal and KeysNotExact, naming the key and
// what the store makes of such keys, when it does not; with another error when
// that could not be found out, and then the next call tries again.
func (k *KeyTrial) Exact(ctx context.Context, key string) error {
	return k.exact(ctx, key, traitsOf(key, false))
}

// ExactEmpty is Exact for an object without content. A key that ends in a slash
// is then a folder, which stores keep that refuse folders with content.
func (k *KeyTrial) ExactEmpty(ctx context.Context, key string) error {
	return k.exact(ctx, key, traitsOf(key, true))
}

func (k *KeyTrial) exact(ctx context.Context, key string, traits []trait) error {
	for _, t := range traits {
		found, err := k.of(ctx, t)
		if err != nil {
			return fmt.Errorf("find out whether bucket %q keeps %s: %w", k.bucket, t.name, err)
		}
		if found.support != provider.Supported {
			return fault.New(fault.Terminal, fault.KeysNotExact, "key %q in bucket %q: %w: the store does not keep %s, it %s",
				key, k.bucket, provider.ErrInvalidKey, t.name, found.what)
		}
	}
	return nil
}

// of gives what is known of a trait, or tries it. Others who have to try something
// wait meanwhile, no longer than their contexts.
func (k *KeyTrial) of(ctx context.Context, t trait) (finding, error) {
	if found, isKnown := k.known(t); isKnown {
		return found, nil
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return finding{}, ctx.Err()
	}
	if found, isKnown := k.known(t); isKnown {
		return found, nil // who had the turn before found out
	}
	folder := newFolder(k.objects, k.bucket, k.prefix)
	found, err := folder.try(ctx, t)
	if err == nil {
		k.remember(t, found)
	}
	ctx, cancel := outlast.Context(ctx, parting)
	defer cancel()
	return found, errors.Join(err, folder.clean(ctx))
}

func (k *KeyTrial) known(t trait) (finding, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, isKnown := k.findings[t.name]
	return found, isKnown
}

func (k *KeyTrial) remember(t trait, found finding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.findings[t.name] = found
}
