package access

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
)

// target is the bucket that a key is for.
type target struct {
	v1alpha1.PlaceReference
	bucketName string
}

// slot is one of the keys that an access has at a place, as the operator
// remembers it.
type slot struct {
	target
	// consumer is the name that the key is issued under.
	consumer string
	number   int
	// generation counts the keys that were issued for the access.
	generation int64
	mode       v1alpha1.AccessMode
	// requested stands for the request that the key was issued for.
	requested string
	// key is empty as long as it is not known to be issued.
	key      provider.Key
	issuedAt time.Time
	// publishedAt is when the key was published, from which on the older ones
	// retire; overlap is how long they had then.
	publishedAt time.Time
	overlap     time.Duration
	// replica is the BucketReplica of the bucket for which the key is known to
	// work: another one may stand for a bucket that was made again.
	replica types.UID
}

func (s slot) isIssued() bool { return s.key.AccessKey != "" }

func (s slot) isPublished() bool { return s.isIssued() && !s.publishedAt.IsZero() }

// ring are the keys of an access, the newest first.
type ring []slot

func newRing(slots []slot) ring {
	slices.SortFunc(slots, func(a, b slot) int {
		return cmp.Or(cmp.Compare(b.generation, a.generation), cmp.Compare(a.consumer, b.consumer))
	})
	return slots
}

// active is the key that consumers use: the newest that was published.
func (r ring) active() *slot {
	index := slices.IndexFunc(r, slot.isPublished)
	if index < 0 {
		return nil
	}
	return &r[index]
}

// pending is a key that is newer than the active one: it is being issued and
// published.
func (r ring) pending() *slot {
	if len(r) == 0 || r[0].isPublished() {
		return nil
	}
	return &r[0]
}

// current is the key that is to be published for a bucket, or nil while there is
// none.
func (r ring) current(at target) *slot {
	if next := r.pending(); next != nil && next.isIssued() && next.target == at {
		return next
	}
	if active := r.active(); active != nil && active.target == at {
		return active
	}
	return nil
}

// retiring are the keys that the active one has replaced.
func (r ring) retiring() ring {
	active := r.active()
	if active == nil {
		return nil
	}
	var old ring
	for _, s := range r {
		if s.generation < active.generation {
			old = append(old, s)
		}
	}
	return old
}

// retireAt is when the keys that the active one has replaced are revoked.
func (r ring) retireAt(overlap time.Duration) time.Time {
	if active := r.active(); active != nil {
		return active.publishedAt.Add(overlap)
	}
	return time.Time{}
}

// due are the keys that are to be revoked now: those whose overlap has ended, and
// one that was to be for a bucket that is not the primary any more.
func (r ring) due(now time.Time, overlap time.Duration, at *target) ring {
	var ended ring
	if retireAt := r.retireAt(overlap); !retireAt.IsZero() && !now.Before(retireAt) {
		ended = r.retiring()
	}
	if next := r.pending(); next != nil && at != nil && next.target != *at {
		ended = append(ended, *next)
	}
	return ended
}

// wish is what is asked of the key.
type wish struct {
	target
	mode      v1alpha1.AccessMode
	requested string
	// interval is the age at which a key is replaced; 0 is never.
	interval time.Duration
	// isUseless tells that the bucket refuses the active key.
	isUseless bool
}

// isDue tells whether the active key is to be replaced.
func (s slot) isDue(now time.Time, w wish) bool {
	return s.target != w.target || s.mode != w.mode || w.requested != "" && s.requested != w.requested ||
		w.interval > 0 && !now.Before(s.issuedAt.Add(w.interval))
}

// next gives the key that is to be issued, or nil when the one that is there will
// do. Crowded tells that a new one is due, and waits until an old one is revoked.
func (r ring) next(now time.Time, w wish) (fresh *slot, crowded bool) {
	if begun := r.pending(); begun != nil && begun.target == w.target {
		if begun.isIssued() && begun.mode == w.mode {
			return nil, false
		}
		again := *begun
		again.mode, again.requested = w.mode, w.requested
		return &again, false
	}
	active := r.active()
	switch {
	case active == nil:
	case active.target == w.target && w.isUseless:
		// There is nothing to wait for: its own slot will do.
		again := slot{
			target: w.target, number: active.number, generation: r.generation() + 1, mode: w.mode, requested: w.requested,
		}
		return &again, false
	case !active.isDue(now, w):
		return nil, false
	}
	for number := range ownership.KeySlots {
		if !r.holds(w.PlaceReference, number) {
			return &slot{
				target: w.target, number: number, generation: r.generation() + 1, mode: w.mode, requested: w.requested,
			}, false
		}
	}
	return nil, true
}

// holds tells whether a slot at a place is taken.
func (r ring) holds(place v1alpha1.PlaceReference, number int) bool {
	return slices.ContainsFunc(r, func(s slot) bool { return s.PlaceReference == place && s.number == number })
}

// intends tells whether it is remembered already that a key is to be issued.
func (r ring) intends(fresh slot) bool {
	return slices.ContainsFunc(r, func(s slot) bool {
		return s.consumer == fresh.consumer && s.target == fresh.target && s.generation == fresh.generation &&
			s.mode == fresh.mode && s.requested == fresh.requested && !s.isIssued()
	})
}

// generation is that of the newest key.
func (r ring) generation() int64 {
	if len(r) == 0 {
		return 0
	}
	return r[0].generation
}

// with gives the ring with a slot changed or added.
func (r ring) with(changed slot) ring { return newRing(append(r.without(changed.consumer), changed)) }

// without gives the ring without a slot.
func (r ring) without(consumer string) ring {
	return slices.DeleteFunc(slices.Clone(r), func(s slot) bool { return s.consumer == consumer })
}
