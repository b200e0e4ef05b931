package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/internal/table"
)

//go:embed data/*.csv
var builtIn embed.FS

// record is a row of a file: a property of a region, and the evidence for it.
type record struct {
	vendor                  Vendor
	region, property, value string
	asOf                    string
	confidence              Confidence
	// source has the titles of sourceIDs.
	source    string
	sourceIDs []string
	note      string
}

type attestationRow struct {
	Attestation
	vendor    Vendor
	service   string
	locations []string
	sourceIDs []string
}

type source struct{ id, title, publisher, date, licence, address string }

// load reads the files of a folder called data. It refuses what does not follow
// the schema; whether the facts make sense is for the tests.
func load(files fs.FS) (*library, error) {
	l := &library{files: files, sources: map[string]source{}}
	for _, step := range []func() error{
		l.loadSources, l.loadRecords, l.loadAttestations, l.arrange,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *library) loadSources() error {
	return l.eachRow("sources", []string{"id", "title", "publisher", "date", "licence", "address"}, func(row []string) error {
		if _, twice := l.sources[row[0]]; twice {
			return fmt.Errorf("source %q is there twice", row[0])
		}
		l.sources[row[0]] = source{row[0], row[1], row[2], row[3], row[4], row[5]}
		return nil
	})
}

// loadRecords reads the files of records. Their columns are made alike: a code and
// a zone are in the place of a property and of a region.
func (l *library) loadRecords() error {
	evidence := []string{"asOf", "confidence", "source", "note"}
	for _, file := range []struct {
		name    string
		columns []string
		into    *[]record
		make    func(row []string) record
	}{
		{"locations", []string{"vendor", "region", "property", "value"}, &l.locationRows, asRecord},
		{"operators", []string{"vendor", "region", "property", "value"}, &l.operatorRows, asRecord},
		{"codes", []string{"vendor", "region", "code", "country"}, &l.codes, asRecord},
		{"compute", []string{"vendor", "computeRegion", "storageRegion"}, &l.compute, func(row []string) record {
			return record{vendor: Vendor(row[0]), region: row[1], property: "storageRegion", value: row[2]}
		}},
		{"grid", []string{"zone", "value"}, &l.grid, func(row []string) record {
			return record{region: row[0], property: "gridIntensity", value: row[1]}
		}},
	} {
		width := len(file.columns)
		err := l.eachRow(file.name, slices.Concat(file.columns, evidence), func(row []string) error {
			made := file.make(row)
			var err error
			made.asOf, made.confidence, made.note = row[width], Confidence(row[width+1]), row[width+3]
			made.sourceIDs, made.source, err = l.sourcesOf(row[width+2])
			*file.into = append(*file.into, made)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, row := range l.grid {
		if _, err := parsed(row, strconv.Atoi); err != nil {
			return fmt.Errorf("zone %s: %w", row.region, err)
		}
	}
	return nil
}

func asRecord(row []string) record {
	return record{vendor: Vendor(row[0]), region: row[1], property: row[2], value: row[3]}
}

func (l *library) loadAttestations() error {
	columns := []string{
		"vendor", "service", "locations", "scheme", "version", "standing", "condition", "validFrom", "validUntil",
		"asOf", "confidence", "source", "note",
	}
	return l.eachRow("attestations", columns, func(row []string) error {
		ids, titles, err := l.sourcesOf(row[11])
		l.attestations = append(l.attestations, attestationRow{
			vendor: Vendor(row[0]), service: row[1], locations: strings.Fields(row[2]), sourceIDs: ids,
			Attestation: Attestation{
				Scheme: row[3], Version: row[4], Standing: Standing(row[5]), Condition: row[6],
				ValidFrom: row[7], ValidUntil: row[8],
				AsOf: row[9], Confidence: Confidence(row[10]), Source: titles, Note: row[12],
			},
		})
		return err
	})
}

// sourcesOf gives the ids in a cell and their titles in one text.
func (l *library) sourcesOf(cell string) (ids []string, titles string, err error) {
	ids = strings.Fields(cell)
	var named []string
	for _, id := range ids {
		source, known := l.sources[id]
		if !known {
			return nil, "", fmt.Errorf("source %q is not in sources.csv", id)
		}
		named = append(named, source.publisher+": "+source.title)
	}
	return ids, strings.Join(named, "; "), nil
}

// eachRow hands on the rows of a file.
func (l *library) eachRow(name string, columns []string, use func(row []string) error) error {
	return table.EachRow(l.files, "data/"+name+".csv", columns, use)
}
