package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `package p

var (
	rules = []func(){one, two}
	other = 1
)

func f(a, b bool) int {
	if a && b {
		return 1
	}
	switch {
	case !a:
		return 2
	}
	switch a {
	case b:
	}
	return 3
}
`

func TestWhatIsBroken(t *testing.T) {
	for name, test := range map[string]struct {
		lists, turns bool
		// want is what is said, and a line that only the broken file has.
		want map[string]string
	}{
		"entries of lists": {lists: true, want: map[string]string{
			"f.go:4: rules without one": "\trules = []func(){two}",
			"f.go:4: rules without two": "\trules = []func(){one, }",
		}},
		"conditions": {turns: true, want: map[string]string{
			"f.go:9: not: a && b": "\tif !(a && b) {",
			"f.go:13: not: !a":    "\tcase !(!a):",
		}},
		"nothing": {want: map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			mutants, err := find("f.go", example, test.lists, test.turns)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, m := range mutants {
				got[m.what] = changed(t, m.content)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// changed is the only line of the broken example that is another one.
func changed(t *testing.T, content string) string {
	t.Helper()
	before, after := strings.Split(example, "\n"), strings.Split(content, "\n")
	if len(before) != len(after) {
		t.Fatalf("the broken file has %d lines:\n%s", len(after), content)
	}
	line := ""
	for i := range before {
		if before[i] != after[i] {
			line += after[i]
		}
	}
	return line
}

// What the command is told to break is there, and can be broken.
func TestEveryTargetHasSomethingToBreak(t *testing.T) {
	t.Chdir("../..")
	for _, target := range targets(true) {
		broken, err := mutantsOf(target)
		if err != nil {
			t.Fatal(err)
		}
		if len(broken) == 0 && target.pattern != rulesPackage+"/set_*.go" {
			t.Errorf("nothing is broken in %s", target.pattern)
		}
	}
}
