package throttle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
)

// store is a session that reads what it is given, and gives what it holds.
type store struct {
	provider.Session
	holds    string
	received []byte
	sends    int
	// failures is how many sends fail, each after half of the content.
	failures int
}

func (s *store) Place() provider.Place { return provider.Place{} }

func (s *store) Get(context.Context, provider.Ref, provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	return io.NopCloser(strings.NewReader(s.holds)), provider.Object{}, nil
}

func (s *store) Put(_ context.Context, _ provider.Ref, content provider.Content, _ provider.Attributes) (provider.Object, error) {
	s.sends++
	if _, err := content.Reader.Seek(0, io.SeekStart); err != nil {
		return provider.Object{}, err
	}
	limit := content.Size
	if s.sends <= s.failures {
		limit /= 2
	}
	received, err := io.ReadAll(io.LimitReader(content.Reader, limit))
	if err == nil && s.sends <= s.failures {
		err = io.ErrUnexpectedEOF
	}
	s.received = received
	return provider.Object{}, err
}

func (s *store) UploadPart(ctx context.Context, ref provider.Ref, _ string, _ int, content provider.Content) (provider.Part, error) {
	_, err := s.Put(ctx, ref, content, provider.Attributes{})
	return provider.Part{}, err
}

func content(size int) provider.Content {
	return provider.Content{Reader: bytes.NewReader(make([]byte, size)), Size: int64(size)}
}

// within fails unless do takes about as long as it should; the first piece is
// free, because a limiter starts full.
func within(t *testing.T, want time.Duration, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took < want*8/10 || took > want+want/100 {
		t.Errorf("took %s, want %s at most, and hardly less", took, want)
	}
}

func TestBytesPassAtTheRate(t *testing.T) {
	const size = 100_000
	tests := map[string]func(*testing.T, provider.Session){
		"read": func(t *testing.T, s provider.Session) {
			body, _, err := s.Get(t.Context(), provider.Ref{}, provider.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, body); n != size || err != nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
			if err := body.Close(); err != nil {
				t.Error(err)
			}
		},
		"put": func(t *testing.T, s provider.Session) {
			if _, err := s.Put(t.Context(), provider.Ref{}, content(size), provider.Attributes{}); err != nil {
				t.Error(err)
			}
		},
		"upload part": func(t *testing.T, s provider.Session) {
			if _, err := s.UploadPart(t.Context(), provider.Ref{}, "id", 1, content(size)); err != nil {
				t.Error(err)
			}
		},
	}
	for name, do := range tests {
		for _, seconds := range []int64{0, 1, 10, 1000} { // 100 bytes per second is far below one buffer
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					limits := throttle.Limits{}
					if seconds > 0 {
						limits.BytesPerSecond = size / seconds
					}
					inner := &store{holds: strings.Repeat("x", size)}
					session := throttle.NewAccount(limits).Bytes(inner)
					within(t, time.Duration(seconds)*time.Second, func() { do(t, session) })
					if name != "read" && len(inner.received) != size {
						t.Errorf("%d bytes arrived", len(inner.received))
					}
				})
			})
		}
	}
}

func TestBytesPassInSmallPieces(t *testing.T) {
	for limit, want := range map[int64]int{10: 1, 10_000: 1000, 1 << 40: 1 << 20, 0: 4 << 20} {
		session := throttle.NewAccount(throttle.Limits{BytesPerSecond: limit}).Bytes(&store{holds: strings.Repeat("x", 4<<20)})
		body, _, err := session.Get(t.Context(), provider.Ref{}, provider.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := body.Read(make([]byte, 4<<20)); n != want || err != nil {
			t.Errorf("at %d bytes per second: a piece of %d, %v", limit, n, err)
		}
	}
}

func TestOnlyBytesThatAreSentCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := throttle.NewAccount(throttle.Limits{BytesPerSecond: 1000})
		inner := &store{failures: 2}
		session := account.Bytes(provider.Intercept(inner, retry.New(retry.Options{Sleep: func(context.Context, time.Duration) error { return nil }})))
		// Twice half of it, then all of it: twice its size.
		within(t, 20*time.Second, func() {
			if _, err := session.Put(t.Context(), provider.Ref{}, content(10_000), provider.Attributes{}); err != nil {
				t.Error(err)
			}
		})
		if inner.sends != 3 || len(inner.received) != 10_000 {
			t.Errorf("%d sends, %d bytes arrived", inner.sends, len(inner.received))
		}
	})
}

func TestRequestsTakeTurnsAcrossSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := throttle.NewAccount(throttle.Limits{RequestsPerSecond: 100})
		pass := func() {
			if err := account.Intercept(t.Context(), provider.Operation{}, func(context.Context) error { return nil }); err != nil {
				t.Error(err)
			}
		}
		within(t, 5*time.Second, func() {
			for range 500 {
				pass()
			}
		})
		account.SetLimits(throttle.Limits{RequestsPerSecond: 0.5})
		within(t, 20*time.Second, func() {
			for range 10 {
				pass()
			}
		})
		account.SetLimits(throttle.Limits{})
		within(t, 0, func() {
			for range 10_000 {
				pass()
			}
		})
	})
}

func TestLimitMayChangeUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := throttle.NewAccount(throttle.Limits{BytesPerSecond: 1 << 20})
		session := account.Bytes(&store{holds: strings.Repeat("x", 1<<20)})
		body, _, err := session.Get(t.Context(), provider.Ref{}, provider.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, make([]byte, 1<<19)); err != nil {
			t.Fatal(err)
		}
		account.SetLimits(throttle.Limits{BytesPerSecond: 1 << 10})
		within(t, 512*time.Second, func() {
			if n, err := io.Copy(io.Discard, body); n != 1<<19 || err != nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
		})
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	waits := map[string]func(*throttle.Account, context.Context) error{
		"request": func(a *throttle.Account, ctx context.Context) error {
			return a.Intercept(ctx, provider.Operation{}, func(context.Context) error { return nil })
		},
		"read": func(a *throttle.Account, ctx context.Context) error {
			body, _, err := a.Bytes(&store{holds: "xx"}).Get(ctx, provider.Ref{}, provider.GetOptions{})
			if err != nil {
				return err
			}
			_, err = io.ReadAll(body)
			return err
		},
		"put": func(a *throttle.Account, ctx context.Context) error {
			_, err := a.Bytes(&store{}).Put(ctx, provider.Ref{}, content(2), provider.Attributes{})
			return err
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := throttle.NewAccount(throttle.Limits{RequestsPerSecond: 0.001, BytesPerSecond: 1})
				_ = wait(account, t.Context()) // the budget is empty now, at the latest
				ctx, end := context.WithCancel(t.Context())
				time.AfterFunc(time.Millisecond, end)
				if err := wait(account, ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("canceled: %v", err)
				}
				late, free := context.WithTimeout(t.Context(), time.Millisecond)
				defer free()
				if err := wait(account, late); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("too late: %v", err)
				}
			})
		})
	}
}
