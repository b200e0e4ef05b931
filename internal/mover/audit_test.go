package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover/manifest"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// expected gives what the manifest says.
func (w *world) expected(t *testing.T) iter.Seq2[manifest.Entry, error] {
	t.Helper()
	return w.job.Target.manifest().Entries(t.Context(), w.snapshot(t), manifest.Range{}, func(err error) { t.Error(err) })
}

func (w *world) audit(t *testing.T) AuditReport {
	t.Helper()
	report, err := Audit{End: w.job.Target, Expected: w.expected(t), Workers: 3}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestAnAuditFindsWhatIsNotAsItShouldBe(t *testing.T) {
	tamper := func(change func(o *emulator.Object)) func(*testing.T, *world, string) {
		return func(t *testing.T, w *world, key string) {
			t.Helper()
			if err := w.target.Corrupt(replica, key, change); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		happen func(*testing.T, *world, string)
		want   string
	}{
		"a flipped bit":           {tamper(func(o *emulator.Object) { o.Body[3] ^= 1 }), "different"},
		"a byte less":             {tamper(func(o *emulator.Object) { o.Body = o.Body[1:]; o.Size-- }), "different"},
		"another type":            {tamper(func(o *emulator.Object) { o.Headers = map[string]string{"Content-Type": "text/html"} }), "different"},
		"another tag":             {tamper(func(o *emulator.Object) { o.Tags = map[string]string{"a": "b"} }), "different"},
		"metadata somebody added": {tamper(func(o *emulator.Object) { o.Metadata = map[string]string{"a": "b"} }), "different"},
		"a deleted object": {func(t *testing.T, w *world, key string) {
			t.Helper()
			if err := w.job.Target.Session.Remove(t.Context(), w.job.Target.ref(key)); err != nil {
				t.Fatal(err)
			}
		}, "missing"},
		"an object that is listed and gone": {func(_ *testing.T, w *world, key string) {
			w.target.Faults().Add(emulator.Match{Operation: "GetObject", Key: key}, emulator.Fail(404, "NoSuchKey"))
		}, "missing"},
		"an object that nobody knows": {func(_ *testing.T, w *world, key string) {
			w.target.PutObjectDirect(replica, objectOf(key+" too", "x"))
		}, "extra"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(20)
			w.sync(t)
			test.happen(t, w, keys[7])
			report := w.audit(t)
			found := map[string]int64{"missing": report.Missing, "different": report.Different, "extra": report.Extra}
			want := map[string]int64{"missing": 0, "different": 0, "extra": 0}
			want[test.want] = 1
			if diff := gocmp.Diff(want, found); diff != "" || report.IsClean() || len(report.Findings) != 1 || report.Findings[0].Kind != test.want {
				t.Errorf("findings %+v (-want +got):\n%s", report.Findings, diff)
			}
			if report.Digest.Count() != 20 {
				t.Errorf("%d objects were expected", report.Digest.Count())
			}
		})
	}
}

func TestAnAuditOfWhatIsAsItShouldBeIsClean(t *testing.T) {
	w := newWorld(t)
	w.putMany(50)
	w.putAttributed(0)
	first := w.sync(t)
	w.forget()
	report := w.audit(t)
	if !report.IsClean() || report.Matched != first.Objects || report.MatchedBytes != first.Bytes || report.Digest.Bytes() != first.Bytes {
		t.Errorf("report %+v", report)
	}
	if counts := w.target.Counts(); counts["PutObject"]+counts["DeleteObject"] > 0 {
		t.Errorf("an audit wrote: %v", counts)
	}
}

func TestAnAuditMayAllowForWhatTheSourceDeleted(t *testing.T) {
	w := newWorld(t)
	w.putMany(20)
	w.sync(t)
	w.target.PutObjectDirect(replica, objectOf("kept", "of long ago"))
	report, err := Audit{End: w.job.Target, Expected: w.expected(t), AllowExtra: true}.Run(t.Context())
	if err != nil || !report.IsClean() || report.Matched != 20 {
		t.Errorf("report %+v, error %v", report, err)
	}
	if report := w.audit(t); report.Extra != 1 {
		t.Errorf("%d objects are extra, want 1", report.Extra)
	}
}

func TestAnAuditThatCannotReadIsNoFinding(t *testing.T) {
	faults := map[string]emulator.Match{
		"an object":   {Operation: "GetObject", KeyPrefix: "dossier"},
		"the listing": {Operation: "ListObjectsV2"},
	}
	for name, match := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putMany(20)
			w.sync(t)
			expected := w.expected(t)
			w.target.Faults().Add(match, emulator.Fail(403, "AccessDenied"))
			report, err := Audit{End: w.job.Target, Expected: expected}.Run(t.Context())
			if err == nil || !report.IsClean() {
				t.Errorf("findings %+v, error %v", report.Findings, err)
			}
		})
	}
}

func TestAnAuditReadsAgainWhatBreaksOff(t *testing.T) {
	w := newWorld(t)
	w.putMany(20)
	w.sync(t)
	expected := w.expected(t)
	w.target.Faults().Add(emulator.Match{Operation: "GetObject", KeyPrefix: "dossier", Times: 2}, emulator.Truncate(3))
	report, err := Audit{End: w.job.Target, Expected: expected}.Run(t.Context())
	if err != nil || !report.IsClean() || report.Matched != 20 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestAnAuditNamesTheFirstFindingsAndCountsAll(t *testing.T) {
	w := newWorld(t)
	for i := range findingLimit + 50 {
		w.target.PutObjectDirect(replica, objectOf(fmt.Sprintf("%05d", i), ""))
	}
	report, err := Audit{End: w.job.Target, Expected: func(func(manifest.Entry, error) bool) {}}.Run(t.Context())
	if err != nil || report.Extra != findingLimit+50 || len(report.Findings) != findingLimit {
		t.Errorf("%d extra, %d named, error %v", report.Extra, len(report.Findings), err)
	}
}

func TestDifferencesAreWhatACopyLacksAndWhatItHasTooMuch(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	w.sync(t)
	w.remove(t, keys[3])
	w.put(keys[5], "changed")
	w.put("new", "new")
	w.forget()
	type difference struct {
		Key             string
		AtSource, Known bool
	}
	var got []difference
	for d, err := range Differences(t.Context(), w.job.Source, w.expected(t)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, difference{d.Key, d.Source != nil, d.Known != nil})
	}
	want := []difference{{keys[3], false, true}, {keys[5], true, true}, {"new", true, false}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if counts := w.source.Counts(); gocmp.Diff(map[string]int{"ListObjectsV2": 1}, counts) != "" {
		t.Errorf("requests: %v", counts)
	}
	w.source.Faults().Add(emulator.Match{}, emulator.Fail(403, "AccessDenied"))
	n := 0
	for _, err := range Differences(t.Context(), w.job.Source, w.expected(t)) {
		if n++; err == nil {
			t.Error("a listing that fails is taken for one that ends")
		}
	}
	if n != 1 {
		t.Errorf("%d differences beside the error", n-1)
	}
}

func TestForgottenKeysAreComparedByTheNextRun(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	w.sync(t)
	if err := Forget(t.Context(), w.job.Target, []string{keys[7], keys[3], keys[7], "absent"}, Options{}); err != nil {
		t.Fatal(err)
	}
	known := w.manifest(t)
	if _, is := known[keys[3]]; is || len(known) != 18 {
		t.Errorf("%d entries are known", len(known))
	}
	if _, isWhole := w.snapshot(t).Whole(); !isWhole {
		t.Error("the manifest is not whole any more")
	}
	w.forget()
	if report := w.sync(t); report.Copied != 0 || report.Skipped != 20 {
		t.Errorf("report %+v", report)
	}
	if diff := gocmp.Diff([]string{keys[3], keys[7]}, sent(w.target, "GetObject")); diff != "" {
		t.Errorf("compared (-want +got):\n%s", diff)
	}
}

func TestForgettingNothingWritesNothing(t *testing.T) {
	for name, keys := range map[string][]string{"no keys": nil, "unknown keys": {"a", "b"}} {
		w := newWorld(t)
		if err := Forget(t.Context(), w.job.Target, keys, Options{}); err != nil {
			t.Fatal(err)
		}
		w.putMany(5)
		w.sync(t)
		w.forget()
		if err := Forget(t.Context(), w.job.Target, keys, Options{}); err != nil {
			t.Fatal(err)
		}
		if w.target.Count("PutObject") > 0 {
			t.Errorf("%s: %v", name, w.target.Counts())
		}
		if _, isWhole := w.snapshot(t).Whole(); !isWhole {
			t.Errorf("%s: the manifest is not whole any more", name)
		}
	}
}

func TestForgettingDoesNotMakeAManifestComplete(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	w.stopAt(t, keys[10])
	if err := Forget(t.Context(), w.job.Target, keys[:1], Options{}); err != nil {
		t.Fatal(err)
	}
	if _, isWhole := w.snapshot(t).Whole(); isWhole || len(w.manifest(t)) != 9 {
		t.Errorf("whole %v with %d entries", isWhole, len(w.manifest(t)))
	}
}

// Objects are read side by side; what is said of them comes in order.
func TestAnAuditTellsOfEveryKeyInOrder(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(40)
	w.sync(t)
	w.target.Faults().Add(emulator.Match{Operation: "GetObject", Key: keys[0]}, emulator.Latency(200*time.Millisecond))
	if err := w.target.Corrupt(replica, keys[3], func(o *emulator.Object) { o.Body[0] ^= 1 }); err != nil {
		t.Fatal(err)
	}
	if err := w.job.Target.Session.Remove(t.Context(), w.job.Target.ref(keys[5])); err != nil {
		t.Fatal(err)
	}
	w.target.PutObjectDirect(replica, objectOf(keys[7]+" too", "four"))
	type told struct{ Key, Kind string }
	var want, got []told
	for i, key := range keys {
		kind := Match
		switch i {
		case 3:
			kind = "different"
		case 5:
			kind = "missing"
		}
		want = append(want, told{key, kind})
		if i == 7 {
			want = append(want, told{key + " too", "extra"})
		}
	}
	slices.SortFunc(want, func(a, b told) int { return cmp.Compare(a.Key, b.Key) })
	_, err := Audit{End: w.job.Target, Expected: w.expected(t), Told: func(_ context.Context, e Examined) error {
		got = append(got, told{e.Key, e.Kind})
		if isExtra := e.Expected == nil; isExtra != (e.Kind == "extra") || isExtra && e.Found.Size != 4 {
			t.Errorf("told %+v", e)
		}
		if e.Kind == Match && e.Found.SHA256 != e.Expected.SHA256 {
			t.Errorf("told a match of %+v", e)
		}
		return nil
	}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnAuditEndsWhenNobodyTakesWhatItTells(t *testing.T) {
	w := newWorld(t)
	w.putMany(40)
	w.sync(t)
	full, told := errors.New("full"), 0
	_, err := Audit{End: w.job.Target, Expected: w.expected(t), Told: func(context.Context, Examined) error {
		told++
		return full
	}}.Run(t.Context())
	if !errors.Is(err, full) || told != 1 {
		t.Errorf("told %d times, error %v", told, err)
	}
}
