// Command mutants breaks the rules of placement and the perimeters of geo one at a
// time, and tells which break no test notices. The source on disk stays as it is:
// each break is an overlay of one build.
//
// A rule is broken once by leaving it out where rules are listed, and once by turning
// a condition in it round. Without -all only the first is done, and the second where
// rules are joined, which takes some minutes; the time that it may take is bounded.
//
// Start reading at find, which makes the mutants; hunt tries them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	all := flag.Bool("all", false, "also turn every condition round in the files of the rules")
	within := flag.Duration("within", 20*time.Minute, "how long it may take")
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, *within)
	defer cancel()
	if err := hunt(ctx, os.Stdout, targets(*all)); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called, and the timer goes with the process
	}
}

// target is a file to break, with what of it.
type target struct {
	pattern string
	lists   bool
	turns   bool
}

const (
	rulesPackage = "internal/placement"
	geoPackage   = "internal/geo"
)

// targets are the files that hold the rules, and where they are joined.
func targets(all bool) []target {
	wanted := []target{
		{pattern: rulesPackage + "/judge.go", lists: true},
		{pattern: rulesPackage + "/set.go", turns: true},
		{pattern: rulesPackage + "/set_*.go", turns: true},
		{pattern: geoPackage + "/geo.go", turns: true},
	}
	if all {
		wanted = append(wanted, target{pattern: rulesPackage + "/rule_*.go", turns: true}, target{pattern: geoPackage + "/point.go", turns: true})
	}
	return wanted
}
