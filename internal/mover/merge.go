package mover

import (
	"context"
	"iter"

	"github.com/rempart/rempart/internal/mover/manifest"
)

// Row is one key of several manifests.
type Row struct {
	Key string
	// Entries are what each manifest says of the key, in the order in which they
	// were given; nil where one says nothing.
	Entries []*manifest.Entry
}

// Merge walks manifests side by side, each in strictly ascending order of its
// keys, and yields a row for every key that any of them lists, in order, or one
// error and then nothing. It holds a few thousand entries of each, however many
// there are.
func Merge(ctx context.Context, manifests ...iter.Seq2[manifest.Entry, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var streams []*stream[manifest.Entry]
		for _, entries := range manifests {
			s := open(ahead(ctx, entries), func(e manifest.Entry) string { return e.Key })
			defer s.close()
			streams = append(streams, s)
		}
		for more := true; more; {
			var row Row
			var err error
			if row, more, err = nextRow(streams); err != nil {
				yield(Row{}, err)
				return
			}
			more = more && yield(row, nil)
		}
	}
}

// nextRow takes the row with the lowest key at the heads of streams, unless they
// are at their end or one of them failed.
func nextRow(streams []*stream[manifest.Entry]) (row Row, more bool, err error) {
	for _, s := range streams {
		if s.err != nil {
			return Row{}, false, s.err
		}
		if s.more && (!more || s.key < row.Key) {
			row.Key, more = s.key, true
		}
	}
	if !more {
		return Row{}, false, nil
	}
	for _, s := range streams {
		row.Entries = append(row.Entries, s.take(row.Key))
	}
	return row, true, nil
}
