package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"

	"github.com/rempart/rempart/internal/app/standalone"
	"github.com/rempart/rempart/internal/mover"
)

// moverRun gives a command line of the mover's own command, as a Job runs it, with
// everything as it is by default: verification is on.
func moverRun(b *bench, t turn) (args, environment []string, err error) {
	spec := filepath.Join(b.dir, "spec.yaml")
	text := fmt.Sprintf(`
source: {endpoint: %q, region: %q, bucket: %s, caFile: %q, credentials: {accessKeyEnv: SOURCE_KEY, secretKeyEnv: SOURCE_SECRET}}
target: {endpoint: %q, region: %q, bucket: %s, caFile: %q, credentials: {accessKeyEnv: TARGET_KEY, secretKeyEnv: TARGET_SECRET}}
`, t.source.endpoint, t.source.region, t.source.bucket, t.bundle, t.target.endpoint, t.target.region, t.target.bucket, t.bundle)
	if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
		return nil, nil, err
	}
	program := []string{b.programs.mover}
	if t.profile != "" {
		program = []string{b.programs.self, "profiled", t.profile}
	}
	return append(program, "run", "--spec", spec, "--progress", "none"), nil, nil
}

// readMover reads the mover's report, and has what it did looked at.
func readMover(isDone func(r mover.Report, objects int64) bool) func(output []byte, m *measure, objects int) error {
	return func(output []byte, m *measure, objects int) error {
		var report mover.Report
		lines := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &report); err != nil {
			return fmt.Errorf("read the mover's report: %w", err)
		}
		if !isDone(report, int64(objects)) {
			return fmt.Errorf("the mover did something else than it should: %s", lines[len(lines)-1])
		}
		m.counted(sum(report.Requests.Source), sum(report.Requests.Target), objects)
		return nil
	}
}

func copiedAll(r mover.Report, objects int64) bool {
	return r.Copied == objects && r.Verified == objects
}

func skippedAll(r mover.Report, objects int64) bool {
	return r.Skipped == objects && r.Verified == 0
}

func verifiedAll(r mover.Report, objects int64) bool {
	return r.Skipped == objects && r.Verified == objects
}

func sum(requests map[string]int64) (all int64) {
	for _, count := range requests {
		all += count
	}
	return all
}

// profiled is the mover with a profile of what it does: in NAME.cpu where the time
// goes, in NAME.mem where memory was taken.
func profiled(name string, args []string) error {
	cpu, err := os.Create(name + ".cpu")
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	runtime.MemProfileRate = 64 << 10
	code := standalone.RunMover(args, "profiled")
	pprof.StopCPUProfile()
	memory, err := os.Create(name + ".mem")
	if err != nil {
		return err
	}
	err = errors.Join(pprof.Lookup("allocs").WriteTo(memory, 0), memory.Close(), cpu.Close())
	if code != 0 {
		err = errors.Join(err, fmt.Errorf("the mover ended with %d", code))
	}
	return err
}
