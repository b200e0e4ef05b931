// Command mover measures the mover beside rclone, mc and bare loops: the same work,
// the same two S3 servers, in turn, several rounds, and says which goals are met.
// What counts are the ratios of one run, which mean something on a shared machine
// where absolute times do not.
//
// A bare loop is the practical limit: requests by net/http alone, with keys known
// beforehand, no listing, no checksum, no metadata, no manifest.
//
// Start reading at bench.run; works.go is the table of what is measured,
// contestants.go that of who does it, goals.go what is wanted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "bare":
			exit(bare(ctx, os.Args[2:]))
		case "profiled":
			exit(profiled(os.Args[2], os.Args[3:]))
		}
	}
	b := &bench{out: os.Stdout}
	only := ""
	flag.IntVar(&b.rounds, "rounds", 5, "how often each contestant does each work")
	flag.StringVar(&b.page, "write", "", "page whose section is written, such as docs/benchmarks.md")
	flag.BoolVar(&b.quick, "quick", false, "a tenth of the work in one round, to see that the bench itself works")
	flag.StringVar(&only, "only", "", "measure only works whose name matches this regular expression")
	flag.StringVar(&b.profiles, "profile", "", "folder for profiles of the mover, which cost it a little")
	flag.DurationVar(&b.within, "within", 24*time.Minute, "how long it all may take: on a slow machine there are fewer rounds")
	flag.Parse()
	var err error
	if b.only, err = regexp.Compile(only); err == nil {
		err = b.run(ctx)
	}
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
