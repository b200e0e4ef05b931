package table_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/table"
)

func TestRowsAreHandedOnUntilOneIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		want    [][]string
		failure string // empty is none
	}{
		"all of them, but comments":   {"# of 2026\nid,name\n1,un\n# two\n2,\"deux, trois\"\n", [][]string{{"1", "un"}, {"2", "deux, trois"}}, ""},
		"none":                        {"id,name\n", nil, ""},
		"no first row":                {"", nil, "facts.csv: the first row must be id,name"},
		"other columns":               {"id,title\n1,un\n", nil, "facts.csv: the first row must be id,name"},
		"the columns in another turn": {"name,id\nun,1\n", nil, "facts.csv: the first row must be id,name"},
		"a cell too many":             {"id,name\n1,un\n2,deux,trois\n", nil, "wrong number of fields"},
		"a row that is refused":       {"id,name\n1,un\n2,bad\n3,trois\n", [][]string{{"1", "un"}}, "facts.csv, row 2: it is bad"},
	} {
		t.Run(name, func(t *testing.T) {
			var got [][]string
			files := fstest.MapFS{"data/facts.csv": {Data: []byte(test.content)}}
			err := table.EachRow(files, "data/facts.csv", []string{"id", "name"}, func(row []string) error {
				if row[1] == "bad" {
					return errors.New("it is bad")
				}
				got = append(got, row)
				return nil
			})
			if test.failure == "" && err != nil || test.failure != "" && (err == nil || !strings.Contains(err.Error(), test.failure)) {
				t.Errorf("got %v, want %q", err, test.failure)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
	if err := table.EachRow(fstest.MapFS{}, "data/facts.csv", nil, nil); err == nil {
		t.Error("a file that is missing was not missed")
	}
}
