package toolbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// build is one tool to be made.
type build struct {
	tool    Tool
	recipe  recipe
	version string
	target  string
}

// build makes the tool under a temporary name and renames it, so that nobody
// ever runs half a file, and holds a lock across processes meanwhile: `go test`
// runs packages in processes of their own, and two of them linking an API
// server at once would take twice as long on two cores.
func (f *finder) build(ctx context.Context, b build) error {
	dir := filepath.Dir(b.target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make room for built tools: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "."+string(b.tool)+".lock"), func() {
		fmt.Fprintf(f.out, "waiting for another process that prepares %s …\n", b.tool)
	})
	if err != nil {
		return fmt.Errorf("build %s: %w", b.tool, err)
	}
	defer unlock()
	if executable(b.target) {
		return nil // the process we waited for has built it
	}
	return f.compile(ctx, b)
}

func (f *finder) compile(ctx context.Context, b build) error {
	// A build that was killed may have left its file; we hold the lock, so
	// nobody else is writing one.
	temporary := b.target + ".new"
	defer func() { _ = os.Remove(temporary) }()

	cmd := exec.CommandContext(ctx, f.goTool, "build", "-C", filepath.Join(f.root, b.recipe.dir),
		"-o", temporary, "-ldflags", b.recipe.ldflags(b.version), b.recipe.pkg)
	// The tool runs here whatever the caller cross-compiles for, and a
	// workspace file above the checkout must not change what is pinned.
	cmd.Env = append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOWORK=off")
	// An interrupted `go build` ends its compilers; a killed one leaves them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output

	p := startProgress(f.out, fmt.Sprintf("building %s %s (once, about %s)", b.tool, b.version, b.recipe.takes))
	err := cmd.Run()
	p.finish(fmt.Sprintf("built %s %s", b.tool, b.version), err)
	if err != nil {
		return buildError(ctx, b, err, output.String())
	}
	if err := os.Rename(temporary, b.target); err != nil {
		return fmt.Errorf("keep %s: %w", b.tool, err)
	}
	return nil
}

// buildError leaves out the download lines, which hide what went wrong.
func buildError(ctx context.Context, b build, err error, output string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("build %s: %w", b.tool, errors.Join(ctx.Err(), err))
	}
	var lines []string
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, "go: downloading ") {
			lines = append(lines, line)
		}
	}
	const most = 30
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return fmt.Errorf("build %s with `go build -C %s %s`: %w\n%s",
		b.tool, b.recipe.dir, b.recipe.pkg, err, strings.Join(lines, ""))
}
