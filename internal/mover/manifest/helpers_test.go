package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const (
	bucket = "copy"
	source = "source-a"
)

// begin is when the entries of the tests were last changed.
var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a store with a manifest, and the writers' clock.
type world struct {
	Store
	server   *emulator.Server
	now      time.Time
	warnings []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session, err := s3.Driver{}.Open(
		provider.Place{Provider: "onprem", Location: "dc1", Endpoint: server.URL, Region: server.Region},
		provider.Credentials{provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey)})
	if err != nil {
		t.Fatal(err)
	}
	return &world{Store: Store{Objects: session, Bucket: bucket}, server: server, now: time.Now()}
}

// clock gives the time, which is a little later each time.
func (w *world) clock() time.Time {
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) warn(err error) { w.warnings = append(w.warnings, err.Error()) }

func (w *world) load(t *testing.T) Snapshot {
	t.Helper()
	snapshot, err := w.Load(t.Context(), w.warn)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// writeAll writes the complete manifest of a range as a run does: what is the same
// as before is read from the manifest and given again.
func (w *world) writeAll(t *testing.T, within Range, entries []Entry) bool {
	t.Helper()
	before := w.load(t)
	w.known(t, before, within)
	writer := w.NewWriter(before, within, source, begin)
	for _, entry := range entries {
		if err := writer.Add(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	index, wrote, err := writer.Finish(t.Context(), w.clock())
	if err != nil {
		t.Fatal(err)
	}
	if wrote {
		if err := w.Collect(t.Context(), index, w.clock()); err != nil {
			t.Fatal(err)
		}
	}
	return wrote
}

// write writes a manifest of everything, and removes nothing.
func (w *world) write(t *testing.T, entries []Entry) Index {
	t.Helper()
	writer := w.NewWriter(w.load(t), Range{}, source, begin)
	for _, entry := range entries {
		if err := writer.Add(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	index, _, err := writer.Finish(t.Context(), w.clock())
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// known reads what a snapshot says of a range.
func (w *world) known(t *testing.T, snapshot Snapshot, within Range) []Entry {
	t.Helper()
	var entries []Entry
	for entry, err := range w.Entries(t.Context(), snapshot, within, w.warn) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// objects gives the keys of the manifest's own objects, without the root.
func (w *world) objects() []string {
	var names []string
	for _, key := range w.server.Keys(bucket) {
		if name, isOwn := strings.CutPrefix(key, Root(w.Prefix)); isOwn {
			names = append(names, name)
		}
	}
	return names
}

func (w *world) segments() []string {
	return slices.DeleteFunc(w.objects(), func(name string) bool {
		return strings.Contains(name, "/") || !strings.HasSuffix(name, segmentSuffix)
	})
}

// writes counts the requests that wrote since ForgetRequests.
func (w *world) writes() int {
	counts := w.server.Counts()
	return counts["PutObject"] + counts["DeleteObject"]
}

// makeEntries makes n entries with ascending keys.
func makeEntries(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = entry(fmt.Sprintf("object-%06d", i))
	}
	return entries
}

func entry(key string) Entry {
	return Entry{
		Key: key, ETag: "etag of " + key, Size: int64(len(key)), Modified: begin,
		SHA256: shortHash(key), TargetETag: "target etag of " + key,
	}
}
