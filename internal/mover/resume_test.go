package mover

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// stopAt runs the job until it comes to a key, and gives where it can go on. One
// worker goes through the keys in order.
func (w *world) stopAt(t *testing.T, key string) (Report, Checkpoint) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var saved []byte
	options := w.job.Options
	w.job.Options.Workers = 1
	w.job.Options.SaveCheckpoint = func(c Checkpoint) (err error) {
		saved, err = json.Marshal(c) // as a file
		return err
	}
	adjust := w.adjust
	w.adjust = func(r *run) {
		if adjust != nil {
			adjust(r)
		}
		r.transfer.source.Session = stopping{r.transfer.source.Session, key, cancel}
	}
	report, err := w.start(ctx)
	w.job.Options, w.adjust = options, adjust
	if err == nil || report.Reason != fault.Interrupted {
		t.Fatalf("ended %s %s: %v", report.Result, report.Reason, err)
	}
	var checkpoint Checkpoint
	if err := json.Unmarshal(saved, &checkpoint); err != nil {
		t.Fatal(err)
	}
	return report, checkpoint
}

func TestAStoppedRunGoesOnAfterItsLastKey(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(300)
	first, checkpoint := w.stopAt(t, keys[200])
	if checkpoint.After != keys[199] || first.Copied != 200 {
		t.Fatalf("copied %d, goes on after %q", first.Copied, checkpoint.After)
	}
	w.job.Options.Resume = &checkpoint
	w.forget()
	second := w.sync(t)
	if second.Scanned != 100 || second.Copied != 100 || second.Objects != 300 || second.Bytes != first.CopiedBytes+second.CopiedBytes {
		t.Errorf("report %+v", second)
	}
	if second.AsOf.IsZero() || !second.AsOf.Equal(checkpoint.AsOf) {
		t.Errorf("as of %s, the first run began %s", second.AsOf, checkpoint.AsOf)
	}
	for _, request := range w.source.Requests(func(r emulator.Request) bool { return r.Operation == "ListObjectsV2" }) {
		if !strings.Contains(request.Query, "start-after=") {
			t.Errorf("listed with %q", request.Query)
		}
	}
	// The manifest is that of a run that was never stopped.
	if _, isWhole := w.snapshot(t).Whole(); !isWhole {
		t.Error("the manifest is not whole")
	}
	w.job.Options.Resume = nil
	w.forget()
	if w.sync(t); w.target.Count("PutObject") > 0 {
		t.Errorf("the manifest is written again: %v", w.target.Counts())
	}
}

func TestWhatFailedBeforeTheStopIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(30)
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: keys[5]}, emulator.Fail(403, "AccessDenied"))
	_, checkpoint := w.stopAt(t, keys[20])
	if checkpoint.After != keys[4] || checkpoint.Failed != 0 {
		t.Errorf("goes on after %q, failed %d", checkpoint.After, checkpoint.Failed)
	}
	w.job.Options.Resume = &checkpoint
	if report := w.run(t); report.Result != Partial || failures(report)[keys[5]] == "" || report.Skipped != 14 {
		t.Errorf("report %+v", report)
	}
	w.source.Faults().Clear()
	w.sync(t)
}

func TestWhatCannotBeCopiedAtAllIsRememberedOverAStop(t *testing.T) {
	w := newWorldOf(t, emulator.Options{}, emulator.Options{RewriteKeys: true})
	w.put("a//b", "cannot be copied")
	keys := w.putMany(30)
	first, checkpoint := w.stopAt(t, keys[20])
	if checkpoint.After != keys[19] || checkpoint.Failed != 1 {
		t.Fatalf("goes on after %q, failed %d", checkpoint.After, checkpoint.Failed)
	}
	w.job.Options.Resume = &checkpoint
	second := w.run(t)
	if diff := cmp.Diff(first.Failures, second.Failures); diff != "" || second.Result != Partial || !second.OldestMissing.Equal(first.OldestMissing) {
		t.Errorf("report %+v, failures (-first +second):\n%s", second, diff)
	}
	w.checkSame(t, "a//b")
}

func TestDeletionsAreRememberedOverAStopAndTheGuardSeesThemAll(t *testing.T) {
	w, keys := emptied(t, 100, 20)
	uninterrupted := w.run(t)
	w.put("zz new", "new")
	_, checkpoint := w.stopAt(t, "zz new")
	if len(checkpoint.Pending) != 20 || checkpoint.After != keys[99] {
		t.Fatalf("%d deletions are held back after %q", len(checkpoint.Pending), checkpoint.After)
	}
	w.job.Options.Resume = &checkpoint
	resumed := w.run(t)
	if diff := cmp.Diff(uninterrupted.Guard, resumed.Guard); diff != "" || resumed.Result != Aborted {
		t.Errorf("guard of a run that was stopped (-other +this):\n%s", diff)
	}
	w.job.Options.Guard.Approved = resumed.Guard.Digest
	if report := w.sync(t); report.Deleted != 20 {
		t.Errorf("report %+v", report)
	}
}

func TestACheckpointThatDoesNotFitIsNotUsed(t *testing.T) {
	changes := map[string]func(*testing.T, *world, *Checkpoint){
		"of another job":            func(_ *testing.T, w *world, _ *Checkpoint) { w.job.Options.Deletes = IgnoreDeletes },
		"of nothing":                func(_ *testing.T, _ *world, c *Checkpoint) { *c = Checkpoint{} },
		"with more in the manifest": func(_ *testing.T, _ *world, c *Checkpoint) { c.Objects-- },
		"without the manifest": func(t *testing.T, w *world, _ *Checkpoint) {
			w.target.Faults().Add(emulator.Match{Operation: "GetObject", Key: ".rempart/manifest/index/whole.json", Times: 1}, emulator.Fail(404, "NoSuchKey"))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(30)
			_, checkpoint := w.stopAt(t, keys[20])
			change(t, w, &checkpoint)
			w.job.Options.Resume = &checkpoint
			if report := w.sync(t); report.Scanned != 30 || report.Objects != 30 {
				t.Errorf("report %+v", report)
			}
			if _, isWhole := w.snapshot(t).Whole(); !isWhole {
				t.Error("the manifest is not whole")
			}
		})
	}
}

func TestACheckpointIsOfOneJob(t *testing.T) {
	w := newWorld(t)
	job := w.job
	job.Options = job.Options.withDefaults()
	seen := map[string]string{job.ID(): "the job"}
	for name, change := range map[string]func(*Job){
		"source bucket": func(j *Job) { j.Source.Bucket = "other" }, "target bucket": func(j *Job) { j.Target.Bucket = "other" },
		"source prefix": func(j *Job) { j.Source.Prefix = "p/" }, "target prefix": func(j *Job) { j.Target.Prefix = "p/" },
		"source": func(j *Job) { j.Source.Session = w.job.Target.Session }, "target": func(j *Job) { j.Target.Session = w.job.Source.Session },
		"after": func(j *Job) { j.Options.Range.After = "a" }, "until": func(j *Job) { j.Options.Range.Until = "a" },
		"deletes": func(j *Job) { j.Options.Deletes = IgnoreDeletes },
	} {
		other := job
		change(&other)
		if taken, is := seen[other.ID()]; is {
			t.Errorf("with another %s it is the same job as %s", name, taken)
		}
		seen[other.ID()] = name
	}
	same := job
	same.Options.Verification, same.Options.Workers, same.Options.Guard = VerifyFull, 7, Guard{}
	if same.ID() != job.ID() {
		t.Error("how the job is done makes it another")
	}
}

func TestARunThatEndsLeavesNothingToGoOnFrom(t *testing.T) {
	ways := map[string]func(*world){
		"complete":             func(*world) {},
		"partial":              func(w *world) { w.put(".rempart/mine", "") },
		"stopped by the guard": func(w *world) { w.job.Options.Guard, w.job.Source.Prefix = Guard{}, "nothing" },
		"a suspicious listing": func(w *world) {
			w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2"}, emulator.Unordered())
		},
	}
	for name, prepare := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putMany(5)
			w.run(t)
			prepare(w)
			var saved []Checkpoint
			w.job.Options.SaveCheckpoint = func(c Checkpoint) error { saved = append(saved, c); return nil }
			w.run(t)
			if len(saved) == 0 || saved[len(saved)-1].After != "" {
				t.Errorf("saved %+v", saved)
			}
		})
	}
}

func TestARunThatIsKilledHasSavedItsWorkNowAndThen(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(100)
	clock := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w.job.Options.Workers = 1
	w.job.Options.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	var saved []string
	w.job.Options.SaveCheckpoint = func(c Checkpoint) error {
		saved = append(saved, c.After)
		if known := len(w.manifest(t)); c.After != "" && int64(known) != c.Objects {
			t.Errorf("the manifest lists %d objects at a checkpoint of %d", known, c.Objects)
		}
		return nil
	}
	w.sync(t)
	if len(saved) < 2 || saved[len(saved)-1] != "" || !slices.Contains(keys, saved[0]) {
		t.Errorf("saved at %q", saved)
	}
}

func TestShardsOfAJobMakeOneManifest(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(90)
	w.target.PutObjectDirect(replica, objectOf(keys[40]+"-surplus", "x"))
	for _, part := range []manifest.Range{{Until: keys[29]}, {After: keys[29], Until: keys[59]}, {After: keys[59]}} {
		w.job.Options.Range = part
		if report := w.run(t); report.Result != Complete || report.Scanned != 30 || report.Objects != 30 {
			t.Fatalf("report %+v", report)
		}
	}
	w.checkSame(t)
	if _, isWhole := w.snapshot(t).Whole(); !isWhole {
		t.Error("together the parts are not the whole")
	}
	w.job.Options.Range = manifest.Range{}
	if report := w.sync(t); report.Skipped != 90 {
		t.Errorf("report %+v", report)
	}
}
