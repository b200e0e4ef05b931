package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is two stores with a bucket each, and a spec of a job from one to the
// other.
type world struct {
	t              *testing.T
	source, target *emulator.Server
	dir            string
	env            map[string]string
	// more is added to the spec.
	more  string
	width int
	ticks chan time.Time
	now   time.Time
	// memory is what the process may have.
	memory int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, source: emulator.Start(t, emulator.Options{}), target: emulator.Start(t, emulator.Options{}), dir: t.TempDir(),
		ticks: make(chan time.Time), now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC),
	}
	w.source.CreateBucket("actes")
	w.target.CreateBucket("actes-copy")
	w.env = map[string]string{
		"SRC_KEY": w.source.AccessKey, "SRC_SECRET": w.source.SecretKey, "DST_KEY": w.target.AccessKey, "DST_SECRET": w.target.SecretKey,
	}
	return w
}

func (w *world) put(keys ...string) {
	for _, key := range keys {
		w.source.PutObjectDirect("actes", emulator.Object{Key: key, Body: []byte("content of " + key)})
	}
}

func (w *world) remove(keys ...string) {
	w.t.Helper()
	session, err := s3.Driver{}.Open(provider.Place{Endpoint: w.source.URL},
		provider.Credentials{provider.AccessKey: secret.New(w.source.AccessKey), provider.SecretKey: secret.New(w.source.SecretKey)})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys {
		if err := session.Remove(w.t.Context(), provider.Ref{Bucket: "actes", Key: key}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) spec() string {
	return fmt.Sprintf(`
source: {endpoint: %q, bucket: actes, credentials: {accessKeyEnv: SRC_KEY, secretKeyEnv: SRC_SECRET}}
target: {endpoint: %q, bucket: actes-copy, credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}}
%s`, w.source.URL, w.target.URL, w.more)
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) write(name, content string) string {
	w.t.Helper()
	if err := os.WriteFile(w.file(name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.file(name)
}

// outcome is what a command line came to.
type outcome struct {
	out, errOut string
	code        ExitCode
	message     string
}

// run carries out the spec, with more arguments.
func (w *world) run(args ...string) outcome {
	w.t.Helper()
	return w.runUntil(w.t.Context(), append([]string{"run", "--spec", w.write("spec.yaml", w.spec())}, args...)...)
}

func (w *world) runUntil(ctx context.Context, args ...string) outcome {
	w.t.Helper()
	var out, errOut bytes.Buffer
	root := New(Environment{
		In: strings.NewReader(w.spec()), Out: &out, ErrOut: &errOut,
		LookupEnv:   func(name string) (string, bool) { value, isSet := w.env[name]; return value, isSet },
		Open:        s3.Driver{}.Open,
		LimitMemory: func(bytes int64) { w.memory = bytes },
		Now:         func() time.Time { return w.now },
		Tick:        func(time.Duration) (<-chan time.Time, func()) { return w.ticks, func() {} },
		Width:       func() (int, bool) { return w.width, w.width > 0 },
	}, "v1.2.3")
	root.SetArgs(args)
	code, message := Outcome(root.ExecuteContext(ctx))
	o := outcome{out: out.String(), errOut: errOut.String(), code: code, message: message}
	for _, secret := range []string{w.source.SecretKey, w.target.SecretKey} {
		if strings.Contains(o.out+o.errOut+o.message, secret) {
			w.t.Errorf("a secret is told: %+v", o)
		}
	}
	return o
}

// report reads the last line.
func (o outcome) report(t *testing.T) mover.Report {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(o.out, "\n"), "\n")
	var report mover.Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		t.Fatalf("the last line is no report: %v\n%+v", err, o)
	}
	return report
}

func TestACompleteRunReportsAndExitsWith0(t *testing.T) {
	w := newWorld(t)
	w.put("a", "b c", "é")
	o := w.run()
	report := o.report(t)
	want := mover.Report{
		Result: mover.Complete, Scanned: 3, Copied: 3, Verified: 3, CopiedBytes: int64(len("content of acontent of b ccontent of é")), Objects: 3,
	}
	want.Bytes = want.CopiedBytes
	if diff := cmp.Diff(want, report, cmpopts.IgnoreFields(mover.Report{}, "Requests", "AsOf", "Seconds", "ListingSeconds")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if o.code != ExitComplete || o.message != "" || o.errOut != "" || strings.Count(o.out, "\n") != 1 {
		t.Errorf("%+v", o)
	}
	if report.Requests.Source["Get"] != 3 || report.Requests.Target["Put"] < 3 {
		t.Errorf("requests %+v", report.Requests)
	}
	if object, _ := w.target.Object("actes-copy", "b c"); string(object.Body) != "content of b c" {
		t.Errorf("the copy holds %q", object.Body)
	}
}

func TestTheSpecMayComeFromTheStandardInput(t *testing.T) {
	w := newWorld(t)
	w.put("a")
	if o := w.runUntil(t.Context(), "run", "--spec", "-"); o.code != ExitComplete || o.report(t).Copied != 1 {
		t.Errorf("%+v", o)
	}
}

func TestTheManifestHasALineForEachObject(t *testing.T) {
	w := newWorld(t)
	w.more = fmt.Sprintf("manifest: %q", w.file("run.jsonl"))
	w.put("a<b>", "c")
	w.source.PutObjectDirect("actes", emulator.Object{Key: "d", Body: []byte("x"), Metadata: map[string]string{"service": "état civil"}})
	w.write("run.jsonl", "of the run before")
	if o := w.run(); o.code != ExitComplete {
		t.Fatalf("%+v", o)
	}
	content, err := os.ReadFile(w.file("run.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), content)
	}
	want := `{"key":"a<b>","size":15,"sha256":"`
	if !strings.HasPrefix(lines[0], want) || !strings.HasSuffix(lines[0], `","metadataDigest":""}`) {
		t.Errorf("line %s", lines[0])
	}
	if !strings.Contains(lines[2], `"sha256":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"`) || strings.Contains(lines[2], `"metadataDigest":""`) {
		t.Errorf("line %s", lines[2])
	}
	w.leavesNothingElse("run.jsonl", "spec.yaml")
}

// leavesNothingElse checks what is in the folder.
func (w *world) leavesNothingElse(want ...string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestObjectsThatFailMakeARunPartial(t *testing.T) {
	w := newWorld(t)
	w.put("a", "b")
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "b"}, emulator.Fail(403, "AccessDenied"))
	o := w.run()
	report := o.report(t)
	if o.code != ExitPartial || report.Result != mover.Partial || report.Copied != 1 || len(report.Failures) != 1 || report.Failures[0].Key != "b" {
		t.Errorf("%+v", o)
	}
	if o.message != "1 objects could not be copied or removed" {
		t.Errorf("message %q", o.message)
	}
}

func TestTheGuardEndsARunWith4UntilItIsToldOtherwise(t *testing.T) {
	w := newWorld(t)
	w.more = fmt.Sprintf("manifest: %q", w.file("run.jsonl"))
	w.put("a", "b")
	w.run()
	before := w.write("run.jsonl", "of the run before")
	w.remove("a", "b")
	o := w.run()
	report := o.report(t)
	if o.code != ExitGuarded || report.Reason != fault.DeletionGuardTripped || report.Guard == nil || report.Guard.Planned != 2 {
		t.Fatalf("%+v", o)
	}
	if !strings.Contains(o.message, "the source is empty and the copy holds 2 objects") {
		t.Errorf("message %q", o.message)
	}
	if content, err := os.ReadFile(before); err != nil || string(content) != "of the run before" {
		t.Errorf("the manifest is %q, %v", content, err)
	}
	w.more = fmt.Sprintf("deletionGuard: {approved: %q}", report.Guard.Digest)
	if o := w.run(); o.code != ExitComplete || o.report(t).Deleted != 2 {
		t.Errorf("approved: %+v", o)
	}
}

func TestWhatMakesNoSenseEndsWith2BeforeAnythingIsAsked(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	tests := map[string]struct {
		change func(w *world)
		args   []string
		want   []string
	}{
		"a spec with mistakes": {
			func(w *world) { w.more = "versions: Some\nspeed: high" }, nil,
			[]string{"the spec is not valid:", "unknown field speed", `versions: "Some"`},
		},
		"credentials that are not there": {
			func(w *world) { w.env = map[string]string{"DST_KEY": "x", "DST_SECRET": ""} }, nil,
			[]string{
				"source.credentials.accessKeyEnv: the environment variable SRC_KEY is not set",
				"source.credentials.secretKeyEnv: the environment variable SRC_SECRET is not set",
				"target.credentials.secretKeyEnv: the environment variable DST_SECRET is not set",
			},
		},
		"a checkpoint that cannot be written": {
			func(w *world) { w.more = fmt.Sprintf("checkpoint: %q", filepath.Join(missing, "x")) }, nil,
			[]string{"checkpoint: it cannot be written"},
		},
		"a manifest that is a folder": {
			func(w *world) { w.more = fmt.Sprintf("manifest: %q", w.dir) }, nil, []string{"manifest: ", "is a folder"},
		},
		"a mode of progress that is none":  {nil, []string{"--progress", "loud"}, []string{`"loud" is not one of auto, bar, json and none`}},
		"an argument that nobody asks for": {nil, []string{"now"}, []string{`unknown command "now"`}},
		"a flag that is none":              {nil, []string{"--fast"}, []string{"unknown flag: --fast"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			o := w.run(test.args...)
			if o.code != ExitUsage || o.out != "" {
				t.Errorf("%+v", o)
			}
			for _, part := range test.want {
				if !strings.Contains(o.message, part) {
					t.Errorf("message %q, want %q", o.message, part)
				}
			}
			if asked := len(w.source.Counts()) + len(w.target.Counts()); asked > 0 {
				t.Errorf("asked: %v %v", w.source.Counts(), w.target.Counts())
			}
		})
	}
}

func TestFilesThatCannotBeReadEndWith2(t *testing.T) {
	w := newWorld(t)
	if o := w.runUntil(t.Context(), "run", "--spec", w.file("none")); o.code != ExitUsage || !strings.Contains(o.message, "read the spec: open") {
		t.Errorf("no spec: %+v", o)
	}
	large := w.write("large", strings.Repeat("#", maximumSpec+1))
	if o := w.runUntil(t.Context(), "run", "--spec", large); o.code != ExitUsage || !strings.Contains(o.message, "more than 1048576 bytes") {
		t.Errorf("a large spec: %+v", o)
	}
	broken := strings.Replace(w.spec(), "bucket: actes,", "bucket: actes, caFile: "+w.write("ca.pem", "no certificate")+",", 1)
	if o := w.runUntil(t.Context(), "run", "--spec", w.write("spec.yaml", broken)); o.code != ExitUsage || !strings.Contains(o.message, "open source/") {
		t.Errorf("a broken bundle: %+v", o)
	}
	absent := strings.Replace(w.spec(), "bucket: actes,", "bucket: actes, caFile: "+w.file("none")+",", 1)
	if o := w.runUntil(t.Context(), "run", "--spec", w.write("spec.yaml", absent)); o.code != ExitUsage || !strings.Contains(o.message, "source.caFile: open") {
		t.Errorf("no bundle: %+v", o)
	}
	for _, args := range [][]string{{"run"}, {"walk"}} {
		if o := w.runUntil(t.Context(), args...); o.code != ExitUsage || o.message == "" {
			t.Errorf("%v: %+v", args, o)
		}
	}
}

func TestRefusedCredentialsAreUsedOnce(t *testing.T) {
	w := newWorld(t)
	w.env["DST_SECRET"] = "wrong"
	w.put("a", "b", "c")
	o := w.run()
	if o.code != ExitFailed || o.report(t).Reason != fault.AuthenticationFailed || !strings.Contains(o.message, "target/127.0.0.1") {
		t.Errorf("%+v", o)
	}
	if asked := len(w.target.Requests(nil)); asked != 1 {
		t.Errorf("the target was asked %d times", asked)
	}
}

func TestARunWithoutAnAnswerReportsWhy(t *testing.T) {
	w := newWorld(t)
	w.put("a")
	w.target.Faults().Down()
	o := w.run()
	if report := o.report(t); o.code != ExitFailed || report.Result != mover.Aborted || report.Reason != fault.ProviderUnreachable {
		t.Errorf("%+v", o)
	}
}

func TestAStoppedRunGoesOnFromItsCheckpoint(t *testing.T) {
	w := newWorld(t)
	w.more = fmt.Sprintf("checkpoint: %q\nlimits: {workers: 1}", w.file("run.checkpoint"))
	w.put("a", "b", "c", "d")
	ctx, cancel := context.WithCancelCause(t.Context())
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Key: "c"}, emulator.Alter(func(*emulator.Object) {
		cancel(errors.New("somebody wants the machine"))
	}))
	o := w.runUntil(ctx, "run", "--spec", w.write("spec.yaml", w.spec()))
	report := o.report(t)
	if o.code != ExitPartial || report.Reason != fault.Interrupted || !strings.Contains(o.message, "somebody wants the machine") {
		t.Fatalf("%+v", o)
	}
	w.leavesNothingElse("run.checkpoint", "spec.yaml")
	w.source.Faults().Clear()
	if o := w.run(); o.code != ExitComplete || o.report(t).Scanned >= 4 {
		t.Errorf("again: %+v", o)
	}
	w.leavesNothingElse("spec.yaml")
	if keys := w.target.Keys("actes-copy"); !strings.Contains(strings.Join(keys, " "), "a b c d") {
		t.Errorf("the copy has %q", keys)
	}
}

func TestADamagedCheckpointIsSaidAndNotUsed(t *testing.T) {
	w := newWorld(t)
	w.more = fmt.Sprintf("checkpoint: %q", w.file("run.checkpoint"))
	w.write("run.checkpoint", "{")
	w.put("a")
	o := w.run()
	if o.code != ExitComplete || !strings.HasPrefix(o.errOut, "warning: the checkpoint ") || o.report(t).Copied != 1 {
		t.Errorf("%+v", o)
	}
	w.leavesNothingElse("spec.yaml")
}

func TestTheMemoryOfTheProcessFollowsThatOfContents(t *testing.T) {
	for more, want := range map[string]int64{"": (128 + 96) << 20, "limits: {bytesInFlight: 1Gi}": (1024 + 96) << 20} {
		w := newWorld(t)
		w.more = more
		if w.run(); w.memory != want {
			t.Errorf("%q: %d bytes, want %d", more, w.memory, want)
		}
	}
}

func TestLimitsReachTheRun(t *testing.T) {
	w := newWorld(t)
	w.more = "limits: {requestsPerSecond: 40}"
	w.put("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	began := time.Now()
	o := w.run()
	asked := int64(0)
	for _, count := range o.report(t).Requests.Target {
		asked += count
	}
	// Four may go at once.
	if least := time.Duration(asked-5) * time.Second / 40; o.code != ExitComplete || time.Since(began) < least {
		t.Errorf("%d requests in %s, want at least %s", asked, time.Since(began), least)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("the disk is full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	file := w.write("file", "old")
	err := replace(file, func(out io.Writer) error {
		if _, err := out.Write([]byte("half of the new")); err != nil {
			t.Fatal(err)
		}
		return errBroken
	})
	if content, _ := os.ReadFile(file); !errors.Is(err, errBroken) || string(content) != "old" {
		t.Errorf("%q, %v", content, err)
	}
	w.leavesNothingElse("file")
}

func TestAReportThatCannotBeWrittenIsAFailure(t *testing.T) {
	r := &run{Environment: Environment{Out: brokenWriter{}}}
	err := conclude(mover.Report{Result: mover.Complete}, nil, r.print(mover.Report{}))
	if code, message := Outcome(err); code != ExitFailed || !strings.Contains(message, "the disk is full") {
		t.Errorf("%d %q", code, message)
	}
}
