// Package rollcall knows which buckets accounts have, for all who look after one
// of them: the buckets of an account at a place are listed once per interval, and
// not once per bucket.
//
// A list only tells where to look closer. That a bucket is gone is never taken
// from it: only the bucket itself, asked for by name, can tell that.
//
// Start reading at Register.Look.
package rollcall

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/provider"
)

// How long what came of a question counts.
const (
	// failureInterval is how long a failure is passed on to everybody without
	// asking again, so that many buckets do not hammer a store that fails.
	failureInterval = 15 * time.Second
	// refusalInterval is how long a key that may not list buckets is not asked to.
	refusalInterval = time.Hour
)

// Standing is what a roll call says of a bucket.
type Standing string

// Standings. A bucket that is Missing from the list may still be there: it may be
// another account's that ours may use. NotKnown means that the key may not list.
const (
	Listed   Standing = "Listed"
	Missing  Standing = "Missing"
	NotKnown Standing = "NotKnown"
)

// Answer is what a roll call says of a bucket, as of a time.
type Answer struct {
	Standing Standing
	At       time.Time
}

// Register keeps the latest roll call of every place. It is safe for concurrent
// use; those who ask for one place while it is being asked wait for that answer.
type Register struct {
	clock clock.PassiveClock

	mu     sync.Mutex
	places map[string]*roll
}

// roll is the latest roll call of one place.
type roll struct {
	// turn is held by who asks.
	turn chan struct{}
	// session that was asked: another one may have other credentials.
	session provider.Session
	at      time.Time
	names   map[string]bool
	list    provider.BucketList
	err     error
}

// New makes a register. It asks nothing.
func New(c clock.PassiveClock) *Register {
	return &Register{clock: c, places: map[string]*roll{}}
}

// Look tells whether a bucket is listed, from a roll call that is no older than
// maximumAge. It fails when the place does, and then not more often than the place
// is asked.
func (r *Register) Look(ctx context.Context, session provider.Session, bucket string, maximumAge time.Duration) (Answer, error) {
	roll := r.at(session.Place())
	release, err := roll.take(ctx)
	if err != nil {
		return Answer{}, err
	}
	defer release()
	if roll.session != session || !roll.counts(r.clock.Now(), maximumAge) {
		roll.call(ctx, session, r.clock)
	}
	return roll.answer(bucket)
}

// Call asks a place now, and tells how it is and what it has.
func (r *Register) Call(ctx context.Context, session provider.Session) (provider.BucketList, error) {
	roll := r.at(session.Place())
	release, err := roll.take(ctx)
	if err != nil {
		return provider.BucketList{}, err
	}
	defer release()
	roll.call(ctx, session, r.clock)
	return roll.list, roll.err
}

// Forget drops what is known of a provider's places.
func (r *Register) Forget(providerName string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for place := range r.places {
		if strings.HasPrefix(place, providerName+"/") {
			delete(r.places, place)
		}
	}
}

func (r *Register) at(place provider.Place) *roll {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.places[place.String()]
	if known == nil {
		known = &roll{turn: make(chan struct{}, 1)}
		r.places[place.String()] = known
	}
	return known
}

func (r *roll) take(ctx context.Context) (release func(), err error) {
	select {
	case r.turn <- struct{}{}:
		return func() { <-r.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// counts tells whether what is known is new enough.
func (r *roll) counts(now time.Time, maximumAge time.Duration) bool {
	switch {
	case r.isRefused():
		maximumAge = refusalInterval
	case r.err != nil:
		maximumAge = failureInterval
	}
	return now.Sub(r.at) < maximumAge
}

// isRefused tells whether the key is good and may not list buckets.
func (r *roll) isRefused() bool {
	return errors.Is(r.err, provider.ErrDenied) || errors.Is(r.err, provider.ErrUnsupported)
}

func (r *roll) call(ctx context.Context, session provider.Session, c clock.PassiveClock) {
	// Buckets made while the answer is on its way may be missing in it.
	at := c.Now()
	list, err := session.ListBuckets(ctx)
	if ctx.Err() != nil {
		r.session = nil // nobody waited for the end: the next one asks again
		r.err = err
		return
	}
	r.session, r.at, r.err, r.list = session, at, err, list
	r.names = make(map[string]bool, len(list.Names))
	for _, name := range list.Names {
		r.names[name] = true
	}
}

func (r *roll) answer(bucket string) (Answer, error) {
	switch {
	case r.isRefused():
		return Answer{Standing: NotKnown, At: r.at}, nil
	case r.err != nil:
		return Answer{}, fmt.Errorf("look which buckets are there: %w", r.err)
	case r.names[bucket]:
		return Answer{Standing: Listed, At: r.at}, nil
	}
	return Answer{Standing: Missing, At: r.at}, nil
}
