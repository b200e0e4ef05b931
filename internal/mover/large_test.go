package mover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// tinySizes make large objects of what fits into a test.
var tinySizes = sizes{small: 10, part: 8, unit: 4, least: 4, parts: 9_500}

// putLarge stores an object of pseudo-random bytes at the source.
func (w *world) putLarge(key string, size int) {
	random := rand.New(rand.NewPCG(uint64(size), 7))
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	w.source.PutObjectDirect(primary, emulator.Object{Key: key, Body: content})
}

func TestLargeObjectsAreStoredInParts(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	sizes := []int{0, 1, 9, 10, 11, 15, 16, 17, 24, 79, 80, 81, 1000}
	for _, size := range sizes {
		w.putLarge(fmt.Sprintf("object of %04d", size), size)
	}
	w.sync(t)
	for _, size := range sizes {
		object, _ := w.target.Object(replica, fmt.Sprintf("object of %04d", size))
		var want []int64
		for left := int64(size); size > 10 && left > 0; left -= 8 {
			want = append(want, min(left, 8))
		}
		if diff := cmp.Diff(want, object.PartSizes); diff != "" {
			t.Errorf("parts of %d bytes (-want +got):\n%s", size, diff)
		}
	}
}

func TestPartSizesAllowForTheLargestObjects(t *testing.T) {
	const mebi, tebi = 1 << 20, 1 << 40
	for _, size := range []int64{usualSizes.small + 1, 100 * mebi, 9500 * 16 * mebi, 9500*16*mebi + 1, tebi, 5 * tebi} {
		part := usualSizes.partSize(size)
		parts := (size + part - 1) / part
		if parts > 10_000 || part < 16*mebi || part > 5<<30 || part%mebi != 0 {
			t.Errorf("%d bytes make %d parts of %d bytes", size, parts, part)
		}
	}
}

func TestLargeObjectsFitIntoLittleMemory(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	w.job.Options.BytesInFlight = 5 // less than a part, and than a small object
	for i := range 12 {
		w.putLarge(fmt.Sprintf("large %d", i), 100+i)
		w.putLarge(fmt.Sprintf("small %d", i), i%10)
	}
	w.sync(t)
}

func TestAPartThatFailsFailsTheObjectAndLeavesNoUpload(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	w.putLarge("large", 100)
	w.put("small", "small")
	w.target.Faults().Add(emulator.Match{Operation: "UploadPart"}, emulator.Fail(403, "AccessDenied"))
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"large": "AccessDenied"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.checkSame(t, "large")
}

func TestACompletionMayFailInMoreThanOneWay(t *testing.T) {
	effects := map[string]emulator.Effect{
		"an error in a success":        emulator.FailWith200("InternalError"),
		"a success that is cut off":    emulator.ResetAfter(),
		"no connection":                emulator.ResetBefore(),
		"without an ETag, as Ceph has": emulator.NoMultipartETag(),
	}
	for name, effect := range effects {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
			w.putLarge("large", 100)
			w.target.Faults().Add(emulator.Match{Operation: "CompleteMultipartUpload", Times: 2}, effect)
			w.sync(t)
			if again := w.sync(t); again.Copied != 0 {
				t.Errorf("copied once more: %+v", again)
			}
		})
	}
}

func TestAnInterruptedReadGoesOnWhereItWas(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	w.putLarge("large", 1000)
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Times: 1}, emulator.ResetBody(300))
	w.source.Faults().Add(emulator.Match{Operation: "GetObject", Skip: 1, Times: 1}, emulator.Truncate(200))
	w.sync(t)
	var ranges []string
	for _, request := range w.source.Requests(func(r emulator.Request) bool { return r.Operation == "GetObject" }) {
		ranges = append(ranges, request.Header.Get("Range"))
	}
	if len(ranges) != 3 || ranges[0] != "" || !strings.HasPrefix(ranges[1], "bytes=") || slices.Contains(ranges[1:], "") {
		t.Errorf("ranges asked for: %q", ranges)
	}
	if uploads := len(w.target.Requests(func(r emulator.Request) bool { return r.Operation == "CreateMultipartUpload" })); uploads != 1 {
		t.Errorf("%d uploads were started", uploads)
	}
}

func TestAnObjectThatChangesWhileItIsReadIsReadAnew(t *testing.T) {
	for name, size := range map[string]int{"larger": 200, "smaller": 90, "empty": 0, "small": 5} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.adjust = func(r *run) {
				r.transfer.sizes = tinySizes
				r.transfer.pause = onceThen(func() { w.putLarge("large", size) })
			}
			w.putLarge("large", 100)
			w.source.Faults().Add(emulator.Match{Operation: "GetObject", Times: 1}, emulator.Truncate(50))
			w.run(t)
			if there, _ := w.target.Object(replica, "large"); len(there.Body) != size {
				t.Errorf("%d bytes arrived", len(there.Body))
			}
			if uploads := w.target.Buckets()[replica].Uploads; uploads > 0 {
				t.Errorf("%d uploads are left open", uploads)
			}
			w.adjust = nil
			w.sync(t)
		})
	}
}

func TestAnObjectThatGrewSinceItWasListedIsCopied(t *testing.T) {
	w := newWorld(t)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	for _, sizes := range [][2]int{{3, 7}, {7, 3}, {3, 50}, {50, 3}, {50, 90}, {90, 50}, {0, 3}, {3, 0}} {
		key := fmt.Sprint("from ", sizes)
		w.putLarge(key, sizes[1])
		w.source.Faults().Add(emulator.Match{Operation: "ListObjectsV2", Key: key, Bucket: primary},
			emulator.Alter(func(o *emulator.Object) { o.Size, o.ETag = int64(sizes[0]), "listed before" }))
	}
	if report := w.run(t); report.Result != Complete {
		t.Fatalf("report %+v", report)
	}
	w.checkSame(t)
}

func TestUploadsOfAnEarlierRunAreAborted(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	for _, key := range []string{"a", "k", "z"} {
		if _, err := w.job.Target.Session.StartUpload(t.Context(), w.job.Target.ref(key), attributes); err != nil {
			t.Fatal(err)
		}
	}
	w.job.Options.OwnsTarget = false
	w.run(t)
	if got := w.target.Buckets()[replica].Uploads; got != 3 {
		t.Errorf("%d uploads are left of those that may be somebody else's", got)
	}
	w.job.Options.OwnsTarget = true
	w.job.Options.Range.Until = "k"
	w.run(t)
	if got := w.target.Buckets()[replica].Uploads; got != 1 {
		t.Errorf("%d uploads are left, want that of the other part of the keys", got)
	}
	w.job.Options.Range.Until = ""
	w.sync(t)
}

func TestAStoreThatDoesNotTellItsUploadsIsCopiedTo(t *testing.T) {
	for status, code := range map[int]string{501: "NotImplemented", 403: "AccessDenied"} {
		w := newWorld(t)
		w.put("a", "a")
		w.target.Faults().Add(emulator.Match{Operation: "ListMultipartUploads"}, emulator.Fail(status, code))
		w.sync(t)
	}
}

func TestContentsAreHeldInTheMemoryThatIsAllowed(t *testing.T) {
	memory := newMemory(10)
	held, err := memory.hold(t.Context(), 100) // larger than all of it: alone
	if err != nil {
		t.Fatal(err)
	}
	if memory.free.TryAcquire(1) {
		t.Error("there is room beside what takes all of it")
	}
	held.release()
	if !memory.free.TryAcquire(10) {
		t.Error("not all was freed")
	}
}
