package serving_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/serving"
)

func TestLogKeepsTheNewest(t *testing.T) {
	for name, test := range map[string]struct {
		log  *serving.Log[int]
		want []int
	}{
		"of three":                  {serving.NewLog[int](3), []int{3, 4, 5}},
		"of one, when none is kept": {serving.NewLog[int](-1), []int{5}},
		"all of them":               {&serving.Log[int]{}, []int{1, 2, 3, 4, 5}},
	} {
		for i := range 5 {
			request := i + 1
			test.log.Add(&request)
		}
		if diff := cmp.Diff(test.want, test.log.Requests(nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLogIsNotedChosenFromAndForgotten(t *testing.T) {
	log := &serving.Log[string]{}
	first, second := "first", "second"
	log.Add(&first)
	log.Add(&second)
	log.Note(func() { second = "changed" })
	if diff := cmp.Diff([]string{"changed"}, log.Requests(func(r string) bool { return r != "first" })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if a, b := log.Number(), log.Number(); a != 1 || b != 2 {
		t.Errorf("numbers %d, %d", a, b)
	}
	log.Forget()
	if got := log.Requests(nil); len(got) != 0 || log.Number() != 3 {
		t.Errorf("forgotten: %q", got)
	}
}
