// Package terminal knows what a terminal shows and what it obeys.
//
// Start reading at Clean.
package terminal

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Clean takes out what a terminal would obey: control characters become blanks,
// invisible ones that change the direction of writing disappear.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// Width tells the width of the terminal behind a stream in characters, or false
// if there is none. A terminal without a known width is taken for a narrow one.
func Width(stream io.Writer) (int, bool) {
	file, isFile := stream.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return narrow, true
	}
	return width, true
}

const narrow = 80
