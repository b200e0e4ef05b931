package work_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rempart/rempart/internal/work"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pool is a pool that notes whom it wakes.
func pool(t *testing.T, limit int) (*work.Pool[string], <-chan string) {
	t.Helper()
	woken := make(chan string, 100)
	p := work.NewPool[string](limit, func(key string) { woken <- key })
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = p.Start(ctx) })
	t.Cleanup(func() { cancel(); ended.Wait() })
	return p, woken
}

func TestARunPublishesProgressAndItsResultAndWakes(t *testing.T) {
	p, woken := pool(t, 1)
	goOn := make(chan bool)
	began := p.Begin("a", "begun", func(_ context.Context, publish func(string)) string {
		<-goOn
		publish("half")
		<-goOn
		return "whole"
	})
	if latest, underWay, known := p.Look("a"); !began || latest != "begun" || !underWay || !known {
		t.Fatalf("before progress: %q, %v, %v", latest, underWay, known)
	}
	if p.Begin("a", "", nil) {
		t.Error("a second run with the key began")
	}
	goOn <- true
	<-woken
	if latest, underWay, _ := p.Look("a"); latest != "half" || !underWay {
		t.Errorf("progress: %q, %v", latest, underWay)
	}
	p.Forget("a")
	goOn <- true
	<-woken
	if latest, underWay, known := p.Look("a"); latest != "whole" || underWay || !known {
		t.Errorf("the result: %q, %v, %v", latest, underWay, known)
	}
	if p.Begin("a", "", nil) {
		t.Error("another run began before the result was forgotten")
	}
	p.Forget("a")
	if _, _, known := p.Look("a"); known {
		t.Error("the result was not forgotten")
	}
}

func TestRunsWaitForASlot(t *testing.T) {
	p, woken := pool(t, 1)
	first, hold, second := make(chan bool), make(chan bool), make(chan bool)
	p.Begin("a", "", func(context.Context, func(string)) string { close(first); <-hold; return "" })
	<-first
	p.Begin("b", "", func(context.Context, func(string)) string { close(second); return "" })
	select {
	case <-second:
		t.Error("the second run did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(hold)
	<-second
	<-woken
	<-woken
}

func TestCancelEndsOneRun(t *testing.T) {
	p, woken := pool(t, 1)
	first := make(chan bool)
	p.Begin("a", "", func(ctx context.Context, _ func(string)) string { close(first); <-ctx.Done(); return "stopped" })
	<-first
	p.Begin("b", "", func(ctx context.Context, _ func(string)) string { return "waited in vain: " + errText(ctx.Err()) })
	p.Cancel("b")
	if key := <-woken; key != "b" {
		t.Errorf("%s was woken first", key)
	}
	if latest, _, _ := p.Look("b"); latest != "waited in vain: context canceled" {
		t.Errorf("the run that had no slot says %q", latest)
	}
	p.Cancel("a")
	<-woken
	if latest, underWay, _ := p.Look("a"); latest != "stopped" || underWay {
		t.Errorf("the cancelled run says %q, %v", latest, underWay)
	}
	p.Cancel("nobody")
	p.Forget("nobody")
}

func errText(err error) string {
	if err == nil {
		return "nothing"
	}
	return err.Error()
}

func TestAStoppedPoolEndsEveryRunAndBeginsNone(t *testing.T) {
	woken := make(chan string, 10)
	p := work.NewPool[string](2, func(key string) { woken <- key })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.Start(ctx) }()
	p.Begin("a", "", func(ctx context.Context, _ func(string)) string { <-ctx.Done(); return "" })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if p.Begin("b", "", nil) {
		t.Error("a run began after the end")
	}
}
