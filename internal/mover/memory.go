package mover

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// memory bounds the contents that are held at once, and uses what they took again:
// contents are most of what a run takes, and the collector would come too late to
// keep it near the bound. What is larger than all of it waits until it is alone.
type memory struct {
	size int64
	free *semaphore.Weighted

	// mu guards idle, the chunks that nothing is held in.
	mu   sync.Mutex
	idle [][]byte
}

// chunkSize is the size of the pieces that contents are held in. A small object
// takes a whole one, of which only what it fills counts and is ever touched.
const chunkSize = 256 << 10

func newMemory(size int64) *memory {
	return &memory{size: size, free: semaphore.NewWeighted(size)}
}

// hold waits for room for so many bytes.
func (m *memory) hold(ctx context.Context, bytes int64) (*holding, error) {
	bytes = min(bytes, m.size)
	if err := m.free.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	return &holding{memory: m, bytes: bytes}, nil
}

// chunk gives an idle chunk, or a new one.
func (m *memory) chunk() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.idle) - 1
	if last < 0 {
		return make([]byte, chunkSize)
	}
	chunk := m.idle[last]
	m.idle = m.idle[:last]
	return chunk
}

// giveBack keeps chunks for the next ones, but no more than the bound.
func (m *memory) giveBack(chunks [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := min(len(chunks), max(0, int(m.size/chunkSize)+1-len(m.idle)))
	m.idle = append(m.idle, chunks[:kept]...)
}

// holding is room for one content at a time.
type holding struct {
	memory *memory
	bytes  int64
	chunks [][]byte
}

// release frees the room. Nobody may read a content that was held in it any more.
func (h *holding) release() {
	h.memory.giveBack(h.chunks)
	h.chunks = nil
	h.memory.free.Release(h.bytes)
}
