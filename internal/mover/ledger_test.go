package mover

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
)

// drain takes everything that a ledger gives.
func drain(l *ledger, batchSize int) []string {
	var keys []string
	batch := make([]outcome, 0, batchSize)
	for {
		if batch = l.take(batch); len(batch) == 0 {
			return keys
		}
		for _, o := range batch {
			keys = append(keys, o.key)
		}
	}
}

func TestOutcomesComeInTheOrderOfTheKeys(t *testing.T) {
	const n, workers = 5000, 8
	l := newLedgerOf(64)
	numbers := make(chan int64)
	go func() {
		defer close(numbers)
		for range n {
			number, err := l.issue(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			numbers <- number
		}
	}()
	var settling sync.WaitGroup
	for worker := range workers {
		random := rand.New(rand.NewPCG(uint64(worker), 1))
		settling.Go(func() {
			for number := range numbers {
				for range random.IntN(20) {
					runtime.Gosched() // some objects take longer
				}
				l.settle(number, outcome{key: strconv.FormatInt(number, 10)})
			}
		})
	}
	go func() { settling.Wait(); l.close() }()
	keys := drain(l, 10)
	for i, key := range keys {
		if key != strconv.Itoa(i) {
			t.Fatalf("%s came at position %d", key, i)
		}
	}
	if len(keys) != n || !l.isEmpty() {
		t.Errorf("%d of %d outcomes came", len(keys), n)
	}
}

func TestAPlannerThatIsTooFarAheadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedgerOf(4)
		issued := 0
		go func() {
			for range 6 {
				if _, err := l.issue(t.Context()); err != nil {
					t.Error(err)
				}
				issued++
			}
		}()
		synctest.Wait()
		if issued != 4 {
			t.Fatalf("%d numbers were issued into a window of 4", issued)
		}
		for number := range int64(3) {
			l.settle(number+1, outcome{key: "later"})
		}
		synctest.Wait()
		if issued != 4 {
			t.Fatalf("%d numbers were issued although the first is not settled", issued)
		}
		l.settle(0, outcome{key: "first"})
		if batch := l.take(make([]outcome, 0, 2)); len(batch) != 2 || batch[0].key != "first" {
			t.Fatalf("took %+v", batch)
		}
		synctest.Wait()
		if issued != 6 {
			t.Errorf("%d numbers were issued after two were taken", issued)
		}
	})
}

func TestAPlannerThatWaitsEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedgerOf(1)
		ctx, cancel := context.WithCancel(t.Context())
		defer context.AfterFunc(ctx, l.wake)()
		if _, err := l.issue(ctx); err != nil {
			t.Fatal(err)
		}
		var err error
		go func() { _, err = l.issue(ctx) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the planner got %v", err)
		}
	})
}

func TestNothingBehindAGapIsTaken(t *testing.T) {
	l := newLedgerOf(8)
	for range 5 {
		if _, err := l.issue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, number := range []int64{0, 1, 3, 4} { // 2 was given up
		l.settle(number, outcome{key: strconv.FormatInt(number, 10)})
	}
	l.close()
	if keys := drain(l, 3); len(keys) != 2 || l.isEmpty() {
		t.Errorf("took %q, empty %v", keys, l.isEmpty())
	}
}
