package serving_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/serving"
)

// match hits requests of a name.
type match struct {
	name        string
	skip, times int
}

func (m match) Bounds() (skip, times int) { return m.skip, m.times }

// strikes are the effects of so many requests of a name, one after the other.
func strikes(faults *serving.Faults[match, string], name string, requests int) []string {
	var all []string
	for range requests {
		hit := "-"
		faults.Strike(
			func(m match, _ string) bool { return hit == "-" && m.name == name },
			func(_ match, effect string) { hit = effect },
		)
		all = append(all, hit)
	}
	return all
}

func TestFaultsHitWithinTheirBounds(t *testing.T) {
	var faults serving.Faults[match, string]
	first := faults.Add(match{name: "get", skip: 1, times: 2}, "a")
	second := faults.Add(match{name: "get"}, "b")
	if diff := cmp.Diff([]string{"b", "a", "a", "b"}, strikes(&faults, "get", 4)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"-"}, strikes(&faults, "put", 1)); diff != "" {
		t.Errorf("of another name (-want +got):\n%s", diff)
	}
	if first.Hits() != 2 || second.Hits() != 2 {
		t.Errorf("hits: %d and %d", first.Hits(), second.Hits())
	}
	second.Clear()
	if diff := cmp.Diff([]string{"-"}, strikes(&faults, "get", 1)); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}
}

func TestClearedServerIsUp(t *testing.T) {
	var faults serving.Faults[match, string]
	faults.Add(match{name: "get"}, "a")
	faults.Down()
	if !faults.IsDown() {
		t.Error("it is up")
	}
	faults.Up()
	if faults.IsDown() {
		t.Error("it is still down")
	}
	faults.Down()
	faults.Clear()
	if got := strikes(&faults, "get", 1); faults.IsDown() || got[0] != "-" {
		t.Errorf("after Clear: down %t, hit by %s", faults.IsDown(), got)
	}
}
