package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// damages are ways for a part of a manifest to be lost.
var damages = map[string]func(t *testing.T, w *world, key string){
	"missing": func(t *testing.T, w *world, key string) {
		w.server.Faults().Add(emulator.Match{Operation: "GetObject", Key: key, Times: 1}, emulator.Fail(404, "NoSuchKey"))
	},
	"damaged": func(t *testing.T, w *world, key string) {
		err := w.server.Corrupt(bucket, key, func(o *emulator.Object) { o.Body[len(o.Body)/3] = ^o.Body[0] })
		if err != nil {
			t.Fatal(err)
		}
	},
	"cut short": func(t *testing.T, w *world, key string) {
		err := w.server.Corrupt(bucket, key, func(o *emulator.Object) { o.Body = o.Body[:len(o.Body)/2]; o.Size = int64(len(o.Body)) })
		if err != nil {
			t.Fatal(err)
		}
	},
}

func TestALostSegmentIsUnknownAndIsStoredAgain(t *testing.T) {
	for name, lose := range damages {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			entries := makeEntries(10_000)
			w.writeAll(t, Range{}, entries)
			lost := w.load(t).segments(Range{})[1]
			lose(t, w, Root("")+lost.Name)
			known := w.known(t, w.load(t), Range{})
			if len(known) != len(entries)-int(lost.Count) || slices.ContainsFunc(known, func(e Entry) bool { return e.Key == lost.First }) {
				t.Errorf("%d of %d entries are known, %d are lost", len(known), len(entries), lost.Count)
			}
			if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], lost.Name) {
				t.Errorf("warned: %q", w.warnings)
			}
			lose(t, w, Root("")+lost.Name)
			w.server.ForgetRequests()
			w.writeAll(t, Range{}, entries) // the run compared them again and found them right
			if w.writes() != 1 {
				t.Errorf("requests: %v", w.server.Counts())
			}
			if diff := cmp.Diff(entries, w.known(t, w.load(t), Range{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALostIndexIsUnknown(t *testing.T) {
	for name, lose := range damages {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.writeAll(t, Range{}, makeEntries(5000))
			lose(t, w, Root("")+Range{}.indexName())
			if known := w.known(t, w.load(t), Range{}); len(known) > 0 || len(w.warnings) != 1 {
				t.Errorf("%d entries are known, warned: %q", len(known), w.warnings)
			}
		})
	}
}

func TestABrokenConnectionIsNoDamage(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(5000)
	w.writeAll(t, Range{}, entries)
	for range 2 {
		w.server.Faults().Add(emulator.Match{KeyPrefix: ".rempart/", Skip: 1, Times: 1}, emulator.Truncate(20))
		w.server.Faults().Add(emulator.Match{KeyPrefix: ".rempart/index/", Times: 1}, emulator.ResetBody(20))
	}
	if got := w.known(t, w.load(t), Range{}); len(got) != len(entries) || len(w.warnings) > 0 {
		t.Errorf("%d entries are known, warned: %q", len(got), w.warnings)
	}
	w.server.Faults().Clear()
	w.server.Faults().Add(emulator.Match{Operation: "GetObject"}, emulator.Truncate(20))
	if _, err := w.Load(t.Context(), w.warn); err == nil || len(w.warnings) > 0 {
		t.Errorf("a store that always breaks off is taken for an empty manifest; warned: %q", w.warnings)
	}
}

func TestAMissingBucketIsNoEmptyManifest(t *testing.T) {
	w := newWorld(t)
	w.Bucket = "another"
	if _, err := w.Load(t.Context(), w.warn); err == nil {
		t.Error("loaded from a bucket that is not there")
	}
}
