package outcome_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rempart/rempart/internal/provider/outcome"
	"github.com/rempart/rempart/internal/secret"
)

func TestForeignWordsBecomeFitForMessages(t *testing.T) {
	secrets := outcome.Secrets{"key": secret.New("abc"), "long key": secret.New("xabcx"), "token": secret.New("")}
	for name, test := range map[string]struct{ words, want string }{
		"plain":                           {"it is full", "it is full"},
		"a secret":                        {"abc is wrong", "[key] is wrong"},
		"a secret within another":         {"xabcx is wrong", "[long key] is wrong"},
		"lines":                           {"one\r\n\ttwo\n", "one two"},
		"what would steer a terminal":     {"red \x1b[31m", "red [31m"},
		"a secret behind what is cut off": {strings.Repeat("y", 299) + "abc", strings.Repeat("y", 299) + "[…"},
	} {
		if got := secrets.Clean(test.words); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	if got := secrets.Redact("two\nlines of abc"); got != "two\nlines of [key]" {
		t.Errorf("redacted alone: %q", got)
	}
	long := outcome.Secrets(nil).Clean(strings.Repeat("é", 1000))
	if !utf8.ValidString(long) || len(long) > 310 {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}
