package mover

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// plainKeys are kept by every store, whatever they look like to a person.
var plainKeys = []string{
	"a", "folder/a", "with spaces in it", "plus+plus", "percent%", "percent%2Fencoded", "%00", "question?mark#hash&amp;",
	"nfc-\u00e9", "nfd-e\u0301", "日本語/資料", "emoji-😀", "star*colon:quote\"pipe|", "back\\slash", "tilde~", "CASE", "case",
	"line\u2028separator", "..hidden", "a...b", strings.Repeat("n", 250) + "/" + strings.Repeat("m", 250),
}

// oddKeys are those that a store may alter.
var oddKeys = []string{
	"/leading", "//leading twice", "double//slash", "triple///slash", "trailing/", "trailing twice//", "./dot", "dot/./dot", "dot/.",
	"../up", "up/../down", "up/..", ".", "..", "/", "//",
	"tab\tinside", "line\nbreak", "return\rinside", "nul\x00inside", "escape\x1b[0m", "bell\a", "delete\x7f", "\uffff", "\ufffe",
	strings.Repeat("k", 1024), strings.Repeat("é", 512), "dot at the end.", "space at the end ", " space at the beginning",
}

func (w *world) putOdd() (all []string) {
	all = slices.Concat(plainKeys, oddKeys)
	slices.Sort(all)
	for _, key := range all {
		w.put(key, "content of "+key)
	}
	return all
}

func TestEveryKeyIsCopiedExactly(t *testing.T) {
	for name, prefixes := range map[string][2]string{"without a prefix": {}, "with prefixes": {"data/", "é//copy/"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.job.Source.Prefix, w.job.Target.Prefix = prefixes[0], prefixes[1]
			var want []string
			for _, key := range slices.Concat(plainKeys, oddKeys) {
				if len(prefixes[1]+key) > 1024 {
					continue
				}
				w.put(prefixes[0]+key, "content of "+key)
				want = append(want, prefixes[1]+key)
			}
			if report := w.run(t); report.Result != Complete {
				t.Fatalf("report %+v", report)
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(contents(w.target, replica)))); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			w.forget()
			if again := w.run(t); again.Skipped != int64(len(want)) || again.Result != Complete {
				t.Errorf("run again: %+v", again)
			}
			if written := sent(w.target, "PutObject"); len(written) > 0 {
				t.Errorf("written again: %q", written)
			}
		})
	}
}

func TestOddKeysAreChangedAndDeletedExactly(t *testing.T) {
	w := newWorld(t)
	all := w.putOdd()
	w.sync(t)
	for i, key := range all {
		if i%2 == 0 {
			w.remove(t, key)
		} else {
			w.put(key, "other")
		}
	}
	w.sync(t)
}

// altered are the keys of which a store that cleans paths would make others.
func altered(keys []string) map[string]string {
	named := map[string]string{}
	for _, key := range keys {
		segments := strings.Split(key, "/")
		isFolder := len(segments) > 1 && segments[len(segments)-1] == "" // with content
		isCleaned := slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
		if isFolder || isCleaned {
			named[key] = string(fault.KeysNotExact)
		}
	}
	return named
}

func TestAKeyThatTheTargetWouldAlterIsNeverSent(t *testing.T) {
	w := newWorldOf(t, emulator.Options{}, emulator.Options{RewriteKeys: true})
	all := w.putOdd()
	want := altered(all)
	report := w.run(t)
	if report.Result != Partial || report.Reason != fault.ObjectsFailed || report.Failed != int64(len(want)) {
		t.Errorf("report %+v", report)
	}
	if diff := cmp.Diff(want, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.checkSame(t, slices.Collect(maps.Keys(want))...)
	for _, key := range sent(w.target, "PutObject") {
		if _, isAltered := want[key]; isAltered {
			t.Errorf("%q was sent", key)
		}
	}
	again := w.run(t)
	if diff := cmp.Diff(want, failures(again)); diff != "" || again.Copied != 0 {
		t.Errorf("copied %d in the next run, failures (-want +got):\n%s", again.Copied, diff)
	}
}

func TestKeysThatAreNamedDoNotStopDeletions(t *testing.T) {
	w := newWorldOf(t, emulator.Options{}, emulator.Options{RewriteKeys: true})
	w.put("a//b", "cannot be copied")
	keys := w.putMany(5)
	w.run(t)
	w.remove(t, keys[2])
	if report := w.run(t); report.Deleted != 1 || report.Result != Partial {
		t.Errorf("report %+v", report)
	}
	w.checkSame(t, "a//b")
}

func TestFoldersAreCopiedWhereTheyHaveNoContent(t *testing.T) {
	w := newWorldOf(t, emulator.Options{}, emulator.Options{RewriteKeys: true})
	w.put("folder/", "")
	w.put("folder/a", "a")
	w.sync(t)
}

func TestAFileThatIsAFolderTooIsNamed(t *testing.T) {
	w := newWorldOf(t, emulator.Options{}, emulator.Options{RewriteKeys: true})
	w.job.Options.Workers = 1
	w.put("conf", "a")
	w.put("conf/child", "b")
	w.put("other", "c")
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"conf/child": "KeysNotExact"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.checkSame(t, "conf/child")
}

func TestReservedAndImpossibleKeysAreNamed(t *testing.T) {
	w := newWorld(t)
	w.put(".rempart/mine", "reserved")
	w.put(".rempart/owner", "Rempart's own")
	w.put(".rempart/manifest/index/whole.json", "Rempart's own")
	w.put("  ", "a client refuses it")
	w.put("a", "a")
	report := w.run(t)
	want := map[string]string{".rempart/mine": "ReservedKey", "  ": "KeysNotExact"}
	if diff := cmp.Diff(want, failures(report)); diff != "" || report.Scanned != 3 {
		t.Errorf("scanned %d, failures (-want +got):\n%s", report.Scanned, diff)
	}
	w.checkSame(t, "  ")
}

func TestAKeyThatIsThePrefixIsNamed(t *testing.T) {
	w := newWorld(t)
	w.job.Source.Prefix, w.job.Target.Prefix = "data/", "data/"
	w.put("data/", "")
	w.put("data/a", "a")
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"": "ReservedKey"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.job.Target.Prefix = "data/"
	if _, there := w.target.Object(replica, "data/a"); !there {
		t.Error("the rest was not copied")
	}
}

func TestRempartsOwnObjectsAtTheTargetStay(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	own := []string{".rempart/owner", ".rempart/evidence/drill.json", ".rempart/anything", "/.rempart/probe/x"}
	for _, key := range own {
		w.target.PutObjectDirect(replica, objectOf(key, "Rempart's own"))
	}
	w.sync(t)
	for _, key := range own {
		if _, there := w.target.Object(replica, key); !there {
			t.Errorf("%q was deleted", key)
		}
	}
}

// recorder is a session that remembers which keys are written.
type recorder struct {
	provider.Session
	mu  sync.Mutex
	put map[string]bool
}

func record(session provider.Session) *recorder {
	return &recorder{Session: session, put: map[string]bool{}}
}

func (r *recorder) remember(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put[key] = true
}

func (r *recorder) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	r.remember(ref.Key)
	return r.Session.Put(ctx, ref, content, attributes)
}

func (r *recorder) StartUpload(ctx context.Context, ref provider.Ref, attributes provider.Attributes) (string, error) {
	r.remember(ref.Key)
	return r.Session.StartUpload(ctx, ref, attributes)
}
