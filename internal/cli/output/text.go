package output

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/rempart/rempart/internal/terminal"
)

// Text is a text for people, built line by line. The zero value is empty.
type Text struct{ b strings.Builder }

// Line adds a line. Control characters in it become blanks.
func (t *Text) Line(format string, args ...any) {
	t.b.WriteString(strings.TrimRight(terminal.Clean(fmt.Sprintf(format, args...)), " "))
	t.b.WriteByte('\n')
}

// Break adds an empty line.
func (t *Text) Break() { t.b.WriteByte('\n') }

// Grid adds a grid.
func (t *Text) Grid(g Grid) { t.b.WriteString(g.String()) }

// String gives the text.
func (t *Text) String() string { return t.b.String() }

// Grid is a table whose columns line up. A row may have notes, which stand below
// it over the whole width.
type Grid struct {
	// Indent is in front of every line.
	Indent string
	header []string
	rows   []row
}

type row struct{ cells, notes []string }

// NewGrid makes a grid with a header.
func NewGrid(indent string, header ...string) *Grid {
	return &Grid{Indent: indent, header: header}
}

// Add adds a row. What is empty is shown as a dash.
func (g *Grid) Add(cells ...string) { g.rows = append(g.rows, row{cells: cells}) }

// Note adds a line below the last row.
func (g *Grid) Note(format string, args ...any) {
	last := &g.rows[len(g.rows)-1]
	last.notes = append(last.notes, fmt.Sprintf(format, args...))
}

// String gives the lines. Columns line up across notes.
func (g *Grid) String() string {
	var aligned strings.Builder
	// It writes to memory, which never fails.
	writer := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	if len(g.header) > 0 {
		_, _ = fmt.Fprintln(writer, strings.Join(g.header, "\t"))
	}
	for _, row := range g.rows {
		_, _ = fmt.Fprintln(writer, strings.Join(shown(row.cells), "\t"))
	}
	_ = writer.Flush()
	lines := strings.Split(strings.TrimSuffix(aligned.String(), "\n"), "\n")
	var text Text
	if len(g.header) > 0 {
		text.Line("%s%s", g.Indent, lines[0])
		lines = lines[1:]
	}
	for i, row := range g.rows {
		text.Line("%s%s", g.Indent, lines[i])
		for _, note := range row.notes {
			text.Line("%s    %s", g.Indent, note)
		}
	}
	return text.String()
}

func shown(cells []string) []string {
	cleaned := make([]string, len(cells))
	for i, cell := range cells {
		if cleaned[i] = terminal.Clean(cell); cleaned[i] == "" {
			cleaned[i] = "-"
		}
	}
	return cleaned
}
