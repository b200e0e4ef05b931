package main

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestMixedSizesAreSpreadAndAddUp(t *testing.T) {
	const objects, total = 2_000, 4 << 30
	d := mixed(objects, total)
	if got := float64(d.total()); math.Abs(got/total-1) > 0.01 {
		t.Errorf("%.0f bytes in all, want about %d", got, total)
	}
	small, large := 0, 0
	for _, size := range d.sizes {
		if size < mixedLeast || size > mixedMost {
			t.Errorf("an object of %d bytes", size)
		}
		if size < 64<<10 {
			small++
		}
		if size > 16<<20 {
			large++
		}
	}
	if len(d.sizes) != objects || small < objects/10 || large < objects/50 {
		t.Errorf("%d objects, %d of them small and %d large", len(d.sizes), small, large)
	}
}

func TestGoalsAreJudgedBesideTheOneThatNeedsLeast(t *testing.T) {
	medians := map[string]measure{
		rcloneSync.name: {wall: 4 * time.Second}, mcMirror.name: {wall: 2 * time.Second}, ours: {wall: time.Second},
	}
	got := beside(wallOf, rcloneSync, mcMirror)(medians)
	if got != 0.5 {
		t.Errorf("got %v, want a half of the faster one's", got)
	}
	for _, test := range []struct {
		goal goal
		want string
	}{
		{goal{limit: 0.6}, "met"},
		{goal{limit: 0.6, tighter: 0.55}, "met, and the tighter 0.55 too"},
		{goal{limit: 0.6, tighter: 0.45}, "met, but not the tighter 0.45"},
		{goal{limit: 0.4, why: "it is late"}, "**missed**: it is late"},
	} {
		if verdict := test.goal.verdict(got); verdict != test.want {
			t.Errorf("got %q, want %q", verdict, test.want)
		}
	}
	if verdict := (goal{limit: 1}).verdict(math.NaN()); verdict != "**missed**" {
		t.Errorf("what was not measured is %q", verdict)
	}
}

func TestAWatcherCountsAndHandsOnWhatItGets(t *testing.T) {
	var asked string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Host + r.RequestURI
		_, _ = io.WriteString(w, "content")
	}))
	t.Cleanup(store.Close)
	w, err := watch(t.Context(), store.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Close() })
	for range 3 {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+"/a%2Fb//c?x=%20y", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(answer.Body)
		if err := answer.Body.Close(); err != nil || string(content) != "content" {
			t.Fatalf("got %q, %v", content, err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := strings.TrimPrefix(w.url, "http://") + "/a%2Fb//c?x=%20y"; asked != want || w.requests != 3 {
		t.Errorf("%d requests, the last for %q, want 3 for %q", w.requests, asked, want)
	}
}

func TestTheTailBeginsWhenOneIsLeft(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	w := &watcher{}
	w.enter(at(0))
	w.enter(at(0))
	w.enter(at(1))
	w.leave(at(6))
	w.leave(at(8)) // from here on one is left
	w.leave(at(10))
	if got := w.tail(); got != 0.2 {
		t.Errorf("got %v, want two seconds of ten", got)
	}
}

func TestEachWorkHasItsShareOfTheTime(t *testing.T) {
	todo := []work{{minutes: 1}, {minutes: 3}, {minutes: 4}}
	for i, want := range []time.Duration{time.Minute, 4 * time.Minute, 8 * time.Minute} {
		if got := until(todo, i, 8*time.Minute); got != want {
			t.Errorf("work %d ends after %s, want %s", i, got, want)
		}
	}
	for _, w := range works(false) {
		if w.minutes == 0 || len(w.contestants) == 0 || len(w.goals) == 0 {
			t.Errorf("%s has no time, nobody to do it or no goal", w.name)
		}
	}
}
