// Package table reads the files of facts that are built into the program: rows of
// comma-separated cells under a first row that names the columns. Lines that begin
// with # are comments.
//
// It is pure. Start reading at EachRow.
package table

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// EachRow hands on the rows of a file, whose first must name these columns. It ends
// with the first error of use, and says at which row.
func EachRow(files fs.FS, file string, columns []string, use func(row []string) error) error {
	content, err := fs.ReadFile(files, file)
	if err != nil {
		return err
	}
	name := path.Base(file)
	reader := csv.NewReader(strings.NewReader(string(content)))
	reader.Comment = '#'
	reader.FieldsPerRecord = len(columns)
	rows, err := reader.ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		return fmt.Errorf("%s: the first row must be %s", name, strings.Join(columns, ","))
	}
	for i, row := range rows[1:] {
		if err := use(row); err != nil {
			return fmt.Errorf("%s, row %d: %w", name, i+1, err)
		}
	}
	return nil
}
