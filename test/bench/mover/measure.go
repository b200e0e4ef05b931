package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// measure is what one piece of work cost the process that did it.
type measure struct {
	wall, cpu time.Duration
	// peak is the most memory it held, in bytes; 0 where that is not known.
	peak int64
	// requests are whether sourceRequests and targetRequests, which are per object,
	// are known.
	requests                       bool
	sourceRequests, targetRequests float64
	// tail is the part of the time, at its end, in which one request at most was
	// under way at the target.
	tail float64
}

func (m measure) String() string {
	return fmt.Sprintf("wall %6.2fs  cpu %6.2fs  peak %4d MiB  requests per object %s",
		m.wall.Seconds(), m.cpu.Seconds(), m.peak>>20, m.requestsPerObject())
}

// requestsPerObject gives those at the source and at the target.
func (m measure) requestsPerObject() string {
	if !m.requests {
		return "–"
	}
	return fmt.Sprintf("%.3g + %.3g", m.sourceRequests, m.targetRequests)
}

// counted notes how many requests there were for so many objects.
func (m *measure) counted(fromSource, toTarget int64, objects int) {
	m.requests = true
	m.sourceRequests, m.targetRequests = float64(fromSource)/float64(objects), float64(toTarget)/float64(objects)
}

// timed runs a command and measures its process.
func timed(command *exec.Cmd) (measure, error) {
	var errors bytes.Buffer
	command.Stderr = &errors
	started := time.Now()
	if err := command.Start(); err != nil {
		return measure{}, err
	}
	peak := watchPeak(command.Process.Pid)
	err := command.Wait()
	m := measure{wall: time.Since(started), peak: peak()}
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", command.Path, err, errors.String())
	}
	m.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return m, nil
}

// peakInterval is how often the memory of a process is looked at. What it takes in
// its very last moment may be missed.
const peakInterval = 5 * time.Millisecond

// watchPeak follows the most memory that a process has held, in bytes, until the
// answer is called for. It reads what the kernel says of the program itself:
// ru_maxrss, which needs no watching, begins with the memory of the parent.
func watchPeak(pid int) (peak func() int64) {
	var most int64
	stop := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(peakInterval)
		defer ticker.Stop()
		for {
			most = max(most, highWater(pid))
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	return func() int64 {
		close(stop)
		ended.Wait()
		return most
	}
}

// highWater gives VmHWM of a process in bytes; 0 where the system does not tell.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kibibytes int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kibibytes); err == nil {
			return kibibytes << 10
		}
	}
	return 0
}

// median gives the median of each figure by itself.
func median(measures []measure) measure {
	return measure{
		wall:           middle(measures, func(m measure) time.Duration { return m.wall }),
		cpu:            middle(measures, func(m measure) time.Duration { return m.cpu }),
		peak:           middle(measures, func(m measure) int64 { return m.peak }),
		requests:       measures[0].requests,
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
