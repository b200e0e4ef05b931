package mover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/semaphore"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// pace makes requests that upload end within the time that a store allows them. It
// learns from each what the line carries, and decides by that how large the next
// ones are and how many of them go at once. Nil is the pace of a store that sets
// no such time: nothing waits.
type pace struct {
	// limit is when the store cuts a request off.
	limit    time.Duration
	sizes    sizes
	now      func() time.Time
	observer Observer
	// turn is had by the request that waits for room; others queue behind it. A
	// large one would else wait for ever among small ones.
	turn *semaphore.Weighted
	// left tells the one whose turn it is that another has ended.
	left chan struct{}

	// mu guards what follows.
	mu       sync.Mutex
	underWay map[*sending]struct{}
	// changed is when one was last added or taken away.
	changed time.Time
	// rate is how many bytes per second the line carries, rather too few than too
	// many. It includes whatever slows requests down: limits of one's own, and what
	// others send.
	rate float64
	// known counts the requests of the smallest size or more that this was learnt
	// from since the last one was cut off.
	known int
	// small are those from which nothing was learnt yet, as if they were one.
	small sending
}

// sending is a request under way.
type sending struct {
	bytes int64
	began time.Time
	// alone is how long it would have taken until now with the line to itself.
	alone time.Duration
}

const (
	// wellWithin is the part of the limit in which requests are to end, and atMost
	// that of one which cannot be smaller. The rest is for a line that gets slower.
	wellWithin, atMost = 1.0 / 3, 1.0 / 2
	// firstAtOnce is how many of the smallest requests go at once while nothing is
	// known: 10 MiB in three minutes is what half a megabit per second carries.
	firstAtOnce = 2
	// enoughKnown is from how many requests on the rate is relied upon to refuse.
	enoughKnown = 8
	// toLearn is the part of the parts of an object that may be smaller than their
	// number asks for, for the sake of learning how large they may be.
	toLearn = 1.0 / 20
	// telling is the part of the smallest size from which on a request, or several
	// together, tell how fast the line is.
	telling = 1.0 / 5
	// triesInTime is how often the same request is sent when it is cut off. The
	// second one goes alone: what is known of the line is worth little by then.
	triesInTime = 2
)

// newPace gives the pace for a store, or nil if the store sets no limit.
func newPace(limit time.Duration, sizes sizes, options Options) *pace {
	if limit <= 0 {
		return nil
	}
	p := &pace{
		limit: limit, sizes: sizes, now: options.Now, observer: options.Observer,
		turn: semaphore.NewWeighted(1), left: make(chan struct{}, 1), underWay: map[*sending]struct{}{},
	}
	p.rate = firstAtOnce * p.slowest()
	return p
}

// slowest is the rate at which one of the smallest requests ends well within the
// limit. A slower line is not told from it: there is nothing more to do about it.
func (p *pace) slowest() float64 { return float64(p.sizes.least) / (wellWithin * p.limit.Seconds()) }

// window is how many bytes end well within the limit if all of them go at once.
func (p *pace) window() float64 { return p.rate * wellWithin * p.limit.Seconds() }

// size is how large requests are now, if nothing asks for another size.
func (p *pace) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sizeNow()
}

func (p *pace) sizeNow() int64 {
	paced := int64(min(p.window()/partsAtOnce, float64(p.sizes.part)))
	return max(paced/p.sizes.unit*p.sizes.unit, p.sizes.least)
}

// part gives the size of the next part of an object, of which so much is left and
// so many parts are stored. It fails where the parts that are left would have to
// be larger than the line carries in time.
func (p *pace) part(size, left int64, stored int) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	paced := p.sizeNow()
	needed := p.sizes.fewest(left, max(1, p.sizes.parts-stored))
	isLearning := p.known < enoughKnown
	switch {
	case needed <= paced, isLearning && float64(stored) < toLearn*float64(p.sizes.parts):
		return paced, nil
	case !isLearning && float64(needed) > p.rate*atMost*p.limit.Seconds():
		return 0, p.tooLarge(size)
	}
	return needed, nil
}

// tooLarge is for an object that would be stored in parts that are too large.
func (p *pace) tooLarge(size int64) error {
	needed := p.sizes.fewest(size, p.sizes.parts)
	return fault.New(fault.Terminal, fault.UploadTooSlow,
		"it has to be stored in parts of %s, as an object has 10 000 of them at most, and the store wants each to be there within %s: "+
			"that takes a line of %s per second; raise the limits that slow the target down, let less share the line, or split the object",
		inWords(float64(needed)), p.limit, p.fastEnough(needed))
}

// carry sends a request of so many bytes once there is room for it, and once more,
// with more of the line to itself, when it was cut off.
func (p *pace) carry(ctx context.Context, key string, bytes int64, send func(context.Context) error) error {
	if p == nil {
		return send(ctx)
	}
	for try := 1; ; try++ {
		wasCutOff, err := p.once(ctx, bytes, send)
		switch {
		case !wasCutOff:
			return err
		case try == triesInTime:
			return p.tooSlow(bytes, err)
		}
		p.observer.Observe(Event{Kind: EventRetried, Key: key, Err: err})
	}
}

// once sends a request once there is room for it. The session may send it several
// times meanwhile, but not beyond the limit: after that it would send in vain.
func (p *pace) once(ctx context.Context, bytes int64, send func(context.Context) error) (wasCutOff bool, err error) {
	s, err := p.enter(ctx, bytes)
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	err = send(limited)
	return p.leave(s, err, ctx.Err() != nil), err
}

// tooSlow is for a request that was cut off every time. A smaller one may do.
func (p *pace) tooSlow(bytes int64, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = provider.ErrUnreachable // it is the time of this request that is over, not the run's
	}
	class := fault.Transient
	if bytes <= p.sizes.least {
		class = fault.Terminal
	}
	return fault.New(class, fault.UploadTooSlow,
		"%s were not stored within the %s after which the store cuts uploads off: that takes a line of %s per second; raise the limits that slow the target down, or let less share the line: %w",
		inWords(float64(bytes)), p.limit, p.fastEnough(bytes), err)
}

// fastEnough says which rate carries a request in time.
func (p *pace) fastEnough(bytes int64) string {
	return inWords(float64(bytes) / (atMost * p.limit.Seconds()))
}

func inWords(bytes float64) string { return humanize.IBytes(uint64(bytes)) }

// enter waits until there is room for a request.
func (p *pace) enter(ctx context.Context, bytes int64) (*sending, error) {
	if err := p.turn.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer p.turn.Release(1)
	for {
		if s := p.admit(bytes); s != nil {
			return s, nil
		}
		select {
		case <-p.left:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// admit lets a request go if it and all others still end in time, or if there is
// no other. A line gives each request the same share, so a large one among small
// ones takes as long as if all were as large.
func (p *pace) admit(bytes int64) *sending {
	p.mu.Lock()
	defer p.mu.Unlock()
	largest := bytes
	for other := range p.underWay {
		largest = max(largest, other.bytes)
	}
	if len(p.underWay) > 0 && float64(largest)*float64(len(p.underWay)+1) > p.window() {
		return nil
	}
	p.pass()
	s := &sending{bytes: bytes, began: p.changed}
	p.underWay[s] = struct{}{}
	return s
}

// pass notes what has passed since requests were last added or taken away.
func (p *pace) pass() {
	now := p.now()
	for s := range p.underWay {
		s.alone += time.Duration(float64(now.Sub(p.changed)) / p.shareOf(s))
	}
	p.changed = now
}

// shareOf tells among how many requests the line is shared as far as one of them
// is concerned: each of the others takes as much as this one, or what little it
// has.
func (p *pace) shareOf(s *sending) (share float64) {
	if s.bytes == 0 {
		return 1
	}
	for other := range p.underWay {
		share += float64(min(other.bytes, s.bytes)) / float64(s.bytes)
	}
	return share
}

// leave takes a request that ended out, learns from it and tells whether it was
// cut off.
func (p *pace) leave(s *sending, err error, isStopped bool) (wasCutOff bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
	delete(p.underWay, s)
	took := p.changed.Sub(s.began)
	select {
	case p.left <- struct{}{}:
	default: // it is told already
	}
	wasCutOff = err != nil && !isStopped && took.Seconds() >= atMost*p.limit.Seconds() && fault.Of(err).Class == fault.Transient
	switch {
	case s.alone <= 0:
	case wasCutOff:
		p.rate, p.known = max(min(p.rate, s.carried())/2, p.slowest()), 0
	case err == nil:
		p.learn(s, took)
	}
	return wasCutOff
}

// carried is what the line carried per second meanwhile.
func (s *sending) carried() float64 { return float64(s.bytes) / s.alone.Seconds() }

// learn takes into account what the line carried while a request went through.
func (p *pace) learn(s *sending, took time.Duration) {
	isSlow := took.Seconds() > wellWithin*p.limit.Seconds()
	if !isSlow && float64(s.bytes) < telling*float64(p.sizes.least) {
		p.learnFromSmall(s)
		return
	}
	if s.bytes >= p.sizes.least {
		p.known++
	}
	p.rate = max((p.rate+s.carried())/2, p.slowest())
}

// learnFromSmall sums small requests up. They wait more than they send, so all they
// may tell is that the line is faster than was thought.
func (p *pace) learnFromSmall(s *sending) {
	p.small.bytes += s.bytes
	p.small.alone += s.alone
	if float64(p.small.bytes) < telling*float64(p.sizes.least) {
		return
	}
	p.rate = max(p.rate, (p.rate+p.small.carried())/2)
	p.small = sending{}
}
