package mover

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// endless is a store of n objects that takes no memory for them: what is put is
// only counted, and is there from then on. It keeps Rempart's own objects.
type endless struct {
	provider.Session
	n       int
	isEmpty atomic.Bool
	puts    atomic.Int64

	mu  sync.Mutex
	own map[string][]byte
}

var longAgo = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (e *endless) object(i int) provider.Object {
	return provider.Object{Key: fmt.Sprintf("object-%012d", i), ETag: strconv.Itoa(i), Size: 12, Modified: longAgo}
}

func (e *endless) Place() provider.Place { return provider.Place{Endpoint: "http://endless"} }

func (e *endless) Limits() provider.StoreLimits { return provider.StoreLimits{} }

func (e *endless) Ping(context.Context) (provider.Health, error) {
	return provider.Health{ServerTime: longAgo}, nil
}

func (e *endless) ObserveBucket(context.Context, string) (provider.BucketState, error) {
	return provider.BucketState{Exists: true}, nil
}

func (e *endless) ListPage(_ context.Context, _ string, request provider.ListRequest) (provider.ListPage, error) {
	var page provider.ListPage
	if request.Token == "" {
		page.Objects = e.listOwn(request.Prefix)
	}
	if e.isEmpty.Load() || request.Prefix != "" {
		return page, nil
	}
	first, _ := strconv.Atoi(request.Token)
	for i := first; i < min(first+1000, e.n); i++ {
		page.Objects = append(page.Objects, e.object(i))
	}
	if first+1000 < e.n {
		page.Next = strconv.Itoa(first + 1000)
	}
	return page, nil
}

func (e *endless) listOwn(prefix string) (objects []provider.Object) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, content := range e.own {
		if strings.HasPrefix(key, prefix) {
			objects = append(objects, provider.Object{Key: key, Size: int64(len(content)), Modified: longAgo})
		}
	}
	slices.SortFunc(objects, func(a, b provider.Object) int { return cmp.Compare(a.Key, b.Key) })
	return objects
}

func (e *endless) ListVersionsPage(context.Context, string, provider.VersionsRequest) (provider.VersionsPage, error) {
	return provider.VersionsPage{}, provider.ErrUnsupported
}

func (e *endless) Get(_ context.Context, ref provider.Ref, _ provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	e.mu.Lock()
	content, isOwn := e.own[ref.Key]
	e.mu.Unlock()
	if isOwn {
		return io.NopCloser(bytes.NewReader(content)), provider.Object{Key: ref.Key}, nil
	}
	i, err := strconv.Atoi(strings.TrimPrefix(ref.Key, "object-"))
	return io.NopCloser(strings.NewReader(ref.Key[len("object-"):])), e.object(i), err
}

func (e *endless) Put(_ context.Context, ref provider.Ref, content provider.Content, _ provider.Attributes) (provider.Object, error) {
	e.puts.Add(1)
	if strings.HasPrefix(ref.Key, provider.ReservedPrefix) {
		stored, err := io.ReadAll(content.Reader)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.own[ref.Key] = stored
		return provider.Object{ETag: ref.Key}, err
	}
	i, err := strconv.Atoi(strings.TrimPrefix(ref.Key, "object-"))
	return e.object(i), err
}

func (e *endless) size() (bytes int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, content := range e.own {
		bytes += int64(len(content))
	}
	return bytes
}

// peak measures the live heap during a run, ten times, beyond what the stores keep.
type peak struct {
	every int64
	seen  atomic.Int64
	mu    sync.Mutex
	bytes int64
	store *endless
}

func (p *peak) Observe(e Event) {
	if e.Kind != EventScanned || p.seen.Add(1)%p.every != 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	p.bytes = max(p.bytes, int64(stats.HeapAlloc)-p.store.size())
}

// measure copies n objects, and then finds nothing to do, and gives the largest
// live heaps of both runs.
func measure(tb testing.TB, n int) (copying, comparing int64) {
	tb.Helper()
	source := &endless{n: n, own: map[string][]byte{}}
	target := &endless{n: n, own: map[string][]byte{}}
	target.isEmpty.Store(true)
	run := func() (Report, int64) {
		p := &peak{every: int64(n / 10), store: target}
		report, err := Run(tb.Context(), Job{
			Source: End{Session: source, Bucket: "a"}, Target: End{Session: target, Bucket: "b"},
			Options: Options{Observer: p, TargetChecksContent: provider.Supported, Verification: VerifyTransferred, Range: manifest.Range{}},
		})
		if err != nil || report.Result != Complete || report.Scanned != int64(n) {
			tb.Fatalf("report %+v, error %v", report, err)
		}
		return report, p.bytes
	}
	report, copying := run()
	if report.Copied != int64(n) {
		tb.Fatalf("report %+v", report)
	}
	target.isEmpty.Store(false)
	before := target.puts.Load()
	report, comparing = run()
	if report.Skipped != int64(n) || target.puts.Load() != before {
		tb.Fatalf("report %+v, %d requests wrote", report, target.puts.Load()-before)
	}
	segments := len(slices.Collect(maps.Keys(target.own))) - 1
	if gets := report.Requests.Target["Get"]; gets != int64(segments)+1 || report.Requests.Source["ListPage"] != int64((n+999)/1000) {
		tb.Errorf("requests %+v for %d segments", report.Requests, segments)
	}
	return copying, comparing
}

func TestMemoryDoesNotGrowWithTheNumberOfObjects(t *testing.T) {
	const few, many = 30_000, 150_000
	fewCopying, fewComparing := measure(t, few)
	copying, comparing := measure(t, many)
	t.Logf("live heap: %d KiB copying %d objects, %d KiB copying %d", fewCopying>>10, few, copying>>10, many)
	t.Logf("live heap: %d KiB comparing %d objects, %d KiB comparing %d", fewComparing>>10, few, comparing>>10, many)
	const slack = 12 << 20 // the window of the ledger may be fuller
	if copying > fewCopying+slack || comparing > fewComparing+slack {
		t.Error("memory grows with the number of objects")
	}
}

func BenchmarkMillion(b *testing.B) {
	for b.Loop() {
		copying, comparing := measure(b, 1_000_000)
		b.ReportMetric(float64(copying)/(1<<20), "MiB-copying")
		b.ReportMetric(float64(comparing)/(1<<20), "MiB-comparing")
	}
}
