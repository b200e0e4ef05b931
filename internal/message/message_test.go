package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/message"
)

func TestTextsAreSaidInALanguage(t *testing.T) {
	outside := message.Of("%s is outside %s", "CA", "FR")
	place := level(3)
	for name, test := range map[string]struct {
		text            message.Text
		english, french string
	}{
		"a message has its arguments": {outside, "CA is outside FR", "le pays CA est hors du périmètre FR"},
		"an argument may be a text": {
			message.Of("%s: %s (%s)", message.Of("policy %s, %s", "p", "residency"), outside, "OutsidePerimeter"),
			"policy p, residency: CA is outside FR (OutsidePerimeter)",
			"politique p, residency\u00a0: le pays CA est hors du périmètre FR (OutsidePerimeter)",
		},
		"arguments may stand in another order": {
			message.Of("the copies belong to %s, and policy %s asks for %d", message.Of("%d operators", 2), "p", 3),
			"the copies belong to 2 operators, and policy p asks for 3", "les copies relèvent de 2 opérateurs, et la politique p en exige 3",
		},
		"a name is the same in every language": {message.Verbatim("50 %d"), "50 %d", "50 %d"},
		"an argument is not read as a format":  {message.Of("policy %s", "%d"), "policy %d", "la politique %d"},
		"what knows how to write itself does": {
			message.Of("no SovereignProvider declares %s", &place), "no SovereignProvider declares level 3", "aucun SovereignProvider ne déclare level 3",
		},
		"texts follow one another": {
			message.Of("no place is eligible").Then(message.Of(" and %d more", 2), message.Text{}).Then(message.Verbatim("!")),
			"no place is eligible and 2 more!", "aucun emplacement n’est éligible et 2 de plus!",
		},
		"texts are joined": {
			message.Join("; ", message.Of("yes"), message.Of("no"), message.Verbatim("x")), "yes; no; x", "oui\u00a0; non\u00a0; x",
		},
		"nothing is joined":                   {message.Join(", "), "", ""},
		"nothing is said by the zero value":   {message.Text{}, "", ""},
		"what the catalogue lacks is English": {message.Of(newest), "nobody has said this yet", "nobody has said this yet"},
	} {
		t.Run(name, func(t *testing.T) {
			got := []string{test.text.String(), test.text.In(message.English), test.text.In(""), test.text.In(message.French)}
			if diff := cmp.Diff([]string{test.english, test.english, test.english, test.french}, got); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// newest is in no catalogue.
const newest message.Format = "nobody has said this yet"

type level int

func (l *level) String() string { return "level " + string(rune('0'+*l)) }

// What wrote itself into a text does not change it any more.
func TestATextDoesNotChangeWithItsArguments(t *testing.T) {
	changes := level(3)
	text := message.Of("policy %s", &changes)
	changes = 4
	if got := text.String(); got != "policy level 3" {
		t.Errorf("it became %q", got)
	}
	part := message.Of("no place is eligible").Then(message.Of("yes"))
	one, other := part.Then(message.Verbatim("1")), part.Then(message.Verbatim("2"))
	if one.String() != "no place is eligibleyes1" || other.String() != "no place is eligibleyes2" {
		t.Errorf("one that goes on changes another: %q, %q", one, other)
	}
}

func TestTheSameIsSaidByEqualTexts(t *testing.T) {
	text := func() message.Text {
		return message.Of("%s asks for %s and %s", message.Of("policy %s", "p"), message.Of("%d copies", 2), "x").Then(message.Verbatim("y"))
	}
	if !text().Equal(text()) || !(message.Text{}).Equal(message.Text{}) {
		t.Error("equal texts are not equal")
	}
	for name, other := range map[string]message.Text{
		"nothing":                        {},
		"another argument":               message.Of("%s asks for %s and %s", message.Of("policy %s", "q"), message.Of("%d copies", 2), "x").Then(message.Verbatim("y")),
		"another format":                 message.Of("%s (%s)", message.Of("policy %s", "p"), "x"),
		"a string where a text was":      message.Of("%s asks for %s and %s", "policy p", message.Of("%d copies", 2), "x").Then(message.Verbatim("y")),
		"the same in English words only": message.Verbatim(text().String()),
		"one part less":                  message.Of("%s asks for %s and %s", message.Of("policy %s", "p"), message.Of("%d copies", 2), "x"),
	} {
		if text().Equal(other) || other.Equal(text()) {
			t.Errorf("%s is the same", name)
		}
	}
}

func TestTheLastPartIsLeftOut(t *testing.T) {
	const see message.Format = "; see status.candidates"
	bare := message.Of("no place is eligible")
	for name, test := range map[string]struct {
		text message.Text
		want string
	}{
		"where it is of the format": {bare.Then(message.Of(" and %d more", 1), message.Of(see)), "no place is eligible and 1 more"},
		"not where it is not":       {bare.Then(message.Of(see), message.Of(" and %d more", 1)), "no place is eligible; see status.candidates and 1 more"},
		"not where it is all":       {message.Of(see), "; see status.candidates"},
		"not where there is none":   {bare, "no place is eligible"},
		"not of nothing":            {message.Text{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := test.text.String()
			if got := test.text.Without(see).String(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			if test.text.String() != before {
				t.Error("the text itself has changed")
			}
		})
	}
}

func TestALocaleHasALanguage(t *testing.T) {
	for locale, want := range map[string]message.Language{
		"fr_FR.UTF-8": message.French, "fr": message.French, "fr_CA": message.French, "fr.UTF-8": message.French, "FR-fr": message.French,
		"fr_FR@euro": message.French,
		"":           message.English, "C": message.English, "C.UTF-8": message.English, "POSIX": message.English, "en_GB.UTF-8": message.English,
		"de_DE": message.English, "frr_DE": message.English, // Frisian
	} {
		if got := message.OfLocale(locale); got != want {
			t.Errorf("of %q it is %q, want %q", locale, got, want)
		}
	}
}

func TestALanguageIsOneOfTwo(t *testing.T) {
	for code, want := range map[string]message.Language{"fr": message.French, "en": message.English, "FR": message.French} {
		if got, err := message.ParseLanguage(code); got != want || err != nil {
			t.Errorf("%q is %q (%v), want %q", code, got, err, want)
		}
	}
	for _, code := range []string{"", "xx", "français", "fr_FR"} {
		if got, err := message.ParseLanguage(code); err == nil || got != "" {
			t.Errorf("%q is %q (%v), want an error", code, got, err)
		}
	}
}
