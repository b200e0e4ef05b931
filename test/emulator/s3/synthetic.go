package s3

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"hash"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Synthetic keys are syntheticPrefix followed by syntheticDigits digits, so
// that byte order is the order of the numbers.
const (
	syntheticPrefix = "object-"
	syntheticDigits = 12
)

// SyntheticKey returns the key of the i-th object, counted from 0, of a bucket
// made by Server.Synthetic.
func SyntheticKey(i int) string {
	return fmt.Sprintf("%s%0*d", syntheticPrefix, syntheticDigits, i)
}

// synthetic generates the objects of a bucket from their number. A content is
// a common filler ended by the object's own digits: all contents differ, and
// the MD5 of each costs only the hashing of those digits.
type synthetic struct {
	count   int
	size    int64
	created time.Time
	filler  []byte
	hashed  hash.Cloner
}

func newSynthetic(count int, size int64, created time.Time) *synthetic {
	g := &synthetic{count: count, size: size, created: created}
	g.filler = make([]byte, max(0, size-syntheticDigits))
	for i := range g.filler {
		g.filler[i] = byte(i*7 + i>>8)
	}
	h := md5.New()
	h.Write(g.filler)
	// The standard MD5 can be cloned; the assertion fails loudly if ever not.
	g.hashed = h.(hash.Cloner)
	return g
}

// tail returns the part of the content that is the object's own.
func (g *synthetic) tail(i int) string {
	digits := fmt.Sprintf("%0*d", syntheticDigits, i)
	return digits[len(digits)-int(min(g.size, syntheticDigits)):]
}

func (g *synthetic) content(i int) []byte {
	return append(append(make([]byte, 0, g.size), g.filler...), g.tail(i)...)
}

func (g *synthetic) etag(i int) string {
	h, err := g.hashed.Clone()
	if err != nil {
		// crypto/md5 never fails to clone.
		panic(err)
	}
	h.Write([]byte(g.tail(i)))
	return hex.EncodeToString(h.Sum(nil))
}

// number returns which object a key names.
func (g *synthetic) number(key string) (int, bool) {
	digits, ok := strings.CutPrefix(key, syntheticPrefix)
	if !ok || len(digits) != syntheticDigits {
		return 0, false
	}
	i, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int(i) >= g.count {
		return 0, false
	}
	return int(i), true
}

func (g *synthetic) entry(i int) *entry {
	key := SyntheticKey(i)
	return &entry{key: key, versions: []*Object{{
		Key:          key,
		VersionID:    nullVersion,
		Size:         g.size,
		ETag:         g.etag(i),
		LastModified: g.created,
		generated:    true,
	}}}
}

func (g *synthetic) seek(reached func(key string) bool) cursor {
	start := sort.Search(g.count, func(i int) bool { return reached(SyntheticKey(i)) })
	return &syntheticCursor{source: g, next: start}
}

type syntheticCursor struct {
	source *synthetic
	next   int
	cached *entry
}

func (c *syntheticCursor) current() *entry {
	if c.cached == nil && c.next < c.source.count {
		c.cached = c.source.entry(c.next)
	}
	return c.cached
}

func (c *syntheticCursor) advance() {
	c.next++
	c.cached = nil
}
