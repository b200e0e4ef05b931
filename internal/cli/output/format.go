// Package output writes what verbs of the command line have to say: tables for
// people, JSON and YAML for programs.
//
// What comes from a cluster or a file was written by others: everything that goes
// into a Text loses its control characters first, so that nobody's title can move
// a reader's cursor.
//
// Start reading at Format and Text.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// Format is how data is written. The zero value is Table.
type Format string

// Formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// AddFlag adds the flag -o.
func (f *Format) AddFlag(flags *pflag.FlagSet) {
	if *f == "" {
		*f = Table
	}
	flags.VarP(f, "output", "o", "how to write it: table, json or yaml")
}

// String implements pflag.Value.
func (f *Format) String() string { return string(*f) }

// Type implements pflag.Value.
func (f *Format) Type() string { return "FORMAT" }

// Set implements pflag.Value.
func (f *Format) Set(value string) error {
	switch format := Format(strings.ToLower(value)); format {
	case Table, JSON, YAML:
		*f = format
		return nil
	}
	return fmt.Errorf("%q is not one of table, json and yaml", value)
}

// Write writes the value, or for people the text that render makes of it.
func Write(w io.Writer, format Format, value any, render func() string) error {
	encoded, err := encode(format, value, render)
	if err != nil {
		return fmt.Errorf("write the answer as %s: %w", format, err)
	}
	if _, err := io.WriteString(w, encoded); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func encode(format Format, value any, render func() string) (string, error) {
	switch format {
	case JSON:
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err := encoder.Encode(value)
		return b.String(), err
	case YAML:
		encoded, err := yaml.Marshal(value)
		return string(encoded), err
	default:
		return render(), nil
	}
}
