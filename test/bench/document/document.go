// Package document keeps the page of figures, of which each bench writes its own
// sections.
package document

import (
	"fmt"
	"os"
	"strings"
)

// Write puts a section into the page in place of the one under the same heading, or
// at its end; the rest of the page stays. The heading is that of a second level, such
// as "## The mover", and the text what comes below it.
func Write(page, heading, text string) error {
	content, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return os.WriteFile(page, []byte(replace(string(content), heading, text)), 0o644)
}

func replace(page, heading, text string) string {
	section := heading + "\n\n" + strings.TrimSpace(text) + "\n"
	begin := strings.Index("\n"+page, "\n"+heading+"\n")
	if begin < 0 {
		return strings.TrimRight(page, "\n") + "\n\n" + section
	}
	rest := page[begin+len(heading):]
	if next := strings.Index(rest, "\n## "); next >= 0 {
		return page[:begin] + section + rest[next:]
	}
	return page[:begin] + section
}
