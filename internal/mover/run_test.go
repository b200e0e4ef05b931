package mover

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestTheFirstRunCopiesEverything(t *testing.T) {
	w := newWorld(t)
	w.putMany(250)
	w.put("empty", "")
	report := w.sync(t)
	want := Report{Result: Complete, Scanned: 251, Copied: 251, Verified: 251, CopiedBytes: report.Bytes, Objects: 251, Bytes: report.Bytes}
	got := report
	got.Requests, got.Seconds, got.ListingSeconds, got.AsOf = Requests{}, 0, 0, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if report.Bytes == 0 || time.Since(report.AsOf).Abs() > time.Minute || report.Seconds <= 0 {
		t.Errorf("bytes %d, as of %s, seconds %v", report.Bytes, report.AsOf, report.Seconds)
	}
}

func TestASmallObjectTakesTwoRequests(t *testing.T) {
	w := newWorld(t)
	w.job.Options.TargetChecksContent = provider.Supported
	w.putMany(100)
	report := w.sync(t)
	if diff := cmp.Diff(map[string]int64{"Ping": 1, "ListPage": 1, "Get": 100}, report.Requests.Source); diff != "" {
		t.Errorf("requests to the source (-want +got):\n%s", diff)
	}
	want := map[string]int64{
		"ObserveBucket": 1, "ListUploads": 1,
		"ListPage":         2,       // the manifest's indexes, and the objects
		"Put":              100 + 2, // a segment and the index
		"ListVersionsPage": 1,       // to collect what is obsolete
	}
	if diff := cmp.Diff(want, report.Requests.Target); diff != "" {
		t.Errorf("requests to the target (-want +got):\n%s", diff)
	}
}

func TestNothingToDoTakesListingsAndTheManifest(t *testing.T) {
	w := newWorld(t)
	w.putMany(2500) // three pages
	w.sync(t)
	w.forget()
	report := w.sync(t)
	if report.Skipped != 2500 || report.Copied != 0 || report.Objects != 2500 {
		t.Errorf("report %+v", report)
	}
	if diff := cmp.Diff(map[string]int64{"Ping": 1, "ListPage": 3}, report.Requests.Source); diff != "" {
		t.Errorf("requests to the source (-want +got):\n%s", diff)
	}
	segments := int64(len(w.segments(t)))
	want := map[string]int64{"ObserveBucket": 1, "ListUploads": 1, "ListPage": 1 + 3, "Get": 1 + segments}
	if diff := cmp.Diff(want, report.Requests.Target); diff != "" {
		t.Errorf("requests to the target (-want +got):\n%s", diff)
	}
}

// segments gives the names of the segments that the manifest lists.
func (w *world) segments(t *testing.T) []string {
	t.Helper()
	whole, isWhole := w.snapshot(t).Whole()
	if !isWhole {
		t.Fatal("the manifest is not whole")
	}
	var names []string
	for _, ref := range whole.Segments {
		names = append(names, ref.Name)
	}
	return names
}

func TestChangesAreCarriedOver(t *testing.T) {
	for name, isVersioned := range map[string]bool{"to a target without versions": false, "to a target with versions": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if isVersioned {
				version(t, w.job.Target.Session, replica)
			}
			keys := w.putMany(30)
			w.sync(t)
			w.put(keys[3], "other")
			w.put(keys[4], "content of "+keys[5]) // the same size
			w.put("new", "new")
			w.remove(t, keys[7], keys[8])
			w.forget()
			report := w.sync(t)
			if report.Copied != 3 || report.Deleted != 2 || report.Skipped != 26 || report.Objects != 29 {
				t.Errorf("report %+v", report)
			}
			if diff := cmp.Diff([]string{keys[7], keys[8]}, sent(w.target, "DeleteObject")); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{keys[7], keys[8]}, sent(w.source, "HeadObject")); diff != "" {
				t.Errorf("asked before deleting (-want +got):\n%s", diff)
			}
			w.forget()
			if again := w.sync(t); again.Skipped != 29 || again.Copied+again.Deleted != 0 || w.target.Count("PutObject") > 0 {
				t.Errorf("run again: %+v", again)
			}
		})
	}
}

func TestOverwritesWaitForTheEndOfThePassWhereTheTargetKeepsNoVersions(t *testing.T) {
	for name, isVersioned := range map[string]bool{"without versions": false, "with versions": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if isVersioned {
				version(t, w.job.Target.Session, replica)
			}
			keys := w.putMany(3)
			w.sync(t)
			w.put(keys[1], "other")
			w.put("z", "cannot be read")
			w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "z"}, emulator.Fail(403, "AccessDenied"))
			report := w.run(t)
			there, _ := w.target.Object(replica, keys[1])
			if isOverwritten := string(there.Body) == "other"; isOverwritten != isVersioned || report.Result != Partial {
				t.Errorf("overwritten %v in a run that ended %s", isOverwritten, report.Result)
			}
			changed, _ := w.source.Object(primary, keys[1])
			if since := report.OldestMissing; !isVersioned && !since.Equal(changed.LastModified.Truncate(time.Millisecond)) {
				t.Errorf("the oldest change that the target lacks is of %s, want %s", since, changed.LastModified)
			}
			w.checkManifest(t)
		})
	}
}

func TestDeletesThatAreIgnoredLeaveObjectsAndEntries(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(3)
	w.sync(t)
	w.remove(t, keys[1])
	w.job.Options.Deletes = IgnoreDeletes
	report := w.run(t)
	if report.Result != Complete || report.Deleted != 0 || report.Objects != 3 {
		t.Errorf("report %+v", report)
	}
	if _, there := w.target.Object(replica, keys[1]); !there {
		t.Error("the object was deleted")
	}
	w.checkManifest(t)
}

func TestTheManifestTellsWhatBothSidesSaid(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Source.Session, primary)
	w.put("a", "content")
	w.sync(t)
	object, _ := w.source.Object(primary, "a")
	there, _ := w.target.Object(replica, "a")
	want := manifest.Entry{
		Key: "a", VersionID: object.VersionID, ETag: object.ETag, Size: 7,
		Modified: object.LastModified.Truncate(time.Millisecond), SHA256: digestOf("content"), TargetETag: there.ETag,
	}
	if diff := cmp.Diff(want, w.manifest(t)["a"]); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestWhatIsThereAlreadyIsComparedAndNotCopied(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	for i, key := range keys {
		content := "content of " + key
		if i == 4 {
			content = "CONTENT of " + key // as long as it should be
		}
		w.target.PutObjectDirect(replica, emulator.Object{Key: key, Body: []byte(content)})
	}
	w.target.PutObjectDirect(replica, emulator.Object{Key: keys[5], Body: []byte("content of " + keys[5]), Metadata: map[string]string{"a": "b"}})
	report := w.sync(t)
	if report.Skipped != 18 || report.Copied != 2 {
		t.Errorf("report %+v", report)
	}
	if diff := cmp.Diff(keys[4:6], sent(w.target, "PutObject")); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestAnObjectThatWasTamperedWithIsSetRight(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	w.sync(t)
	w.target.PutObjectDirect(replica, emulator.Object{Key: keys[2], Body: []byte("CONTENT of " + keys[2])})
	w.target.PutObjectDirect(replica, emulator.Object{Key: keys[3], Body: []byte("longer than the content of " + keys[3])})
	w.target.PutObjectDirect(replica, emulator.Object{Key: "foreign", Body: []byte("foreign")})
	if report := w.sync(t); report.Copied != 2 || report.Deleted != 1 {
		t.Errorf("report %+v", report)
	}
}

func TestAStoreThatTellsOtherETagsInListingsIsNotWrittenToForEver(t *testing.T) {
	w := newWorld(t)
	w.putMany(5)
	w.target.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Bucket: replica},
		emulator.Alter(func(o *emulator.Object) { o.ETag = "listed-" + o.ETag }))
	if report := w.run(t); report.Result != Complete || report.Copied != 5 {
		t.Fatalf("report %+v", report)
	}
	for range 2 {
		if report := w.run(t); report.Result != Complete || report.Copied != 0 || report.Skipped != 5 {
			t.Fatalf("report %+v", report)
		}
	}
	w.forget()
	w.run(t)
	if reads := len(sent(w.target, "GetObject")); reads > 0 {
		t.Errorf("%d objects are compared again in every run", reads)
	}
}

func TestAnotherSourceIsComparedAndNotBelieved(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(5)
	w.sync(t)
	w.source.CreateBucket("relocated")
	for _, key := range keys {
		object, _ := w.source.Object(primary, key)
		w.source.PutObjectDirect("relocated", object)
	}
	w.job.Source.Bucket = "relocated"
	w.forget()
	if report := w.run(t); report.Result != Complete || report.Skipped != 5 {
		t.Errorf("report %+v", report)
	}
	if got := len(sent(w.target, "GetObject")); got != 5 {
		t.Errorf("%d of 5 objects were compared", got)
	}
}

func TestPrefixesMapToEachOther(t *testing.T) {
	for name, prefixes := range map[string][2]string{
		"into a folder": {"", "copy/"}, "out of a folder": {"data/", ""}, "from one to another": {"data/", "copy/of/"}, "of names": {"da", "x-"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.job.Source.Prefix, w.job.Target.Prefix = prefixes[0], prefixes[1]
			for _, key := range []string{"a", "b/c", "z"} {
				w.put(prefixes[0]+key, key)
				w.put("elsewhere/"+key, "not copied with a prefix")
			}
			w.target.PutObjectDirect(replica, emulator.Object{Key: "bystander", Body: []byte("x")})
			w.target.PutObjectDirect(replica, emulator.Object{Key: prefixes[1] + "surplus", Body: []byte("x")})
			want := map[string]string{}
			for key, object := range contents(w.source, primary) {
				if rest, isIn := strings.CutPrefix(key, prefixes[0]); isIn {
					want[prefixes[1]+rest] = object.Body
				}
			}
			if prefixes[1] != "" {
				want["bystander"] = "x"
			}
			if report := w.run(t); report.Result != Complete {
				t.Fatalf("report %+v", report)
			}
			got := map[string]string{}
			for key, object := range contents(w.target, replica) {
				got[key] = object.Body
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
			if report := w.run(t); report.Copied+report.Deleted != 0 || report.Result != Complete {
				t.Errorf("run again: %+v", report)
			}
		})
	}
}

func TestARunWithoutATargetBucketFails(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	w.job.Target.Bucket = "absent"
	report, err := w.start(t.Context())
	if err == nil || report.Result != Aborted || report.Reason != fault.BucketMissing {
		t.Errorf("ended %s %s: %v", report.Result, report.Reason, err)
	}
	if counts := maps.Clone(w.target.Counts()); counts["PutObject"] > 0 || counts["CreateBucket"] > 0 {
		t.Errorf("requests: %v", counts)
	}
}

func TestARunCountsWhatItVerified(t *testing.T) {
	w := newWorld(t)
	w.putMany(10)
	for _, key := range w.source.Keys(primary)[:4] {
		object, _ := w.source.Object(primary, key)
		w.target.PutObjectDirect(replica, emulator.Object{Key: key, Body: object.Body}) // they are compared
	}
	if report := w.sync(t); report.Verified != 10 || report.Copied != 6 || report.Objects != 10 {
		t.Errorf("first run: %+v", report)
	}
	w.put("new", "new")
	if report := w.sync(t); report.Verified != 1 || report.Objects != 11 {
		t.Errorf("second run, which believes the manifest: %+v", report)
	}
	w.put("newer", "newer")
	w.job.Options.Verification = VerifyNone
	if report := w.sync(t); report.Verified != 0 || report.Copied != 1 {
		t.Errorf("without verification: %+v", report)
	}
}
