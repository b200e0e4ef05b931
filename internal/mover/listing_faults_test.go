package mover

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// paged is a session whose listings have small pages.
type paged struct{ provider.Session }

func (p paged) ListPage(ctx context.Context, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	if request.Limit == 0 {
		request.Limit = 10
	}
	return p.Session.ListPage(ctx, bucket, request)
}

// pagedWorld is a world with 40 objects at both sides, of which one was deleted
// at the source, one changed and one added. Its listings have four pages.
func pagedWorld(t *testing.T) (*world, []string) {
	t.Helper()
	w := newWorld(t)
	w.job.Source.Session, w.job.Target.Session = paged{w.job.Source.Session}, paged{w.job.Target.Session}
	keys := w.putMany(40)
	w.sync(t)
	w.remove(t, keys[25])
	w.put(keys[2], "changed")
	w.put("a new one, before all others", "new")
	w.forget()
	return w, keys
}

// listingFaults are what has been seen of listings, hitting a page of the middle.
var listingFaults = map[string]struct {
	effect emulator.Effect
	skip   int
	// reason is why a run ends that sees it at the source; empty when the listing
	// looks sound.
	reason fault.Reason
}{
	"a page comes twice":           {emulator.RepeatPage(), 2, fault.UnsortedListing},
	"the token never changes":      {emulator.StuckToken(), 2, fault.UnsortedListing},
	"a page is in disorder":        {emulator.Unordered(), 2, fault.UnsortedListing},
	"the pages go round in circle": {emulator.LoopPages(), 0, fault.UnsortedListing},
	"a success without an answer":  {emulator.EmptyBody(), 2, fault.SourceListingSuspicious},
	"keys are left out":            {emulator.SkipKeys(3), 2, ""},
	"the listing ends early":       {emulator.EndEarly(), 2, ""},
}

func TestNothingIsInferredFromAListingOfTheSourceThatIsNotSound(t *testing.T) {
	for name, test := range listingFaults {
		t.Run(name, func(t *testing.T) {
			w, _ := pagedWorld(t)
			w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Skip: test.skip}, test.effect)
			report := w.run(t)
			if test.reason != "" && (report.Result != Aborted || report.Reason != test.reason) {
				t.Errorf("ended %s %s: %s", report.Result, report.Reason, report.Message)
			}
			if deleted := sent(w.target, "DeleteObject"); len(deleted) > 1 || test.reason != "" && len(deleted) > 0 {
				t.Errorf("deleted %q", deleted)
			}
			w.checkManifest(t)
			w.source.Faults().Clear()
			w.sync(t)
		})
	}
}

func TestWhatAListingLeavesOutIsAskedForBeforeItIsDeleted(t *testing.T) {
	w, keys := pagedWorld(t)
	w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Skip: 2}, emulator.SkipKeys(3))
	report := w.run(t)
	if report.Result != Partial || report.Deleted != 1 || report.Failed == 0 {
		t.Fatalf("report %+v", report)
	}
	for key, reason := range failures(report) {
		if reason != string(fault.SourceListingSuspicious) {
			t.Errorf("%q failed with %s", key, reason)
		}
		if _, there := w.target.Object(replica, key); !there {
			t.Errorf("%q was deleted", key)
		}
	}
	if diff := cmp.Diff(keys[25:26], sent(w.target, "DeleteObject")); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	w.checkManifest(t)
}

func TestAListingOfTheTargetThatIsNotSoundDoesNoHarm(t *testing.T) {
	for name, test := range listingFaults {
		t.Run(name, func(t *testing.T) {
			w, keys := pagedWorld(t)
			// The first page is of the manifest's indexes.
			w.target.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Skip: test.skip + 1}, test.effect)
			report := w.run(t)
			if test.reason != "" && report.Result != Aborted {
				t.Errorf("ended %s %s: %s", report.Result, report.Reason, report.Message)
			}
			for _, key := range sent(w.target, "DeleteObject") {
				if key != keys[25] {
					t.Errorf("deleted %q", key)
				}
			}
			w.target.Faults().Clear()
			w.sync(t)
		})
	}
}

func TestAKeyThatTheSourceListsAndDoesNotHaveIsNamed(t *testing.T) {
	w, keys := pagedWorld(t)
	w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2"}, emulator.Phantom("phantom"))
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"phantom": "SourceListingSuspicious"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if report.Result != Partial || report.Deleted != 0 {
		t.Errorf("a listing that is wrong was believed about %q: %+v", keys[25], report)
	}
	w.checkManifest(t)
}

func TestAKeyThatTheTargetListsAndDoesNotHaveIsCopied(t *testing.T) {
	w := newWorld(t)
	w.put("phantom", "")
	w.put("other", "other")
	w.target.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Bucket: replica}, emulator.Phantom("phantom", "surplus"))
	report := w.run(t)
	if report.Result != Complete || report.Copied != 2 || report.Deleted != 1 {
		t.Errorf("report %+v", report)
	}
	w.checkSame(t)
}

func TestAnObjectThatIsDeletedWhileTheRunGoesOnIsNoFailure(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(20)
	w.job.Options.Observer = ObserverFunc(func(e Event) {
		if e.Kind == EventPlanned && e.Key == keys[7] {
			w.remove(t, keys[7])
		}
	})
	if report := w.run(t); report.Result != Complete || report.Copied != 19 {
		t.Errorf("report %+v", report)
	}
	w.checkSame(t)
}

func TestAnObjectThatComesBackBeforeItIsDeletedStays(t *testing.T) {
	for name, test := range map[string]struct {
		age  time.Duration
		want Result
	}{
		"written after the run began":           {-time.Hour, Complete},
		"there all the time, says its own time": {time.Hour, Partial},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(20)
			w.sync(t)
			w.remove(t, keys[7])
			w.job.Options.Observer = ObserverFunc(func(e Event) {
				if e.Kind == EventListed {
					w.source.PutObjectDirect(primary, emulator.Object{Key: keys[7], Body: []byte("back"), LastModified: time.Now().Add(-test.age)})
				}
			})
			report := w.run(t)
			if report.Result != test.want || report.Deleted != 0 || len(failures(report)) != int(report.Failed) {
				t.Errorf("report %+v", report)
			}
			if _, there := w.target.Object(replica, keys[7]); !there {
				t.Error("it was deleted")
			}
			w.job.Options.Observer = nil
			w.sync(t)
		})
	}
}

func TestWithoutAnAnswerFromTheSourceNothingIsDeleted(t *testing.T) {
	for name, effect := range map[string]emulator.Effect{
		"denied": emulator.Fail(403, "AccessDenied"), "failing": emulator.Fail(500, "InternalError"), "reset": emulator.ResetBefore(),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(20)
			w.sync(t)
			w.remove(t, keys[7])
			w.forget()
			// A refusal of a HEAD is explained by a GET.
			w.source.Faults().Add(emulator.Match{Key: keys[7]}, effect)
			report := w.run(t)
			if report.Result != Partial || report.Deleted != 0 || failures(report)[keys[7]] == "" {
				t.Errorf("report %+v", report)
			}
			if deleted := sent(w.target, "DeleteObject"); len(deleted) > 0 {
				t.Errorf("deleted %q", deleted)
			}
			w.checkManifest(t)
		})
	}
}

func TestASourceBucketThatIsGoneStopsTheRun(t *testing.T) {
	drop := func(t *testing.T, w *world) {
		t.Helper()
		for _, operation := range []string{"ListObjectsV2", "GetObject", "HeadObject"} {
			w.source.Faults().Add(emulator.Match{Operation: operation}, emulator.Fail(404, "NoSuchBucket"))
		}
	}
	for name, when := range map[string]EventKind{"before the run": "", "while it copies": EventPlanned, "before it deletes": EventListed} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(60)
			w.sync(t)
			w.remove(t, keys[:5]...)
			if when == EventPlanned {
				w.put("new", "new")
			}
			w.forget()
			if when == "" {
				drop(t, w)
			}
			w.job.Options.Observer = ObserverFunc(func(e Event) {
				if e.Kind == when {
					drop(t, w)
				}
			})
			report := w.run(t)
			if report.Result != Aborted || report.Reason != fault.SourceListingSuspicious || report.Deleted != 0 {
				t.Errorf("report %+v", report)
			}
			if deleted := sent(w.target, "DeleteObject"); len(deleted) > 0 {
				t.Errorf("deleted %q", deleted)
			}
		})
	}
}
