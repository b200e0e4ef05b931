package manifest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Bounds of a segment. On average one ends every averageEntries keys; the
// minimum keeps segments from being tiny, the maximum keeps memory bounded.
const (
	minimumEntries = 256
	averageEntries = 2048
	maximumEntries = 8192
)

// maximumLine bounds one line of a segment: a key has at most 1024 bytes, and
// each may take six characters in JSON.
const maximumLine = 16 << 10

// endsSegment tells whether a segment of this many entries ends with the key. It
// looks at the key's hash and not at its position, so that an insertion moves no
// borders but those beside it.
func endsSegment(key string, entries int) bool {
	if entries >= maximumEntries {
		return true
	}
	hash := fnv.New32a()
	_, _ = io.WriteString(hash, key)
	return entries >= minimumEntries && hash.Sum32()%averageEntries == 0
}

// segment collects entries in order.
type segment struct {
	entries []Entry
	bytes   int64
}

func (s *segment) add(e Entry) {
	s.entries = append(s.entries, e)
	s.bytes += e.Size
}

// encode gives the stored form and its reference.
func (s *segment) encode() ([]byte, SegmentRef, error) {
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	for _, entry := range s.entries {
		if err := encoder.Encode(entry); err != nil {
			return nil, SegmentRef{}, fmt.Errorf("encode the entry of %q: %w", entry.Key, err)
		}
	}
	digest := sha256.Sum256(plain.Bytes())
	sum := hex.EncodeToString(digest[:])
	ref := SegmentRef{
		Name:   segmentName(sum),
		SHA256: sum,
		First:  s.entries[0].Key,
		Last:   s.entries[len(s.entries)-1].Key,
		Count:  int64(len(s.entries)),
		Bytes:  s.bytes,
	}
	var stored bytes.Buffer
	compressor := gzip.NewWriter(&stored)
	if _, err := compressor.Write(plain.Bytes()); err != nil {
		return nil, SegmentRef{}, fmt.Errorf("compress a segment: %w", err)
	}
	if err := compressor.Close(); err != nil {
		return nil, SegmentRef{}, fmt.Errorf("compress a segment: %w", err)
	}
	return stored.Bytes(), ref, nil
}

// errDamaged marks a segment or an index that cannot be trusted.
var errDamaged = errors.New("it is damaged")

// decode reads a stored segment whole and checks it against its reference.
func decode(stored []byte, ref SegmentRef) ([]Entry, error) {
	plain, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	hash := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(plain, hash))
	lines.Buffer(make([]byte, 0, 4<<10), maximumLine)
	entries := make([]Entry, 0, max(0, min(ref.Count, maximumEntries)))
	for lines.Scan() {
		var entry Entry
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		if len(entries) > 0 && entry.Key <= entries[len(entries)-1].Key || len(entries) >= maximumEntries {
			return nil, fmt.Errorf("%w: entries are not in order", errDamaged)
		}
		entries = append(entries, entry)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != ref.SHA256 {
		return nil, fmt.Errorf("%w: its digest is another", errDamaged)
	}
	if len(entries) == 0 || entries[0].Key != ref.First || entries[len(entries)-1].Key != ref.Last {
		return nil, fmt.Errorf("%w: it holds other keys than its index says", errDamaged)
	}
	return entries, nil
}
