package mover

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	return content
}

func TestAContentIsWhatWasRead(t *testing.T) {
	memory := newMemory(1 << 20)
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 7} {
		want := random(size)
		held, err := memory.hold(t.Context(), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		got, err := held.readLast(bytes.NewReader(want), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(got, want); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if digest := sha256.Sum256(want); got.sha256() != hex.EncodeToString(digest[:]) {
			t.Errorf("%d bytes: another digest", size)
		}
		held.release()
	}
}

func TestAContentOfAnotherLengthIsNone(t *testing.T) {
	memory := newMemory(1 << 20)
	held, err := memory.hold(t.Context(), 2*chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	for _, came := range []int{0, 1, chunkSize, 2*chunkSize - 1} {
		if _, err := held.read(bytes.NewReader(random(came)), 2*chunkSize); err == nil {
			t.Errorf("%d bytes pass for %d", came, 2*chunkSize)
		}
	}
	if _, err := held.readLast(bytes.NewReader(random(2*chunkSize+1)), 2*chunkSize); err == nil {
		t.Error("what came after the end is passed over in silence")
	}
}

func TestMemoryIsUsedAgainAndNoMoreIsKept(t *testing.T) {
	memory := newMemory(4 * chunkSize)
	fill := func(chunks int64) *holding {
		held, err := memory.hold(t.Context(), 1) // as many small ones hold chunks of their own
		if err != nil {
			t.Fatal(err)
		}
		if _, err := held.read(io.LimitReader(rand.NewChaCha8([32]byte{}), chunks*chunkSize), chunks*chunkSize); err != nil {
			t.Fatal(err)
		}
		return held
	}
	first := fill(2)
	chunk := &first.chunks[0][0]
	first.release()
	if second := fill(2); &second.chunks[0][0] != chunk && &second.chunks[1][0] != chunk {
		t.Error("new memory was taken beside idle one")
	}
	fill(20).release()
	if got := len(memory.idle); got > 5 {
		t.Errorf("%d idle chunks are kept for a bound of four", got)
	}
}
