package manifest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

func TestASegmentComesBackAsItWasWritten(t *testing.T) {
	var written segment
	for _, key := range []string{"\x00", "\x01 control", " leading space", "%2F", "+", "./dot", "//", "a\tb\nc", "e\u0301", "é", "日本", "\uffff", "😀"} {
		e := entry(key)
		e.VersionID, e.MetadataDigest = "v <&> "+key, "m"
		written.add(e)
	}
	stored, ref, err := written.encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := decode(stored, ref)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written.entries, read); diff != "" {
		t.Errorf("entries (-written +read):\n%s", diff)
	}
	if ref.Count != 13 || ref.Bytes != written.bytes || ref.First != "\x00" || ref.Last != "😀" || ref.Name != ref.SHA256[:32]+segmentSuffix {
		t.Errorf("reference %+v", ref)
	}
}

// cut cuts entries into segments as a writer does, and gives their keys.
func cut(entries []Entry) (borders []string, lengths []int) {
	length := 0
	for _, e := range entries {
		length++
		if endsSegment(e.Key, length) {
			borders, lengths = append(borders, e.Key), append(lengths, length)
			length = 0
		}
	}
	return borders, lengths
}

func TestBordersDependOnKeysOnly(t *testing.T) {
	entries := makeEntries(40_000)
	borders, _ := cut(entries)
	for i := range entries {
		entries[i].Size, entries[i].SHA256 = 7, "other"
	}
	if other, _ := cut(entries); !slices.Equal(borders, other) {
		t.Error("other contents move borders")
	}
}

func TestAnInsertionMovesOnlyBordersBesideIt(t *testing.T) {
	entries := makeEntries(40_000)
	borders, _ := cut(entries)
	for _, at := range []int{0, 1, 5_000, 5_001, 20_000, 39_999} {
		inserted := slices.Insert(slices.Clone(entries), at, entry(fmt.Sprintf("object-%06d-inserted", at-1)))
		other, _ := cut(inserted)
		var moved int
		for _, border := range append(slices.Clone(borders), other...) {
			if !slices.Contains(borders, border) || !slices.Contains(other, border) {
				moved++
			}
		}
		if moved > 4 {
			t.Errorf("an object inserted at %d moved %d borders", at, moved)
		}
	}
}

func TestSegmentsAreNeitherTinyNorHuge(t *testing.T) {
	shapes := map[string]func(int) string{
		"numbers":        func(i int) string { return fmt.Sprintf("object-%012d", i) },
		"folders":        func(i int) string { return fmt.Sprintf("year/%04d/month/%02d/scan-%06d.pdf", i/5000, i/400%12, i) },
		"digests":        func(i int) string { return shortHash(fmt.Sprint(i)) },
		"a number first": func(i int) string { return fmt.Sprintf("%08x/content", i) },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			keys := map[string]bool{}
			for i := range 100_000 {
				keys[shape(i)] = true
			}
			var entries []Entry
			for _, key := range slices.Sorted(maps.Keys(keys)) {
				entries = append(entries, Entry{Key: key})
			}
			_, lengths := cut(entries)
			if slices.Min(lengths) < minimumEntries || slices.Max(lengths) > maximumEntries {
				t.Errorf("segments of %d to %d entries", slices.Min(lengths), slices.Max(lengths))
			}
			if mean := len(entries) / len(lengths); mean < averageEntries*2/3 || mean > averageEntries*3/2 {
				t.Errorf("%d entries in a segment on average", mean)
			}
		})
	}
}

func TestADamagedSegmentIsNotRead(t *testing.T) {
	whole := segment{entries: makeEntries(3)}
	stored, ref, err := whole.encode()
	if err != nil {
		t.Fatal(err)
	}
	plain := func(text string) []byte {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return packed.Bytes()
	}
	tests := map[string]struct {
		stored []byte
		change func(*SegmentRef)
	}{
		"nothing":            {stored: nil},
		"not compressed":     {stored: []byte("{}")},
		"cut short":          {stored: stored[:len(stored)-9]},
		"a bit is another":   {stored: flip(stored, len(stored)/2)},
		"no entries":         {stored: plain("")},
		"no JSON":            {stored: plain("entry\n")},
		"not in order":       {stored: plain("{\"key\":\"b\"}\n{\"key\":\"a\"}\n")},
		"the same key twice": {stored: plain("{\"key\":\"b\"}\n{\"key\":\"b\"}\n")},
		"a line without end": {stored: plain(string(bytes.Repeat([]byte("x"), maximumLine+1)))},
		"other content":      {stored: plain("{\"key\":\"b\"}\n")},
		"another first key":  {stored: stored, change: func(r *SegmentRef) { r.First = "a" }},
		"another last key":   {stored: stored, change: func(r *SegmentRef) { r.Last = "z" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ref := ref
			if test.change != nil {
				test.change(&ref)
			}
			if entries, err := decode(test.stored, ref); !isUnreadable(err) || entries != nil {
				t.Errorf("read %d entries, error %v", len(entries), err)
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	changed := slices.Clone(b)
	changed[at] ^= 0x40
	return changed
}

// FuzzDecode looks for bytes that are taken for a segment although their reference
// is of another one, or that make reading fail otherwise than by saying so.
func FuzzDecode(f *testing.F) {
	whole := segment{entries: makeEntries(3)}
	stored, ref, err := whole.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored, int64(3))
	f.Add([]byte{}, int64(-1))
	f.Add(stored[:20], int64(1<<40))
	f.Fuzz(func(t *testing.T, other []byte, count int64) {
		ref := ref
		ref.Count = count
		entries, err := decode(other, ref)
		if err != nil {
			if !isUnreadable(err) {
				t.Errorf("error %v does not say that the segment is damaged", err)
			}
			return
		}
		if diff := cmp.Diff(whole.entries, entries); diff != "" {
			t.Errorf("read other entries (-want +got):\n%s", diff)
		}
	})
}

// FuzzDecodeIndex looks for an index that is accepted and then cannot be used, or
// is not the same when written again.
func FuzzDecodeIndex(f *testing.F) {
	name := Range{}.indexName()
	for _, index := range []Index{
		{Format: 1, Source: source, Complete: true, AsOf: begin, Written: begin, Segments: []SegmentRef{ref("a", "c"), ref("d", "f")}},
		{Format: 1, Retired: []Retired{{Name: "x", At: begin}}},
	} {
		encoded, err := index.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Add([]byte(`{"format":1,"segments":[{"first":"a","last":"c","range":{"after":"b","until":"a"}}]}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		index, err := decodeIndex(stored, name)
		if err != nil {
			if !isUnreadable(err) {
				t.Errorf("error %v does not say that the index is damaged", err)
			}
			return
		}
		snapshot := Snapshot{indexes: []Index{index}}
		last := ""
		for _, s := range snapshot.segments(Range{}) {
			from, isOpen, to := s.span()
			if from < last || from == last && !isOpen || from > to {
				t.Errorf("segments overlap: %+v", index.Segments)
			}
			last = to
		}
		encoded, err := index.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeIndex(encoded, name)
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if diff := cmp.Diff(index, again, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("written again (-first +again):\n%s", diff)
		}
	})
}
