package manifest

import (
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
	return indexFolder + "part-" + shortHash(r.After+"\x00"+r.Until) + ".json"
}

// Index lists the segments of a manifest.
type Index struct {
	Format int `json:"format"`
	// Source identifies what was copied. Entries about another source say nothing
	// about this one's ETags.
	Source string `json:"source"`
	Range  Range  `json:"range,omitzero"`
	// Complete tells that the run that wrote it came to its end.
	Complete bool `json:"complete"`
	// AsOf is the time on the source's clock when the run that wrote it began.
	AsOf time.Time `json:"asOf"`
	// Written is when it was written, on the clock of the writer.
	Written  time.Time    `json:"written"`
	Segments []SegmentRef `json:"segments"`
}

// Objects is how many objects the index lists, and Size the bytes they hold.
func (i Index) Objects() (objects, size int64) {
	for _, ref := range i.Segments {
		objects += ref.Count
		size += ref.Bytes
	}
	return objects, size
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
