package s3

import (
	"slices"
	"sort"
	"strings"
)

// entry is one key of a bucket with its versions, oldest first. In a bucket
// without versioning there is at most one.
type entry struct {
	key      string
	versions []*Object
}

// current returns the newest version, which may be a delete marker, or nil.
func (e *entry) current() *Object {
	if e == nil || len(e.versions) == 0 {
		return nil
	}
	return e.versions[len(e.versions)-1]
}

// visible tells whether an ordinary listing shows the key.
func (e *entry) visible() bool {
	o := e.current()
	return o != nil && !o.DeleteMarker
}

// cursor walks entries in key order; current is nil at the end.
type cursor interface {
	current() *entry
	advance()
}

// blockSize trades the copying of an insert against the number of blocks: a
// million keys are about 3 000 blocks of pointers.
const blockSize = 512

// index keeps entries sorted by key, in byte order: a list of short sorted
// blocks. Finding is O(log n), inserting copies at most one block and the list
// of blocks.
type index struct {
	blocks [][]*entry
	count  int
}

// locate returns where key is, or where it belongs.
func (x *index) locate(key string) (block, pos int, found bool) {
	block = sort.Search(len(x.blocks), func(i int) bool {
		b := x.blocks[i]
		return b[len(b)-1].key >= key
	})
	if block == len(x.blocks) {
		return block, 0, false
	}
	pos, found = slices.BinarySearchFunc(x.blocks[block], key, func(e *entry, k string) int {
		return strings.Compare(e.key, k)
	})
	return block, pos, found
}

func (x *index) get(key string) *entry {
	b, p, found := x.locate(key)
	if !found {
		return nil
	}
	return x.blocks[b][p]
}

// put adds e, or replaces the entry of the same key.
func (x *index) put(e *entry) {
	b, p, found := x.locate(e.key)
	if found {
		x.blocks[b][p] = e
		return
	}
	x.count++
	if len(x.blocks) == 0 {
		x.blocks = [][]*entry{{e}}
		return
	}
	if b == len(x.blocks) {
		b--
		p = len(x.blocks[b])
	}
	x.blocks[b] = slices.Insert(x.blocks[b], p, e)
	if len(x.blocks[b]) > blockSize {
		x.split(b)
	}
}

func (x *index) split(b int) {
	full := x.blocks[b]
	half := len(full) / 2
	x.blocks[b] = full[:half:half]
	x.blocks = slices.Insert(x.blocks, b+1, slices.Clone(full[half:]))
}

func (x *index) remove(key string) {
	b, p, found := x.locate(key)
	if !found {
		return
	}
	x.count--
	x.blocks[b] = slices.Delete(x.blocks[b], p, p+1)
	if len(x.blocks[b]) == 0 {
		x.blocks = slices.Delete(x.blocks, b, b+1)
	}
}

// seek returns a cursor at the first key for which reached is true; reached
// must stay true for all greater keys.
func (x *index) seek(reached func(key string) bool) cursor {
	b := sort.Search(len(x.blocks), func(i int) bool {
		blk := x.blocks[i]
		return reached(blk[len(blk)-1].key)
	})
	if b == len(x.blocks) {
		return &indexCursor{index: x, block: b}
	}
	blk := x.blocks[b]
	p := sort.Search(len(blk), func(i int) bool { return reached(blk[i].key) })
	return &indexCursor{index: x, block: b, pos: p}
}

type indexCursor struct {
	index      *index
	block, pos int
}

func (c *indexCursor) current() *entry {
	if c.block >= len(c.index.blocks) {
		return nil
	}
	return c.index.blocks[c.block][c.pos]
}

func (c *indexCursor) advance() {
	c.pos++
	if c.block < len(c.index.blocks) && c.pos >= len(c.index.blocks[c.block]) {
		c.block++
		c.pos = 0
	}
}

// overlay walks two sources as one; where both have a key, over wins.
type overlay struct {
	over, under cursor
}

func (c *overlay) current() *entry {
	o, u := c.over.current(), c.under.current()
	if o == nil || (u != nil && u.key < o.key) {
		return u
	}
	return o
}

func (c *overlay) advance() {
	o, u := c.over.current(), c.under.current()
	if o != nil && (u == nil || o.key <= u.key) {
		c.over.advance()
	}
	if u != nil && (o == nil || u.key <= o.key) {
		c.under.advance()
	}
}
