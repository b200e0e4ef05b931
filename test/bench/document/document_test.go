package document

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASectionIsReplacedAndTheRestStays(t *testing.T) {
	tests := map[string]struct{ page, want string }{
		"first of two":             {"# T\n\n## A\n\nold\n\n### deeper\n\n## B\n\nb\n", "# T\n\n## A\n\nnew\n\n## B\n\nb\n"},
		"last of two":              {"# T\n\n## B\n\nb\n\n## A\n\nold\n", "# T\n\n## B\n\nb\n\n## A\n\nnew\n"},
		"not there yet":            {"# T\n\n## B\n\nb\n", "# T\n\n## B\n\nb\n\n## A\n\nnew\n"},
		"one whose name is longer": {"## A and more\n\nkept\n", "## A and more\n\nkept\n\n## A\n\nnew\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, replace(test.page, "## A", "\nnew\n")); diff != "" {
				t.Errorf("page (-want +got):\n%s", diff)
			}
		})
	}
}
