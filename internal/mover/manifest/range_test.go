package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ref makes a reference to a segment from one key to another.
func ref(first, last string) SegmentRef {
	digest := strings.Repeat(shortHash(first+"-"+last), 4)
	return SegmentRef{Name: segmentName(digest), SHA256: digest, First: first, Last: last, Count: 1}
}

// space is a small key space in which ranges are tried out key by key.
var space = func() []string {
	var keys []string
	for _, a := range []string{"a", "b", "c", "d"} {
		keys = append(keys, a, a+"/", a+"a")
	}
	return keys
}()

func contained(ranges ...Range) map[string]int {
	found := map[string]int{}
	for _, r := range ranges {
		for _, key := range space {
			if r.Contains(key) {
				found[key]++
			}
		}
	}
	return found
}

func checkAlgebra(t *testing.T, r, other Range) {
	t.Helper()
	both, rest := contained(r.intersect(other)), contained(r.minus(other)...)
	for _, key := range space {
		wantBoth, wantRest := 0, 0
		switch {
		case r.Contains(key) && other.Contains(key):
			wantBoth = 1
		case r.Contains(key):
			wantRest = 1
		}
		if both[key] != wantBoth || rest[key] != wantRest {
			t.Errorf("%q: in the intersection of %+v and %+v %d times, in their difference %d times", key, r, other, both[key], rest[key])
		}
	}
}

func checkBounds(t *testing.T, r Range) {
	t.Helper()
	if r.isEmpty() && len(contained(r)) > 0 {
		t.Errorf("%+v is said to be empty and contains %v", r, contained(r))
	}
	for i, first := range space {
		for _, last := range space[i:] {
			has := false
			for _, key := range space {
				has = has || key >= first && key <= last && r.Contains(key)
			}
			if has && !r.overlaps(first, last) {
				t.Errorf("%+v is said to have nothing from %q to %q", r, first, last)
			}
		}
	}
}

func TestRangesAreSetsOfKeys(t *testing.T) {
	bounds := append([]string{""}, space...)
	var all []Range
	for _, after := range bounds {
		for _, until := range bounds {
			all = append(all, Range{After: after, Until: until})
		}
	}
	for _, r := range all {
		checkBounds(t, r)
		for _, other := range all {
			checkAlgebra(t, r, other)
		}
	}
}

func FuzzRanges(f *testing.F) {
	f.Add("a", "b", "", "c")
	f.Add("", "", "a/", "a/")
	f.Fuzz(func(t *testing.T, after, until, otherAfter, otherUntil string) {
		checkBounds(t, Range{after, until})
		checkAlgebra(t, Range{after, until}, Range{otherAfter, otherUntil})
	})
}

func TestRangesHaveNamesOfTheirOwn(t *testing.T) {
	names := map[string]Range{}
	for _, r := range []Range{{}, {After: "a"}, {Until: "a"}, {After: "a", Until: "b"}, {After: "a\x00b"}, {After: "a", Until: "b\x00"}} {
		if other, taken := names[r.indexName()]; taken {
			t.Errorf("%+v and %+v have the same index", r, other)
		}
		names[r.indexName()] = r
	}
	if name := (Range{}).indexName(); name != "index/whole.json" {
		t.Errorf("the whole key space is %s", name)
	}
}

func TestAnIndexThatCannotBeTrueIsDamaged(t *testing.T) {
	clipped := func(ref SegmentRef, r Range) SegmentRef { ref.Range = r; return ref }
	named := func(ref SegmentRef, name string) SegmentRef { ref.Name = name; return ref }
	tests := map[string]struct {
		index Index
		want  bool
	}{
		"an empty one":                          {Index{Format: 1}, true},
		"segments in order":                     {Index{Format: 1, Segments: []SegmentRef{ref("a", "b"), ref("c", "c"), ref("d", "e")}}, true},
		"a segment cut by another":              {Index{Format: 1, Segments: []SegmentRef{clipped(ref("a", "z"), Range{Until: "f"}), ref("g", "h"), clipped(ref("a", "z"), Range{After: "h"})}}, true},
		"a format of the future":                {Index{Format: 2}, false},
		"other keys than its name says":         {Index{Format: 1, Range: Range{After: "a"}}, false},
		"segments that overlap":                 {Index{Format: 1, Segments: []SegmentRef{ref("a", "c"), ref("b", "d")}}, false},
		"segments with a key in common":         {Index{Format: 1, Segments: []SegmentRef{ref("a", "c"), ref("c", "d")}}, false},
		"segments in disorder":                  {Index{Format: 1, Segments: []SegmentRef{ref("c", "d"), ref("a", "b")}}, false},
		"a segment that ends before it begins":  {Index{Format: 1, Segments: []SegmentRef{ref("c", "b")}}, false},
		"a segment with the empty key":          {Index{Format: 1, Segments: []SegmentRef{ref("", "b")}}, false},
		"a segment of which nothing can count":  {Index{Format: 1, Segments: []SegmentRef{clipped(ref("a", "c"), Range{After: "d"})}}, false},
		"a segment that is not a digest's":      {Index{Format: 1, Segments: []SegmentRef{named(ref("a", "c"), "../../owner")}}, false},
		"a segment with a digest of some bytes": {Index{Format: 1, Segments: []SegmentRef{{Name: "ab", SHA256: "ab", First: "a", Last: "b"}}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			encoded, err := test.index.encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decodeIndex(encoded, Range{}.indexName()); (err == nil) != test.want || err != nil && !isUnreadable(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestWholeKeySpaceIsCoveredByCompleteRunsOnly(t *testing.T) {
	index := func(after, until string, complete bool) Index {
		return Index{Range: Range{After: after, Until: until}, Complete: complete}
	}
	tests := map[string]struct {
		indexes []Index // the latest first
		want    bool
	}{
		"nothing is known":                               {nil, false},
		"a run that came to its end":                     {[]Index{index("", "", true)}, true},
		"a first run that was stopped":                   {[]Index{index("", "", false)}, false},
		"all of two halves":                              {[]Index{index("m", "", true), index("", "m", true)}, true},
		"one half":                                       {[]Index{index("m", "", true)}, false},
		"halves with a gap":                              {[]Index{index("m", "", true), index("", "k", true)}, false},
		"a half over the whole":                          {[]Index{index("m", "", true), index("", "", true)}, true},
		"a half that was stopped over the whole":         {[]Index{index("m", "", false), index("", "", true)}, false},
		"the whole over a half that was stopped":         {[]Index{index("", "", true), index("m", "", false)}, true},
		"the whole, stopped, over halves that were not":  {[]Index{index("", "", false), index("m", "", true), index("", "m", true)}, false},
		"thirds, the one in the middle twice and sooner": {[]Index{index("c", "", true), index("a", "b", true), index("", "c", true)}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			snapshot := Snapshot{indexes: test.indexes}
			latest, isWhole := snapshot.Whole()
			if isWhole != test.want {
				t.Errorf("whole is %v", isWhole)
			}
			if isWhole {
				if diff := cmp.Diff(test.indexes[0], latest); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	if !(Snapshot{}).Covers(Range{After: "k", Until: "k"}) {
		t.Error("no keys at all are not covered")
	}
}

// TestLaterIndexesHideEarlierOnes compares with a map from keys to the index that
// is the latest to speak about each.
func TestLaterIndexesHideEarlierOnes(t *testing.T) {
	bounds := []string{"", "a", "b/", "c", "da"}
	var ranges []Range
	for i, after := range bounds {
		ranges = append(ranges, Range{After: after})
		for _, until := range bounds[i+1:] {
			ranges = append(ranges, Range{After: after, Until: until})
		}
	}
	for _, first := range ranges {
		for _, second := range ranges {
			for _, within := range ranges {
				checkLayers(t, within, second, first, Range{})
			}
		}
	}
}

// checkLayers lays indexes of the given ranges, the latest first, over each other.
// Each has a segment for every two keys of the space that it contains.
func checkLayers(t *testing.T, within Range, layers ...Range) {
	t.Helper()
	var snapshot Snapshot
	want := map[string]int{}
	for number, layer := range layers {
		index := Index{Range: layer}
		var own []string
		for _, key := range space {
			if !layer.Contains(key) {
				continue
			}
			own = append(own, key)
			if _, spoken := want[key]; !spoken && within.Contains(key) {
				want[key] = number
			}
		}
		for i := 0; i < len(own); i += 2 {
			s := ref(own[i], own[min(i+1, len(own)-1)])
			s.Count = int64(number)
			index.Segments = append(index.Segments, s)
		}
		snapshot.indexes = append(snapshot.indexes, index)
	}
	got := map[string]int{}
	last := ""
	for _, s := range snapshot.segments(within) {
		for _, key := range space {
			if key < s.First || key > s.Last || !s.Range.Contains(key) {
				continue
			}
			if key <= last {
				t.Fatalf("%q comes after %q within %+v of %+v", key, last, within, layers)
			}
			last, got[key] = key, int(s.Count)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("within %+v of %+v (-want +got):\n%s", within, layers, diff)
	}
}

func TestRootsOfPrefixesAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, prefix := range []string{"", "a/", "a", "b/", "manifest/", "index/"} {
		root := Root(prefix)
		if other, taken := seen[root]; taken || !strings.HasPrefix(root, ".rempart/manifest/") {
			t.Errorf("prefix %q has the root %q, and so has %q", prefix, root, other)
		}
		seen[root] = prefix
	}
	if SourceID("https://a", "b", "c/") == SourceID("https://a", "b/c", "/") {
		t.Error("sources are mixed up")
	}
}
