package mover

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// named carries out a run over keys, which must not fail.
func (w *world) named(t *testing.T, keys []string, unnoted ...manifest.Change) NamedReport {
	t.Helper()
	report, err := CopyNamed(t.Context(), w.job, keys, unnoted)
	if err != nil {
		t.Fatalf("%v (%+v)", err, report)
	}
	return report
}

// figures of a report that a test compares: times and requests have tests of their own.
var figures = cmpopts.IgnoreFields(NamedReport{}, "Newest", "HeldSince", "FailedSince", "Failures", "Requests", "Objects", "Bytes")

func wantFigures(t *testing.T, want, got NamedReport) {
	t.Helper()
	if diff := cmp.Diff(want, got, figures, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestANamedObjectIsCopiedWithoutListing(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	keys := w.putMany(700)
	w.sync(t)
	w.forget()
	w.put(keys[300], "changed")
	w.put("dossier-new", "new")
	report := w.named(t, []string{"dossier-new", keys[300], keys[301], keys[300]})
	wantFigures(t, NamedReport{Copied: 2, CopiedBytes: 10, Current: 1, IsNoted: true}, report)
	if want, got := (manifest.Totals{Objects: 701, Bytes: w.bytes()}), (manifest.Totals{Objects: report.Objects, Bytes: report.Bytes}); want != got {
		t.Errorf("the manifest lists %+v, want %+v", got, want)
	}
	if n := w.source.Count("ListObjectsV2"); n != 0 {
		t.Errorf("the source was listed %d times", n)
	}
	for _, r := range w.target.Requests(func(r emulator.Request) bool { return r.Operation == "ListObjectsV2" }) {
		query, err := url.ParseQuery(r.Query)
		if prefix := query.Get("prefix"); err != nil || prefix != manifest.Root("")+"index/" {
			t.Errorf("the target was listed under %q", prefix)
		}
	}
	if diff := cmp.Diff([]string{keys[300], keys[301], "dossier-new"}, sent(w.source, "HeadObject"), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("what the source was asked (-want +got):\n%s", diff)
	}
	w.checkSame(t)

	// The pass asks once about what no listing has shown yet, and then never again.
	for _, asked := range []int{2, 0} {
		w.forget()
		if report := w.sync(t); report.Copied != 0 || report.Verified != 0 {
			t.Errorf("the pass copied %d and read %d", report.Copied, report.Verified)
		}
		if got := len(sent(w.source, "HeadObject")); got != asked {
			t.Errorf("the pass asked about %d objects, want %d", got, asked)
		}
	}
}

// bytes is what the source holds.
func (w *world) bytes() (sum int64) {
	for _, object := range contents(w.source, primary) {
		sum += int64(len(object.Body))
	}
	return sum
}

func TestWhatIsNamedIsABeliefAndNothingMore(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.putMany(5)
	w.sync(t)
	before := contents(w.target, replica)
	w.forget()
	report := w.named(t, []string{"forged", "a//b", "", ".rempart/manifest/x", ".rempart/owner", "dossier-000/acte-00001"})
	wantFigures(t, NamedReport{Current: 1}, report)
	if diff := cmp.Diff(before, contents(w.target, replica)); diff != "" {
		t.Errorf("the target changed:\n%s", diff)
	}
	for _, operation := range []string{"PutObject", "DeleteObject"} {
		if n := w.target.Count(operation); n != 0 {
			t.Errorf("%s was sent %d times", operation, n)
		}
	}
	if asked := sent(w.source, "HeadObject"); slices.Contains(asked, ".rempart/owner") {
		t.Errorf("the source was asked about %q", asked)
	}
}

func TestDeletionsAreLeftToAPass(t *testing.T) {
	for deletes, held := range map[Deletes]int64{PropagateDeletes: 2, IgnoreDeletes: 0} {
		w := newWorld(t)
		version(t, w.job.Target.Session, replica)
		w.job.Options.Deletes = deletes
		keys := w.putMany(30)
		w.run(t)
		w.remove(t, keys[3], keys[4])
		begin := time.Now()
		report := w.named(t, []string{keys[3], keys[4], keys[5]})
		wantFigures(t, NamedReport{Held: held, Current: 1}, report)
		if held > 0 && report.HeldSince.Before(begin) || held == 0 && !report.HeldSince.IsZero() {
			t.Errorf("held since %s", report.HeldSince)
		}
		if got := len(contents(w.target, replica)); got != 30 {
			t.Errorf("%s: the target holds %d objects, want 30", deletes, got)
		}
		if report := w.run(t); report.Deleted != held {
			t.Errorf("%s: the pass deleted %d", deletes, report.Deleted)
		}
	}
}

// What is overwritten at a target without versions is lost. A source that is encrypted
// by somebody tells of every object, and none of them may get past the guard.
func TestOverwritesOfATargetWithoutVersionsAreLeftToAPass(t *testing.T) {
	w := newWorld(t)
	w.job.Options.Guard = Guard{MaximumObjects: 1000, MaximumPercent: 10}
	keys := w.putMany(30)
	w.sync(t)
	before := contents(w.target, replica)
	for _, key := range keys {
		w.source.PutObjectDirect(primary, emulator.Object{Key: key, Body: []byte("encrypted"), LastModified: time.Unix(1900000000, 0)})
	}
	w.put("note", "pay")
	report := w.named(t, append(keys, "note"))
	wantFigures(t, NamedReport{Held: 30, Copied: 1, CopiedBytes: 3, IsNoted: true}, report)
	if want := time.Unix(1900000000, 0); !report.HeldSince.Equal(want) {
		t.Errorf("held since %s, want %s", report.HeldSince, want)
	}
	after := contents(w.target, replica)
	delete(after, "note")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the target changed:\n%s", shorten(diff))
	}
	if report := w.run(t); report.Guard == nil || report.Guard.Planned != 30 {
		t.Errorf("the pass was not stopped: %+v", report)
	}
}

// Within one second an object may be written twice with the same content: reads and
// notifications cannot tell the two apart by time and ETag.
func TestAttributesThatChangeWithinASecondAreSeen(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.put("a", "x")
	w.sync(t)
	second := time.Unix(1800000000, 0)
	write := func(after time.Duration, title string) {
		w.source.PutObjectDirect(primary, emulator.Object{
			Key: "b", Body: []byte("same"), LastModified: second.Add(after), Metadata: map[string]string{"title": title},
		})
	}
	write(100*time.Millisecond, "first")
	wantFigures(t, NamedReport{Copied: 1, CopiedBytes: 4, IsNoted: true}, w.named(t, []string{"b"}))
	wantFigures(t, NamedReport{Current: 1}, w.named(t, []string{"b"}))
	write(200*time.Millisecond, "second")
	wantFigures(t, NamedReport{Copied: 1, CopiedBytes: 4, IsNoted: true}, w.named(t, []string{"b"}))
	write(300*time.Millisecond, "third") // and no event comes
	if report := w.sync(t); report.Copied != 1 {
		t.Errorf("the pass copied %d", report.Copied)
	}
}

func TestWhatFailsIsGivenBack(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.put("a", "x")
	w.sync(t)
	w.put("b", "y")
	w.put("c", "z")
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "b"}, emulator.Fail(500, "InternalError"))
	failing := w.source.Faults().Add(emulator.Match{Operation: "HeadObject", Key: "d"}, emulator.Fail(500, "InternalError"))
	report := w.named(t, []string{"a", "b", "c", "d"})
	wantFigures(t, NamedReport{Copied: 1, CopiedBytes: 1, Current: 1, Again: []string{"b", "d"}, IsNoted: true}, report)
	if written, _ := w.source.Object(primary, "b"); !report.FailedSince.Equal(written.LastModified.Truncate(time.Second)) {
		t.Errorf("failed since %s, want %s", report.FailedSince, written.LastModified)
	}
	failing.Clear()
	w.source.Faults().Clear()
	wantFigures(t, NamedReport{Copied: 1, CopiedBytes: 1, IsNoted: true}, w.named(t, report.Again))
	w.checkSame(t)
}

func TestNothingIsCopiedToATargetThatIsNotAdmitted(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.put("a", "x")
	refused := errors.New("not ours")
	w.job.Options.Admit = func(provider.BucketState) error { return refused }
	report, err := CopyNamed(t.Context(), w.job, []string{"a"}, nil)
	if !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	wantFigures(t, NamedReport{Again: []string{"a"}}, report)
	if n := len(w.target.Keys(replica)); n != 0 {
		t.Errorf("%d objects were written", n)
	}
}

// Beside a pass objects are copied at once, and written down once it has ended.
func TestNamedObjectsAreCopiedBesideAPass(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.job.Options.Together = NewTogether()
	keys := w.putMany(20)
	w.sync(t)
	w.put(keys[7], "version 2")
	gate := make(chan struct{})
	w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Times: 1}, emulator.Hold(gate))
	ended := make(chan error, 1)
	go func() {
		_, err := w.start(t.Context())
		ended <- err
	}()
	w.awaitManifestTaken(t)
	report := w.named(t, []string{keys[7]})
	if report.Copied != 1 || report.IsNoted || len(report.Unnoted) != 1 {
		t.Errorf("beside the pass: %+v", report)
	}
	if got, _ := w.target.Object(replica, keys[7]); string(got.Body) != "version 2" {
		t.Errorf("the target holds %q", got.Body)
	}
	w.put(keys[7], "version 3")
	close(gate)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	report = w.named(t, []string{keys[7]}, report.Unnoted...)
	if len(report.Unnoted) != 0 {
		t.Errorf("after the pass: %+v", report)
	}
	w.checkSame(t)
	if report := w.sync(t); report.Copied != 0 {
		t.Errorf("the next pass copied %d", report.Copied)
	}
}

// awaitManifestTaken waits until a run has the manifest.
func (w *world) awaitManifestTaken(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		release, isFree := w.job.Options.Together.tryManifest()
		if !isFree {
			return
		}
		release()
	}
	t.Fatal("no pass has the manifest")
}

// However a pass and runs over names meet, what is read later is written later.
func TestTheLastStateWinsWhoeverCopiesIt(t *testing.T) {
	w := newWorld(t)
	version(t, w.job.Target.Session, replica)
	w.job.Options.Together = NewTogether()
	w.sync(t)
	w.put("a", "state 1")
	w.forget()
	gate := make(chan struct{})
	w.target.Faults().Add(emulator.Match{Operation: "PutObject", Key: "a", Times: 1}, emulator.Hold(gate))
	ended := make(chan error, 2)
	go func() {
		_, err := w.start(t.Context())
		ended <- err
	}()
	for len(sent(w.target, "PutObject")) == 0 { // it has read the first state, and writes it
		time.Sleep(time.Millisecond)
	}
	w.put("a", "state 2")
	named := make(chan struct{})
	go func() {
		defer close(named)
		_, err := CopyNamed(t.Context(), w.job, []string{"a"}, nil)
		ended <- err
	}()
	select {
	case <-named:
		t.Error("it did not wait for who was at the object")
	case <-time.After(300 * time.Millisecond):
	}
	close(gate)
	for range 2 {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := w.target.Object(replica, "a"); string(got.Body) != "state 2" {
		t.Errorf("the target holds %q", got.Body)
	}
}

func TestAPassLeavesUploadsOfOthersAlone(t *testing.T) {
	w := newWorld(t)
	w.job.Options.Together = NewTogether()
	session := w.job.Target.Session
	for _, key := range []string{"left", "under way"} {
		if _, err := session.StartUpload(t.Context(), provider.Ref{Bucket: replica, Key: key}, provider.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	release, err := w.job.Options.Together.hold(t.Context(), "under way")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	w.run(t)
	uploads, err := session.ListUploads(t.Context(), replica, "")
	if err != nil || len(uploads) != 1 || uploads[0].Key != "under way" {
		t.Errorf("uploads that are left: %+v, %v", uploads, err)
	}
}

func TestTheReportTellsWhatListingTook(t *testing.T) {
	w := newWorld(t)
	w.putMany(3)
	w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Times: 1}, emulator.Latency(60*time.Millisecond))
	w.source.Faults().Add(emulator.Match{Operation: "GetObject"}, emulator.Latency(200*time.Millisecond))
	if took := w.sync(t).ListingSeconds; took < 0.06 || took > 0.2 {
		t.Errorf("listing took %v s", took)
	}
}
