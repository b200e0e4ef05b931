package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestNothingThatATerminalObeysGetsThrough(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"an escape sequence":      {"\x1b[2Jgone", " [2Jgone"},
		"a carriage return":       {"False\rTrue", "False True"},
		"a line break":            {"one\ntwo", "one two"},
		"a tab":                   {"a\tb", "a b"},
		"another line break":      {"a\u2028b", "a b"},
		"a turn of direction":     {"a\u202eb", "ab"},
		"a C1 control":            {"a\u009bb", "a b"},
		"accents and check marks": {"État civil ✓", "État civil ✓"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Clean(test.in); got != test.want {
				t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestWhatIsNoTerminalHasNoWidth(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, isTerminal := Width(file); isTerminal {
		t.Error("a file is taken for a terminal")
	}
	if _, isTerminal := Width(&bytes.Buffer{}); isTerminal {
		t.Error("a buffer is taken for a terminal")
	}
}
