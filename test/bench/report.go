package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// result is the median of a contestant at a work.
type result struct {
	work       work
	contestant string
	median     measure
}

// report prints the table, and writes it where it is wanted.
func (b *bench) report(results []result, decided decisions) error {
	table := b.table(results) + decided.table()
	fmt.Fprintf(b.out, "\n%s", table)
	if b.document == "" {
		return nil
	}
	text := fmt.Sprintf(`# Benchmarks

Measured on %s with %d CPUs, %s, medians of %d rounds in turn, by `+"`make bench BENCHARGS='-write docs/benchmarks.md'`"+`. Both S3 servers
(versitygw, posix) run on the same machine over loopback, so absolute times mean little: what counts are the ratios of one run.

The bare loop is the practical limit: GET and PUT by net/http with the keys known beforehand, no listing, no checksum, no metadata, no
manifest. The mover lists both sides, hashes every object with SHA-256, binds every request to that hash, carries the metadata over, and
keeps the manifest. Requests are per object at the source and at the target, listings and the manifest included.

%s`, time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, b.rounds, table)
	return os.WriteFile(b.document, []byte(text), 0o644)
}

func (b *bench) table(results []result) string {
	var table strings.Builder
	table.WriteString("| work | who | wall s | CPU s | peak MiB | requests per object | wall ratio | CPU ratio |\n|---|---|---|---|---|---|---|---|\n")
	var bare measure
	for _, r := range results {
		if r.contestant == "bare loop" {
			bare = r.median
		}
		m := r.median
		fmt.Fprintf(&table, "| %s | %s | %.2f | %.2f | %d | %.2f + %.2f | %.2f | %.2f |\n", r.work.name, r.contestant,
			m.wall.Seconds(), m.cpu.Seconds(), m.peak>>20, m.sourceRequests, m.targetRequests,
			m.wall.Seconds()/bare.wall.Seconds(), m.cpu.Seconds()/bare.cpu.Seconds())
	}
	return table.String()
}
