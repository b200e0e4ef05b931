package env

import (
	"github.com/spf13/pflag"

	"github.com/rempart/rempart/internal/message"
)

// AddLanguageFlag adds the flag --lang, which goes before the language of the
// environment. Verbs have it whose messages are in the catalogue.
func (e *Environment) AddLanguageFlag(flags *pflag.FlagSet) {
	flags.Var((*languageFlag)(&e.Language), "lang", "the language of messages, en or fr, instead of that of LC_ALL, LC_MESSAGES or LANG")
	// What the environment says is not shown as a default: help reads the same for all.
	flags.Lookup("lang").DefValue = ""
}

// Say gives a text in the language of who asks.
func (e *Environment) Say(text message.Text) string { return text.In(e.Language) }

type languageFlag message.Language

// String implements pflag.Value.
func (f *languageFlag) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *languageFlag) Type() string { return "LANGUAGE" }

// Set implements pflag.Value.
func (f *languageFlag) Set(code string) error {
	language, err := message.ParseLanguage(code)
	if err == nil {
		*f = languageFlag(language)
	}
	return err
}
