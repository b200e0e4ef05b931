// Command bench measures how places are chosen beside a naive greedy choice, and what
// the webhook adds to the admission of a bucket. It prints medians and their ratios,
// which mean something on a shared machine where absolute times do not. The mover is
// measured by the command in the folder mover.
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
	b := &bench{out: os.Stdout}
	flag.IntVar(&b.rounds, "rounds", 3, "how often each is measured")
	flag.StringVar(&b.document, "write", "", "page whose sections are written, such as docs/benchmarks.md")
	flag.BoolVar(&b.quick, "quick", false, "a tenth of the requests, to see that the bench itself works")
	flag.BoolVar(&b.onlyPlacement, "placement", false, "measure only how places are chosen, and print it")
	flag.BoolVar(&b.onlyAdmission, "admission", false, "measure only what the webhook adds to an admission, and print it")
	flag.Parse()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
