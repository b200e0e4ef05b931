package notification

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var begin = time.Unix(1800000000, 0)

func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

const of = "town/actes-ovh"

func wantKeys(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func wantState(t *testing.T, q *Queue, want State) {
	t.Helper()
	if diff := cmp.Diff(want, q.Look(of, "onprem")); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestKeysAreTakenOnceAndInOrder(t *testing.T) {
	q := NewQueue()
	q.Add(of, []string{"c", "a", "c"}, at(0))
	q.Add(of, []string{"b", "a"}, at(1))
	wantState(t, q, State{Waiting: 3, Since: at(0)})
	wantKeys(t, q.Take(of), "a", "b", "c")
	wantState(t, q, State{Since: at(0)})
	if q.Add("town/other", []string{"x"}, at(2)); q.Look(of, "onprem").Waiting != 0 {
		t.Error("what is for another copy waits for this one")
	}
	q.Done(of, nil)
	wantState(t, q, State{})
	wantKeys(t, q.Take(of))
}

// What is told while a key is in work may have happened after it was read.
func TestAKeyThatIsToldWhileInWorkIsTakenAgain(t *testing.T) {
	q := NewQueue()
	q.Add(of, []string{"a"}, at(0))
	q.Take(of)
	q.Add(of, []string{"a"}, at(5))
	wantState(t, q, State{Waiting: 1, Since: at(0)})
	q.Done(of, nil)
	wantState(t, q, State{Waiting: 1, Since: at(5)})
	wantKeys(t, q.Take(of), "a")
}

func TestWhatWasTakenAndIsNotDoneIsGivenAgain(t *testing.T) {
	q := NewQueue()
	q.Add(of, []string{"a"}, at(0))
	q.Take(of)
	q.Add(of, []string{"a", "b"}, at(1))
	wantKeys(t, q.Take(of), "a", "b")
	wantState(t, q, State{Since: at(0)})
	q.Done(of, nil)
	wantState(t, q, State{})
	if q.total != 0 {
		t.Errorf("%d are counted, and none is left", q.total)
	}
}

func TestWhatFailsIsTriedAFewTimes(t *testing.T) {
	q := NewQueue()
	q.Add(of, []string{"a", "b"}, at(0))
	for try := 1; try < tryLimit; try++ {
		q.Take(of)
		if given, _ := q.Done(of, []string{"a"}); given != 0 {
			t.Fatalf("%d given up at try %d", given, try)
		}
		wantState(t, q, State{Waiting: 1, Since: at(0)})
	}
	q.Take(of)
	if given, since := q.Done(of, []string{"a", "stranger"}); given != 1 || !since.Equal(at(0)) {
		t.Errorf("%d given up, since %s", given, since)
	}
	wantState(t, q, State{})
}

func TestAQueueIsBounded(t *testing.T) {
	q := NewQueue()
	keys := make([]string, copyLimit+5)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
	}
	if lost := q.Add(of, keys, at(0)); lost != 5 {
		t.Errorf("%d were lost of one copy's, want 5", lost)
	}
	wantState(t, q, State{Waiting: copyLimit, Since: at(0), LostAt: at(0)})
	if lost := q.Add(of, keys[:10], at(1)); lost != 0 {
		t.Errorf("%d were lost that wait already", lost)
	}
	lost := 0
	for i := range 2 * totalLimit / copyLimit {
		lost += q.Add(fmt.Sprint("town/", i), keys[:copyLimit], at(1))
	}
	if q.total != totalLimit || lost == 0 {
		t.Errorf("%d wait in all, %d were lost", q.total, lost)
	}
	q.Forget(of)
	if q.total != totalLimit-copyLimit {
		t.Errorf("%d wait after a copy was forgotten", q.total)
	}
	wantState(t, q, State{})
}

func TestThoseThatWaitLongestGoFirst(t *testing.T) {
	q := NewQueue()
	var late []string
	for i := range batchLimit {
		late = append(late, fmt.Sprintf("a%05d", i))
	}
	q.Add(of, []string{"z"}, at(0))
	q.Add(of, late, at(1))
	taken := q.Take(of)
	if len(taken) != batchLimit || taken[len(taken)-1] != "z" {
		t.Errorf("%d taken, the last is %q", len(taken), taken[len(taken)-1])
	}
	if again := q.Take(of); !slices.Equal(taken, again) {
		t.Errorf("%d are in work, %d before", len(again), len(taken))
	}
}

func TestWhatAProviderLostConcernsAllOfItsCopies(t *testing.T) {
	q := NewQueue()
	q.Lose("onprem", at(3))
	q.Lose("elsewhere", at(9))
	wantState(t, q, State{LostAt: at(3)})
	q.Add(of, []string{"a"}, at(4))
	wantState(t, q, State{Waiting: 1, Since: at(4), LostAt: at(3)})
}
