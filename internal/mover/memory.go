package mover

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// memory bounds the contents that are held at once. What is larger than all of
// it waits until it is alone.
type memory struct {
	size int64
	free *semaphore.Weighted
}

func newMemory(size int64) *memory {
	return &memory{size: size, free: semaphore.NewWeighted(size)}
}

// hold waits for room and gives the function that frees it.
func (m *memory) hold(ctx context.Context, bytes int64) (release func(), err error) {
	bytes = min(bytes, m.size)
	if err := m.free.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	return func() { m.free.Release(bytes) }, nil
}
