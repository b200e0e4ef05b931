package output

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestColumnsLineUpAcrossNotes(t *testing.T) {
	grid := NewGrid("  ", "PLACE", "READY", "WHY")
	grid.Add("onprem/dc1", "True", "")
	grid.Add("ovh/Gravelines-déjà-vu", "False", "Tainted")
	grid.Note("a note may be as long as it likes, %s", "and changes no column")
	grid.Note("another")
	grid.Add("outscale/eu-west-2", "", "")
	want := `  PLACE                   READY  WHY
  onprem/dc1              True   -
  ovh/Gravelines-déjà-vu  False  Tainted
      a note may be as long as it likes, and changes no column
      another
  outscale/eu-west-2      -      -
`
	if diff := cmp.Diff(want, grid.String()); diff != "" {
		t.Error(diff)
	}
}

// What a line break or a tab in a value does to lines and columns is seen here;
// what else is taken out, in package terminal.
func TestNobodysValueBreaksALine(t *testing.T) {
	for _, value := range []string{"\x1b[2Jgone", "False\rTrue", "one\ntwo", "a\tb", "a\u2028b"} {
		grid := NewGrid("", "A")
		grid.Add(value)
		grid.Note("%s", value)
		var text Text
		text.Line("%s", value)
		text.Grid(*grid)
		if got := text.String(); strings.Count(got, "\n") != 4 || strings.ContainsAny(got, "\x1b\r\t\u2028") {
			t.Errorf("%q gives %q", value, got)
		}
	}
}

func TestFormats(t *testing.T) {
	value := []map[string]string{{"name": "a<b>"}}
	tests := map[Format]string{
		Table: "for people\n",
		JSON:  "[\n  {\n    \"name\": \"a<b>\"\n  }\n]\n",
		YAML:  "- name: a<b>\n",
	}
	for format, want := range tests {
		var b strings.Builder
		if err := Write(&b, format, value, func() string { return "for people\n" }); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%s: %q, want %q", format, b.String(), want)
		}
	}
}

func TestTheFlagKnowsTheFormats(t *testing.T) {
	var format Format
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	format.AddFlag(flags)
	if format != Table {
		t.Errorf("by default it is %s", format)
	}
	if err := flags.Parse([]string{"-o", "YAML"}); err != nil || format != YAML {
		t.Errorf("it is %s, %v", format, err)
	}
	if err := flags.Parse([]string{"-o", "wide"}); err == nil {
		t.Error("wide is taken")
	}
}

type closed struct{}

var errClosed = errors.New("closed")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestAWriterThatIsClosedIsAnError(t *testing.T) {
	if err := Write(closed{}, JSON, 1, nil); !errors.Is(err, errClosed) {
		t.Errorf("the error is %v", err)
	}
	if err := Write(closed{}, JSON, func() {}, nil); err == nil {
		t.Error("what cannot be encoded is no error")
	}
}

func TestUnits(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { return new(now.Add(-d)) }
	tests := map[string]struct{ got, want string }{
		"bytes":                       {Bytes(new(int64(1234567890))), "1.1 GiB"},
		"no bytes":                    {Bytes(new(int64(0))), "0 B"},
		"bytes that are not known":    {Bytes(nil), ""},
		"a count":                     {Count(new(int64(10000))), "10000"},
		"a count that is not known":   {Count(nil), ""},
		"an age":                      {Age(now, ago(3*time.Minute)), "3m"},
		"an age of days":              {Age(now, ago(80*time.Hour)), "3d8h"},
		"a time that is yet to come":  {Age(now, ago(-time.Minute)), "0s"},
		"a time that is not known":    {Age(now, nil), ""},
		"a short text":                {Shorten("État", 4), "État"},
		"a text that is cut":          {Shorten("Délibérations", 6), "Délib…"},
		"a text for which is no room": {Shorten("abc", 0), "…"},
	}
	for name, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", name, test.got, test.want)
		}
	}
}
