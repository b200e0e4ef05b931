package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/rempart/rempart/test/harness/toolbox"
)

// about says what the figures are of. What does not change is written here, so that
// the page never tells another story than the code.
const about = `Measured on %s with %d CPUs, %s, %s, by
` + "`make bench-mover BENCHARGS='%s-write docs/benchmarks.md'`" + `, which took %s. Both S3 servers (versitygw %s, over files) run on the
same machine over loopback, so absolute times mean little: what counts are the ratios of one run.

- The **bare loop** is the practical limit: GET and PUT by net/http with the keys known beforehand, no listing, no checksum, no
  metadata, no manifest. Bare listings and bare reads are the same for their work.
- **rclone** %s runs with as many transfers and checkers as the others have workers, ` + "`--fast-list` and `--s3-no-check-bucket`" + `;
  **mc** %s chooses by itself.
- The **mover** is run as a Job runs it, everything as by default: it lists both sides, hashes every object with SHA-256, binds what
  it sends to what it read, carries the metadata over, and keeps the manifest. Its CPU and memory are those of its process.

Requests are per object at the source and at the target, listings and the manifest included. The bare loops and the mover count their
own; for rclone and mc they were counted in a turn of their own behind a proxy, which is not among those measured: it would distort
them. Where none was made there is a dash.

`

// section is what the page says of the mover.
func (b *bench) section(ctx context.Context, results []result, took time.Duration) string {
	var text strings.Builder
	fmt.Fprintf(&text, about, time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, inWords(results), b.quickly(),
		took.Round(time.Minute), version(ctx, toolbox.VersityGW), version(ctx, toolbox.Rclone), version(ctx, toolbox.MC))
	text.WriteString("| work | who | wall s | CPU s | peak MiB | requests per object | wall ratio | CPU ratio |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		r.writeFigures(&text)
	}
	text.WriteString("\n### Goals\n\n| work | what | goal | measured | |\n|---|---|---|---|---|\n")
	for _, r := range results {
		for _, g := range r.work.goals {
			got := g.got(r.medians)
			fmt.Fprintf(&text, "| %s | %s | ≤ %.4g | %.3g | %s |\n", r.work.name, g.says, g.limit, got, g.verdict(got))
		}
	}
	return text.String()
}

// quickly is the argument for a tenth of the work, where that was done.
func (b *bench) quickly() string {
	if b.quick {
		return "-quick "
	}
	return ""
}

// inWords says how many rounds there were.
func inWords(results []result) string {
	most, least := 0, math.MaxInt
	for _, r := range results {
		if r.work.rounds == 0 {
			most, least = max(most, r.rounds), min(least, r.rounds)
		}
	}
	switch {
	case most <= 1:
		return "one round"
	case most == least:
		return fmt.Sprintf("medians of %d rounds in turn", most)
	}
	return fmt.Sprintf("medians of %d to %d rounds in turn", least, most)
}

// writeFigures writes a line for each contestant. Ratios are to the first one.
func (r result) writeFigures(text *strings.Builder) {
	first := r.medians[r.work.contestants[0].name]
	for _, c := range r.work.contestants {
		m := r.medians[c.name]
		fmt.Fprintf(text, "| %s | %s | %.2f | %.2f | %d | %s | %.2f | %.2f |\n", r.work.name, c.name,
			m.wall.Seconds(), m.cpu.Seconds(), m.peak>>20, m.requestsPerObject(),
			m.wall.Seconds()/first.wall.Seconds(), m.cpu.Seconds()/first.cpu.Seconds())
	}
}

// version is that of a tool, shortened where it is made of a commit.
func version(ctx context.Context, tool toolbox.Tool) string {
	found, err := toolbox.Version(ctx, tool)
	if err != nil {
		return "of an unknown version"
	}
	return found
}
