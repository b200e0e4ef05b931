package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// accident happens at the n-th call to either end.
type accident struct {
	at    int64
	calls atomic.Int64
	// happen is what a call gives from then on, or nil to carry it out.
	happen func() error
}

func (a *accident) intercept(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
	if a.calls.Add(1) >= a.at {
		if err := a.happen(); err != nil {
			return err
		}
	}
	return call(ctx)
}

// busyWorld has everything to do at once: objects to create, in one request and
// in parts, to overwrite, to compare and to delete.
func busyWorld(t *testing.T, isVersioned bool) *world {
	t.Helper()
	w := newWorld(t)
	w.adjust = func(r *run) {
		r.transfer.sizes = tinySizes
		r.transfer.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
		r.saveEvery = 0 // after each batch
	}
	w.job.Options.Workers = 2
	if isVersioned {
		version(t, w.job.Target.Session, replica)
	}
	keys := w.putMany(12)
	w.sync(t)
	w.remove(t, keys[1], keys[7])
	w.put(keys[3], "changed")
	w.put("a new one", "new")
	w.put("zz empty", "")
	w.putLarge("large", 60)
	w.putLarge("zz large", 25)
	w.put("m there already", "the same")
	w.target.PutObjectDirect(replica, objectOf("m there already", "the same"))
	return w
}

// checkWhole makes sure that nothing at the target is a part of something, and
// that the manifest lists nothing that is not so.
func (w *world) checkWhole(t *testing.T, before map[string]stored) {
	t.Helper()
	source := contents(w.source, primary)
	for key, object := range contents(w.target, replica) {
		if object.Body != source[key].Body && object.Body != before[key].Body {
			t.Errorf("%q holds %q, which it never should", key, object.Body)
		}
	}
	for key, entry := range w.manifest(t) {
		object, there := w.target.Object(replica, key)
		digest := sha256.Sum256(object.Body)
		if there && object.ETag == entry.TargetETag && hex.EncodeToString(digest[:]) != entry.SHA256 {
			t.Errorf("the manifest says of %q what is not so", key)
		}
	}
}

// crash runs the job into an accident at every n-th call, and then again without,
// until a run gets through before the accident.
func crash(t *testing.T, isVersioned, isResumed bool, happen func(cancel context.CancelFunc) func() error) {
	t.Helper()
	resumed := 0
	for at := int64(1); ; at++ {
		w := busyWorld(t, isVersioned)
		before := contents(w.target, replica)
		var checkpoint *Checkpoint
		ctx, cancel := context.WithCancel(t.Context())
		a := &accident{at: at, happen: happen(cancel)}
		whole := w.job
		w.job.Source.Session = provider.Intercept(whole.Source.Session, a.intercept)
		w.job.Target.Session = provider.Intercept(whole.Target.Session, a.intercept)
		w.job.Options.SaveCheckpoint = func(c Checkpoint) error { checkpoint = &c; return nil }
		report, err := w.start(ctx)
		cancel()
		w.job.Source, w.job.Target = whole.Source, whole.Target
		w.checkWhole(t, before)
		if isResumed && checkpoint != nil && checkpoint.After != "" {
			w.job.Options.Resume = checkpoint
			resumed++
		}
		again := w.sync(t)
		if t.Failed() {
			t.Fatalf("after an accident at call %d, which ended the run %s %s: %v; then %+v", at, report.Result, report.Reason, err, again)
		}
		if a.calls.Load() < at {
			if report.Result != Complete {
				t.Errorf("without an accident the run ended %s", report.Result)
			}
			if isResumed && resumed == 0 {
				t.Error("no run went on from a checkpoint, so nothing is shown")
			}
			return
		}
		if report.Result == Complete && err == nil && again.Copied+again.Deleted > 0 {
			t.Errorf("complete after an accident at call %d, and then %+v", at, again)
		}
		at += at / 30 // there are many alike behind the first
	}
}

func TestAfterACrashTheNextRunEndsWhatWasBegun(t *testing.T) {
	dead := &fault.Error{Class: fault.Terminal, Reason: fault.ProviderUnreachable, Err: provider.ErrUnreachable}
	accidents := map[string]func(context.CancelFunc) func() error{
		"stopped": func(cancel context.CancelFunc) func() error { return func() error { cancel(); return nil } },
		"killed":  func(context.CancelFunc) func() error { return func() error { return dead } },
	}
	for name, test := range map[string]struct {
		accident               string
		isVersioned, isResumed bool
	}{
		"stopped, and gone on from the checkpoint":           {"stopped", false, true},
		"stopped, and begun anew at a target with versions":  {"stopped", true, false},
		"killed, and begun anew":                             {"killed", false, false},
		"killed, and gone on from the last of a few of them": {"killed", true, true},
	} {
		t.Run(name, func(t *testing.T) { crash(t, test.isVersioned, test.isResumed, accidents[test.accident]) })
	}
}

func TestAStoppedRunLeavesNoUploadBehind(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	w.job.Options.OwnsTarget = false
	w.putLarge("large", 1000)
	ctx, cancel := context.WithCancelCause(t.Context())
	var parts atomic.Int64
	w.job.Target.Session = provider.Intercept(w.job.Target.Session, func(ctx context.Context, o provider.Operation, call func(context.Context) error) error {
		if o.Name == "UploadPart" && parts.Add(1) == 20 {
			cancel(errors.New("told to stop"))
		}
		return call(ctx)
	})
	report, err := w.start(ctx)
	if !errors.Is(err, context.Canceled) || report.Result != Partial || report.Reason != fault.Interrupted || report.Message != "the run was stopped: told to stop" {
		t.Errorf("ended %s %s %q: %v", report.Result, report.Reason, report.Message, err)
	}
	if uploads := w.target.Buckets()[replica].Uploads; uploads > 0 {
		t.Errorf("%d uploads are left open", uploads)
	}
	if _, there := w.target.Object(replica, "large"); there {
		t.Error("a part of the object is there")
	}
}

func TestAStopDuringTheDeletionsIsNoEnd(t *testing.T) {
	w := newWorld(t)
	w.job.Options.Workers = 1
	keys := w.putMany(40)
	w.sync(t)
	w.remove(t, keys[:8]...)
	ctx, cancel := context.WithCancel(t.Context())
	var saved []Checkpoint
	w.job.Options.SaveCheckpoint = func(c Checkpoint) error { saved = append(saved, c); return nil }
	var removed atomic.Int64
	session := w.job.Target.Session
	w.job.Target.Session = provider.Intercept(session, func(ctx context.Context, o provider.Operation, call func(context.Context) error) error {
		err := call(ctx)
		if o.Name == "Remove" && removed.Add(1) == 3 {
			cancel()
		}
		return err
	})
	report, err := w.start(ctx)
	if err == nil || report.Reason != fault.Interrupted || report.Deleted != 3 {
		t.Errorf("ended %s %s after %d deletions: %v", report.Result, report.Reason, report.Deleted, err)
	}
	w.checkManifest(t) // what was deleted stays deleted
	if len(saved) != 1 || saved[0].After != "" {
		t.Errorf("saved %+v, although there is nothing to go on from", saved)
	}
	w.job.Target.Session = session
	w.sync(t)
}

func TestAStopBeforeTheDeletionsIsNoEnd(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(40)
	w.sync(t)
	w.remove(t, keys[:8]...)
	ctx, cancel := context.WithCancel(t.Context())
	r := newRun(w.job)
	if err := r.begin(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.pass(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := r.settlePending(ctx); !errors.Is(err, context.Canceled) || r.report.Deleted > 0 {
		t.Errorf("a run that deleted %d of 8 objects ended with %v", r.report.Deleted, err)
	}
}
