package cli_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/cli/clitest"
)

const manual = "../../docs/kubectl-rempart.md"

// The manual shows what golden files hold: a comment names the file, and the block
// after it is its content. -update writes the blocks anew.
func TestTheManualShowsWhatThereIs(t *testing.T) {
	content, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)<!-- (\\S+) -->\n```text\n(.*?)```\n")
	if found := len(blocks.FindAll(content, -1)); found != 6 {
		t.Errorf("%d blocks, want 6", found)
	}
	want := blocks.ReplaceAllFunc(content, func(block []byte) []byte {
		file := string(blocks.FindSubmatch(block)[1])
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return []byte("<!-- " + file + " -->\n```text\n" + string(golden) + "```\n")
	})
	if clitest.IsUpdate() {
		if err := os.WriteFile(manual, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(content)); diff != "" {
		t.Errorf("the manual differs from the golden files (+manual), -update writes it anew:\n%s", diff)
	}
}
