package mover

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestARunGetsThroughBadWeather(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	keys := w.putMany(60)
	w.run(t)
	w.remove(t, keys[:5]...)
	for i, key := range keys[10:20] {
		w.putLarge(key, 30*i)
	}
	w.putMany(80)
	w.remove(t, keys[:5]...)
	for _, server := range []*emulator.Server{w.source, w.target} {
		for i, effect := range []emulator.Effect{
			emulator.SlowDown(), emulator.ResetBefore(), emulator.ResetAfter(), emulator.Fail(500, "InternalError"),
			emulator.Fail(503, "ServiceUnavailable"), emulator.ResetBody(3), emulator.Truncate(2), emulator.ResetUpload(1),
		} {
			for n := range 6 {
				server.Faults().Add(emulator.Match{Skip: 3 + 5*i + 23*n, Times: 1}, effect)
			}
		}
	}
	report := w.run(t)
	if report.Result != Complete {
		t.Fatalf("report %+v", report)
	}
	w.target.Faults().Clear()
	w.source.Faults().Clear()
	w.checkSame(t)
}

// patience is how many objects may fail in a row in the tests.
const patience = 12

func TestARunStopsWhenNothingCanBeCarriedOver(t *testing.T) {
	tests := map[string]struct {
		effect emulator.Effect
		on     string
		reason fault.Reason
		// most is how many objects may be tried.
		most int
	}{
		"the target bucket is gone":    {emulator.Fail(404, "NoSuchBucket"), "PutObject", fault.BucketMissing, 5},
		"the key is refused":           {emulator.Fail(403, "InvalidAccessKeyId"), "PutObject", fault.AuthenticationFailed, 5},
		"the clock is wrong":           {emulator.Fail(403, "RequestTimeTooSkewed"), "PutObject", fault.ClockSkew, 5},
		"the store fails all the time": {emulator.Fail(500, "InternalError"), "PutObject", fault.Unclassified, patience + 5},
		"nothing answers":              {emulator.ResetBefore(), "PutObject", fault.ProviderUnreachable, patience + 5},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.job.Options.Verification = VerifyNone
			w.adjust = func(r *run) { r.patience = patience }
			w.putMany(100)
			w.target.Faults().Add(emulator.Match{Operation: test.on, KeyPrefix: "dossier"}, test.effect)
			report, err := w.start(t.Context())
			if err == nil || report.Result != Aborted || report.Reason != test.reason {
				t.Errorf("ended %s %s: %v", report.Result, report.Reason, err)
			}
			tried := map[string]bool{}
			for _, key := range sent(w.target, test.on) {
				tried[key] = true
			}
			if len(tried) > test.most {
				t.Errorf("%d objects were tried", len(tried))
			}
			w.target.Faults().Clear()
			w.sync(t)
		})
	}
}

func TestARunGoesOnThoughManyObjectsAreRefused(t *testing.T) {
	w := newWorld(t)
	const n = usualPatience + 20
	for i := range n {
		w.put(fmt.Sprintf("secret/%d", i), "not to be read")
	}
	w.put("z", "z")
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", KeyPrefix: "secret/"}, emulator.Fail(403, "AccessDenied"))
	report := w.run(t)
	if report.Result != Partial || report.Copied != 1 || report.Failed != n || len(report.Failures) != failureLimit {
		t.Errorf("ended %s, copied %d, failed %d, named %d", report.Result, report.Copied, report.Failed, len(report.Failures))
	}
	for i := 1; i < len(report.Failures); i++ {
		if report.Failures[i].Key <= report.Failures[i-1].Key {
			t.Fatalf("failures are not in order: %q, %q", report.Failures[i-1].Key, report.Failures[i].Key)
		}
	}
}

// silentStore tells no ETags of what it stores.
type silentStore struct{ provider.Session }

func (s silentStore) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	stored, err := s.Session.Put(ctx, ref, content, attributes)
	stored.ETag = ""
	return stored, err
}

func TestAStoreThatTellsNoETagIsAskedForIt(t *testing.T) {
	w := newWorld(t)
	w.job.Target.Session = silentStore{w.job.Target.Session}
	w.putMany(5)
	w.sync(t)
	if again := w.sync(t); again.Copied != 0 || again.Skipped != 5 {
		t.Errorf("run again: %+v", again)
	}
}

func TestAScopedKeyIsEnough(t *testing.T) {
	w := newWorld(t)
	keys := w.putMany(5)
	for _, server := range []*emulator.Server{w.source, w.target} {
		server.Faults().Add(emulator.Match{Operation: "ListBuckets"}, emulator.Fail(403, "AccessDenied"))
		server.Faults().Add(emulator.Match{Operation: "GetBucketVersioning"}, emulator.Fail(403, "AccessDenied"))
	}
	report := w.sync(t)
	if report.AsOf.IsZero() {
		t.Error("the time of the source is not known")
	}
	w.put(keys[0], "changed")
	w.job.Options.Guard = Guard{}
	if report := w.run(t); report.Result != Aborted || report.Reason != fault.DeletionGuardTripped {
		t.Errorf("a target of which nothing is known is taken for one with versions: %+v", report)
	}
}

func TestASourceThatDoesNotAnswerFailsTheRun(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	w.source.Faults().Down()
	report, err := w.start(t.Context())
	if err == nil || report.Result != Aborted || report.Reason != fault.ProviderUnreachable {
		t.Errorf("ended %s %s: %v", report.Result, report.Reason, err)
	}
	if diff := cmp.Diff(map[string]int{}, w.target.Counts()); diff != "" {
		t.Errorf("the target was asked:\n%s", diff)
	}
}

func TestAManifestThatCannotBeWrittenFailsTheRun(t *testing.T) {
	for name, key := range map[string]string{"a segment": "", "the index": ".rempart/manifest/index/whole.json"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putMany(5)
			match := emulator.Match{Operation: "PutObject", KeyPrefix: ".rempart/manifest/"}
			if key != "" {
				match = emulator.Match{Operation: "PutObject", Key: key}
			}
			w.target.Faults().Add(match, emulator.Fail(403, "AccessDenied"))
			report, err := w.start(t.Context())
			if err == nil || report.Result != Aborted || report.Reason != fault.AccessDenied {
				t.Errorf("ended %s %s: %v", report.Result, report.Reason, err)
			}
			w.target.Faults().Clear()
			w.sync(t)
		})
	}
}

func TestADamagedManifestMakesTheRunCompareAndSaySo(t *testing.T) {
	w := newWorld(t)
	w.putMany(30)
	w.sync(t)
	key := ".rempart/manifest/" + w.segments(t)[0]
	if err := w.target.Corrupt(replica, key, func(o *emulator.Object) { o.Body[20] ^= 0xff }); err != nil {
		t.Fatal(err)
	}
	w.told("")
	report := w.run(t)
	if report.Result != Complete || report.Skipped != 30 || report.Copied != 0 {
		t.Errorf("report %+v", report)
	}
	if warned := w.told(EventWarned); len(warned) != 1 {
		t.Errorf("warned %d times: %+v", len(warned), warned)
	}
	w.checkSame(t)
	w.forget()
	w.run(t)
	if reads := sent(w.target, "GetObject"); len(reads) > 0 {
		t.Errorf("compared again: %q", reads)
	}
}
