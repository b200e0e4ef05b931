package mover

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
)

// paceLimit is in which time the store of these tests wants a request to end.
const paceLimit = 3 * time.Minute

// pacedSizes are the usual ones, a KiB for each MiB, and few parts.
var pacedSizes = sizes{small: 16 << 10, part: 16 << 10, unit: 1 << 10, least: 5 << 10, parts: 400}

// line carries the uploads of a test on the test's own clock, and gives each of
// those under way the same share.
type line struct {
	// rate is in bytes per second, at a time since the line was laid.
	rate func(at time.Duration) float64
	laid time.Time
	// turn is had by the upload of which a piece is on the line.
	turn chan struct{}
	// stuck lets no upload of a key through.
	stuck string

	mu sync.Mutex
	// cut counts the uploads that did not end in time, longest is what the longest
	// of the others took, carried what was sent in all.
	cut     int
	longest time.Duration
	carried int64
}

func newLine(rate func(time.Duration) float64) *line {
	return &line{rate: rate, laid: time.Now(), turn: make(chan struct{}, 1)}
}

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// carry takes an upload to its end, or to that of its time.
func (l *line) carry(ctx context.Context, key string, content io.Reader) error {
	began := time.Now()
	piece := make([]byte, 256)
	for {
		n, err := io.ReadFull(content, piece)
		if err == io.EOF {
			break
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		l.turn <- struct{}{}
		time.Sleep(time.Duration(float64(n) / l.rate(time.Since(l.laid)) * float64(time.Second)))
		<-l.turn
		l.count(func() { l.carried += int64(n) })
		for l.stuck == key && ctx.Err() == nil {
			time.Sleep(time.Second)
		}
		if ctx.Err() != nil || time.Since(began) > paceLimit {
			l.count(func() { l.cut++ })
			return fmt.Errorf("it was cut off: %w", &fault.Error{Reason: fault.ProviderUnreachable, Err: provider.ErrUnreachable})
		}
	}
	l.count(func() { l.longest = max(l.longest, time.Since(began)) })
	return nil
}

func (l *line) count(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// farStore is a store at the end of a line, which forgets what it is given. As a
// source it has objects of zeros, and is near.
type farStore struct {
	endless
	objects map[string]int64
	line    *line
	limit   time.Duration

	mu sync.Mutex
	// whole has the objects that came in one request, parts those that came in parts.
	whole map[string]int64
	parts map[string][]int64
	// sent counts requests that upload, in all and at once.
	sent, now, atOnce int
}

func newFarStore(line *line) *farStore {
	return &farStore{
		endless: endless{own: map[string][]byte{}}, objects: map[string]int64{}, line: line, limit: paceLimit,
		whole: map[string]int64{}, parts: map[string][]int64{},
	}
}

func (f *farStore) Limits() provider.StoreLimits {
	return provider.StoreLimits{UploadDuration: f.limit}
}

func (f *farStore) object(key string) provider.Object {
	return provider.Object{Key: key, ETag: key, Size: f.objects[key], Modified: longAgo}
}

func (f *farStore) ListPage(ctx context.Context, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	page, err := f.endless.ListPage(ctx, bucket, request)
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		if strings.HasPrefix(key, request.Prefix) {
			page.Objects = append(page.Objects, f.object(key))
		}
	}
	return page, err
}

func (f *farStore) ListVersionsPage(context.Context, string, provider.VersionsRequest) (provider.VersionsPage, error) {
	return provider.VersionsPage{}, &fault.Error{Class: fault.Terminal, Err: provider.ErrUnsupported}
}

// zeros are without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (f *farStore) Get(ctx context.Context, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	size, isThere := f.objects[ref.Key]
	if !isThere {
		return f.endless.Get(ctx, ref, options)
	}
	return io.NopCloser(io.LimitReader(zeros{}, size)), f.object(ref.Key), nil
}

func (f *farStore) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	if !isUserKey(ref.Key) {
		return f.endless.Put(ctx, ref, content, attributes)
	}
	if err := f.take(ctx, ref.Key, content); err != nil {
		return provider.Object{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.whole[ref.Key] = content.Size
	return provider.Object{ETag: ref.Key}, nil
}

func (f *farStore) StartUpload(_ context.Context, ref provider.Ref, _ provider.Attributes) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parts[ref.Key] = nil
	return ref.Key, nil
}

func (f *farStore) UploadPart(ctx context.Context, ref provider.Ref, _ string, number int, content provider.Content) (provider.Part, error) {
	if err := f.take(ctx, ref.Key, content); err != nil {
		return provider.Part{}, err
	}
	return provider.Part{Number: number, ETag: ref.Key, Size: content.Size}, nil
}

func (f *farStore) CompleteUpload(_ context.Context, ref provider.Ref, _ string, parts []provider.Part) (provider.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, part := range parts {
		if part.Number != i+1 {
			return provider.Object{}, fmt.Errorf("part %d is numbered %d", i+1, part.Number)
		}
		f.parts[ref.Key] = append(f.parts[ref.Key], part.Size)
	}
	return provider.Object{ETag: ref.Key}, nil
}

func (f *farStore) AbortUpload(context.Context, provider.Ref, string) error { return nil }

func (f *farStore) ListUploads(context.Context, string, string) ([]provider.Upload, error) {
	return nil, nil
}

func (f *farStore) take(ctx context.Context, key string, content provider.Content) error {
	f.enter(1)
	defer f.enter(-1)
	if _, err := content.Reader.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.line.carry(ctx, key, content.Reader)
}

func (f *farStore) enter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent += max(n, 0)
	f.now += n
	f.atOnce = max(f.atOnce, f.now)
}

// check holds what arrived against what was sent, and the parts against what a
// store takes.
func (f *farStore) check(t *testing.T, sent map[string]int64) {
	t.Helper()
	arrived := maps.Clone(f.whole)
	for key, parts := range f.parts {
		for i, size := range parts {
			arrived[key] += size
			if size < pacedSizes.least && i+1 < len(parts) {
				t.Errorf("part %d of %d of %q has %d bytes", i+1, len(parts), key, size)
			}
		}
	}
	if diff := gocmp.Diff(sent, arrived); diff != "" {
		t.Errorf("what arrived is not what was sent (-want +got):\n%s", diff)
	}
}

// toFarStore makes a run to a store at the end of a line, through what is around
// sessions elsewhere, which carries at most so many bytes per second; 0 is no bound.
func toFarStore(line *line, objects map[string]int64, bytesPerSecond int64) (*run, *farStore) {
	source, target := newFarStore(nil), newFarStore(line)
	source.objects = objects
	limits := throttle.NewAccount(throttle.Limits{BytesPerSecond: bytesPerSecond})
	job := Job{
		Source: End{Session: source, Bucket: "a"},
		Target: End{Session: limits.Bytes(provider.Intercept(target, retry.New(retry.Options{}))), Bucket: "b"},
		Options: Options{
			TargetChecksContent: provider.Supported, BytesInFlight: 256 << 10, OwnsTarget: true,
		},
	}
	r := newRun(job)
	r.transfer.sizes = pacedSizes
	r.transfer.pace = newPace(job.Target.Session.Limits().UploadDuration, pacedSizes, r.Options)
	return r, target
}

// bucketful is objects of all sizes.
func bucketful() map[string]int64 {
	objects := map[string]int64{"empty": 0}
	for i := range int64(30) {
		objects[fmt.Sprintf("tiny-%02d", i)] = 10 + 40*i
		objects[fmt.Sprintf("small-%02d", i)] = i<<9 + 1
	}
	for i := range int64(4) {
		objects[fmt.Sprintf("large-%02d", i)] = (1 + i) * 100 << 10
	}
	return objects
}

func total(objects map[string]int64) (bytes int64) {
	for _, size := range objects {
		bytes += size
	}
	return bytes
}

func TestEveryUploadEndsWellWithinWhatTheStoreAllows(t *testing.T) {
	for name, test := range map[string]struct {
		rate  float64
		bound int64
		// longest is what a request may take; 0 is half of what the store allows.
		longest time.Duration
	}{
		// What goes at first is all that such a line carries in time.
		"half a megabit per second":          {rate: 61, longest: paceLimit},
		"one":                                {rate: 122},
		"ten":                                {rate: 1220},
		"a hundred":                          {rate: 12200},
		"as much as one can":                 {rate: 1 << 30},
		"as much as one may":                 {rate: 1 << 30, bound: 122},
		"as much as one may, which is a lot": {rate: 1 << 30, bound: 1220},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				objects := bucketful()
				line := newLine(steady(test.rate))
				r, target := toFarStore(line, objects, test.bound)
				report, err := r.run(t.Context())
				if err != nil || report.Result != Complete {
					t.Fatalf("report %+v, error %v", report, err)
				}
				target.check(t, objects)
				took, rate := time.Since(line.laid).Seconds(), test.rate
				if test.bound > 0 {
					rate = float64(test.bound)
				}
				least := float64(total(objects)) / rate
				t.Logf("took %.0f s of %.0f s, the longest request %s, %d requests, %d at once", took, least, line.longest, target.sent, target.atOnce)
				if line.cut > 0 || line.longest > cmp.Or(test.longest, paceLimit/2) {
					t.Errorf("%d were cut off, and the longest other one took %s", line.cut, line.longest)
				}
				if took > 1.05*least+1 {
					t.Errorf("took %.0f s, and the line could carry it in %.0f s", took, least)
				}
			})
		})
	}
}

// Small objects, of which none tells how fast the line is, do so together.
func TestManySmallObjectsGoAtOnceOnAFastLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := map[string]int64{}
		for i := range 300 {
			objects[fmt.Sprintf("small-%03d", i)] = 900
		}
		line := newLine(steady(100 << 10))
		r, target := toFarStore(line, objects, 0)
		report, err := r.run(t.Context())
		if err != nil || report.Result != Complete {
			t.Fatalf("report %+v, error %v", report, err)
		}
		target.check(t, objects)
		if target.atOnce != defaultWorkers {
			t.Errorf("%d went at once", target.atOnce)
		}
	})
}

func TestALineThatGetsSlowerAndFasterIsLearntAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := map[string]int64{}
		for i := range 8 {
			objects[fmt.Sprintf("large-%02d", i)] = 1 << 20
		}
		const fast, slow = 10 << 10, 100
		line := newLine(func(at time.Duration) float64 {
			if at > 400*time.Second && at < 4000*time.Second {
				return slow
			}
			return fast
		})
		r, target := toFarStore(line, objects, 0)
		report, err := r.run(t.Context())
		if err != nil || report.Result != Complete {
			t.Fatalf("report %+v, error %v", report, err)
		}
		target.check(t, objects)
		least := time.Hour + time.Duration((total(objects)-3600*slow)/fast)*time.Second
		if took := time.Since(line.laid); took > least+2*time.Minute {
			t.Errorf("took %s, and the line could carry it in %s", took, least)
		}
		// What was under way when it got slower is sent once more, and alone.
		if again := line.carried - total(objects); line.cut == 0 || again > 256<<10 {
			t.Errorf("%d were cut off, %d bytes sent once more", line.cut, again)
		}
		sizes := map[int64]bool{}
		for _, parts := range target.parts {
			for _, size := range parts[:len(parts)-1] {
				sizes[size] = true
			}
		}
		if !sizes[pacedSizes.least] || !sizes[pacedSizes.part] {
			t.Errorf("parts of %v", slices.Sorted(maps.Keys(sizes)))
		}
	})
}

// An object that went up in one request goes up in parts once that is too slow.
func TestWhatIsCutOffIsSentInSmallerPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := map[string]int64{"a": 400 << 10, "b": 16 << 10}
		line := newLine(func(at time.Duration) float64 {
			if at > 40*time.Second {
				return 40
			}
			return 10 << 10
		})
		r, target := toFarStore(line, objects, 0)
		r.Options.Workers = 1
		report, err := r.run(t.Context())
		if err != nil || report.Result != Complete {
			t.Fatalf("report %+v, error %v", report, err)
		}
		target.check(t, objects)
		want := []int64{5 << 10, 5 << 10, 5 << 10, 1 << 10}
		if diff := gocmp.Diff(want, target.parts["b"]); diff != "" || line.cut != triesInTime {
			t.Errorf("%d were cut off, parts (-want +got):\n%s", line.cut, diff)
		}
	})
}

func TestWhatCannotBeUploadedInTimeIsANamedFailure(t *testing.T) {
	for name, test := range map[string]struct {
		rate    float64
		stuck   string
		objects map[string]int64
		// want are the failures, told is what they say.
		want map[string]string
		told []string
		// sent bounds the requests.
		sent int
	}{
		"nothing that may not be smaller passes": {
			rate:    20,
			objects: map[string]int64{"large": 100 << 10, "small": 4 << 10, "tiny": 100},
			want:    map[string]string{"large": "UploadTooSlow", "small": "UploadTooSlow"},
			told:    []string{"write part ", "5.0 KiB were not stored within the 3m0s after which", "takes a line of 56 B per second", "raise the limits", "no answer"},
			sent:    partsAtOnce*triesInTime + triesInTime + 1,
		},
		"one is never answered": {
			rate: 1 << 10, stuck: "small",
			objects: map[string]int64{"large": 100 << 10, "small": 4 << 10, "tiny": 100},
			want:    map[string]string{"small": "UploadTooSlow"},
			told:    []string{"4.0 KiB were not stored within the 3m0s"},
			sent:    40,
		},
		"parts would have to be too large": {
			rate:    1 << 10,
			objects: map[string]int64{"huge": 200 << 10 * 400, "large": 100 << 10, "tiny": 100},
			want:    map[string]string{"huge": "UploadTooSlow"},
			told:    []string{"in parts of 200 KiB", "at most", "within 3m0s", "takes a line of 2.2 KiB per second", "split the object"},
			sent:    40,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := newLine(steady(test.rate))
				line.stuck = test.stuck
				r, target := toFarStore(line, test.objects, 0)
				report, err := r.run(t.Context())
				if err != nil || report.Result != Partial {
					t.Fatalf("report %+v, error %v", report, err)
				}
				if diff := gocmp.Diff(test.want, failures(report)); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
				for _, text := range test.told {
					if !strings.Contains(report.Failures[0].Error, text) {
						t.Errorf("%q does not say %q", report.Failures[0].Error, text)
					}
				}
				if target.sent > test.sent {
					t.Errorf("%d requests, want %d at most", target.sent, test.sent)
				}
			})
		})
	}
}

func TestPartsAreAsLargeAsTheirNumberAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := map[string]int64{"huge": 40 << 10 * int64(pacedSizes.parts), "tiny": 100}
		line := newLine(steady(1 << 10))
		r, target := toFarStore(line, objects, 0)
		report, err := r.run(t.Context())
		if err != nil || report.Result != Complete {
			t.Fatalf("report %+v, error %v", report, err)
		}
		target.check(t, objects)
		if parts := len(target.parts["huge"]); parts > pacedSizes.parts || line.cut > 0 || line.longest > paceLimit/2 {
			t.Errorf("%d parts, %d cut off, the longest took %s", parts, line.cut, line.longest)
		}
	})
}

func TestARunThatWaitsForTheLineIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newLine(steady(61))
		r, target := toFarStore(line, bucketful(), 0)
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Second)
		defer stop()
		report, err := r.run(ctx)
		if took := time.Since(line.laid); err == nil || report.Reason != fault.Interrupted || took > 110*time.Second {
			t.Errorf("it was stopped after %s with %+v, error %v", took, report, err)
		}
		if len(r.transfer.pace.underWay) > 0 || target.now > 0 {
			t.Errorf("%d requests are under way still", target.now)
		}
	})
}
