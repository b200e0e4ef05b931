package manifest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrNotWhole means that no run has come to the end of all keys, or that what it
// wrote down is damaged: what the manifest does not list may be there all the same.
var ErrNotWhole = errors.New("the manifest is not whole")

// LoadSound is Load for those who rely on all of a manifest: damage is an error.
func (s Store) LoadSound(ctx context.Context) (Snapshot, error) {
	var damage error
	snapshot, err := s.Load(ctx, func(err error) { damage = cmp.Or(damage, err) })
	switch {
	case err != nil:
		return Snapshot{}, err
	case damage != nil:
		return Snapshot{}, fmt.Errorf("%w: %w", ErrNotWhole, damage)
	}
	return snapshot, nil
}

// LoadWhole is LoadSound for those to whom what is not listed is not there.
func (s Store) LoadWhole(ctx context.Context) (Snapshot, error) {
	snapshot, err := s.LoadSound(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if _, isWhole := snapshot.Whole(); !isWhole {
		return Snapshot{}, fmt.Errorf("%w: no run has come to its end", ErrNotWhole)
	}
	return snapshot, nil
}

// SoundEntries is Entries for those who rely on every entry: a part that cannot be
// read is an error, after which nothing is yielded.
func (s Store) SoundEntries(ctx context.Context, snapshot Snapshot, within Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var damage error
		for entry, err := range s.Entries(ctx, snapshot, within, func(err error) { damage = cmp.Or(damage, err) }) {
			if err = cmp.Or(err, damage); err != nil {
				yield(Entry{}, err)
				return
			}
			if !yield(entry, nil) {
				return
			}
		}
		if damage != nil {
			yield(Entry{}, damage)
		}
	}
}
