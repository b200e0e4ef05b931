package drill_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/drill"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestRPOIsTheAgeOfTheOldestMissingChange(t *testing.T) {
	s := newScene(t)
	s.putAt("old", "copied", time.Hour)
	s.putAt("changed", "before", time.Hour)
	s.putAt("deleted", "still in the copy", time.Hour)
	s.replicate()
	s.putAt("changed", "after", 10*time.Minute)
	s.putAt("new", "not copied", 5*time.Minute)
	if err := s.source.Session.Remove(t.Context(), provider.Ref{Bucket: "source", Key: "deleted"}); err != nil {
		t.Fatal(err)
	}
	s.objectives.RPO = 5 * time.Minute
	outcome := s.run(t.Context())
	if rpo := outcome.Measured.RPO; rpo == nil || (*rpo-10*time.Minute).Abs() > 5*time.Second {
		t.Errorf("the RPO is %v, want 10 minutes: that of the oldest change that is missing", outcome.Measured.RPO)
	}
	if outcome.Verdict != drill.Failed || result(outcome, "RPO") != drill.Fail || result(outcome, "Integrity") != drill.Pass {
		t.Errorf("the verdict is %s, checks %+v", outcome.Verdict, outcome.Checks)
	}
	for _, check := range outcome.Checks {
		if check.Name == "RPO" && !strings.Contains(check.Message, "1 objects deleted at the source are still in the copy") {
			t.Errorf("the check does not say what is not known: %s", check.Message)
		}
		if check.Name == "RPO" && !strings.Contains(check.Message, "lower bound") {
			t.Errorf("the check does not say that it is a lower bound: %s", check.Message)
		}
	}
}

func TestWhatChangesDuringADrillIsNoCorruption(t *testing.T) {
	s := newScene(t)
	s.put("changed", "before")
	s.put("deleted", "soon")
	s.put("same", "same")
	s.replicate()
	s.stepDone = func(step drill.Step) {
		if step != drill.Restoring {
			return
		}
		s.put("changed", "after")
		s.put("new", "added")
		if err := s.source.Session.Remove(t.Context(), provider.Ref{Bucket: "source", Key: "deleted"}); err != nil {
			t.Error(err)
		}
		s.replicate()
	}
	outcome := s.run(t.Context())
	if outcome.Verdict != drill.Passed {
		t.Errorf("the verdict is %s, checks %+v, %v", outcome.Verdict, outcome.Checks, outcome.Err)
	}
}

// removeFromSource deletes an object of the source.
func (s *scene) removeFromSource(key string) {
	s.t.Helper()
	if err := s.source.Session.Remove(s.t.Context(), provider.Ref{Bucket: "source", Key: key}); err != nil {
		s.t.Fatal(err)
	}
}

// meanwhile has things happen right before steps of the drill.
func (s *scene) meanwhile(before map[drill.Step]func()) {
	s.stepDone = func(step drill.Step) {
		if happens := before[step]; happens != nil {
			happens()
		}
	}
}

// The replication goes on during a drill. Whatever it does to a key between the
// moment of loss and the verification is a change, and is counted as one.
func TestWhatTheReplicationDoesDuringADrill(t *testing.T) {
	replicated := func(s *scene, change func()) func() {
		return func() { change(); s.replicate() }
	}
	for name, test := range map[string]struct {
		before, restoring, verifying func(s *scene) func()
		want                         drill.Changes
	}{
		"a key is rewritten before it is restored": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.put("key", "second") }) },
			want:      drill.Changes{Newer: 1},
		},
		"a key is rewritten before it is restored and again before it is verified": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.put("key", "second") }) },
			verifying: func(s *scene) func() { return replicated(s, func() { s.put("key", "third") }) },
			want:      drill.Changes{Between: 1, BetweenBytes: 6},
		},
		"a key is rewritten before it is restored and deleted before it is verified": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.put("key", "second") }) },
			verifying: func(s *scene) func() { return replicated(s, func() { s.removeFromSource("key") }) },
			want:      drill.Changes{Between: 1, BetweenBytes: 6},
		},
		"a key is deleted before it is restored": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.removeFromSource("key") }) },
			want:      drill.Changes{Gone: 1},
		},
		"a key is deleted before it is restored and made again before it is verified": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.removeFromSource("key") }) },
			verifying: func(s *scene) func() { return replicated(s, func() { s.put("key", "second") }) },
			want:      drill.Changes{Gone: 1},
		},
		"an object is added before it is restored": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.put("new", "second") }) },
			want:      drill.Changes{Newer: 1},
		},
		"an object is added, restored, and deleted before it is verified": {
			restoring: func(s *scene) func() { return replicated(s, func() { s.put("new", "second") }) },
			verifying: func(s *scene) func() { return replicated(s, func() { s.removeFromSource("new") }) },
			want:      drill.Changes{Between: 1, BetweenBytes: 6},
		},
		"a key changes after it is restored, which is no matter": {
			verifying: func(s *scene) func() { return replicated(s, func() { s.put("key", "second") }) },
		},
		"a run is under way that has not written its manifest": {
			restoring: func(s *scene) func() {
				return func() {
					s.put("key", "second")
					s.put("new", "second")
					s.removeFromSource("other")
					s.putInCopy("key", "second", 0)
					s.putInCopy("new", "second", 0)
					s.remove("other")
				}
			},
			want: drill.Changes{Between: 2, BetweenBytes: 12, Gone: 1},
		},
		"a run under way at the beginning copied an object that is gone since": {
			before:    func(s *scene) func() { return func() { s.putInCopy("new", "second", 0) } },
			verifying: func(s *scene) func() { return func() { s.remove("new") } },
			want:      drill.Changes{Between: 1, BetweenBytes: 6},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.put("key", "first")
			s.put("other", "other")
			s.put("same", "same")
			s.replicate()
			happens := map[drill.Step]func(){}
			if test.before != nil {
				test.before(s)()
			}
			if test.restoring != nil {
				happens[drill.Restoring] = test.restoring(s)
			}
			if test.verifying != nil {
				happens[drill.Verifying] = test.verifying(s)
			}
			s.meanwhile(happens)
			outcome := s.run(t.Context())
			if outcome.Verdict != drill.Passed {
				t.Errorf("the verdict is %s, checks %+v, %v", outcome.Verdict, outcome.Checks, outcome.Err)
			}
			if diff := cmp.Diff(test.want, outcome.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			unverified := slices.ContainsFunc(outcome.NotTested, func(sentence string) bool {
				return strings.Contains(sentence, "that no manifest describes")
			})
			if unverified != (test.want.Between > 0) {
				t.Errorf("what was not held against a manifest is not told as it is: %q", outcome.NotTested)
			}
		})
	}
}

// putInCopy writes to the copy as nothing that keeps a manifest does.
func (s *scene) putInCopy(key, content string, ago time.Duration) {
	s.copyStore.PutObjectDirect("copy", emulator.Object{
		Key: key, Body: []byte(content), Headers: map[string]string{"Content-Type": "text/plain"}, LastModified: time.Now().Add(-ago).Truncate(time.Millisecond),
	})
}

// More keys change than a report names, and the one that is really wrong comes
// after all of them.
func TestThousandsOfChangesHideNothing(t *testing.T) {
	const changes = 1200
	fill := func(s *scene, content string) {
		for i := range changes {
			s.putAt(fmt.Sprintf("key-%05d", i), content, time.Minute)
		}
	}
	for name, test := range map[string]struct {
		spoil func(s *scene)
		fails string
		named string
	}{
		"all is well":                    {func(*scene) {}, "", ""},
		"one byte of another is another": {func(s *scene) { s.corrupt("z", func(o *emulator.Object) { o.Body[0] ^= 1 }) }, "Integrity", `"z"`},
		"one byte of a changed one is another": {
			func(s *scene) { s.corrupt("key-01100", func(o *emulator.Object) { o.Body[0] ^= 1 }) }, "Integrity", `"key-01100"`,
		},
		"another is missing":      {func(s *scene) { s.remove("z") }, "Completeness", `"z"`},
		"one too many":            {func(s *scene) { s.putInCopy("zz", "nobody's", time.Minute) }, "Completeness", `"zz"`},
		"one from before is back": {func(s *scene) { s.putInCopy("key-01100", "older", 2*time.Hour) }, "Integrity", `"key-01100"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			fill(s, "first")
			s.put("z", "last")
			s.replicate()
			s.meanwhile(map[drill.Step]func(){
				drill.Restoring: func() {
					fill(s, "second")
					s.replicate()
					test.spoil(s)
				},
				drill.Verifying: func() {
					for i := range changes / 2 {
						s.putAt(fmt.Sprintf("key-%05d", i), "third", time.Minute)
					}
					s.replicate()
				},
			})
			outcome := s.run(t.Context())
			verdict := drill.Passed
			if test.fails != "" {
				verdict = drill.Failed
			}
			if outcome.Verdict != verdict || outcome.Err != nil {
				t.Errorf("the verdict is %s, %v, checks %+v", outcome.Verdict, outcome.Err, outcome.Checks)
			}
			if outcome.Changes.Between != changes/2 || outcome.Changes.Newer < changes/2-1 {
				t.Errorf("the changes are %+v", outcome.Changes)
			}
			for _, check := range outcome.Checks {
				if check.Name == test.fails && !strings.Contains(check.Message, test.named) {
					t.Errorf("%s does not name %s: %s", check.Name, test.named, check.Message)
				}
				if check.Name != test.fails && check.Result == drill.Fail {
					t.Errorf("%s fails: %s", check.Name, check.Message)
				}
			}
		})
	}
}

// A deletion is a change like any other. A source that keeps versions tells when
// it was.
func TestRPOCountsDeletions(t *testing.T) {
	for name, test := range map[string]struct {
		ago  time.Duration // before the loss
		want time.Duration
	}{
		"before the loss": {10 * time.Minute, 10 * time.Minute},
		"after the loss":  {-10 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			if err := s.source.Session.UpdateBucket(t.Context(), provider.Bucket{Name: "source", Versioning: provider.VersioningEnabled}); err != nil {
				t.Fatal(err)
			}
			s.putAt("deleted", "still in the copy", time.Hour)
			s.putAt("deleted-too", "still at both", time.Hour)
			s.replicate()
			s.sourceStore.PutObjectDirect("source", emulator.Object{
				Key: "deleted", DeleteMarker: true, LastModified: time.Now().Add(-test.ago).Truncate(time.Millisecond),
			})
			outcome := s.run(t.Context())
			if rpo := outcome.Measured.RPO; rpo == nil || (*rpo-test.want).Abs() > 5*time.Second {
				t.Errorf("the RPO is %v, want %s", rpo, test.want)
			}
			for _, check := range outcome.Checks {
				if check.Name == "RPO" && strings.Contains(check.Message, "lower bound") {
					t.Errorf("nothing is unknown, and still: %s", check.Message)
				}
			}
		})
	}
}

// What changed after the loss may have lacked a change before it. That is not
// known, and is said.
func TestRPOOfWhatChangesMeanwhileIsALowerBound(t *testing.T) {
	s := newScene(t)
	s.put("a", "before")
	s.replicate()
	s.putAt("a", "after", -time.Hour)
	outcome := s.run(t.Context())
	for _, check := range outcome.Checks {
		if check.Name != "RPO" {
			continue
		}
		for _, part := range []string{"1 objects changed at the source while", "lower bound"} {
			if !strings.Contains(check.Message, part) {
				t.Errorf("the check does not say %q: %s", part, check.Message)
			}
		}
	}
}
