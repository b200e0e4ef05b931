package mover

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const (
	primary = "primary"
	replica = "replica"
)

// world is two stores with a bucket each, and a job from one to the other.
type world struct {
	source, target *emulator.Server
	job            Job
	// adjust changes a run before it begins.
	adjust func(*run)

	mu     sync.Mutex
	events []Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, emulator.Options{}, emulator.Options{})
}

func newWorldOf(t *testing.T, source, target emulator.Options) *world {
	t.Helper()
	source.MinPartSize, target.MinPartSize = -1, -1
	w := &world{source: emulator.Start(t, source), target: emulator.Start(t, target)}
	w.source.CreateBucket(primary)
	w.target.CreateBucket(replica)
	w.job = Job{
		Source: End{Session: openRepeating(t, w.source), Bucket: primary},
		Target: End{Session: openRepeating(t, w.target), Bucket: replica},
		Options: Options{
			Guard: Guard{MaximumObjects: 1000, MaximumPercent: 100}, OwnsTarget: true,
			Workers: 4, Observer: ObserverFunc(w.observe),
		},
	}
	return w
}

// openRepeating gives a session on an emulator that repeats what fails, quickly.
func openRepeating(t *testing.T, server *emulator.Server) provider.Session {
	t.Helper()
	return repeating(openOnce(t, server.URL, server.AccessKey, server.SecretKey, server.Region))
}

func openOnce(t *testing.T, endpoint, accessKey, secretKey, region string) provider.Session {
	t.Helper()
	session, err := s3.Driver{}.Open(
		provider.Place{Provider: "test", Location: "here", Endpoint: endpoint, Region: region},
		provider.Credentials{provider.AccessKey: secret.New(accessKey), provider.SecretKey: secret.New(secretKey)})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func repeating(session provider.Session) provider.Session {
	return provider.Intercept(session, retry.New(retry.Options{Attempts: 3, Base: time.Millisecond, Max: 10 * time.Second}))
}

func (w *world) observe(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// told gives the events of a kind, and forgets all.
func (w *world) told(kind EventKind) []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []Event
	for _, e := range w.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	w.events = nil
	return found
}

// put stores an object at the source.
func (w *world) put(key, content string) {
	w.source.PutObjectDirect(primary, emulator.Object{Key: key, Body: []byte(content)})
}

// putMany stores n small objects and gives their keys.
func (w *world) putMany(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("dossier-%03d/acte-%05d", i/100, i)
		w.put(keys[i], "content of "+keys[i])
	}
	return keys
}

// remove deletes an object at the source.
func (w *world) remove(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := w.job.Source.Session.Remove(t.Context(), provider.Ref{Bucket: primary, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs the job.
func (w *world) start(ctx context.Context) (Report, error) {
	r := newRun(w.job)
	r.transfer.pause = func(ctx context.Context, _ int) error { return ctx.Err() }
	if w.adjust != nil {
		w.adjust(r)
	}
	return r.run(ctx)
}

// run runs the job, which must not fail.
func (w *world) run(t *testing.T) Report {
	t.Helper()
	report, err := w.start(t.Context())
	if err != nil {
		t.Fatalf("run: %v (%+v)", err, report)
	}
	return report
}

// sync runs the job, which must end complete and leave both sides the same.
func (w *world) sync(t *testing.T) Report {
	t.Helper()
	report := w.run(t)
	if report.Result != Complete {
		t.Fatalf("the run ended %s: %s %s %+v", report.Result, report.Reason, report.Message, report.Failures)
	}
	w.checkSame(t)
	return report
}

func isUserKey(key string) bool {
	return !strings.HasPrefix(key, provider.ReservedPrefix) && !strings.HasPrefix(key, "/"+provider.ReservedPrefix)
}

// stored is what of an object has to be the same everywhere.
type stored struct {
	Body                    string
	Headers, Metadata, Tags map[string]string
}

// contents gives what a bucket holds but Rempart's own.
func contents(server *emulator.Server, bucket string) map[string]stored {
	all := map[string]stored{}
	for _, key := range server.Keys(bucket) {
		object, there := server.Object(bucket, key)
		if !there || !isUserKey(key) {
			continue
		}
		maps.DeleteFunc(object.Headers, func(name, value string) bool {
			return name == "Content-Type" && value == "binary/octet-stream" // what stores fill in
		})
		for name, value := range object.Metadata {
			if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
				object.Metadata[name] = text // encoded words are how S3 writes text outside ASCII
			}
		}
		all[key] = stored{string(object.Body), object.Headers, object.Metadata, object.Tags}
	}
	return all
}

// checkSame holds the target against the source, but for the keys that are named,
// which must not be at the target, and the manifest against both.
func (w *world) checkSame(t *testing.T, but ...string) {
	t.Helper()
	want, got := contents(w.source, primary), contents(w.target, replica)
	for _, key := range but {
		delete(want, key)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the target is not what the source is (-source +target):\n%s", shorten(diff))
	}
	w.checkManifest(t)
	if uploads := w.target.Buckets()[replica].Uploads; uploads > 0 {
		t.Errorf("%d uploads are left open", uploads)
	}
}

func shorten(text string) string { return text[:min(len(text), 4000)] }

// checkManifest holds the manifest against what both sides hold.
func (w *world) checkManifest(t *testing.T) {
	t.Helper()
	want := map[string]manifest.Entry{}
	for key := range contents(w.target, replica) {
		there, _ := w.target.Object(replica, key)
		digest := sha256.Sum256(there.Body)
		want[key] = manifest.Entry{Key: key, Size: there.Size, SHA256: hex.EncodeToString(digest[:]), TargetETag: there.ETag}
	}
	got := map[string]manifest.Entry{}
	for key, e := range w.manifest(t) {
		got[key] = manifest.Entry{Key: key, Size: e.Size, SHA256: e.SHA256, TargetETag: e.TargetETag}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the manifest is not what the target is (-target +manifest):\n%s", shorten(diff))
	}
}

// snapshot loads the manifest in the target.
func (w *world) snapshot(t *testing.T) manifest.Snapshot {
	t.Helper()
	snapshot, err := w.job.Target.manifest().Load(t.Context(), func(err error) { t.Errorf("manifest: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func (w *world) manifest(t *testing.T) map[string]manifest.Entry {
	t.Helper()
	entries := map[string]manifest.Entry{}
	store := w.job.Target.manifest()
	for entry, err := range store.Entries(t.Context(), w.snapshot(t), manifest.Range{}, func(err error) { t.Errorf("manifest: %v", err) }) {
		if err != nil {
			t.Fatal(err)
		}
		entries[entry.Key] = entry
	}
	return entries
}

// version makes a bucket keep versions.
func version(t *testing.T, session provider.Session, bucket string) {
	t.Helper()
	err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled})
	if err != nil {
		t.Fatal(err)
	}
}

// forget empties the memory of requests at both sides.
func (w *world) forget() {
	w.source.ForgetRequests()
	w.target.ForgetRequests()
}

// sent gives the keys of requests of an operation at a server, sorted, without
// Rempart's own.
func sent(server *emulator.Server, operation string) []string {
	var keys []string
	for _, request := range server.Requests(func(r emulator.Request) bool { return r.Operation == operation && isUserKey(r.Key) }) {
		keys = append(keys, request.Key)
	}
	slices.Sort(keys)
	return keys
}

// failures gives the keys of failures with their reasons.
func failures(report Report) map[string]string {
	named := map[string]string{}
	for _, f := range report.Failures {
		named[f.Key] = string(f.Reason)
	}
	return named
}

func digestOf(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

func objectOf(key, content string) emulator.Object {
	return emulator.Object{Key: key, Body: []byte(content)}
}

// attributes are none.
var attributes provider.Attributes

// onceThen makes a pause between two tries in which something happens once.
func onceThen(happen func()) func(context.Context, int) error {
	var once sync.Once
	return func(ctx context.Context, _ int) error {
		once.Do(happen)
		return ctx.Err()
	}
}

// stopping is a session that ends the run when an object is asked for.
type stopping struct {
	provider.Session
	key    string
	cancel context.CancelFunc
}

func (s stopping) Get(ctx context.Context, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	if ref.Key == s.key {
		s.cancel()
	}
	return s.Session.Get(ctx, ref, options)
}
