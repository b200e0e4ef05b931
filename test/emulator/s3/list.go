package s3

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const maxPage = 1000

// position is where a page ended: after a key, or after one version of it.
type position struct {
	key     string
	version string
}

// listing is one question for a page.
type listing struct {
	prefix    string
	delimiter string
	after     position
	limit     int
	// versions lists every version and delete marker.
	versions bool
	// inclusive begins with the key of after instead of behind it.
	inclusive bool
}

// listed is one line of a page: an object, or a common prefix.
type listed struct {
	object *Object
	prefix string
	latest bool
}

func (l listed) end() position {
	if l.object == nil {
		return position{key: l.prefix}
	}
	return position{key: l.object.Key, version: l.object.VersionID}
}

// page is the answer to a listing.
type page struct {
	lines     []listed
	truncated bool
	next      position
}

// page answers q as the faults of the request allow. The caller holds mu.
func (c *call) page(b *bucket, q listing) page {
	q.inclusive = q.inclusive || c.effects.has(kindInclusiveMarker)
	p := c.plainPage(b, q)
	if c.effects.has(kindRepeatPage) && q.after.key != "" {
		p = page{lines: c.linesBefore(b, q), truncated: true, next: q.after}
	}
	if e, ok := c.effects.find(kindSkipKeys); ok {
		p.lines = p.lines[min(int(e.count), len(p.lines)):]
	}
	if c.effects.has(kindUnordered) {
		p.lines = slices.Clone(p.lines)
		slices.Reverse(p.lines)
	}
	if c.effects.has(kindLoopPages) && !p.truncated {
		p.truncated, p.next = true, position{}
	}
	if c.effects.has(kindStuckToken) {
		p.truncated, p.next = true, q.after
	}
	if c.effects.has(kindEndEarly) {
		p = page{}
	}
	return p
}

func (c *call) plainPage(b *bucket, q listing) page {
	var p page
	if q.limit == 0 {
		return p
	}
	for line := range c.walk(b, q) {
		if len(p.lines) == q.limit {
			p.truncated = true
			p.next = p.lines[len(p.lines)-1].end()
			break
		}
		p.lines = append(p.lines, line)
	}
	return p
}

// linesBefore returns the last lines up to and including where q begins.
func (c *call) linesBefore(b *bucket, q listing) []listed {
	var lines []listed
	whole := q
	whole.after, whole.inclusive = position{}, false
	for line := range c.walk(b, whole) {
		end := line.end()
		if end.key > q.after.key {
			break
		}
		lines = append(lines, line)
		if end == q.after {
			break
		}
	}
	return lines[max(0, len(lines)-q.limit):]
}

// walk yields the lines behind q.after in order, whatever the limit.
func (c *call) walk(b *bucket, q listing) func(yield func(listed) bool) {
	return func(yield func(listed) bool) {
		cur := c.seek(b, q.start())
		for e := cur.current(); e != nil && strings.HasPrefix(e.key, q.prefix); e = cur.current() {
			if !c.shows(e, q) {
				cur.advance()
				continue
			}
			if common := q.commonPrefix(e.key); common != "" {
				// A marker inside or at a common prefix has passed it.
				if common > q.after.key && !yield(listed{prefix: common}) {
					return
				}
				cur = c.seek(b, func(k string) bool { return k > common && !strings.HasPrefix(k, common) })
				continue
			}
			if !q.yieldEntry(e, yield) {
				return
			}
			cur.advance()
		}
	}
}

// start returns where a walk begins: at the marker's key itself when versions
// of it may be left.
func (q listing) start() func(key string) bool {
	within := q.inclusive || q.after.version != ""
	return func(k string) bool {
		return k >= q.prefix && (k > q.after.key || within && k == q.after.key)
	}
}

func (q listing) commonPrefix(key string) string {
	if q.delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(q.prefix):], q.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(q.prefix)+i+len(q.delimiter)]
}

// yieldEntry yields the current version, or all of them newest first.
func (q listing) yieldEntry(e *entry, yield func(listed) bool) bool {
	if !q.versions {
		return yield(listed{object: e.current(), latest: true})
	}
	last := len(e.versions) - 1
	if e.key == q.after.key && q.after.version != "" {
		// When that version is gone meanwhile, all that are left are listed.
		if i := e.indexOf(q.after.version); i >= 0 && q.inclusive {
			last = i
		} else if i >= 0 {
			last = i - 1
		}
	}
	for i := last; i >= 0; i-- {
		if !yield(listed{object: e.versions[i], latest: i == len(e.versions)-1}) {
			return false
		}
	}
	return true
}

func (c *call) shows(e *entry, q listing) bool {
	if len(e.versions) == 0 || !q.versions && !e.visible() {
		return false
	}
	return !c.hidden(e)
}

// seek is the bucket's, with the phantom keys of a fault laid under it.
func (c *call) seek(b *bucket, reached func(key string) bool) cursor {
	e, ok := c.effects.find(kindPhantom)
	if !ok {
		return b.seek(reached)
	}
	var phantoms index
	for _, key := range e.keys {
		if b.get(key).visible() {
			continue
		}
		phantoms.put(&entry{key: key, versions: []*Object{{
			Key: key, VersionID: nullVersion, ETag: md5Hex(nil), LastModified: c.now,
		}}})
	}
	return &overlay{over: phantoms.seek(reached), under: b.seek(reached)}
}

// listing reads what all listings have in common.
func (c *call) listing() (listing, keyEncoder, error) {
	encode, err := newKeyEncoder(c.query.Get("encoding-type"))
	if err != nil {
		return listing{}, nil, err
	}
	limit, err := c.count("max-keys", maxPage)
	return listing{
		prefix:    c.query.Get("prefix"),
		delimiter: c.query.Get("delimiter"),
		limit:     limit,
	}, encode, err
}

// count reads a page size: at most, and by default, limit.
func (c *call) count(name string, limit int) (int, error) {
	text := c.query.Get(name)
	if text == "" {
		return limit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, s3error.InvalidArgument("Provided %s not an integer or within integer range", name).With("ArgumentName", name)
	}
	return min(n, limit), nil
}
