package rollcall_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/rollcall"
)

// store lists what it is told to, and counts.
type store struct {
	provider.Session
	location string

	mu    sync.Mutex
	names []string
	err   error
	calls int
	// held is waited for before an answer.
	held chan struct{}
}

func (s *store) Place() provider.Place {
	return provider.Place{Provider: "onprem", Location: s.location}
}

func (s *store) ListBuckets(ctx context.Context) (provider.BucketList, error) {
	s.mu.Lock()
	s.calls++
	held := s.held
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return provider.BucketList{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return provider.BucketList{Names: s.names}, s.err
}

func (s *store) asked(t *testing.T, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls != want {
		t.Errorf("the store was asked %d times, want %d", s.calls, want)
	}
	s.calls = 0
}

const interval = 10 * time.Minute

func begin() (*rollcall.Register, *clocktesting.FakeClock, *store) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
	return rollcall.New(clock), clock, &store{location: "dc1", names: []string{"a", "b"}}
}

func look(t *testing.T, r *rollcall.Register, s *store, bucket string, want rollcall.Standing) {
	t.Helper()
	answer, err := r.Look(t.Context(), s, bucket, interval)
	if err != nil || answer.Standing != want {
		t.Errorf("bucket %s is %s (%v), want %s", bucket, answer.Standing, err, want)
	}
}

func TestManyBucketsCostOneQuestionPerInterval(t *testing.T) {
	r, clock, s := begin()
	for range 3 {
		for i := range 500 {
			look(t, r, s, fmt.Sprintf("bucket-%d", i), rollcall.Missing)
			look(t, r, s, "a", rollcall.Listed)
		}
		s.asked(t, 1)
		clock.Step(interval)
	}
	other := &store{location: "dc2"}
	look(t, r, other, "a", rollcall.Missing)
	other.asked(t, 1)
	s.asked(t, 0)
}

func TestAnAnswerIsAsOfTheQuestion(t *testing.T) {
	r, clock, s := begin()
	asked := clock.Now()
	look(t, r, s, "a", rollcall.Listed)
	clock.Step(time.Minute)
	answer, err := r.Look(t.Context(), s, "c", interval)
	if err != nil || !answer.At.Equal(asked) {
		t.Errorf("the answer is as of %s (%v), want %s", answer.At, err, asked)
	}
	if _, err := r.Call(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.asked(t, 2)
	if answer, _ := r.Look(t.Context(), s, "c", interval); !answer.At.Equal(clock.Now()) {
		t.Errorf("after a call the answer is as of %s", answer.At)
	}
}

func TestAFailingStoreIsAskedFourTimesAMinute(t *testing.T) {
	r, clock, s := begin()
	s.err = provider.ErrUnreachable
	for range 60 {
		for range 500 {
			if _, err := r.Look(t.Context(), s, "a", interval); !errors.Is(err, provider.ErrUnreachable) {
				t.Fatalf("got %v", err)
			}
		}
		clock.Step(5 * time.Second)
	}
	s.asked(t, 20) // in five minutes
	s.err = nil
	clock.Step(time.Minute)
	look(t, r, s, "a", rollcall.Listed)
}

func TestAKeyThatMayNotListIsAskedOnceAnHour(t *testing.T) {
	r, clock, s := begin()
	s.err = provider.ErrDenied
	for range 12 {
		look(t, r, s, "a", rollcall.NotKnown)
		clock.Step(interval)
	}
	s.asked(t, 2)
}

func TestOtherCredentialsAreAskedAnew(t *testing.T) {
	r, _, s := begin()
	s.err = provider.ErrDenied
	look(t, r, s, "a", rollcall.NotKnown)
	renewed := &store{location: "dc1", names: []string{"a"}}
	look(t, r, renewed, "a", rollcall.Listed)
	r.Forget("onprem")
	look(t, r, renewed, "a", rollcall.Listed)
	renewed.asked(t, 2)
}

func TestThoseWhoAskAtOnceShareAnAnswer(t *testing.T) {
	r, _, s := begin()
	s.held = make(chan struct{})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { look(t, r, s, "a", rollcall.Listed) })
	}
	close(s.held)
	group.Wait()
	s.asked(t, 1)
}

func TestWhoGivesUpLeavesNothingBehind(t *testing.T) {
	r, _, s := begin()
	s.held = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Look(ctx, s, "a", interval); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(s.held)
	look(t, r, s, "a", rollcall.Listed)
}
