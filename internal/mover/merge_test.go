package mover

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// listed lists entries with these keys, and then fails if there is an error.
func listed(keys string, err error) iter.Seq2[manifest.Entry, error] {
	return func(yield func(manifest.Entry, error) bool) {
		for key := range strings.FieldsSeq(keys) {
			if !yield(manifest.Entry{Key: key}, nil) {
				return
			}
		}
		if err != nil {
			yield(manifest.Entry{}, err)
		}
	}
}

func TestManifestsSideBySide(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		manifests []iter.Seq2[manifest.Entry, error]
		want      []string // key and which list it
		err       error
	}{
		"none":                       {},
		"some of which are empty":    {[]iter.Seq2[manifest.Entry, error]{listed("", nil), listed("a b", nil)}, []string{"a -x", "b -x"}, nil},
		"with keys of their own":     {[]iter.Seq2[manifest.Entry, error]{listed("a c", nil), listed("b c d", nil), listed("c", nil)}, []string{"a x--", "b -x-", "c xxx", "d -x-"}, nil},
		"one that breaks off":        {[]iter.Seq2[manifest.Entry, error]{listed("a b", nil), listed("a", broken)}, []string{"a xx"}, broken},
		"one that is not in order":   {[]iter.Seq2[manifest.Entry, error]{listed("b a", nil), listed("c", nil)}, []string{"b x-"}, provider.ErrUnsortedListing},
		"one that says a key twice":  {[]iter.Seq2[manifest.Entry, error]{listed("a a", nil)}, []string{"a x"}, provider.ErrUnsortedListing},
		"in the order of their keys": {[]iter.Seq2[manifest.Entry, error]{listed("a Ä", nil), listed("B", nil)}, []string{"B -x", "a x-", "Ä x-"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			var failed error
			for row, err := range Merge(t.Context(), test.manifests...) {
				if err != nil {
					failed = err
					break
				}
				who := ""
				for _, entry := range row.Entries {
					who += map[bool]string{true: "x", false: "-"}[entry != nil]
				}
				got = append(got, row.Key+" "+who)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(failed, test.err) || (test.err == nil) != (failed == nil) {
				t.Errorf("the error is %v, want %v", failed, test.err)
			}
		})
	}
}

func TestAMergeThatIsLeftEndsItsStreams(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for row, err := range Merge(ctx, listed("a b c", nil), listed("a", nil)) {
		if err != nil || !slices.Equal([]string{row.Key}, []string{"a"}) {
			t.Fatalf("the first row is %+v, %v", row, err)
		}
		break // what is left behind would be found by goleak
	}
}
