// Package message holds what people are told in a form that can be said in their
// language: the English format of a sentence with its arguments.
//
// English is what the code says, and the key of the catalogue in french.csv, which has
// the French of every format. Names are not translated: of objects, places and fields,
// and the values of enumerations, rules and reasons, which are names of the API.
//
// It is pure. Start reading at Text.
package message

import (
	"fmt"
	"slices"
	"strings"
)

// Format is a format of package fmt in English. Only constants may be one, so that a
// test can find every format and look for its French.
type Format string

// Text is a message with its arguments, which may be texts themselves. It does not
// change. The zero value says nothing.
type Text struct {
	// format is empty where the arguments, all of them texts or strings, follow one
	// another with nothing between.
	format Format
	args   []any
}

// Of gives the text that a format and its arguments make. Arguments that know how to
// write themselves do so at once, so that nothing in a text changes with them.
func Of(format Format, args ...any) Text {
	for i, arg := range args {
		if _, isText := arg.(Text); isText {
			continue
		}
		if named, knowsHow := arg.(fmt.Stringer); knowsHow {
			args[i] = named.String()
		}
	}
	return Text{format: format, args: args}
}

// Verbatim gives a text that reads the same in every language, such as a name.
func Verbatim(words string) Text { return Text{args: []any{words}} }

// Join gives texts one after another with a separator between them.
func Join(separator Format, texts ...Text) Text {
	var joined Text
	for i, text := range texts {
		if i > 0 {
			joined.args = append(joined.args, Of(separator))
		}
		joined.args = append(joined.args, text)
	}
	return joined
}

// Then gives the text with others after it and nothing between.
func (t Text) Then(more ...Text) Text {
	longer := Text{args: []any{t}}
	if t.format == "" {
		longer.args = slices.Clone(t.args)
	}
	for _, text := range more {
		longer.args = append(longer.args, text)
	}
	return longer
}

// Without gives the text without its last part, where that is of the format.
func (t Text) Without(end Format) Text {
	if t.format != "" || len(t.args) == 0 {
		return t
	}
	last := len(t.args) - 1
	if part, isText := t.args[last].(Text); !isText || part.format != end {
		return t
	}
	return Text{args: slices.Clone(t.args[:last])}
}

// IsZero tells whether the text says nothing.
func (t Text) IsZero() bool { return t.format == "" && len(t.args) == 0 }

// Equal tells whether the texts say the same in every language.
func (t Text) Equal(other Text) bool {
	return t.format == other.format && slices.EqualFunc(t.args, other.args, isSame)
}

func isSame(a, b any) bool {
	text, isText := a.(Text)
	other, isOther := b.(Text)
	if isText && isOther {
		return text.Equal(other)
	}
	return isText == isOther && a == b
}

// String gives the text in English.
func (t Text) String() string { return t.In(English) }

// In gives the text in a language. What the catalogue lacks is English.
func (t Text) In(language Language) string {
	said := make([]any, len(t.args))
	for i, arg := range t.args {
		said[i] = arg
		if text, isText := arg.(Text); isText {
			said[i] = text.In(language)
		}
	}
	if t.format != "" {
		return fmt.Sprintf(language.of(t.format), said...)
	}
	var words strings.Builder
	for _, part := range said {
		words.WriteString(part.(string))
	}
	return words.String()
}
