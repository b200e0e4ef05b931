// Command bench measures how places are chosen beside a naive greedy choice, and the
// mover beside a bare loop in one run: the same work,
// the same two S3 servers, in turn, several rounds. It prints medians and their
// ratios, which mean something on a shared machine where absolute times do not.
//
// The bare loop is the practical limit: GET and PUT by net/http with keys known
// beforehand, no listing, no checksum, no metadata.
//
// Start reading at bench.run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		exit(bareLoop(ctx, os.Args[2:]))
	}
	b := &bench{out: os.Stdout}
	flag.IntVar(&b.rounds, "rounds", 3, "how often each contestant does each work")
	flag.StringVar(&b.document, "write", "", "file that the table is written to, such as docs/benchmarks.md")
	flag.BoolVar(&b.quick, "quick", false, "a tenth of the work, to see that the bench itself works")
	flag.BoolVar(&b.onlyPlacement, "placement", false, "measure only how places are chosen, and print it")
	flag.Parse()
	err := b.run(ctx)
	b.cleanUp()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
