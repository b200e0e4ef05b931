package mover

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// hurried is a store that cuts uploads off that do not end in time, at the end of a
// line that gets slow. Its clock goes on with what the line carries, and stands
// still otherwise.
type hurried struct {
	store http.Handler
	limit time.Duration
	// fast is how many bytes pass before the line gets slow.
	fast int64

	carried, cut atomic.Int64
}

// now is the time on the clock: 5 MB per second at first, and 80 KiB in the end.
func (h *hurried) now() time.Time {
	carried := h.carried.Load()
	return longAgo.Add(time.Duration(carried)*200 + time.Duration(max(0, carried-h.fast))*time.Second/(80<<10))
}

// ServeHTTP implements http.Handler.
func (h *hurried) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		r.Body = &hurriedBody{ReadCloser: r.Body, hurried: h, began: h.now()}
	}
	h.store.ServeHTTP(w, r)
}

type hurriedBody struct {
	io.ReadCloser
	hurried *hurried
	began   time.Time
}

// Read implements io.Reader.
func (b *hurriedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hurried.carried.Add(int64(n))
	if b.hurried.now().Sub(b.began) > b.hurried.limit {
		b.hurried.cut.Add(1)
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// limitedSession states how long uploads may take.
type limitedSession struct {
	provider.Session
	limit time.Duration
}

func (s limitedSession) Limits() provider.StoreLimits {
	return provider.StoreLimits{UploadDuration: s.limit}
}

func TestAStoreThatCutsUploadsOffIsCopiedTo(t *testing.T) {
	const mebi = 1 << 20
	w := newWorldOf(t, emulator.Options{}, emulator.Options{})
	h := &hurried{store: w.target.Handler(), limit: paceLimit, fast: 40 * mebi}
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	session := repeating(openOnce(t, front.URL, w.target.AccessKey, w.target.SecretKey, w.target.Region))
	w.job.Target.Session = limitedSession{session, paceLimit}
	w.job.Options.Workers, w.job.Options.Now = 1, h.now
	w.putLarge("a", 40*mebi)
	w.putLarge("b", 16*mebi) // 204 s in one request
	w.put("c", "small")
	w.sync(t)
	if puts := sent(w.target, "PutObject"); h.cut.Load() == 0 || !slices.Contains(puts, "b") {
		t.Errorf("%d were cut off, sent in one request: %q", h.cut.Load(), puts)
	}
	object, _ := w.target.Object(replica, "b")
	if diff := cmp.Diff([]int64{5 * mebi, 5 * mebi, 5 * mebi, mebi}, object.PartSizes); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if object, _ := w.target.Object(replica, "c"); len(object.PartSizes) > 0 {
		t.Errorf("a small one has parts of %d", object.PartSizes)
	}
}
