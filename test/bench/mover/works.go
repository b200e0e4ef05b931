package main

import "context"

// work is something that every one of its contestants does.
type work struct {
	name    string
	data    data
	workers int
	isTLS   bool
	// minutes is about how long five rounds take on a quiet machine of two cores: its
	// share where time is short.
	minutes int
	// rounds is how often it is done, where that is not as often as everything else.
	rounds int
	// stage makes what the turns of this work need.
	stage       func(ctx context.Context, b *bench, w work) (stage, error)
	contestants []contestant
	// isCounted has contestants that do not tell how many requests they sent do the
	// work once more, unmeasured, through something that counts.
	isCounted bool
	// isWatched has the mover do so too, to see how its end goes.
	isWatched bool
	goals     []goal
}

// stage is where the turns of a work take place.
type stage interface {
	turn(ctx context.Context, c contestant) (measure, error)
	// counted is a turn that is not measured but for its requests. It fails on a
	// stage whose work is never counted.
	counted(ctx context.Context, c contestant) (measure, error)
	end()
}

// scale is how much there is to do.
type scale struct {
	name                     string
	small, many, mixed       int
	large, mixedTotal        int64
	syntheticFew, synthetics int
}

var (
	whole = scale{small: 10_000, large: 256 << 20, mixed: 2_000, mixedTotal: 4 << 30, many: 100_000, syntheticFew: 100_000, synthetics: 1_000_000}
	tenth = scale{name: " (a tenth)", small: 1_000, large: 32 << 20, mixed: 200, mixedTotal: 400 << 20, many: 10_000, syntheticFew: 20_000, synthetics: 100_000}
)

const (
	manyWorkers = 32
	largeCount  = 4
)

func works(isQuick bool) []work {
	s := whole
	if isQuick {
		s = tenth
	}
	small, large := alike(s.small, 4<<10), alike(largeCount, s.large)
	all := []contestant{bareCopy, rcloneSync, mcMirror, moverCopies}
	list := []work{
		{
			name: "10 000 × 4 KiB, first copy", minutes: 5, data: small, workers: manyWorkers,
			stage: copying, contestants: all, isCounted: true, goals: append(smallGoals(), smallRequests),
		},
		{
			name: "4 × 256 MiB, first copy", minutes: 2, data: large, workers: largeCount,
			stage: copying, contestants: all, isCounted: true, goals: largeGoals(hashesTwice, hashOnTop),
		},
		{
			name: "10 000 × 4 KiB, first copy, TLS", minutes: 5, data: small, workers: manyWorkers, isTLS: true,
			stage: copying, contestants: all, goals: smallGoals(),
		},
		{
			name: "4 × 256 MiB, first copy, TLS", minutes: 2, data: large, workers: largeCount, isTLS: true,
			stage: copying, contestants: all, goals: largeGoals(hashesOnce, nothingHashed),
		},
		{
			name: "2 000 mixed, 4 GiB, first copy", minutes: 5, data: mixed(s.mixed, s.mixedTotal), workers: manyWorkers,
			stage: copying, contestants: all, isCounted: true, isWatched: true, goals: mixedGoals,
		},
		{
			name: "100 000, nothing to do", minutes: 3, data: alike(s.many, 100), workers: manyWorkers,
			stage: again, contestants: []contestant{bareList, rcloneSums, mcMirror, moverSkips}, goals: againGoals,
		},
		{
			name: "10 000 × 4 KiB, verified by content", minutes: 2, data: small, workers: manyWorkers,
			stage: withoutManifest, contestants: []contestant{bareRead, rcloneCheck, moverVerifes}, goals: verifyGoals,
		},
		{
			// Memory is the same every time, and it takes minutes.
			name: "1 000 000 listed, nothing to do", minutes: 2, rounds: 1,
			stage: synthetic(s), contestants: []contestant{few, ofAll}, goals: syntheticGoals,
		},
	}
	for i := range list {
		list[i].name += s.name
	}
	return list
}
