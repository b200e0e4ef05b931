// Command toolbox makes the tools that Rempart's development needs available.
//
//	toolbox -path kubectl    print the path of one tool, building it if needed
//	toolbox prepare          make everything that the tests need
//	toolbox list             name every tool and its version
//
// Progress goes to the standard error, so that the path can be captured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/rempart/rempart/test/harness/toolbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "toolbox:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("toolbox", flag.ExitOnError)
	path := flags.String("path", "", "print the path of this `tool`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch command := flags.Arg(0); {
	case *path != "" && flags.NArg() == 0:
		return printPath(ctx, toolbox.Tool(*path))
	case *path == "" && command == "prepare":
		return prepare(ctx)
	case *path == "" && command == "list":
		return list(ctx)
	}
	return errors.New("use one of: toolbox -path TOOL, toolbox prepare, toolbox list")
}

func printPath(ctx context.Context, tool toolbox.Tool) error {
	path, err := toolbox.Find(ctx, os.Stderr, tool)
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

func prepare(ctx context.Context) error {
	for _, tool := range toolbox.ForTests() {
		if _, err := toolbox.Find(ctx, os.Stderr, tool); err != nil {
			return err
		}
	}
	return nil
}

func list(ctx context.Context) error {
	for _, tool := range toolbox.All() {
		version, err := toolbox.Version(ctx, tool)
		if err != nil {
			return err
		}
		fmt.Printf("%-24s %s\n", tool, version)
	}
	return nil
}
