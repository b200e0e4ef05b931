package mover

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// bodyFaults break the reading of a body, some of them after n bytes.
func bodyFaults(n int64) map[string]emulator.Effect {
	return map[string]emulator.Effect{
		"cut short in good order": emulator.Truncate(n),
		"cut off":                 emulator.ResetBody(n),
		"no connection":           emulator.ResetBefore(),
		"no answer but a success": emulator.EmptyBody(),
		"throttled":               emulator.SlowDown(),
		"a failing store":         emulator.Fail(500, "InternalError"),
	}
}

func TestBodiesThatBreakOffAreReadAgain(t *testing.T) {
	for name, effect := range bodyFaults(5) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putMany(20)
			w.source.Faults().Add(emulator.Match{Operation: "GetObject", Times: 8}, effect)
			w.sync(t)
		})
	}
}

func TestAStoreThatGivesAFewBytesAtATimeIsNotAskedForEver(t *testing.T) {
	w := newWorld(t)
	w.putLarge("a", maximumMends-5)
	w.putLarge("b", 10*maximumMends)
	w.source.Faults().Add(emulator.Match{Operation: "GetObject"}, emulator.Truncate(1))
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"b": "ProviderUnreachable"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if gets := w.source.Count("GetObject"); gets > (attempts+1)*(maximumMends+5) {
		t.Errorf("%d requests", gets)
	}
}

// A source does not wait for a target that is slow: it may have to be asked again
// for each part.
func TestAStoreThatGivesAPartAtATimeIsAskedForAllOfThem(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	w.putLarge("large", 8*2*maximumMends)
	w.source.Faults().Add(emulator.Match{Operation: "GetObject"}, emulator.Truncate(8))
	w.sync(t)
	if started := w.target.Count("CreateMultipartUpload"); started != 1 {
		t.Errorf("it was begun %d times", started)
	}
}

func TestAnObjectThatCannotBeReadIsNamedAndNothingIsDeleted(t *testing.T) {
	for name, effect := range bodyFaults(0) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keys := w.putMany(20)
			w.sync(t)
			w.remove(t, keys[3])
			w.put(keys[5], "changed")
			w.put("new", "new")
			w.put("broken", "cannot be read")
			w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "broken"}, effect)
			w.forget()
			report := w.run(t)
			if report.Result != Partial || len(failures(report)) != 1 || failures(report)["broken"] == "" || report.OldestMissing.IsZero() {
				t.Errorf("report %+v", report)
			}
			if diff := cmp.Diff([]string{"new"}, sent(w.target, "PutObject")); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			if deleted := sent(w.target, "DeleteObject"); len(deleted) > 0 || report.Deleted > 0 {
				t.Errorf("deleted %q", deleted)
			}
			w.checkManifest(t)
			w.source.Faults().Clear()
			if healed := w.sync(t); healed.Deleted != 1 || healed.Copied != 2 {
				t.Errorf("healed: %+v", healed)
			}
		})
	}
}

// corrupting is a session whose first requests send a byte that is not the one
// that they announce.
type corrupting struct {
	provider.Session
	left atomic.Int64
}

func (c *corrupting) corrupt(content provider.Content) provider.Content {
	if content.Size == 0 || c.left.Add(-1) < 0 {
		return content
	}
	read, err := io.ReadAll(content.Reader)
	if err != nil {
		panic(err) // it is in memory
	}
	read = slices.Clone(read)
	read[0] ^= 1
	content.Reader = bytes.NewReader(read)
	return content
}

func (c *corrupting) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	if isUserKey(ref.Key) {
		content = c.corrupt(content)
	}
	return c.Session.Put(ctx, ref, content, attributes)
}

func (c *corrupting) UploadPart(ctx context.Context, ref provider.Ref, id string, number int, content provider.Content) (provider.Part, error) {
	if isUserKey(ref.Key) {
		content = c.corrupt(content)
	}
	return c.Session.UploadPart(ctx, ref, id, number, content)
}

// corruptTarget makes the first n contents that are sent wrong.
func (w *world) corruptTarget(n int64) {
	session := &corrupting{Session: w.job.Target.Session}
	session.left.Store(n)
	w.job.Target.Session = session
}

func TestContentThatIsDamagedOnItsWayToTheTargetIsSentAgain(t *testing.T) {
	for name, test := range map[string]struct {
		effect       *emulator.Effect
		verification Verification
	}{
		"a store that checks hashes":                       {},
		"a store that does not, so it is read back":        {effect: new(emulator.NoHashCheck())},
		"a store that does not, and everything is checked": {effect: new(emulator.NoHashCheck()), verification: VerifyFull},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
			w.job.Options.Verification = test.verification
			w.put("small", "small")
			w.putLarge("large", 50)
			if test.effect != nil {
				w.target.Faults().Add(emulator.Match{}, *test.effect)
			}
			w.corruptTarget(2)
			w.sync(t)
			if retried := w.told(EventRetried); len(retried) == 0 {
				t.Error("nothing was tried again, so nothing is shown")
			}
			var readBack int
			for _, key := range sent(w.target, "GetObject") {
				if key == "small" {
					readBack++
				}
			}
			if (readBack > 0) != (test.effect != nil) {
				t.Errorf("read back %d times", readBack)
			}
		})
	}
}

func TestContentThatIsDamagedEachTimeIsNamed(t *testing.T) {
	for name, effect := range map[string]emulator.Effect{"refused": emulator.Latency(0), "accepted": emulator.NoHashCheck()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.put("a", "content")
			w.target.Faults().Add(emulator.Match{}, effect)
			w.corruptTarget(100)
			report := w.run(t)
			if diff := cmp.Diff(map[string]string{"a": "VerificationMismatch"}, failures(report)); diff != "" || report.Result != Partial {
				t.Errorf("ended %s, failures (-want +got):\n%s", report.Result, diff)
			}
			if len(w.manifest(t)) > 0 {
				t.Error("the manifest lists what could not be verified")
			}
		})
	}
}

func TestWithoutVerificationNothingIsReadBack(t *testing.T) {
	w := newWorld(t)
	w.put("a", "content")
	w.job.Options.Verification = VerifyNone
	w.target.Faults().Add(emulator.Match{}, emulator.NoHashCheck())
	w.sync(t)
	probes := w.target.Requests(func(r emulator.Request) bool {
		return len(r.Key) > len(probePrefix) && r.Key[:len(probePrefix)] == probePrefix
	})
	if reads := sent(w.target, "GetObject"); len(reads)+len(probes) > 0 {
		t.Errorf("read %q, tried the store with %d requests", reads, len(probes))
	}
}

func TestWhetherTheTargetChecksHashesIsTriedOnce(t *testing.T) {
	for name, effect := range map[string]emulator.Effect{"it does": emulator.Latency(0), "it does not": emulator.NoHashCheck()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putMany(30)
			w.target.Faults().Add(emulator.Match{}, effect)
			w.sync(t)
			probes := w.target.Requests(func(r emulator.Request) bool {
				return r.Operation == "PutObject" && len(r.Key) > len(probePrefix) && r.Key[:len(probePrefix)] == probePrefix
			})
			if len(probes) != 1 {
				t.Errorf("tried %d times", len(probes))
			}
		})
	}
}

func TestContentThatIsDamagedOnItsWayFromTheSourceIsFoundByReadingItTwice(t *testing.T) {
	for name, size := range map[string]int{"small": 9, "large": 50} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
			w.job.Options.Verification = VerifyFull
			w.putLarge("a", size)
			w.source.Faults().Add(emulator.Match{Operation: "GetObject", Times: 1}, emulator.CorruptBody(3))
			w.sync(t)
			if retried := w.told(EventRetried); len(retried) != 1 {
				t.Errorf("tried again %d times", len(retried))
			}
		})
	}
}

func TestAnObjectThatChangesBetweenTheTwoReadingsIsCopiedAnew(t *testing.T) {
	w := newWorld(t)
	w.job.Options.Verification = VerifyFull
	w.put("a", "first")
	once := false
	w.job.Options.Observer = ObserverFunc(func(e Event) {
		if e.Kind == EventMoved && !once {
			once = true
			w.put("a", "second")
		}
	})
	w.job.Options.Workers = 1
	if report := w.run(t); report.Result != Complete {
		t.Fatalf("report %+v", report)
	}
	if there, _ := w.target.Object(replica, "a"); string(there.Body) != "second" {
		t.Errorf("the target has %q", there.Body)
	}
}

func TestDamageAtRestIsFoundByAnAuditAndRepairedByTheNextRun(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(10)
	w.sync(t)
	err := w.target.Corrupt(replica, keys[4], func(o *emulator.Object) { o.Body[0] ^= 1 })
	if err != nil {
		t.Fatal(err)
	}
	if report := w.run(t); report.Skipped != 10 {
		t.Fatalf("a run reads what did not change: %+v", report)
	}
	end := w.job.Target
	audit, err := Audit{End: end, Expected: end.manifest().Entries(t.Context(), w.snapshot(t), manifest.Range{}, nil)}.Run(t.Context())
	if err != nil || audit.Different != 1 || audit.Matched != 9 || audit.Findings[0].Key != keys[4] {
		t.Fatalf("audit %+v, error %v", audit, err)
	}
	if err := Forget(t.Context(), end, []string{keys[4]}, Options{}); err != nil {
		t.Fatal(err)
	}
	if report := w.sync(t); report.Copied != 1 {
		t.Errorf("report %+v", report)
	}
}
