package manifest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAManifestComesBackAsItWasWritten(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(5000)
	if !w.writeAll(t, Range{}, entries) {
		t.Fatal("nothing was written")
	}
	snapshot := w.load(t)
	if diff := cmp.Diff(entries, w.known(t, snapshot, Range{})); diff != "" {
		t.Error(diff)
	}
	if _, isWhole := snapshot.Whole(); !isWhole || snapshot.Source() != source || !snapshot.AsOf().Equal(begin) {
		t.Errorf("whole %v, source %q, as of %s", isWhole, snapshot.Source(), snapshot.AsOf())
	}
	some := Range{After: "object-001000", Until: "object-003000"}
	if got := w.known(t, snapshot, some); len(got) != 2000 || got[0].Key != "object-001001" || got[1999].Key != "object-003000" {
		t.Errorf("%d entries within %+v", len(got), some)
	}
	if len(w.warnings) > 0 {
		t.Errorf("warned: %q", w.warnings)
	}
}

func TestAnUnchangedManifestIsNotWritten(t *testing.T) {
	for _, n := range []int{0, 1, 5000} {
		w := newWorld(t)
		w.writeAll(t, Range{}, makeEntries(n))
		w.server.ForgetRequests()
		if w.writeAll(t, Range{}, makeEntries(n)) || w.writes() > 0 {
			t.Errorf("a manifest of %d entries was written again: %v", n, w.server.Counts())
		}
	}
}

func TestOneChangedObjectRewritesOneSegmentAndTheIndex(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(20_000)
	w.writeAll(t, Range{}, entries)
	w.server.ForgetRequests()
	entries[9_000].ETag = "changed"
	if !w.writeAll(t, Range{}, entries) || w.writes() != 2 {
		t.Errorf("requests: %v", w.server.Counts())
	}
	if diff := cmp.Diff(entries, w.known(t, w.load(t), Range{})); diff != "" {
		t.Error(diff)
	}
}

func TestEntriesMustAscend(t *testing.T) {
	w := newWorld(t)
	writer := w.NewWriter(Snapshot{}, Range{After: "b"}, source, begin)
	for _, key := range []string{"a", "b", ""} {
		if err := writer.Add(t.Context(), entry(key)); err == nil {
			t.Errorf("%q was taken by the manifest of keys after b", key)
		}
	}
	if err := writer.Add(t.Context(), entry("d")); err != nil {
		t.Fatal(err)
	}
	writer.Pass("f")
	for _, key := range []string{"c", "d", "e", "f"} {
		if err := writer.Add(t.Context(), entry(key)); err == nil {
			t.Errorf("%q was taken after f", key)
		}
	}
}

// halfway writes the checkpoint of a run that changes every entry and is killed
// behind the one with the given number.
func (w *world) halfway(t *testing.T, within Range, entries []Entry, reached int) []Entry {
	t.Helper()
	changed := slices.Clone(entries)
	before := w.load(t)
	writer := w.NewWriter(before, within, source, begin.AddDate(0, 0, 1))
	for i := range changed[:reached] {
		changed[i].ETag = "changed"
		if err := writer.Add(t.Context(), changed[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Checkpoint(t.Context(), w.clock()); err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestAfterACrashTheNewPartIsKnownAndTheRestOfTheOld(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(10_000)
	w.writeAll(t, Range{}, entries)
	want := w.halfway(t, Range{}, entries, 4567)
	snapshot := w.load(t)
	if diff := cmp.Diff(want, w.known(t, snapshot, Range{})); diff != "" {
		t.Error(diff)
	}
	// Everything is still accounted for, but not as of the run that crashed.
	if _, isWhole := snapshot.Whole(); !isWhole || !snapshot.AsOf().Equal(begin) {
		t.Errorf("whole %v, as of %s", isWhole, snapshot.AsOf())
	}
}

func TestAFirstRunThatCrashedHasNoWholeManifest(t *testing.T) {
	w := newWorld(t)
	want := w.halfway(t, Range{}, makeEntries(3000), 2345)
	snapshot := w.load(t)
	if diff := cmp.Diff(want[:2345], w.known(t, snapshot, Range{})); diff != "" {
		t.Error(diff)
	}
	if _, isWhole := snapshot.Whole(); isWhole {
		t.Error("a manifest of a half is called whole")
	}
}

func TestACheckpointForgetsWhatTheRunPassed(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(10)
	w.writeAll(t, Range{}, entries)
	writer := w.NewWriter(w.load(t), Range{}, source, begin)
	if err := writer.Add(t.Context(), entries[0]); err != nil {
		t.Fatal(err)
	}
	writer.Pass(entries[4].Key) // deleted since
	if err := writer.Checkpoint(t.Context(), w.clock()); err != nil {
		t.Fatal(err)
	}
	want := append(entries[:1:1], entries[5:]...)
	if diff := cmp.Diff(want, w.known(t, w.load(t), Range{})); diff != "" {
		t.Error(diff)
	}
}

func TestPartsOfTheKeySpaceHideTheWholeAndAreTakenInByIt(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(9000)
	w.writeAll(t, Range{}, entries)
	shard := Range{After: entries[2999].Key, Until: entries[5999].Key}
	want := slices.Clone(entries)
	for i := 3000; i < 6000; i++ {
		want[i].ETag = "changed"
	}
	w.writeAll(t, shard, want[3000:6000])
	if diff := cmp.Diff(want, w.known(t, w.load(t), Range{})); diff != "" {
		t.Fatal(diff)
	}
	if _, isWhole := w.load(t).Whole(); !isWhole {
		t.Error("a part hides that the whole is known")
	}
	if !w.writeAll(t, Range{}, want) || slices.Contains(w.objects(), shard.indexName()) {
		t.Errorf("the index of the part is left: %q", w.objects())
	}
	if diff := cmp.Diff(want, w.known(t, w.load(t), Range{})); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyOneSourceIsKnownAtATime(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(10)
	w.writeAll(t, Range{}, entries)
	shard := Range{After: entries[4].Key}
	writer := w.NewWriter(w.load(t).Only("source-b"), shard, "source-b", begin)
	if err := writer.Add(t.Context(), entries[5]); err != nil {
		t.Fatal(err)
	}
	if _, _, err := writer.Finish(t.Context(), w.clock()); err != nil {
		t.Fatal(err)
	}
	snapshot := w.load(t)
	if snapshot.Source() != "source-b" {
		t.Errorf("the latest source is %q", snapshot.Source())
	}
	if got := w.known(t, snapshot.Only(source), Range{}); len(got) != 10 {
		t.Errorf("%d entries of the first source", len(got))
	}
	if got := w.known(t, snapshot.Only("source-b"), Range{}); len(got) != 1 {
		t.Errorf("%d entries of the second source", len(got))
	}
	if got := snapshot.Only("source-c"); got.Source() != "" || got.Covers(Range{}) {
		t.Error("something is known of a third source")
	}
}

func TestAManifestThatIsAmendedIsAsCompleteAsBefore(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, w *world, entries []Entry)
		want    bool
	}{
		"complete": {func(t *testing.T, w *world, entries []Entry) { t.Helper(); w.writeAll(t, Range{}, entries) }, true},
		"halfway":  {func(t *testing.T, w *world, entries []Entry) { t.Helper(); w.halfway(t, Range{}, entries, 5) }, false},
		"absent":   {func(*testing.T, *world, []Entry) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			entries := makeEntries(10)
			test.prepare(t, w, entries)
			writer := w.NewWriter(w.load(t), Range{}, source, begin)
			if err := writer.Add(t.Context(), entries[3]); err != nil {
				t.Fatal(err)
			}
			index, wrote, err := writer.Amend(t.Context(), w.clock())
			if err != nil || !wrote || index.Complete != test.want {
				t.Errorf("complete %v, wrote %v, error %v", index.Complete, wrote, err)
			}
			if _, isWhole := w.load(t).Whole(); isWhole != test.want {
				t.Errorf("whole %v", isWhole)
			}
		})
	}
}
