package s3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func keysFrom(c cursor) []string {
	var keys []string
	for ; c.current() != nil; c.advance() {
		keys = append(keys, c.current().key)
	}
	return keys
}

func everything(string) bool { return true }

// TestIndexKeepsOrder compares the index with a sorted list through random
// insertions, replacements and removals, across many block splits.
func TestIndexKeepsOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var x index
	model := map[string]bool{}
	for range 20_000 {
		key := fmt.Sprintf("%x", random.IntN(8_000))
		if random.IntN(3) == 0 {
			x.remove(key)
			delete(model, key)
		} else {
			x.put(&entry{key: key})
			model[key] = true
		}
	}
	want := make([]string, 0, len(model))
	for key := range model {
		want = append(want, key)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, keysFrom(x.seek(everything))); diff != "" {
		t.Fatalf("keys (-want +got):\n%s", diff)
	}
	if x.count != len(want) {
		t.Errorf("count is %d, want %d", x.count, len(want))
	}
	for range 200 {
		from := fmt.Sprintf("%x", random.IntN(9_000))
		at, _ := slices.BinarySearch(want, from)
		got := x.seek(func(k string) bool { return k >= from }).current()
		if at == len(want) {
			if got != nil {
				t.Errorf("seek %q: got %q, want the end", from, got.key)
			}
			continue
		}
		if got == nil || got.key != want[at] {
			t.Errorf("seek %q: got %v, want %q", from, got, want[at])
		}
	}
	for _, block := range x.blocks {
		if len(block) == 0 || len(block) > blockSize {
			t.Errorf("a block holds %d entries", len(block))
		}
	}
}

func TestIndexEmptiesCompletely(t *testing.T) {
	var x index
	for i := range 2_000 {
		x.put(&entry{key: fmt.Sprintf("%05d", i)})
	}
	for i := range 2_000 {
		x.remove(fmt.Sprintf("%05d", i))
	}
	if len(x.blocks) != 0 || x.count != 0 || x.seek(everything).current() != nil {
		t.Errorf("%d blocks and a count of %d are left", len(x.blocks), x.count)
	}
}

func TestOverlayPrefersTheUpperSource(t *testing.T) {
	var over, under index
	upper := &Object{VersionID: "upper"}
	for _, key := range []string{"b", "c", "e"} {
		over.put(&entry{key: key, versions: []*Object{upper}})
	}
	for _, key := range []string{"a", "b", "d", "e", "f"} {
		under.put(&entry{key: key, versions: []*Object{{VersionID: "lower"}}})
	}
	var got []string
	for c := (&overlay{over.seek(everything), under.seek(everything)}); c.current() != nil; c.advance() {
		got = append(got, c.current().key+" "+c.current().current().VersionID)
	}
	want := []string{"a lower", "b upper", "c upper", "d lower", "e upper", "f lower"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("walk (-want +got):\n%s", diff)
	}
}

func TestSyntheticETagsAreTrue(t *testing.T) {
	for _, size := range []int64{0, 1, 11, 12, 13, 1000} {
		g := newSynthetic(200, size, time.Time{})
		seen := map[string]int{}
		for i := range 200 {
			content := g.content(i)
			if int64(len(content)) != size {
				t.Fatalf("size %d: content %d has %d bytes", size, i, len(content))
			}
			sum := md5.Sum(content)
			if got, want := g.etag(i), hex.EncodeToString(sum[:]); got != want {
				t.Fatalf("size %d: ETag %d is %s, want %s", size, i, got, want)
			}
			seen[string(content)]++
		}
		if size >= 3 && len(seen) != 200 {
			t.Errorf("size %d: only %d different contents", size, len(seen))
		}
	}
}

func TestSyntheticKeysAreNumbers(t *testing.T) {
	g := newSynthetic(10, 1, time.Time{})
	for key, want := range map[string]bool{
		SyntheticKey(0): true, SyntheticKey(9): true, SyntheticKey(10): false,
		"object-0": false, "other": false, "object-00000000000x": false, "object-+00000000001": false,
	} {
		if _, got := g.number(key); got != want {
			t.Errorf("%q is generated: %t, want %t", key, got, want)
		}
	}
	if got := keysFrom(g.seek(func(k string) bool { return k >= SyntheticKey(8) })); len(got) != 2 {
		t.Errorf("keys from the eighth: %v", got)
	}
}

func BenchmarkMillionKeysInsert(b *testing.B) {
	for b.Loop() {
		fillMillion()
	}
}

func BenchmarkMillionKeysPage(b *testing.B) {
	x := fillMillion()
	for b.Loop() {
		from := fmt.Sprintf("%07d", rand.IntN(999_000))
		c := x.seek(func(k string) bool { return k > from })
		for range 1000 {
			c.advance()
		}
	}
}

func fillMillion() *index {
	x := &index{}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(1_000_000) {
		x.put(&entry{key: fmt.Sprintf("%07d", i)})
	}
	return x
}
