package message_test

import (
	"embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/table"
)

//go:embed french.csv
var catalogue embed.FS

// entries are those of the catalogue.
func entries(t *testing.T) map[string]string {
	t.Helper()
	read := map[string]string{}
	err := table.EachRow(catalogue, "french.csv", []string{"english", "french"}, func(row []string) error {
		read[row[0]] = row[1]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

var verb = regexp.MustCompile(`%(\[(\d+)\])?(.)`)

// verbsOf gives the verb for each argument of a format, by its number from 1 on. No
// other verbs than %s and %d are known: they read alike in every language.
func verbsOf(format string) (map[int]string, error) {
	verbs, next := map[int]string{}, 1
	for _, found := range verb.FindAllStringSubmatch(format, -1) {
		if found[0] == "%%" {
			continue
		}
		if found[3] != "s" && found[3] != "d" {
			return nil, fmt.Errorf("%q has the verb %s", format, found[0])
		}
		if found[2] != "" {
			if _, err := fmt.Sscan(found[2], &next); err != nil {
				return nil, err
			}
		}
		if before, isAgain := verbs[next]; isAgain && before != found[3] {
			return nil, fmt.Errorf("%q writes argument %d in two ways", format, next)
		}
		verbs[next] = found[3]
		next++
	}
	return verbs, nil
}

// A message that is new has no French yet, and one that is gone leaves its French
// behind: this finds both.
func TestEveryMessageHasItsFrench(t *testing.T) {
	french, code := entries(t), formatsInCode(t)
	if len(code) < 100 {
		t.Fatalf("only %d formats are found in the code", len(code))
	}
	for _, format := range slices.Sorted(maps.Keys(code)) {
		if _, isThere := french[format]; !isThere {
			t.Errorf("%s: french.csv lacks %q", code[format], format)
		}
	}
	for _, format := range slices.Sorted(maps.Keys(french)) {
		if code[format] == "" {
			t.Errorf("french.csv has %q, which nothing says", format)
		}
	}
}

func TestTheFrenchHasTheArgumentsOfTheEnglish(t *testing.T) {
	for english, french := range entries(t) {
		want, err := verbsOf(english)
		if err != nil {
			t.Error(err)
		}
		got, err := verbsOf(french)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arguments of %q (-english +french):\n%s", french, diff)
		}
	}
}

// nbsp is the space that does not break.
const nbsp = '\u00a0'

func TestTheFrenchIsSetAsFrenchIs(t *testing.T) {
	for english, french := range entries(t) {
		if problem := mistypeset(french); problem != "" {
			t.Errorf("%q: %s", french, problem)
		}
		if strings.TrimSpace(french) == "" {
			t.Errorf("the French of %q is empty", english)
		}
		if followsOn(english) != followsOn(french) {
			t.Errorf("%q and %q do not begin alike", english, french)
		}
	}
}

// followsOn tells whether a text is one that another text goes before.
func followsOn(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return unicode.IsSpace(first) || unicode.IsPunct(first) && first != '%'
}

// mistypeset says what is wrong with how a text is set, or nothing.
func mistypeset(text string) string {
	before, quotes := rune(0), 0
	for i, r := range text {
		next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		switch {
		case r == '\'' || r == '"':
			return "apostrophes are ’ and quotation marks « »"
		case strings.ContainsRune(":;?!»", r) && before != nbsp:
			return fmt.Sprintf("no space that does not break is before %c", r)
		case r == '%' && next == '%' && before != nbsp:
			return "no space that does not break is before %"
		case r == '«' && next != nbsp:
			return "no space that does not break is after «"
		case r == ',' && next != ' ' && next != utf8.RuneError:
			return "no space is after a comma"
		case unicode.IsSpace(r) && r != ' ' && r != nbsp:
			return "a space is of another kind"
		}
		switch r {
		case '«':
			quotes++
		case '»':
			quotes--
		}
		before = r
	}
	if quotes != 0 {
		return "quotation marks do not pair"
	}
	return ""
}

func TestMistypesetIsFound(t *testing.T) {
	for text, isRight := range map[string]bool{
		"l’emplacement %s\u00a0: voir «\u00a0%s\u00a0»\u00a0; %d\u00a0%%\u00a0?": true,
		"l'emplacement": false, `"a"`: false, "voir: %s": false, "voir : %s": false, "« a »": false, "«\u00a0a": false,
		"%d %%": false, "a,b": false, "a\u202f: b": false,
	} {
		if got := mistypeset(text) == ""; got != isRight {
			t.Errorf("%q is right: %v, want %v", text, got, isRight)
		}
	}
}
