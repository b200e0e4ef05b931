package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// decisions is what deciding about 1 000 buckets took, by search and by a naive
// greedy choice that looks at the same facts.
type decisions struct {
	search, greedy contest
}

// contest is what one way to choose came to: medians of all rounds.
type contest struct {
	milliseconds float64
	// placed are the buckets that found a place for every copy.
	placed float64
}

// benchmarked is a line of the Go benchmark in internal/placement.
var benchmarked = regexp.MustCompile(`(?m)^BenchmarkThousandBuckets/(search|greedy)\s+\d+\s+([\d.]+) ns/op\s+([\d.]+) placed`)

// decide runs the Go benchmark of placement, on one core and both ways in turn.
func (b *bench) decide(ctx context.Context) (decisions, error) {
	root, err := toolbox.Root()
	if err != nil {
		return decisions{}, err
	}
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkThousandBuckets$",
		"-cpu", "1", "-count", strconv.Itoa(b.rounds), "./internal/placement")
	command.Dir = root
	output, err := command.CombinedOutput()
	if err != nil {
		return decisions{}, fmt.Errorf("measure placement: %w\n%s", err, output)
	}
	found, err := readDecisions(output)
	if err == nil {
		fmt.Fprintf(b.out, "1 000 buckets × 60 candidates on one core: search %.0f ms, %.0f placed; naive greedy %.0f ms, %.0f placed; ratio %.2f\n",
			found.search.milliseconds, found.search.placed, found.greedy.milliseconds, found.greedy.placed, found.ratio())
	}
	return found, err
}

func readDecisions(output []byte) (decisions, error) {
	figures := map[string][2][]float64{}
	for _, line := range benchmarked.FindAllSubmatch(bytes.TrimSpace(output), -1) {
		nanoseconds, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			return decisions{}, err
		}
		placed, err := strconv.ParseFloat(string(line[3]), 64)
		if err != nil {
			return decisions{}, err
		}
		who := figures[string(line[1])]
		who[0], who[1] = append(who[0], nanoseconds/1e6), append(who[1], placed)
		figures[string(line[1])] = who
	}
	if len(figures) < 2 { //nolint:mnd // search and greedy
		return decisions{}, fmt.Errorf("the benchmark of placement printed no results:\n%s", output)
	}
	return decisions{search: contestOf(figures["search"]), greedy: contestOf(figures["greedy"])}, nil
}

func contestOf(figures [2][]float64) contest {
	for _, f := range figures {
		slices.Sort(f)
	}
	return contest{milliseconds: figures[0][len(figures[0])/2], placed: figures[1][len(figures[1])/2]}
}

func (d decisions) ratio() float64 { return d.search.milliseconds / d.greedy.milliseconds }

// table is the section of the page about placement.
func (d decisions) table() string {
	return fmt.Sprintf(`1 000 buckets under 20 policies, 60 places to choose from, one core (`+"`BenchmarkThousandBuckets`"+` in internal/placement). The naive greedy choice
looks at the same facts, takes one place after the other by its points, and never takes one back: it is faster, and finds no
place for some datasets that have one.

| who | ms | buckets placed | ratio |
|---|---|---|---|
| naive greedy | %.0f | %.0f | 1.00 |
| search | %.0f | %.0f | %.2f |
`, d.greedy.milliseconds, d.greedy.placed, d.search.milliseconds, d.search.placed, d.ratio())
}
