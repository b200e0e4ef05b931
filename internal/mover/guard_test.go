package mover

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestTheGuardStopsWhatIsTooMuch(t *testing.T) {
	usual := Guard{MaximumObjects: 1000, MaximumPercent: 10}
	tests := map[string]struct {
		guard  Guard
		census census
		stops  string // a part of the objection
	}{
		"nothing to delete":                        {Guard{}, census{SourceObjects: 0, TargetObjects: 5}, ""},
		"one deletion and a guard of zero":         {Guard{}, census{SourceObjects: 5, TargetObjects: 6, Deletions: 1, Removals: 1}, "the guard allows 0"},
		"an empty source":                          {usual, census{TargetObjects: 1, Deletions: 1, Removals: 1}, "the source is empty"},
		"an empty source and an empty target":      {usual, census{}, ""},
		"10 deletions of 10":                       {usual, census{SourceObjects: 1, TargetObjects: 10, Deletions: 10, Removals: 10}, ""},
		"11 deletions of 11":                       {usual, census{SourceObjects: 1, TargetObjects: 11, Deletions: 11, Removals: 11}, "11 of the 11"},
		"11 deletions of 110, just 10 %":           {usual, census{SourceObjects: 99, TargetObjects: 110, Deletions: 11, Removals: 11}, ""},
		"11 deletions of 109, a little over 10 %":  {usual, census{SourceObjects: 98, TargetObjects: 109, Deletions: 11, Removals: 11}, "the guard allows 10 %"},
		"as many deletions as objects allowed":     {usual, census{SourceObjects: 1, TargetObjects: 1e6, Deletions: 1000, Removals: 1000}, ""},
		"one more than allowed":                    {usual, census{SourceObjects: 1, TargetObjects: 1e6, Deletions: 1001, Removals: 1001}, "the guard allows 1000"},
		"overwrites count":                         {usual, census{SourceObjects: 50, TargetObjects: 50, Deletions: 11}, "11 of the 50"},
		"overwrites of everything in a new source": {usual, census{SourceObjects: 5, TargetObjects: 5, Deletions: 5}, ""},
		"a percentage of 100":                      {Guard{MaximumObjects: 1000, MaximumPercent: 100}, census{SourceObjects: 1, TargetObjects: 500, Deletions: 500, Removals: 500}, ""},
		"a percentage of 0 and 10 deletions":       {Guard{MaximumObjects: 1000}, census{SourceObjects: 1, TargetObjects: 500, Deletions: 10, Removals: 10}, ""},
		"a percentage of 0 and 11 deletions":       {Guard{MaximumObjects: 1000}, census{SourceObjects: 1, TargetObjects: 500, Deletions: 11, Removals: 11}, "allows 0 %"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := test.guard.objection(test.census)
			if (got == "") != (test.stops == "") || !strings.Contains(got, test.stops) {
				t.Errorf("objection %q", got)
			}
		})
	}
}

func TestTheDigestNamesExactlyOneSet(t *testing.T) {
	removal := func(key, etag string) pendingStep {
		return pendingStep{Key: key, Target: provider.Object{ETag: etag}}
	}
	later := removal("b", "2")
	later.Target.Modified = time.Unix(1, 0)
	overwrite := func(key, etag, with string) pendingStep {
		return pendingStep{Key: key, Target: provider.Object{ETag: etag}, Source: &provider.Object{ETag: with}}
	}
	digest := func(steps ...pendingStep) string {
		var p pending
		for _, s := range steps {
			p.add(s)
		}
		if report := p.report(); report != nil {
			if report.Planned != int64(len(steps)) {
				t.Errorf("%d of %d are planned", report.Planned, len(steps))
			}
			return report.Digest
		}
		return "none"
	}
	sets := map[string][]pendingStep{
		"nothing":                  nil,
		"two removals":             {removal("a", "1"), removal("b", "2")},
		"one of them":              {removal("a", "1")},
		"another object":           {removal("a", "1"), removal("c", "2")},
		"another time":             {removal("a", "1"), later},
		"another state":            {removal("a", "1"), removal("b", "3")},
		"an overwrite":             {removal("a", "1"), overwrite("b", "2", "4")},
		"an overwrite with others": {removal("a", "1"), overwrite("b", "2", "5")},
		"odd keys":                 {removal("a\" \"1\n\"b", "2")},
		"odd ETags":                {removal("a", "1\"\n\"b\" \"2")},
	}
	seen := map[string]string{}
	for name, set := range sets {
		sum := digest(set...)
		if other, taken := seen[sum]; taken {
			t.Errorf("%s has the digest of %s", name, other)
		}
		if seen[sum] = name; digest(set...) != sum {
			t.Errorf("%s has two digests", name)
		}
	}
}

// The same objects, restored and gone once more, are another set: what was approved
// was one moment, not a kind of accident.
func TestAnApprovalCountsOnce(t *testing.T) {
	w, keys := emptied(t, 20, 20)
	first := w.run(t)
	w.job.Options.Guard.Approved = first.Guard.Digest
	if done := w.run(t); done.Deleted != 20 {
		t.Fatalf("approved: %+v", done)
	}
	for _, key := range keys {
		w.put(key, "content of "+key)
	}
	w.sync(t)
	w.remove(t, keys...)
	again := w.run(t)
	if again.Result != Aborted || again.Deleted != 0 || again.Guard == nil || again.Guard.Digest == first.Guard.Digest {
		t.Errorf("with the old approval: %+v", again)
	}
}

func TestMoreThanARunHoldsBackIsNotForgotten(t *testing.T) {
	var p pending
	for i := range pendingLimit {
		if !p.add(pendingStep{Key: fmt.Sprint(i)}) || p.more {
			t.Fatalf("no room for step %d", i)
		}
	}
	if p.add(pendingStep{Key: "z"}) || !p.more || len(p.steps) != pendingLimit {
		t.Errorf("%d steps are held back, more: %v", len(p.steps), p.more)
	}
}

// emptied makes a world in which so many of n objects were deleted at the source.
func emptied(t *testing.T, n, deleted int) (*world, []string) {
	t.Helper()
	w := newWorld(t)
	w.job.Options.Guard = Guard{MaximumObjects: DefaultMaximumObjects, MaximumPercent: DefaultMaximumPercent}
	keys := w.putMany(n)
	w.sync(t)
	w.remove(t, keys[:deleted]...)
	w.forget()
	return w, keys
}

func TestAGuardThatTripsStopsEverythingAndNamesTheSet(t *testing.T) {
	for name, test := range map[string]struct{ n, deleted int }{
		"the source is empty":          {8, 8},
		"an eighth of it was deleted":  {96, 12},
		"all but one of it is missing": {30, 29},
	} {
		t.Run(name, func(t *testing.T) {
			w, keys := emptied(t, test.n, test.deleted)
			report := w.run(t)
			if report.Result != Aborted || report.Reason != fault.DeletionGuardTripped || report.Deleted != 0 || report.Message == "" {
				t.Fatalf("report %+v", report)
			}
			if report.Guard == nil || report.Guard.Planned != int64(test.deleted) || !strings.HasPrefix(report.Guard.Digest, "sha256:") {
				t.Fatalf("guard %+v", report.Guard)
			}
			if got := sent(w.target, "DeleteObject"); len(got) > 0 {
				t.Errorf("deleted %q", got)
			}
			if again := w.run(t); cmp.Diff(report.Guard, again.Guard) != "" {
				t.Errorf("guard %+v, and %+v in the next run", report.Guard, again.Guard)
			}
			w.job.Options.Guard.Approved = report.Guard.Digest
			approved := w.sync(t)
			if approved.Deleted != int64(test.deleted) || approved.Guard != nil {
				t.Errorf("approved: %+v", approved)
			}
			if diff := cmp.Diff(keys[:test.deleted], sent(w.target, "DeleteObject")); diff != "" {
				t.Errorf("deleted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnApprovalIsForOneSetOnly(t *testing.T) {
	changes := map[string]func(*testing.T, *world, []string){
		"one more was deleted": func(t *testing.T, w *world, keys []string) { w.remove(t, keys[90]) },
		"one came back":        func(_ *testing.T, w *world, keys []string) { w.put(keys[3], "content of "+keys[3]) },
		"one was changed":      func(_ *testing.T, w *world, keys []string) { w.put(keys[95], "changed") },
		"one at the target is another": func(_ *testing.T, w *world, keys []string) {
			object, _ := w.target.Object(replica, keys[2])
			object.Body, object.ETag = []byte("another"), ""
			w.target.PutObjectDirect(replica, object)
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w, keys := emptied(t, 100, 20)
			first := w.run(t)
			change(t, w, keys)
			w.job.Options.Guard.Approved = first.Guard.Digest
			second := w.run(t)
			if second.Result != Aborted || second.Guard == nil || second.Guard.Digest == first.Guard.Digest {
				t.Errorf("ended %s with guard %+v", second.Result, second.Guard)
			}
			if got := sent(w.target, "DeleteObject"); len(got) > 0 {
				t.Errorf("deleted %q", got)
			}
		})
	}
}

func TestOverwritesCountWhereTheTargetKeepsNoVersions(t *testing.T) {
	for name, isVersioned := range map[string]bool{"without versions": false, "with versions": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.job.Options.Guard = Guard{MaximumObjects: 1000, MaximumPercent: 10}
			if isVersioned {
				version(t, w.job.Target.Session, replica)
			}
			keys := w.putMany(50)
			w.sync(t)
			for _, key := range keys[:20] {
				w.put(key, "encrypted by somebody")
			}
			w.put("new", "new")
			w.forget()
			report := w.run(t)
			if isVersioned {
				if report.Result != Complete || report.Copied != 21 {
					t.Errorf("report %+v", report)
				}
				return
			}
			if report.Result != Aborted || report.Guard == nil || report.Guard.Planned != 20 || report.OldestMissing.IsZero() {
				t.Errorf("report %+v", report)
			}
			if diff := cmp.Diff([]string{"new"}, sent(w.target, "PutObject")); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			w.job.Options.Guard.Approved = report.Guard.Digest
			if approved := w.sync(t); approved.Copied != 20 {
				t.Errorf("approved: %+v", approved)
			}
		})
	}
}

func TestWhatIsComparedAndDifferentCountsToo(t *testing.T) {
	w := newWorld(t)
	w.job.Options.Guard = Guard{MaximumObjects: 1000, MaximumPercent: 10}
	keys := w.putMany(30)
	for _, key := range keys {
		w.target.PutObjectDirect(replica, objectOf(key, "CONTENT of "+key)) // somebody else's, as long
	}
	report := w.run(t)
	if report.Result != Aborted || report.Guard == nil || report.Guard.Planned != 30 {
		t.Errorf("report %+v", report)
	}
	if written := sent(w.target, "PutObject"); len(written) > 0 {
		t.Errorf("written %q", slices.Compact(written))
	}
}

func TestATargetThatIsNotAdmittedIsNotWrittenTo(t *testing.T) {
	w := newWorld(t)
	w.putMany(3)
	var seen provider.BucketState
	w.job.Options.Admit = func(state provider.BucketState) error {
		seen = state
		return fault.New(fault.Waiting, fault.NotOwner, "it is somebody else's")
	}
	report, err := Run(t.Context(), w.job)
	if err == nil || report.Result != Aborted || report.Reason != fault.NotOwner || report.Message != "it is somebody else's" || !seen.Exists {
		t.Errorf("report %+v, %v, after %+v", report, err, seen)
	}
	if sent := w.target.Requests(func(r emulator.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }); len(sent) != 0 {
		t.Errorf("it was written to: %+v", sent)
	}
}
