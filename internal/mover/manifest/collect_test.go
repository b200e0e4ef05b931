package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// strangers are objects that are none of the manifest's business.
var strangers = []string{"object", ".rempart/owner", ".rempart/evidence/x.jsonl.gz", ".rempart/manifest-of-mine.jsonl.gz", ".rempart/manifest/readme", ".rempart/manifest/deadbeef/old.jsonl.gz", ".rempart/manifest/deadbeef/index/part-1.json"}

// aged makes a store in which everything seems to be so old at the writers' clock.
func (w *world) aged(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) putStrangers() {
	for _, key := range strangers {
		w.server.PutObjectDirect(bucket, emulator.Object{Key: key, Body: []byte("stranger")})
	}
}

func (w *world) checkStrangers(t *testing.T) {
	t.Helper()
	for _, key := range strangers {
		if versions := w.server.Versions(bucket, key); len(versions) != 1 || versions[0].DeleteMarker {
			t.Errorf("%q was touched: %d versions", key, len(versions))
		}
	}
}

func versioned(t *testing.T, w *world) {
	t.Helper()
	buckets := w.Objects.(provider.Buckets)
	if err := buckets.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
}

// buckets are the kinds of buckets that a manifest may be in.
var buckets = map[string]func(*testing.T, *world){
	"unversioned": func(*testing.T, *world) {},
	"versioned":   versioned,
	"without a listing of versions": func(_ *testing.T, w *world) {
		w.server.Faults().Add(emulator.Match{Operation: "ListObjectVersions"}, emulator.Fail(501, "NotImplemented"))
	},
}

func TestObsoleteSegmentsAreKeptForADayAfterTheyWereLastListed(t *testing.T) {
	for name, prepare := range buckets {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			prepare(t, w)
			entries := makeEntries(5000)
			w.writeAll(t, Range{}, entries)
			w.putStrangers()
			first := w.load(t)
			w.aged(30 * 24 * time.Hour) // the first segments are a month old
			entries[10].ETag = "changed"
			w.writeAll(t, Range{}, entries)
			if got := w.known(t, first, Range{}); len(got) != 5000 {
				t.Errorf("a drill that loaded the manifest before reads %d entries: %q", len(got), w.warnings)
			}
			w.aged(23 * time.Hour)
			entries[10].ETag = "changed again"
			w.writeAll(t, Range{}, entries)
			if got := w.known(t, first, Range{}); len(got) != 5000 {
				t.Errorf("after 23 hours it reads %d entries: %q", len(got), w.warnings)
			}
			w.aged(2 * time.Hour)
			entries[10].ETag = "changed once more"
			w.writeAll(t, Range{}, entries)
			if kept := len(w.segments()); kept != len(w.load(t).segments(Range{}))+2 {
				t.Errorf("after 25 hours %d segments are kept: %q", kept, w.objects())
			}
			if diff := cmp.Diff(entries, w.known(t, w.load(t), Range{})); diff != "" {
				t.Error(diff)
			}
			w.checkStrangers(t)
		})
	}
}

func TestWhatARunThatWasKilledLeftIsRemovedAfterADay(t *testing.T) {
	for name, prepare := range buckets {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			prepare(t, w)
			entries := makeEntries(1000)
			w.writeAll(t, Range{}, entries)
			w.putStrangers()
			left := Root("") + "0123456789abcdef0123456789abcdef" + segmentSuffix
			w.server.PutObjectDirect(bucket, emulator.Object{Key: left, Body: []byte("left over")})
			for _, age := range []time.Duration{0, 25 * time.Hour} {
				w.aged(age)
				entries[0].ETag += "."
				w.writeAll(t, Range{}, entries)
				if _, isThere := w.server.Object(bucket, left); isThere != (age == 0) {
					t.Errorf("after %s the left-over segment is there: %v", age, isThere)
				}
			}
			w.checkStrangers(t)
		})
	}
}

func TestASegmentThatIsListedAgainIsKept(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(100)
	other := slices.Clone(entries)
	other[5].ETag = "changed"
	w.writeAll(t, Range{}, entries)
	w.writeAll(t, Range{}, other)
	w.writeAll(t, Range{}, entries) // what was retired is listed again
	w.aged(48 * time.Hour)
	other[5].ETag = "changed again"
	w.writeAll(t, Range{Until: "a"}, nil) // a part that says nothing
	before := w.load(t)
	w.writeAll(t, Range{}, entries)
	if got := w.known(t, before, Range{}); len(got) != 100 {
		t.Errorf("%d entries are left: %q", len(got), w.warnings)
	}
}

func TestOldVersionsOfAManifestAreRemovedAfterADay(t *testing.T) {
	w := newWorld(t)
	versioned(t, w)
	w.putStrangers()
	entries := makeEntries(1000)
	for range 4 {
		entries[0].ETag += "."
		w.writeAll(t, Range{}, entries)
	}
	index := Root("") + Range{}.indexName()
	if got := len(w.server.Versions(bucket, index)); got != 4 {
		t.Errorf("%d versions of the index", got)
	}
	w.aged(25 * time.Hour)
	entries[0].ETag += "."
	w.writeAll(t, Range{}, entries)
	if got := len(w.server.Versions(bucket, index)); got != 1 {
		t.Errorf("%d versions of the index a day later", got)
	}
	if diff := cmp.Diff(entries, w.known(t, w.load(t), Range{})); diff != "" {
		t.Error(diff)
	}
	w.checkStrangers(t)
}

// locked makes the manifest's bucket one that puts everything under lock.
func locked(t *testing.T, w *world) {
	t.Helper()
	want := provider.Bucket{Name: "locked", Versioning: provider.VersioningEnabled, Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 7},
	}}
	buckets := w.Objects.(provider.Buckets)
	if err := errors.Join(buckets.CreateBucket(t.Context(), want), buckets.UpdateBucket(t.Context(), want)); err != nil {
		t.Fatal(err)
	}
	w.Bucket = want.Name
}

// A lock keeps what is obsolete. It is asked about once, whatever there is of it,
// and the manifest goes on.
func TestWhatIsUnderALockIsCollectedAnotherTime(t *testing.T) {
	w := newWorld(t)
	locked(t, w)
	entries := makeEntries(3000)
	var index Index
	for i := range 5 {
		entries[i].ETag += "."
		index = w.write(t, entries)
	}
	before := w.objects()
	w.aged(25 * time.Hour)
	w.server.ForgetRequests()
	err := w.Collect(t.Context(), index, w.clock())
	if !errors.Is(err, provider.ErrLocked) {
		t.Errorf("got %v", err)
	}
	if asked := w.server.Count("DeleteObject"); asked != 1 {
		t.Errorf("asked %d times to remove what is locked", asked)
	}
	if diff := cmp.Diff(before, w.objects()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(entries, w.known(t, w.load(t), Range{})); diff != "" {
		t.Error(diff)
	}
}

// MinIO refuses to remove what is locked as a bad request.
func TestWhatAStoreRefusesGoesOnceItDoesNot(t *testing.T) {
	for name, refusal := range map[string]emulator.Effect{
		"as most do":    emulator.Fail(403, "AccessDenied"),
		"as MinIO does": emulator.Fail(400, "InvalidRequest"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			versioned(t, w)
			entries := makeEntries(10)
			w.write(t, entries)
			entries[0].ETag = "changed"
			index := w.write(t, entries)
			w.aged(25 * time.Hour)
			refused := w.server.Faults().Add(emulator.Match{Operation: "DeleteObject"}, refusal)
			if err := w.Collect(t.Context(), index, w.clock()); !errors.Is(err, provider.ErrLocked) {
				t.Errorf("got %v", err)
			}
			refused.Clear()
			if err := w.Collect(t.Context(), index, w.clock()); err != nil {
				t.Error(err)
			}
			if left := len(w.server.Versions(bucket, Root("")+Range{}.indexName())); left != 1 {
				t.Errorf("%d versions of the index are left", left)
			}
		})
	}
}

// What one Collect removes is bounded; the oldest go first.
func TestCollectingIsBounded(t *testing.T) {
	w := newWorld(t)
	index := w.write(t, makeEntries(10))
	const left = 2*collectLimit + 100
	for i := range left {
		w.server.PutObjectDirect(bucket, emulator.Object{
			Key: fmt.Sprintf("%s%08x%s", Root(""), left-i, segmentSuffix), LastModified: w.now.Add(time.Duration(i) * time.Second),
		})
	}
	w.aged(48 * time.Hour)
	w.server.ForgetRequests()
	if err := w.Collect(t.Context(), index, w.clock()); err != nil {
		t.Fatal(err)
	}
	if removed := w.server.Count("DeleteObject"); removed != collectLimit {
		t.Errorf("removed %d", removed)
	}
	if _, isThere := w.server.Object(bucket, fmt.Sprintf("%s%08x%s", Root(""), 1, segmentSuffix)); !isThere {
		t.Error("the newest went before older ones")
	}
}

func TestOnlyACompleteManifestOfEverythingCollects(t *testing.T) {
	for name, index := range map[string]Index{
		"stopped": {Complete: false},
		"a part":  {Complete: true, Range: Range{After: "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.writeAll(t, Range{}, makeEntries(10))
			before := w.objects()
			w.aged(48 * time.Hour)
			if err := w.Collect(t.Context(), index, w.clock()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, w.objects()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheListOfRetiredSegmentsIsBounded(t *testing.T) {
	w := newWorld(t)
	writer := w.NewWriter(Snapshot{}, Range{}, source, begin)
	var before []Retired
	for i := range 3 * maximumRetired {
		before = append(before, Retired{Name: shortHash(string(rune(i))), At: w.now.Add(-time.Duration(i) * time.Second)})
	}
	writer.before.indexes = []Index{{Retired: before}}
	got := writer.retired(Index{}, w.now)
	if diff := cmp.Diff(before[:maximumRetired], got); diff != "" {
		t.Errorf("not the newest are kept (-want +got):\n%s", diff)
	}
	if got := writer.retired(Index{Range: Range{After: "a"}}, w.now); len(got) > 0 {
		t.Error("a part retires segments that the whole lists")
	}
}

func TestManifestsOfPrefixesDoNotMeet(t *testing.T) {
	w := newWorld(t)
	entries := makeEntries(300)
	other := &world{Store: w.Store, server: w.server, now: w.now}
	other.Prefix = "data/"
	w.writeAll(t, Range{}, entries)
	other.writeAll(t, Range{}, entries[:7])
	for range 2 {
		entries[0].ETag += "."
		w.writeAll(t, Range{}, entries)
		w.aged(48 * time.Hour)
		other.aged(48 * time.Hour)
	}
	entries[0].ETag += "."
	w.writeAll(t, Range{}, entries)
	other.writeAll(t, Range{}, entries[:8])
	if a, b := len(w.known(t, w.load(t), Range{})), len(other.known(t, other.load(t), Range{})); a != 300 || b != 8 {
		t.Errorf("%d and %d entries", a, b)
	}
	if counts := maps.Clone(w.server.Counts()); counts["DeleteObject"] == 0 {
		t.Error("nothing was collected, so nothing is shown")
	}
}
