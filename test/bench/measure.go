package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// measure is what one piece of work cost the process that did it.
type measure struct {
	wall, cpu time.Duration
	// peak is the most memory it held, in bytes.
	peak int64
	// sourceRequests and targetRequests are per object.
	sourceRequests, targetRequests float64
}

func (m measure) String() string {
	return fmt.Sprintf("wall %6.2fs  cpu %6.2fs  peak %4d MiB  requests per object %.2f + %.2f",
		m.wall.Seconds(), m.cpu.Seconds(), m.peak>>20, m.sourceRequests, m.targetRequests)
}

// timed runs a command and measures its process.
func timed(command *exec.Cmd) (measure, error) {
	var errors bytes.Buffer
	command.Stderr = &errors
	started := time.Now()
	err := command.Run()
	m := measure{wall: time.Since(started)}
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", command.Path, err, errors.String())
	}
	usage, isUsage := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !isUsage {
		return m, fmt.Errorf("this system does not tell what a process used")
	}
	m.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	m.peak = usage.Maxrss
	if runtime.GOOS == "linux" {
		m.peak *= 1024 // Linux counts in KiB, others in bytes
	}
	return m, nil
}

// median gives the median of each figure by itself.
func median(measures []measure) measure {
	return measure{
		wall:           middle(measures, func(m measure) time.Duration { return m.wall }),
		cpu:            middle(measures, func(m measure) time.Duration { return m.cpu }),
		peak:           middle(measures, func(m measure) int64 { return m.peak }),
		sourceRequests: middle(measures, func(m measure) float64 { return m.sourceRequests }),
		targetRequests: middle(measures, func(m measure) float64 { return m.targetRequests }),
	}
}

func middle[T cmp.Ordered](measures []measure, figure func(measure) T) T {
	figures := make([]T, 0, len(measures))
	for _, m := range measures {
		figures = append(figures, figure(m))
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}
