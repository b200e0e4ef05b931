package seal

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/rempart/rempart/internal/table"
)

//go:embed data/*.csv
var builtIn embed.FS

// calculator is the framework's, as it was read.
type calculator struct {
	criteria []Criterion
	// index finds a criterion by its number.
	index   map[string]int
	weights map[Weights]map[string]int
}

// built reads what is built in, once. Files that do not follow their schema stop
// the program, and the tests before it.
var built = sync.OnceValue(func() *calculator {
	c, err := load(builtIn)
	if err != nil {
		panic(fmt.Errorf("read the calculator that is built in: %w", err))
	}
	return c
})

// load reads the files of a folder called data.
func load(files fs.FS) (*calculator, error) {
	c := &calculator{index: map[string]int{}, weights: map[Weights]map[string]int{}}
	if err := table.EachRow(files, "data/weights.csv", weightColumns, c.addWeight); err != nil {
		return nil, err
	}
	if err := table.EachRow(files, "data/criteria.csv", criterionColumns, c.addCriterion); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	weightColumns    = []string{"weights", "objective", "name", "percent", "source", "date", "licence"}
	criterionColumns = []string{"criterion", "name", "lowest", "highest", "points", "levels", "source", "date", "licence", "note"}
)

func (c *calculator) addWeight(row []string) error {
	set := Weights(row[0])
	if c.weights[set] == nil {
		c.weights[set] = map[string]int{}
	}
	percent, err := strconv.Atoi(row[3])
	c.weights[set][row[1]] = percent
	return err
}

func (c *calculator) addCriterion(row []string) error {
	objective, _, _ := strings.Cut(row[0], ".")
	criterion := Criterion{ID: row[0], Objective: "SOV-" + objective, Name: row[1], Lowest: row[2], Highest: row[3]}
	points, levels := strings.Fields(row[4]), strings.Fields(row[5])
	if len(points) != len(levels) {
		return fmt.Errorf("criterion %s has %d points and %d levels", row[0], len(points), len(levels))
	}
	for i := range points {
		rung, err := parseRung(points[i], levels[i])
		if err != nil {
			return fmt.Errorf("criterion %s, rung %d: %w", row[0], i+1, err)
		}
		criterion.Rungs = append(criterion.Rungs, rung)
	}
	c.index[criterion.ID] = len(c.criteria)
	c.criteria = append(c.criteria, criterion)
	return nil
}

// parseRung reads points with up to two decimals, and a level.
func parseRung(points, level string) (Rung, error) {
	whole, decimals, _ := strings.Cut(points, ".")
	if len(decimals) > 2 {
		return Rung{}, fmt.Errorf("%q has more than two decimals", points)
	}
	hundredths, err := strconv.ParseUint(whole+(decimals + "00")[:2], 10, 31)
	if err != nil {
		return Rung{}, fmt.Errorf("%q is no number of points", points)
	}
	parsed, err := strconv.ParseUint(level, 10, 8)
	if err != nil || Level(parsed) > FullDigitalSovereignty {
		return Rung{}, fmt.Errorf("%q is no SEAL", level)
	}
	return Rung{Points: Points(hundredths), Level: Level(parsed)}, nil
}
