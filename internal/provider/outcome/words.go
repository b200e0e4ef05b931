package outcome

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/rempart/rempart/internal/secret"
)

// wordsLimit bounds in bytes what of foreign words a message repeats.
const wordsLimit = 300

// Secrets are what may not stand in a message, by the names that stand there
// instead. Empty ones count for nothing.
type Secrets map[string]secret.Text

// Redact puts [name] in the place of every secret. The longest go first, so that
// nothing is left of one that holds another.
func (s Secrets) Redact(text string) string {
	names := slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s[b].Reveal()), len(s[a].Reveal())), cmp.Compare(a, b))
	})
	for _, name := range names {
		if value := s[name]; !value.IsEmpty() {
			text = strings.ReplaceAll(text, value.Reveal(), "["+name+"]")
		}
	}
	return text
}

// Clean makes foreign words fit for a message: one bounded line without a secret.
func (s Secrets) Clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s.Redact(text))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > wordsLimit {
		text = strings.ToValidUTF8(text[:wordsLimit], "") + "…"
	}
	return text
}
