package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

const (
	segmentSuffix = ".jsonl.gz"
	indexFolder   = "index/"
	formatVersion = 1
	// maximumIndex bounds how much of an index is read: one holds about 200 bytes
	// for each 2048 objects.
	maximumIndex = 256 << 20
	// maximumSegment bounds how much of a stored segment is read.
	maximumSegment = 128 << 20
)

// Root is where the manifest of a prefix is kept in its bucket.
func Root(prefix string) string {
	root := provider.ReservedPrefix + "manifest/"
	if prefix == "" {
		return root
	}
	return root + shortHash(prefix) + "/"
}

// Range is a part of the key space: keys above After, up to and including Until.
// Empty bounds are open. Keys are relative to the prefix.
type Range struct {
	After string `json:"after,omitempty"`
	Until string `json:"until,omitempty"`
}

// Contains tells whether the key is in the range.
func (r Range) Contains(key string) bool {
	return key > r.After && (r.Until == "" || key <= r.Until)
}

// IsWhole tells whether the range is the whole key space.
func (r Range) IsWhole() bool { return r == Range{} }

// overlaps tells whether the range contains any key from first to last.
func (r Range) overlaps(first, last string) bool {
	return last > r.After && (r.Until == "" || first <= r.Until)
}

// isEmpty tells whether no key can be in the range.
func (r Range) isEmpty() bool { return r.Until != "" && r.After >= r.Until }

// intersect gives the keys that are in both ranges.
func (r Range) intersect(other Range) Range {
	both := Range{After: max(r.After, other.After), Until: r.Until}
	if both.Until == "" || other.Until != "" && other.Until < both.Until {
		both.Until = other.Until
	}
	return both
}

// minus gives the keys that are in r and not in other, as at most two ranges.
func (r Range) minus(other Range) []Range {
	if both := r.intersect(other); both.isEmpty() {
		return []Range{r}
	}
	var rest []Range
	if below := (Range{After: r.After, Until: other.After}); other.After != "" && !below.isEmpty() {
		rest = append(rest, below)
	}
	if above := (Range{After: other.Until, Until: r.Until}); other.Until != "" && !above.isEmpty() {
		rest = append(rest, above)
	}
	return rest
}

// indexName is the name of the range's index under the root.
func (r Range) indexName() string {
	if r.IsWhole() {
		return indexFolder + "whole.json"
	}
	return indexFolder + "part-" + shortHash(fmt.Sprintf("%q %q", r.After, r.Until)) + ".json"
}

// Index lists the segments of a manifest.
type Index struct {
	Format int `json:"format"`
	// Source identifies what was copied. Entries about another source say nothing
	// about this one's ETags.
	Source string `json:"source"`
	Range  Range  `json:"range,omitzero"`
	// Complete tells that runs have been through the whole range: what it does not
	// list was not copied, or is damaged.
	Complete bool `json:"complete"`
	// AsOf is the time on the source's clock when the run began that last came to
	// the end of the range, or the first one that did not.
	AsOf time.Time `json:"asOf"`
	// Written is when it was written, on the clock of the writer.
	Written  time.Time    `json:"written"`
	Segments []SegmentRef `json:"segments"`
	// Retired are segments that the manifest listed until lately: whoever loaded it
	// before, such as a drill, may still read them.
	Retired []Retired `json:"retired,omitempty"`
}

// Retired is a segment that is not listed any more.
type Retired struct {
	Name string `json:"name"`
	// At is when it ceased to be listed, on the clock of the writer.
	At time.Time `json:"at"`
}

// SegmentRef points to a segment.
type SegmentRef struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	// First and Last are the keys of its first and last entries.
	First string `json:"first"`
	Last  string `json:"last"`
	// Range keeps only these of the segment's entries; others are obsolete.
	Range Range `json:"range,omitzero"`
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// span gives the bounds of the keys that count: from is the first one, or what
// they all are above when isOpen is true; to is at or after the last one.
func (s SegmentRef) span() (from string, isOpen bool, to string) {
	from, to = s.First, s.Last
	if s.Range.After >= s.First {
		from, isOpen = s.Range.After, true
	}
	if s.Range.Until != "" {
		to = min(to, s.Range.Until)
	}
	return from, isOpen, to
}

// byPosition orders references whose keys do not overlap.
func byPosition(a, b SegmentRef) int {
	fromA, openA, _ := a.span()
	fromB, openB, _ := b.span()
	switch {
	case fromA != fromB:
		return cmp.Compare(fromA, fromB)
	case openA == openB:
		return 0
	case openA: // b begins with the very key that a is above
		return 1
	default:
		return -1
	}
}

// check tells why an index cannot be one that was written under this name.
func (i Index) check(name string) error {
	if i.Format != formatVersion {
		return fmt.Errorf("it has format %d, this version knows %d", i.Format, formatVersion)
	}
	if name != i.Range.indexName() {
		return fmt.Errorf("it is about other keys than its name says")
	}
	last := ""
	for _, ref := range i.Segments {
		from, isOpen, to := ref.span()
		if ref.First == "" || from > to || from < last || from == last && !isOpen {
			return fmt.Errorf("its segments are not in order at %s", ref.Name)
		}
		if len(ref.SHA256) != hex.EncodedLen(sha256.Size) || ref.Name != segmentName(ref.SHA256) {
			return fmt.Errorf("segment %s is not named by its digest", ref.Name)
		}
		last = to
	}
	return nil
}

// segmentName gives the name of a segment with this digest.
func segmentName(digest string) string { return digest[:32] + segmentSuffix }

func (i Index) encode() ([]byte, error) {
	encoded, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encode the index: %w", err)
	}
	return append(encoded, '\n'), nil
}

// SourceID identifies a source in an index without naming it: endpoint, bucket
// and prefix.
func SourceID(endpoint, bucket, prefix string) string {
	return shortHash(strings.Join([]string{endpoint, bucket, prefix}, "\x00"))
}

func shortHash(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:8])
}
