package seal

import (
	"encoding/csv"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// rowsOf reads a file of the data, without its first row.
func rowsOf(t *testing.T, name string) []map[string]string {
	t.Helper()
	content, err := os.ReadFile("data/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	reader := csv.NewReader(strings.NewReader(string(content)))
	reader.Comment = '#'
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var found []map[string]string
	for _, row := range rows[1:] {
		named := map[string]string{}
		for i, column := range rows[0] {
			named[column] = row[i]
		}
		found = append(found, named)
	}
	return found
}

func TestEveryFigureSaysWhereItIsFrom(t *testing.T) {
	sources := map[string]map[string]string{}
	for _, source := range rowsOf(t, "sources") {
		sources[source["id"]] = source
		if !regexp.MustCompile(`^20\d\d-\d\d(-\d\d)?$`).MatchString(source["date"]) || !strings.HasPrefix(source["address"], "https://") {
			t.Errorf("source %s has the date %q and the address %q", source["id"], source["date"], source["address"])
		}
		if source["licence"] != "CC-BY-4.0" {
			t.Errorf("source %s is under %q: may it be shipped?", source["id"], source["licence"])
		}
	}
	for _, row := range append(rowsOf(t, "criteria"), rowsOf(t, "weights")...) {
		source, known := sources[row["source"]]
		if !known || source["date"] != row["date"] || source["licence"] != row["licence"] {
			t.Errorf("%s%s is from %q of %q under %q", row["criterion"], row["objective"], row["source"], row["date"], row["licence"])
		}
	}
	readme, err := os.ReadFile("data/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"© European Union", "CC BY 4.0", "2011/833/EU", "What was changed"} {
		if !strings.Contains(string(readme), must) {
			t.Errorf("the attribution lacks %q", must)
		}
	}
}

func TestTheCriteriaAreThoseOfTheFramework(t *testing.T) {
	counts := map[string]int{}
	var inert []string
	rungs := map[int][]string{}
	for _, criterion := range built().criteria {
		counts[criterion.Objective]++
		if !criterion.IsDecisive() {
			inert = append(inert, criterion.ID)
		}
		if count := len(criterion.Rungs); count != 5 {
			rungs[count] = append(rungs[count], criterion.ID)
		}
		if !slices.IsSortedFunc(criterion.Rungs, func(a, b Rung) int {
			return max(int(a.Points-b.Points), int(a.Level-b.Level))
		}) {
			t.Errorf("the rungs of %s do not rise: %v", criterion.ID, criterion.Rungs)
		}
		last := criterion.Rungs[len(criterion.Rungs)-1]
		if criterion.Rungs[0].Points != 0 || last.Level != FullDigitalSovereignty {
			t.Errorf("the rungs of %s begin at %v and end at %v", criterion.ID, criterion.Rungs[0], last)
		}
		for _, text := range []string{criterion.Name, criterion.Lowest, criterion.Highest} {
			if text == "" || len(text) > 100 {
				t.Errorf("%s says %q", criterion.ID, text)
			}
		}
	}
	wantCounts := map[string]int{"SOV-1": 8, "SOV-2": 6, "SOV-3": 5, "SOV-4": 6, "SOV-5": 7, "SOV-6": 5, "SOV-7": 7, "SOV-8": 4}
	if diff := cmp.Diff(wantCounts, counts); diff != "" {
		t.Errorf("criteria of each objective (-want +got):\n%s", diff)
	}
	wantInert := []string{"1.2", "1.4", "1.5", "1.6", "1.7", "2.5", "5.3", "7.2", "8.4"}
	if diff := cmp.Diff(wantInert, inert); diff != "" {
		t.Errorf("criteria that only move the score (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int][]string{3: {"2.1"}, 4: {"1.1", "1.3", "1.7"}}, rungs); diff != "" {
		t.Errorf("criteria without five rungs (-want +got):\n%s", diff)
	}
	if len(built().criteria) != CriterionCount || CriterionCount-len(inert) != DecisiveCount {
		t.Errorf("%d criteria, %d of them inert", len(built().criteria), len(inert))
	}
}

// The points are rounded in the workbook, so that the objectives do not add up to
// 1000 each.
func TestTheHighestPointsOfEachObjective(t *testing.T) {
	got := map[string]Points{}
	for _, criterion := range built().criteria {
		got[criterion.Objective] += criterion.Rungs[len(criterion.Rungs)-1].Points
	}
	want := map[string]Points{
		"SOV-1": 100003, "SOV-2": 100200, "SOV-3": 100000, "SOV-4": 100200, "SOV-5": 100100, "SOV-6": 100000, "SOV-7": 100100, "SOV-8": 100000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEverySetOfWeightsAddsUp(t *testing.T) {
	for _, set := range WeightSets() {
		sum := 0
		for _, percent := range built().weights[set] {
			sum += percent
		}
		if sum != 100 || len(built().weights[set]) != 8 {
			t.Errorf("%s adds up to %d over %d objectives", set, sum, len(built().weights[set]))
		}
	}
	if len(built().weights) != len(WeightSets()) {
		t.Errorf("%d sets, and %d are named", len(built().weights), len(WeightSets()))
	}
	if WeightOf("csf-1999", "SOV-1") != 0 {
		t.Error("a set that there is not weighs something")
	}
}

func TestFilesThatDoNotFollowTheSchemaAreRefused(t *testing.T) {
	const (
		weights  = "weights,objective,name,percent,source,date,licence\n"
		criteria = "criterion,name,lowest,highest,points,levels,source,date,licence,note\n"
	)
	for name, test := range map[string]struct{ weights, criteria, want string }{
		"no row of columns":       {"", criteria, "the first row must be"},
		"other columns":           {weights, "criterion,name,lowest,highest,points,levels,source,date,licence,notes\n", "the first row must be"},
		"too few columns":         {weights, criteria + "1.1,a,b,c\n", "wrong number of fields"},
		"no weight":               {weights + "w,SOV-1,n,many,s,d,l\n", criteria, "weights.csv, row 1"},
		"points without levels":   {weights, criteria + "1.1,a,b,c,0 1,4,s,d,l,\n", "2 points and 1 levels"},
		"points with a third":     {weights, criteria + "1.1,a,b,c,0.125,4,s,d,l,\n", "more than two decimals"},
		"points that are none":    {weights, criteria + "1.1,a,b,c,-1,4,s,d,l,\n", "no number of points"},
		"a level above SEAL-4":    {weights, criteria + "1.1,a,b,c,1,5,s,d,l,\n", `"5" is no SEAL`},
		"a level that is no name": {weights, criteria + "1.1,a,b,c,1,high,s,d,l,\n", `"high" is no SEAL`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(fstest.MapFS{
				"data/weights.csv": {Data: []byte(test.weights)}, "data/criteria.csv": {Data: []byte(test.criteria)},
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	for _, missing := range []fstest.MapFS{{}, {"data/weights.csv": {Data: []byte(weights)}}} {
		if _, err := load(fs.FS(missing)); err == nil {
			t.Error("a file that is missing was not missed")
		}
	}
}
