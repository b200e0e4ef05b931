package main

import (
	"fmt"
	"math"
)

// goal is what is wanted of the mover at a work.
type goal struct {
	// says names what is measured, and limit is how much it may be; tighter is what
	// it may be since it was met easily, 0 where it was not.
	says           string
	limit, tighter float64
	got            func(medians map[string]measure) float64
	// why says what stands in the way where it is not met.
	why string
}

func wallOf(m measure) float64 { return m.wall.Seconds() }

func cpuOf(m measure) float64 { return m.cpu.Seconds() }

// beside compares the mover with the one of others that needs the least.
func beside(figure func(measure) float64, others ...contestant) func(map[string]measure) float64 {
	return func(medians map[string]measure) float64 {
		least := math.Inf(1)
		for _, other := range others {
			least = min(least, figure(medians[other.name]))
		}
		return figure(medians[ours]) / least
	}
}

// What stands in the way where a goal is missed, as profiles and reckoning showed it
// once: no run finds its own reasons. The section of the page about where the time
// goes says more.
const (
	twoCores = "the two cores are shared with both servers, so whatever anybody computes takes wall time: "

	signsMore = twoCores + "the mover builds, signs and classifies each request with care that the bare loop lacks, and its small objects are hashed here and at the target"
	// Over http every part is hashed for itself, and its whole as well.
	hashesTwice   = twoCores + "the content is hashed twice here and once more at the target, which also copies the parts into one object"
	hashesOnce    = twoCores + "the content is hashed once, and the target copies the parts into one object"
	hashOnTop     = "one SHA-256 of the content alone takes more than the goal leaves above the bare loop"
	nothingHashed = "mc takes what the bare loop takes over https, too little for a SHA-256, and the goal is below that"
	listsCost     = twoCores + "reading a listing as XML takes more than the bare loop's look for the next token"
)

func smallGoals() []goal {
	return []goal{
		{says: "wall beside the bare loop", limit: 1.25, got: beside(wallOf, bareCopy), why: signsMore},
		{says: "wall beside the faster of rclone and mc", limit: 0.7, got: beside(wallOf, rcloneSync, mcMirror)},
		{says: "CPU beside the cheaper of them", limit: 0.5, tighter: 0.45, got: beside(cpuOf, rcloneSync, mcMirror), why: signsMore},
	}
}

// smallRequests allows for listings and the manifest beside one GET and one PUT.
var smallRequests = goal{says: "requests per object at both ends", limit: 2.05, tighter: 2.01, got: requestsOf}

func requestsOf(medians map[string]measure) float64 {
	return medians[ours].sourceRequests + medians[ours].targetRequests
}

// largeGoals says why each is missed, if it is: in wall time, and in that of the
// processor.
func largeGoals(wall, cpu string) []goal {
	return []goal{
		{says: "wall beside the bare loop", limit: 1.25, got: beside(wallOf, bareCopy), why: wall},
		{says: "wall beside the faster of rclone and mc", limit: 0.85, got: beside(wallOf, rcloneSync, mcMirror), why: wall},
		{says: "CPU beside the cheaper of them", limit: 0.8, got: beside(cpuOf, rcloneSync, mcMirror), why: cpu},
	}
}

var mixedGoals = []goal{
	{says: "wall beside the faster of rclone and mc", limit: 0.75, got: beside(wallOf, rcloneSync, mcMirror), why: hashesTwice},
	{
		says: "part of the time at the end with one request under way at most", limit: 0.1, tighter: 0.05,
		got: func(medians map[string]measure) float64 { return medians[ours].tail },
	},
}

var againGoals = []goal{
	{says: "wall beside two bare listings side by side", limit: 1.2, got: beside(wallOf, bareList), why: listsCost},
	{says: "requests per object at both ends", limit: 0.01, tighter: 0.005, got: requestsOf},
}

var verifyGoals = []goal{
	{says: "wall beside bare reads of both ends", limit: 1.1, got: beside(wallOf, bareRead), why: signsMore},
	// Each end is read once at most; what is above that lists.
	{says: "requests per object at the source", limit: 1.05, got: func(medians map[string]measure) float64 { return medians[ours].sourceRequests }},
	{says: "requests per object at the target", limit: 1.05, got: func(medians map[string]measure) float64 { return medians[ours].targetRequests }},
}

var syntheticGoals = []goal{
	{
		says: "peak memory in MiB", limit: 96, tighter: 64,
		got: func(medians map[string]measure) float64 { return mebibytes(medians[ours].peak) },
	},
	{
		says: "peak memory beside that with fewer objects", limit: 1.15,
		got: func(medians map[string]measure) float64 {
			return mebibytes(medians[ours].peak) / mebibytes(medians[few.name].peak)
		},
	},
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// verdict says whether a goal is met, and why not.
func (g goal) verdict(got float64) string {
	switch {
	case math.IsNaN(got) || got > g.limit:
		if g.why != "" {
			return "**missed**: " + g.why
		}
		return "**missed**"
	case g.tighter > 0 && got > g.tighter:
		return fmt.Sprintf("met, but not the tighter %.3g", g.tighter)
	case g.tighter > 0:
		return fmt.Sprintf("met, and the tighter %.3g too", g.tighter)
	}
	return "met"
}
