package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mustHaveRunbook are the reasons that leave a person with a decision.
var mustHaveRunbook = []string{
	"AuthenticationFailed", "CertificateInvalid", "DeletionBlocked", "DeletionGuardTripped", "DriftDetected", "ExceptionExpired",
	"LocationContradicted",
	"NameConflict", "NodeContradicted", "NotAdoptable", "NotOwner", "PrimaryRelocationRequired", "ServiceExpired",
}

// runbooks are the names of the pages.
func runbooks(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(root, "docs/runbooks/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, page := range pages {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); name != "README" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestEveryRunbookIsOfAReason(t *testing.T) {
	reasons := texts(t, "api/v1alpha1/reasons.go")
	names := runbooks(t)
	for _, name := range names {
		if !slices.Contains(reasons, name) {
			t.Errorf("there is a runbook for %s, which is no reason", name)
		}
		if !strings.HasPrefix(read(t, "docs/runbooks/"+name+".md"), "# "+name+"\n") {
			t.Errorf("the heading of the runbook for %s is another one", name)
		}
	}
	for _, name := range mustHaveRunbook {
		if !slices.Contains(names, name) {
			t.Errorf("there is no runbook for %s", name)
		}
	}
	var listed []string
	for _, found := range regexp.MustCompile(`(?m)^\| \[(\w+)\]\((\w+)\.md\)`).FindAllStringSubmatch(read(t, "docs/runbooks/README.md"), -1) {
		listed = append(listed, found[1])
		if found[1] != found[2] {
			t.Errorf("the entry %s leads to %s", found[1], found[2])
		}
	}
	if slices.Sort(listed); !slices.Equal(listed, names) {
		t.Errorf("the list has %q, the pages are %q", listed, names)
	}
}

func TestEveryRunbookSaysWhatYouSeeWhyAndWhatToDo(t *testing.T) {
	for _, name := range runbooks(t) {
		page := read(t, "docs/runbooks/"+name+".md")
		see, why, act := strings.Index(page, "\n## What you see\n"), strings.Index(page, "\n## Why\n"), strings.Index(page, "\n## What to do\n")
		if see < 0 || why < see || act < why {
			t.Errorf("%s has not the three parts in their order", name)
			continue
		}
		if !regexp.MustCompile(`(?m)^ {4,}kubectl `).MatchString(page[act:]) {
			t.Errorf("%s names no command to try", name)
		}
	}
}

// Whoever searches for a message has to find its page.
func TestTheMessagesInRunbooksAreThoseThatAreWritten(t *testing.T) {
	written := texts(t, "controllers", "internal")
	const shortest = 4
	for _, name := range runbooks(t) {
		messages := regexp.MustCompile("(?s)```text\n(.*?)\n```").FindAllStringSubmatch(read(t, "docs/runbooks/"+name+".md"), -1)
		if len(messages) == 0 {
			t.Errorf("%s shows no message", name)
		}
		for _, message := range messages {
			for _, piece := range regexp.MustCompile(`<[^>]*>`).Split(message[1], -1) {
				isWritten := func(text string) bool { return strings.Contains(text, piece) }
				if len(piece) >= shortest && !slices.ContainsFunc(written, isWritten) {
					t.Errorf("%s shows %q, which nothing writes", name, piece)
				}
			}
		}
	}
}

func TestTheNamesInRunbooksExist(t *testing.T) {
	known := strings.Join(texts(t, "api", "internal"), "\n")
	for _, name := range append(runbooks(t), "README") {
		for _, found := range regexp.MustCompile(`rempart\.dev/[a-z-]+|rempart-installation`).FindAllString(read(t, "docs/runbooks/"+name+".md"), -1) {
			if !strings.Contains(known, found) {
				t.Errorf("%s speaks of %s, which does not exist", name, found)
			}
		}
	}
}

// texts are the strings in Go files and folders, tests left out. Literals that are
// joined are one, and what is put into them is a gap.
func texts(t *testing.T, places ...string) []string {
	t.Helper()
	var all []string
	for _, place := range places {
		err := filepath.WalkDir(filepath.Join(root, place), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(parsed, func(node ast.Node) bool {
				text, isText := joined(node)
				if isText {
					all = append(all, gaps(text))
				}
				return !isText
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

const gap = "\x00"

// joined gives the text of a literal, or of a sum with literals in it.
func joined(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(node.Value)
		return text, err == nil && node.Kind == token.STRING
	case *ast.BinaryExpr:
		if node.Op != token.ADD {
			return "", false
		}
		left, leftIsText := joined(node.X)
		right, rightIsText := joined(node.Y)
		if !leftIsText && !rightIsText {
			return "", false
		}
		if !leftIsText {
			left = gap
		}
		if !rightIsText {
			right = gap
		}
		return left + right, true
	}
	return "", false
}

// gaps makes gaps of the verbs of a format.
func gaps(text string) string {
	return strings.ReplaceAll(regexp.MustCompile(`%[a-z+#]*[a-zA-Z]`).ReplaceAllString(text, gap), "%%", "%")
}
