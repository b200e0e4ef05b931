package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ground is what the stages of real stores have in common.
type ground struct {
	b      *bench
	w      work
	source end
	// empty is the store that is copied to.
	empty store
}

func newGround(ctx context.Context, b *bench, w work) (ground, error) {
	stores := b.stores.of(w)
	source, err := w.data.fill(ctx, stores.source)
	return ground{b: b, w: w, source: source, empty: stores.target}, err
}

// turnTo is a turn with a bucket to copy to.
func (g ground) turnTo(target end) (turn, error) {
	t := turn{source: g.source, target: target, objects: len(g.w.data.sizes), workers: g.w.workers}
	if g.w.isTLS {
		t.bundle = filepath.Join(g.b.dir, "authorities.pem")
		if err := join(t.bundle, g.source.caFile, target.caFile); err != nil {
			return turn{}, err
		}
	}
	return t, nil
}

func join(into string, files ...string) error {
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(all, content...)
	}
	return os.WriteFile(into, all, 0o600)
}

// profile gives where the mover's profile of a work goes.
func (g ground) profile(c contestant) string {
	if g.b.profiles == "" || c.name != ours {
		return ""
	}
	return filepath.Join(g.b.profiles, strings.NewReplacer(" ", "_", ",", "").Replace(g.w.name))
}

func (g ground) end() { _ = g.source.remove() }

// firstCopies is a stage on which each turn copies into a bucket of its own.
type firstCopies struct{ ground }

func copying(ctx context.Context, b *bench, w work) (stage, error) {
	g, err := newGround(ctx, b, w)
	return firstCopies{g}, err
}

func (s firstCopies) turn(ctx context.Context, c contestant) (measure, error) {
	return s.into(ctx, func(t turn) (measure, error) {
		t.profile = s.profile(c)
		return s.b.do(ctx, c, t)
	})
}

func (s firstCopies) counted(ctx context.Context, c contestant) (measure, error) {
	return s.into(ctx, func(t turn) (measure, error) { return s.b.watched(ctx, c, t) })
}

func (s firstCopies) into(ctx context.Context, act func(turn) (measure, error)) (measure, error) {
	target, err := s.empty.newBucket(ctx)
	if err != nil {
		return measure{}, err
	}
	t, err := s.turnTo(target)
	if err != nil {
		return measure{}, err
	}
	m, err := act(t)
	if err == nil {
		err = target.check(ctx, s.w.data)
	}
	return m, errors.Join(err, target.remove())
}

// settled is a stage on which the mover has copied everything before.
type settled struct {
	ground
	target end
	// isKnown tells that its manifest is there.
	isKnown bool
}

func again(ctx context.Context, b *bench, w work) (stage, error) { return newSettled(ctx, b, w, true) }

func withoutManifest(ctx context.Context, b *bench, w work) (stage, error) {
	return newSettled(ctx, b, w, false)
}

func newSettled(ctx context.Context, b *bench, w work, isKnown bool) (stage, error) {
	g, err := newGround(ctx, b, w)
	if err != nil {
		return nil, err
	}
	target, err := g.empty.newBucket(ctx)
	if err != nil {
		return nil, err
	}
	s := settled{ground: g, target: target, isKnown: isKnown}
	t, err := s.turnTo(target)
	if err != nil {
		return nil, err
	}
	_, err = b.do(ctx, moverCopies, t)
	if err != nil {
		return nil, fmt.Errorf("copy for the first time: %w", err)
	}
	return s, nil
}

func (s settled) turn(ctx context.Context, c contestant) (measure, error) {
	t, err := s.prepared()
	if err != nil {
		return measure{}, err
	}
	t.profile = s.profile(c)
	return s.b.do(ctx, c, t)
}

func (s settled) counted(ctx context.Context, c contestant) (measure, error) {
	t, err := s.prepared()
	if err != nil {
		return measure{}, err
	}
	return s.b.watched(ctx, c, t)
}

// prepared removes the manifest, where the turn is to know nothing.
func (s settled) prepared() (turn, error) {
	if !s.isKnown {
		if err := s.target.removeUnder(".rempart"); err != nil {
			return turn{}, err
		}
	}
	return s.turnTo(s.target)
}

func (s settled) end() {
	_ = s.target.remove()
	s.ground.end()
}
