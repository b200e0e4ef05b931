package main

import (
	"errors"
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

// report prints the tables, and writes them where they are wanted.
func (b *bench) report(results []result, admission string) error {
	var table string
	if len(results) > 0 {
		table = b.table(results)
	}
	fmt.Fprintf(b.out, "\n%s\n%s", table, admission)
	if b.document == "" {
		return nil
	}
	if b.only != "" {
		return errors.New("-write needs everything measured: leave -only out")
	}
	text := fmt.Sprintf(`# Benchmarks

Measured on %s with %d CPUs, %s, medians of %d rounds in turn, by `+"`make bench BENCHARGS='-write docs/benchmarks.md'`"+`. Both S3 servers
(versitygw, posix) run on the same machine over loopback, so absolute times mean little: what counts are the ratios of one run.

The bare loop is the practical limit: GET and PUT by net/http with the keys known beforehand, no listing, no checksum, no metadata, no
manifest. The mover lists both sides, hashes every object with SHA-256, binds every request to that hash, carries the metadata over, and
keeps the manifest. Requests are per object at the source and at the target, listings and the manifest included.

%s
Admission is measured by the API server's answer to a dry run, in one process with the operator: sixty places, one policy and four baselines.
The bucket names two places, or the webhook would not be asked at all.

%s`, time.Now().UTC().Format("2 January 2006"), runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, b.rounds, table, admission)
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
