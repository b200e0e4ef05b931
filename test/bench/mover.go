package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rempart/rempart/internal/mover"
)

// runMover runs the mover's own command, as a Job does.
func (b *bench) runMover(ctx context.Context, w work, from, to string) (measure, error) {
	spec := filepath.Join(b.dir, "spec.yaml")
	text := fmt.Sprintf(`
source: {endpoint: %q, region: %q, bucket: %s, credentials: {accessKeyEnv: SOURCE_KEY, secretKeyEnv: SOURCE_SECRET}}
target: {endpoint: %q, region: %q, bucket: %s, credentials: {accessKeyEnv: TARGET_KEY, secretKeyEnv: TARGET_SECRET}}
`, b.source.Endpoint, b.source.Region, from, b.target.Endpoint, b.target.Region, to)
	if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
		return measure{}, err
	}
	command := exec.CommandContext(ctx, b.mover, "run", "--spec", spec, "--progress", "none")
	command.Env = append(os.Environ(), b.credentials()...)
	var output bytes.Buffer
	command.Stdout = &output
	m, err := timed(command)
	if err != nil {
		return m, fmt.Errorf("%w\n%s", err, output.String())
	}
	var report mover.Report
	lines := bytes.Split(bytes.TrimSpace(output.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &report); err != nil {
		return m, fmt.Errorf("read the mover's report: %w", err)
	}
	m.sourceRequests = perObject(report.Requests.Source, w.objects)
	m.targetRequests = perObject(report.Requests.Target, w.objects)
	return m, nil
}

func perObject(requests map[string]int64, objects int) float64 {
	var all int64
	for _, count := range requests {
		all += count
	}
	return float64(all) / float64(objects)
}
