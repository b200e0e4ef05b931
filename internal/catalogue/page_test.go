package catalogue

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var recording = flag.Bool("record", false, "write the catalogue into the page about it")

const (
	pageFile  = "../../docs/catalogue.md"
	pageBegin = "<!-- From here on the page is written by `make catalogue-page` and checked by a test. -->\n"
)

func TestThePageSaysWhatTheCatalogueHas(t *testing.T) {
	content, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	written, _, hasBegin := strings.Cut(string(content), pageBegin)
	if !hasBegin {
		t.Fatalf("%s does not say where its tables begin", pageFile)
	}
	want := written + pageBegin + "\n" + tables(built())
	if *recording {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, string(content)); diff != "" {
		t.Errorf("docs/catalogue.md is out of step with the data: run `make catalogue-page` (-want +got):\n%s", diff)
	}
}

// Every fact is on the page with its date, the kind of its evidence and its source.
func TestThePageLeavesNothingOut(t *testing.T) {
	l, page := built(), tables(built())
	for _, row := range l.facts() {
		value := row.value
		if value == "" {
			value = row.note
		}
		if !slices.ContainsFunc(strings.Split(page, "\n"), func(line string) bool {
			for _, part := range append([]string{inTable(value), row.asOf, string(row.confidence)}, row.sourceIDs...) {
				if !strings.Contains(line, part) {
					return false
				}
			}
			return strings.Contains(line, inTable(row.region))
		}) {
			t.Errorf("the page lacks %s %s", row.region, row.property)
		}
	}
	for _, row := range l.attestations {
		if !strings.Contains(page, "| "+strings.TrimSpace(row.Scheme+" "+row.Version)+" | "+string(row.Standing)+" |") {
			t.Errorf("the page lacks %s", row.Scheme)
		}
	}
	for id := range l.sources {
		if !strings.Contains(page, "| `"+id+"` |") {
			t.Errorf("the page lacks the source %s", id)
		}
	}
}

func tables(l *library) string {
	var b strings.Builder
	for _, vendor := range Vendors() {
		fmt.Fprintf(&b, "## %s\n\n", vendor)
		writeLocations(&b, l.locations[vendor])
		b.WriteString("### Where that comes from\n\n")
		writeFacts(&b, of(vendor, l.locationRows))
		b.WriteString("### Who runs it\n\n")
		writeFacts(&b, of(vendor, l.operatorRows))
		b.WriteString("### What is attested of object storage, and what is not\n\n")
		writeAttestations(&b, l, vendor)
		if codes := of(vendor, l.codes); len(codes) > 0 {
			b.WriteString("### Data centres that the API names\n\n")
			writeFacts(&b, namingCodes(codes))
		}
		if compute := of(vendor, l.compute); len(compute) > 0 {
			b.WriteString("### Compute regions that follow no rule\n\n")
			writeFacts(&b, compute)
		}
	}
	b.WriteString("## Power grids\n\nGrams of CO2 equivalent per kWh that is generated, life cycle, average of the year. Our World in Data and Ember, Yearly Electricity Data,\n" +
		"CC BY 4.0; selected, rounded and given ISO codes here.\n\n")
	writeFacts(&b, l.grid)
	b.WriteString("## Sources\n\nPositions of cities are from GeoNames, CC BY 4.0, rounded. `cited` means that single facts were taken, and no text or table.\n\n" +
		"| source | title | date | licence | where |\n|---|---|---|---|---|\n")
	for _, id := range slices.Sorted(maps.Keys(l.sources)) {
		s := l.sources[id]
		fmt.Fprintf(&b, "| `%s` | %s: %s | %s | %s | %s |\n", id, s.publisher, s.title, s.date, s.licence, s.address)
	}
	return b.String()
}

func of(vendor Vendor, rows []record) []record {
	return slices.DeleteFunc(slices.Clone(rows), func(row record) bool { return row.vendor != vendor })
}

func writeLocations(b *strings.Builder, locations []Location) {
	b.WriteString("| location | country | subdivision | city | position | zones | endpoint | PUE | g/kWh |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, l := range locations {
		position := "?"
		if l.Latitude.Known {
			position = fmt.Sprintf("%g, %g", l.Latitude.Value, l.Longitude.Value)
		}
		name := "`" + l.Region + "`"
		if _, excluded := l.IsExcluded(); excluded {
			name += " (excluded)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | `%s` | %s | %s |\n", name,
			shown(l.Country), shown(l.Subdivision), shown(l.City), position, shown(l.AvailabilityZones), shown(l.Endpoint), shown(l.PUE), shown(l.GridIntensity))
	}
	b.WriteString("\n")
}

func writeAttestations(b *strings.Builder, l *library, vendor Vendor) {
	b.WriteString("| scheme | standing | where | what you must do | as of | evidence | source | note |\n|---|---|---|---|---|---|---|---|\n")
	for _, row := range l.attestations {
		if row.vendor != vendor {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | `%s` | %s | %s | %s | `%s` | %s |\n",
			strings.TrimSpace(row.Scheme+" "+row.Version), row.Standing, strings.Join(row.locations, "`, `"), inTable(row.Condition),
			row.AsOf, row.Confidence, strings.Join(row.sourceIDs, "`, `"), inTable(row.Note+validity(row.Attestation)))
	}
	b.WriteString("\n")
}

func validity(a Attestation) string {
	var text string
	if a.ValidFrom != "" {
		text += "; from " + a.ValidFrom
	}
	if a.ValidUntil != "" {
		text += "; until " + a.ValidUntil
	}
	return text
}

// namingCodes has the code beside its region, and the country as the property.
func namingCodes(rows []record) []record {
	named := slices.Clone(rows)
	for i, row := range rows {
		named[i].region, named[i].property = row.region+" "+row.property, "country"
	}
	return named
}

// shown gives a question mark for what is unknown.
func shown[T any](fact Fact[T]) string {
	value, known := fact.Get()
	if !known {
		return "?"
	}
	return fmt.Sprint(value)
}

// writeFacts has one line for all rows that have property and evidence in common.
func writeFacts(b *strings.Builder, rows []record) {
	type shared struct {
		property, asOf, confidence, source, note string
		isSilent                                 bool
	}
	var order []shared
	where := map[shared][]string{}
	for _, row := range rows {
		key := shared{row.property, row.asOf, string(row.confidence), "`" + strings.Join(row.sourceIDs, "`, `") + "`", row.note, row.value == ""}
		if _, seen := where[key]; !seen {
			order = append(order, key)
		}
		where[key] = append(where[key], said(row))
	}
	slices.SortStableFunc(order, func(a, b shared) int { return cmp.Compare(a.property, b.property) })
	b.WriteString("| fact | where: what | as of | evidence | source | note |\n|---|---|---|---|---|---|\n")
	for _, key := range order {
		what := strings.Join(where[key], ", ")
		if key.isSilent {
			what += ": not asserted"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", inWords(key.property), what, key.asOf, key.confidence, key.source, inTable(key.note))
	}
	b.WriteString("\n")
}

// inWords parts the words of a property: seatCountry is seat country.
func inWords(property string) string {
	if known := map[string]string{
		"pue": "PUE", "lei": "LEI", "nonEUHolderPercent": "largest holder outside the EU, in percent",
		"nonEUTotalPercent": "all holders outside the EU, in percent", "gridIntensity": "g/kWh",
	}[property]; known != "" {
		return known
	}
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(property, "$1 $2"))
}

func said(row record) string {
	if row.value == "" {
		return "`" + row.region + "`"
	}
	return "`" + row.region + "`: " + inTable(row.value)
}

func inTable(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
