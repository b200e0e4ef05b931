package mover

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// pass lists both sides once, copies what can be copied and records the rest.
func (r *run) pass(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, r.ledger.wake)()
	work := make(chan task, r.Options.Workers)
	group.Go(func() error {
		defer close(work)
		return r.plan(ctx, work)
	})
	var workers sync.WaitGroup
	for range r.Options.Workers {
		workers.Add(1)
		group.Go(func() error {
			defer workers.Done()
			return r.work(ctx, work)
		})
	}
	group.Go(func() error {
		workers.Wait()
		r.ledger.close()
		return nil
	})
	group.Go(func() error { return r.record(ctx) })
	if err := group.Wait(); err != nil {
		return err
	}
	if !r.ledger.isEmpty() {
		return errors.New("an object was planned and nothing came of it") // never seen, and never to be taken for the end
	}
	return nil
}

// task is a step with the number under which its outcome is expected.
type task struct {
	step
	number int64
	action action
}

// plan joins the streams and hands out what needs work; everything else it
// settles itself.
func (r *run) plan(ctx context.Context, work chan<- task) error {
	for s, err := range r.join(ctx) {
		if err != nil {
			return err
		}
		number, err := r.ledger.issue(ctx)
		if err != nil {
			return err
		}
		t := task{step: s, number: number, action: r.policy.decide(s)}
		if s.source != nil {
			r.count(func(report *Report) { report.Scanned++ })
			r.observe(Event{Kind: EventScanned, Key: s.key, Bytes: s.source.Size})
		}
		if settled, done := r.settleAtOnce(t); done {
			r.ledger.settle(number, settled)
			continue
		}
		r.observe(Event{Kind: EventPlanned, Key: s.key, Bytes: s.source.Size})
		select {
		case work <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.observe(Event{Kind: EventListed})
	return nil
}

// work carries out tasks until there are no more, or one shows that none can be.
func (r *run) work(ctx context.Context, work <-chan task) error {
	for t := range work {
		o := r.carryOut(ctx, t)
		if ctx.Err() != nil {
			// An object that was given up because the run ends stays unsettled: the
			// next run begins before it.
			continue
		}
		if err := r.hopeless(o.failure); err != nil {
			return err
		}
		r.ledger.settle(t.number, o)
	}
	return nil
}

// settleAtOnce gives the outcome of a step that needs no object to be read.
func (r *run) settleAtOnce(t task) (outcome, bool) {
	o := t.outcome()
	switch t.action {
	case skip:
		r.count(func(report *Report) { report.Skipped++ })
		r.observe(Event{Kind: EventSkipped, Key: t.key, Bytes: t.source.Size})
	case keep:
	case forget:
	case refuse:
		o.failure = r.failed(t.step, "plan", reservedKey(t.key))
	case remove:
		o.held = &pendingStep{Key: t.key, Target: *t.target}
	case overwrite:
		if !r.overwritesAreDeletions {
			return outcome{}, false
		}
		o.held = &pendingStep{Key: t.key, Source: t.source, Target: *t.target}
	default:
		return outcome{}, false
	}
	return o, true
}

// record takes outcomes in the order of the keys.
func (r *run) record(ctx context.Context) error {
	batch := make([]outcome, 0, 1024)
	saved := r.Options.Now()
	for {
		batch = r.ledger.take(batch)
		if len(batch) == 0 {
			return ctx.Err()
		}
		for _, o := range batch {
			if err := r.recordOne(ctx, o); err != nil {
				return err
			}
		}
		if now := r.Options.Now(); now.Sub(saved) >= r.saveEvery {
			saved = now
			if err := r.save(ctx); err != nil {
				return err
			}
		}
	}
}

func (r *run) recordOne(ctx context.Context, o outcome) error {
	r.census.count(o)
	r.recordFailure(o.failure)
	if o.held != nil && !r.pending.add(*o.held) && o.held.Source != nil {
		r.count(func(report *Report) { report.missing(o.held.Source.Modified) })
	}
	if o.entry == nil {
		r.writer.Pass(o.key)
	} else if err := r.know(ctx, *o.entry); err != nil {
		return err
	}
	r.advance(o)
	return nil
}
