package seal

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var recording = flag.Bool("record", false, "write the calculator into the page about it")

const (
	pageFile  = "../../docs/seal.md"
	pageBegin = "<!-- From here on the page is written by `make seal-page` and checked by a test. -->\n"
)

func TestThePageSaysWhatTheCalculatorHas(t *testing.T) {
	content, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	written, _, hasBegin := strings.Cut(string(content), pageBegin)
	if !hasBegin {
		t.Fatalf("%s does not say where its tables begin", pageFile)
	}
	want := written + pageBegin + "\n" + weightTable(t) + "\n" + criterionTable(t)
	if *recording {
		if err := os.WriteFile(pageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(content)); diff != "" {
		t.Errorf("docs/seal.md is out of step with the data: run `make seal-page` (-want +got):\n%s", diff)
	}
}

func weightTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("## Weights\n\n| objective | about |")
	for _, set := range WeightSets() {
		fmt.Fprintf(&table, " `%s` |", set)
	}
	table.WriteString("\n|---|---|---|---|\n")
	for _, row := range rowsOf(t, "weights") {
		if row["weights"] != string(WeightSets()[0]) {
			continue
		}
		fmt.Fprintf(&table, "| %s | %s |", row["objective"], row["name"])
		for _, set := range WeightSets() {
			fmt.Fprintf(&table, " %d %% |", WeightOf(set, row["objective"]))
		}
		table.WriteString("\n")
	}
	return table.String()
}

func criterionTable(t *testing.T) string {
	t.Helper()
	notes := map[string]string{}
	for _, row := range rowsOf(t, "criteria") {
		notes[row["criterion"]] = row["note"]
	}
	var table strings.Builder
	table.WriteString("## Criteria\n\nThe SEAL of each rung, the worst first.\n\n")
	table.WriteString("| criterion | about | rung 1 | best rung | SEAL of the rungs | points |\n|---|---|---|---|---|---|\n")
	for _, criterion := range Criteria() {
		var levels, points []string
		for _, rung := range criterion.Rungs {
			levels = append(levels, fmt.Sprint(int(rung.Level)))
			points = append(points, strings.TrimSuffix(fmt.Sprintf("%d.%02d", rung.Points/100, rung.Points%100), ".00"))
		}
		about := criterion.Name
		if note := notes[criterion.ID]; note != "" {
			about += " (" + note + ")"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", criterion.ID, about, criterion.Lowest, criterion.Highest,
			strings.Join(levels, " "), strings.Join(points, " "))
	}
	return table.String()
}
