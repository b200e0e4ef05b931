package manifest

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

var errStream = errors.New("broken")

// of gives entries with these keys; "!" is an error.
func of(keys ...string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, key := range keys {
			if key == "!" {
				yield(Entry{}, errStream)
				return
			}
			if !yield(Entry{Key: key}, nil) {
				return
			}
		}
	}
}

func TestChangesAreMergedIntoEntries(t *testing.T) {
	set := func(key string) Change { return Change{Key: key, Entry: &Entry{Key: key, ETag: "set"}} }
	drop := func(key string) Change { return Change{Key: key} }
	tests := map[string]struct {
		entries []string
		changes []Change
		want    []string // with + for what was set
	}{
		"nothing into nothing":            {nil, nil, nil},
		"nothing into something":          {[]string{"a", "b"}, nil, []string{"a", "b"}},
		"something into nothing":          {nil, []Change{set("a"), drop("b"), set("c")}, []string{"a+", "c+"}},
		"before, between and behind":      {[]string{"b", "d"}, []Change{set("a"), set("c"), set("e")}, []string{"a+", "b", "c+", "d", "e+"}},
		"in place of others":              {[]string{"a", "b", "c"}, []Change{set("a"), set("c")}, []string{"a+", "b", "c+"}},
		"dropped, and never known at all": {[]string{"a", "b", "c"}, []Change{drop("a"), drop("aa"), drop("c"), drop("d")}, []string{"b"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for entry, err := range patched(of(test.entries...), test.changes) {
				if err != nil {
					t.Fatal(err)
				}
				if entry.ETag == "set" {
					entry.Key += "+"
				}
				got = append(got, entry.Key)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var err error
	for _, err = range patched(of("a", "!"), []Change{set("z")}) {
	}
	if !errors.Is(err, errStream) {
		t.Errorf("a manifest that cannot be read is patched: %v", err)
	}
}

// amend applies changes to the manifest as it is.
func (w *world) amend(t *testing.T, changes ...Change) Totals {
	t.Helper()
	index, totals, err := w.Amend(t.Context(), Amendment{Before: w.load(t), Source: source, Changes: changes, Now: w.clock(), Warn: w.warn})
	if err != nil {
		t.Fatal(err)
	}
	if !index.Complete {
		t.Error("a complete manifest became an incomplete one")
	}
	return totals
}

// Whatever is changed, in however many steps, the manifest says what one says that was
// written as a whole.
func TestAmendingSaysTheSameAsWritingAnew(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWorld(t)
	entries := makeEntries(9000)
	w.writeAll(t, Range{}, entries)
	now := map[string]Entry{}
	for _, e := range entries {
		now[e.Key] = e
	}
	for step := range 25 {
		changes := map[string]Change{}
		for range 1 + random.IntN(40) {
			e := entries[random.IntN(len(entries))]
			switch random.IntN(4) {
			case 0:
				changes[e.Key] = Change{Key: e.Key}
			case 1:
				e.Key = fmt.Sprintf("%s-%d", e.Key, step)
				changes[e.Key] = Change{Key: e.Key, Entry: &e}
			case 2:
				e.Key = fmt.Sprintf("~behind all %d %d", step, random.IntN(9))
				changes[e.Key] = Change{Key: e.Key, Entry: &e}
			default:
				e.ETag = fmt.Sprintf("changed %d", step)
				changes[e.Key] = Change{Key: e.Key, Entry: &e}
			}
		}
		var sorted []Change
		for _, key := range slices.Sorted(maps.Keys(changes)) {
			sorted = append(sorted, changes[key])
			delete(now, key)
			if e := changes[key].Entry; e != nil {
				now[key] = *e
			}
		}
		totals := w.amend(t, sorted...)
		var want []Entry
		var counted Totals
		for _, key := range slices.Sorted(maps.Keys(now)) {
			want = append(want, now[key])
			counted.Objects++
			counted.Bytes += now[key].Size
		}
		if totals != counted {
			t.Fatalf("step %d: totals %+v, want %+v", step, totals, counted)
		}
		if diff := cmp.Diff(want, w.known(t, w.load(t), Range{})); diff != "" {
			t.Fatalf("step %d (-want +got):\n%.2000s", step, diff)
		}
	}
}

func TestOnlySegmentsThatAreConcernedAreTouched(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(20_000)
	w.writeAll(t, Range{}, entries)
	before := w.load(t)
	w.server.ForgetRequests()
	changed := entries[11_000]
	changed.ETag = "changed"
	w.amend(t, Change{Key: changed.Key, Entry: &changed})
	segments := func(operation string) int {
		return len(w.server.Requests(func(r emulator.Request) bool {
			return r.Operation == operation && r.Key != Root("")+Range{}.indexName()
		}))
	}
	if read, written := segments("GetObject"), segments("PutObject"); read != 1 || written != 1 {
		t.Errorf("%d segments were read and %d written, of %d", read, written, len(before.segments(Range{})))
	}

	w.server.ForgetRequests()
	found, err := w.Lookup(t.Context(), w.load(t), []string{"!", changed.Key, changed.Key + "-", "~"}, w.warn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Entry{changed.Key: changed}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if read := segments("GetObject"); read != 1 {
		t.Errorf("%d segments were read to look up one entry", read)
	}
}

func TestASegmentThatIsLostIsLeftOutOfAnAmendment(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(10_000)
	w.writeAll(t, Range{}, entries)
	lost := w.load(t).segments(Range{})[1]
	if err := w.Objects.Remove(t.Context(), provider.Ref{Bucket: w.Bucket, Key: Root("") + lost.Name}); err != nil {
		t.Fatal(err)
	}
	changed := entries[slices.IndexFunc(entries, func(e Entry) bool { return e.Key == lost.First })]
	changed.ETag = "changed"
	totals := w.amend(t, Change{Key: changed.Key, Entry: &changed})
	if want := int64(len(entries)) - lost.Count + 1; totals.Objects != want || len(w.warnings) == 0 {
		t.Errorf("%d objects, want %d; warned: %q", totals.Objects, want, w.warnings)
	}
}

func TestCollectionIsDueOnceSegmentsAreRetiredForLong(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(300)
	w.writeAll(t, Range{}, entries)
	entries[0].ETag = "changed"
	w.amend(t, Change{Key: entries[0].Key, Entry: &entries[0]})
	for age, want := range map[time.Duration]bool{time.Minute: false, grace: false, grace + collectEvery + time.Minute: true} {
		if got := w.load(t).IsCollectionDue(w.clock().Add(age)); got != want {
			t.Errorf("due after %s: %v", age, got)
		}
	}
}

func TestACoarseEntryDescribesWhatHappenedInItsSecond(t *testing.T) {
	second := time.Unix(1800000000, 0)
	e := Entry{Key: "a", ETag: "x", Size: 1, Modified: second, Coarse: true, MetadataDigest: MetadataDigest(provider.Attributes{CacheControl: "no-store"})}
	listed := func(after time.Duration) provider.Object {
		return provider.Object{ETag: "x", Size: 1, Modified: second.Add(after)}
	}
	for after, want := range map[time.Duration]bool{0: true, 999 * time.Millisecond: true, time.Second: false, -time.Millisecond: false} {
		if got := e.Describes(listed(after)); got != want {
			t.Errorf("%s later: %v", after, got)
		}
		fine := e
		fine.Coarse, fine.Modified = false, second.Add(after)
		if got := e.IsOfSameSource(fine); got != want {
			t.Errorf("an entry of %s later is of the same source: %v", after, got)
		}
	}
	read := listed(0)
	if e.DescribesRead(read) {
		t.Error("it describes an object with other attributes")
	}
	read.Attributes.CacheControl = "no-store"
	if !e.DescribesRead(read) {
		t.Error("it does not describe what was read")
	}
}
