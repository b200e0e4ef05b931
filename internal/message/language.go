package message

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/rempart/rempart/internal/table"
)

// Language is a language that messages are in, by its code in ISO 639. The zero value
// is English.
type Language string

// Languages.
const (
	English Language = "en"
	French  Language = "fr"
)

// ParseLanguage reads the code of a language.
func ParseLanguage(code string) (Language, error) {
	switch language := Language(strings.ToLower(code)); language {
	case English, French:
		return language, nil
	}
	return "", fmt.Errorf("%q is not one of %s and %s", code, English, French)
}

// OfLocale gives the language of a locale as POSIX names it, such as fr_FR.UTF-8, or
// English where there are no messages in it.
func OfLocale(locale string) Language {
	code, _, _ := strings.Cut(strings.NewReplacer("-", "_", ".", "_", "@", "_").Replace(locale), "_")
	language, err := ParseLanguage(code)
	if err != nil {
		return English
	}
	return language
}

// of gives a format in the language.
func (l Language) of(format Format) string {
	if l == French {
		if translated, isKnown := french()[format]; isKnown {
			return translated
		}
	}
	return string(format)
}

//go:embed french.csv
var catalogue embed.FS

var columns = []string{"english", "french"}

// french has the French of every format, and is read once. A file that does not follow
// its schema stops the program, and the tests before it.
var french = sync.OnceValue(func() map[Format]string {
	entries := map[Format]string{}
	err := table.EachRow(catalogue, "french.csv", columns, func(row []string) error {
		if _, isThere := entries[Format(row[0])]; isThere {
			return fmt.Errorf("%q is there twice", row[0])
		}
		entries[Format(row[0])] = row[1]
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("read the catalogue of messages that is built in: %w", err))
	}
	return entries
})
