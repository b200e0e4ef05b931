package mover

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const oddKey = "dossier//acte"

// lockedWorld has a target that puts everything under lock.
func lockedWorld(t *testing.T, mode provider.LockMode) *world {
	t.Helper()
	w := newWorld(t)
	want := provider.Bucket{Name: "locked", Versioning: provider.VersioningEnabled, Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: mode, Days: 30},
	}}
	session := w.job.Target.Session
	if err := errors.Join(session.CreateBucket(t.Context(), want), session.UpdateBucket(t.Context(), want)); err != nil {
		t.Fatal(err)
	}
	w.job.Target.Bucket = want.Name
	w.job.Options.Known.Capabilities = provider.Capabilities{
		provider.CapabilityExactKeys: provider.Supported, provider.CapabilityContentHash: provider.Supported,
	}
	return w
}

func (w *world) runs(t *testing.T) Report {
	t.Helper()
	report, err := w.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// checkNothingTried: what a trial puts under lock would stay.
func (w *world) checkNothingTried(t *testing.T) {
	t.Helper()
	for _, request := range w.target.Requests(func(r emulator.Request) bool { return strings.Contains(r.Key, probePrefix) }) {
		t.Errorf("sent %s %q to a bucket under object lock", request.Method, request.Key)
	}
}

// A copy under lock takes new objects, new versions and deletions, and its own
// manifest with what becomes obsolete of it, for as many runs as there are.
func TestACopyUnderLockIsKeptTrue(t *testing.T) {
	for _, mode := range []provider.LockMode{provider.Governance, provider.Compliance} {
		t.Run(string(mode), func(t *testing.T) {
			w := lockedWorld(t, mode)
			now := time.Now()
			w.job.Options.Now = func() time.Time { return now }
			w.putMany(20)
			w.put(oddKey, "odd")
			w.put("changes", "0")
			for run := range 4 {
				report := w.runs(t)
				if report.Result != Complete || report.Failed > 0 {
					t.Fatalf("run %d: %+v", run, report)
				}
				warnings := w.told(EventWarned)
				if isCollecting := run > 0; isCollecting != (len(warnings) == 1) || isCollecting && !errors.Is(warnings[0].Err, provider.ErrLocked) {
					t.Errorf("run %d warns of %v", run, warnings)
				}
				w.put("changes", strings.Repeat("x", run+1))
				now = now.Add(25 * time.Hour) // what is obsolete may go, if it were not locked
			}
			w.remove(t, "dossier-000/acte-00003")
			if report := w.runs(t); report.Result != Complete || report.Deleted != 1 {
				t.Errorf("deleting: %+v", report)
			}
			if _, isThere := w.target.Object("locked", "dossier-000/acte-00003"); isThere {
				t.Error("the copy still shows what was deleted")
			}
			versions := w.target.Versions("locked", "dossier-000/acte-00003")
			if len(versions) != 2 || versions[0].Retention.Mode != string(mode) {
				t.Errorf("its version under lock is gone: %+v", versions)
			}
			if got := len(w.target.Versions("locked", "changes")); got != 5 {
				t.Errorf("%d versions of an object that was overwritten", got)
			}
			w.checkNothingTried(t)
		})
	}
}

// Nothing is tried where what is left stays; what is known of the store counts, and
// what is not known is not trusted.
func TestNothingIsTriedUnderLock(t *testing.T) {
	const upperCase, twoSlashes = "upper and lower case as different letters", "two slashes in a row"
	knows := func(keys, hash provider.Support, notKept ...string) Known {
		return Known{provider.Capabilities{provider.CapabilityExactKeys: keys, provider.CapabilityContentHash: hash}, notKept}
	}
	for name, test := range map[string]struct {
		known  Known
		failed map[string]string
		isRead bool
	}{
		"everything is known":        {known: knows(provider.Supported, provider.Supported)},
		"nothing is known":           {isRead: true, failed: map[string]string{oddKey: "KeysNotExact", "Acte": "KeysNotExact"}},
		"it is known what is missed": {known: knows(provider.Broken, provider.Supported, twoSlashes), failed: map[string]string{oddKey: "KeysNotExact"}},
		"and the other way round":    {known: knows(provider.Unsupported, provider.Supported, upperCase), failed: map[string]string{"Acte": "KeysNotExact"}},
		"it is known that something is missed, and not what": {
			known: knows(provider.Broken, provider.Broken), isRead: true, failed: map[string]string{oddKey: "KeysNotExact", "Acte": "KeysNotExact"},
		},
		"what was missed once, and is not known now": {
			known: knows(provider.Unknown, provider.Supported, twoSlashes), failed: map[string]string{oddKey: "KeysNotExact", "Acte": "KeysNotExact"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := lockedWorld(t, provider.Governance)
			w.job.Options.Known = test.known
			w.put("acte", "1901")
			w.put("Acte", "1902")
			w.put(oddKey, "odd")
			report := w.runs(t)
			if got := failures(report); !maps.Equal(got, test.failed) {
				t.Error(cmp.Diff(test.failed, got))
			}
			if read := len(sent(w.target, "GetObject")) > 0; read != test.isRead {
				t.Errorf("read back is %t", read)
			}
			w.checkNothingTried(t)
		})
	}
}

// A bucket that only may be locked, as long as it has no default, is like any other.
func TestALockWithoutARetentionIsTried(t *testing.T) {
	w := lockedWorld(t, provider.Governance)
	if err := w.job.Target.Session.UpdateBucket(t.Context(), provider.Bucket{Name: "locked", Protection: provider.Protection{ObjectLock: true}}); err != nil {
		t.Fatal(err)
	}
	w.job.Options.Known = Known{}
	w.put(oddKey, "odd")
	if report := w.runs(t); report.Result != Complete || report.Copied != 1 {
		t.Errorf("%+v", report)
	}
	for _, key := range w.target.Keys("locked") {
		if strings.Contains(key, probePrefix) {
			t.Errorf("left behind %q", key)
		}
	}
}

// A key for objects alone may not look at the lock; that is no reason to stop.
func TestAKeyThatMayNotLookAtTheLock(t *testing.T) {
	w := newWorld(t)
	w.target.Faults().Add(emulator.Match{Operation: "GetObjectLockConfiguration"}, emulator.Fail(403, "AccessDenied"))
	w.put(oddKey, "odd")
	if report := w.runs(t); report.Result != Complete {
		t.Errorf("%+v", report)
	}
	w = newWorld(t)
	w.target.Faults().Add(emulator.Match{Operation: "GetObjectLockConfiguration"}, emulator.Fail(500, "InternalError"))
	w.put(oddKey, "odd")
	if report := w.runs(t); report.Result != Partial {
		t.Errorf("not knowing whether there is a lock: %+v", report)
	}
}
