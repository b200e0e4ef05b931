package s3

import (
	"slices"
	"time"

	"github.com/rempart/rempart/test/emulator/policy"
)

// Versioning states of a bucket, as S3 spells them; the empty string means
// never enabled.
const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

// bucket is guarded by Server.mu.
type bucket struct {
	name       string
	owner      string
	created    time.Time
	versioning string
	tags       map[string]string

	policy     *policy.Policy
	policyText []byte

	// lock is nil in a bucket without object lock.
	lock *lockConfiguration

	configurations map[string][]byte
	objects        index
	generated      *synthetic
	uploads        map[string]*upload
}

// seek returns a cursor over stored and generated keys.
func (b *bucket) seek(reached func(key string) bool) cursor {
	stored := b.objects.seek(reached)
	if b.generated == nil {
		return stored
	}
	return &overlay{over: stored, under: b.generated.seek(reached)}
}

// get returns the entry of a key, or nil.
func (b *bucket) get(key string) *entry {
	if e := b.objects.get(key); e != nil {
		return e
	}
	if b.generated == nil {
		return nil
	}
	if i, ok := b.generated.number(key); ok {
		return b.generated.entry(i)
	}
	return nil
}

// load returns o with its body, which generated objects lack.
func (b *bucket) load(o *Object) *Object {
	if !o.generated || b.generated == nil {
		return o
	}
	i, ok := b.generated.number(o.Key)
	if !ok {
		return o
	}
	full := *o
	full.Body = b.generated.content(i)
	return &full
}

// find returns the version asked for, the current one when versionID is empty,
// or nil.
func (b *bucket) find(key, versionID string) *Object {
	e := b.get(key)
	if versionID == "" {
		return e.current()
	}
	if e == nil {
		return nil
	}
	i := e.indexOf(versionID)
	if i < 0 {
		return nil
	}
	return e.versions[i]
}

func (e *entry) indexOf(versionID string) int {
	return slices.IndexFunc(e.versions, func(o *Object) bool { return o.VersionID == versionID })
}

// add stores o as the newest version of its key and gives it its version id:
// a new one with versioning enabled, else "null", which replaces the version
// that had that id.
func (b *bucket) add(o *Object, newID func() string) {
	e := b.owned(o.Key)
	o.VersionID = nullVersion
	if b.versioning == versioningEnabled {
		o.VersionID = newID()
	} else if i := e.indexOf(nullVersion); i >= 0 {
		e.versions = slices.Delete(e.versions, i, i+1)
	}
	e.versions = append(e.versions, o)
}

// replace puts changed in the place of the version with the same id.
func (b *bucket) replace(changed *Object) {
	e := b.owned(changed.Key)
	i := e.indexOf(changed.VersionID)
	if i < 0 {
		return
	}
	e.versions[i] = changed
}

// drop removes one version for good and returns it, or nil.
func (b *bucket) drop(key, versionID string) *Object {
	if b.get(key) == nil {
		return nil
	}
	e := b.owned(key)
	i := e.indexOf(versionID)
	if i < 0 {
		return nil
	}
	gone := e.versions[i]
	e.versions = slices.Delete(e.versions, i, i+1)
	if len(e.versions) == 0 && !b.generates(key) {
		b.objects.remove(key)
	}
	return gone
}

// owned returns the stored entry of a key, made when missing. A generated key
// becomes a stored one, and stays stored without versions once deleted: that
// empty entry hides the generated object.
func (b *bucket) owned(key string) *entry {
	if e := b.objects.get(key); e != nil {
		return e
	}
	e := b.get(key)
	if e == nil {
		e = &entry{key: key}
	}
	b.objects.put(e)
	return e
}

func (b *bucket) generates(key string) bool {
	if b.generated == nil {
		return false
	}
	_, ok := b.generated.number(key)
	return ok
}

// empty tells whether the bucket holds no version and no delete marker.
func (b *bucket) empty() bool {
	for c := b.seek(func(string) bool { return true }); c.current() != nil; c.advance() {
		if len(c.current().versions) > 0 {
			return false
		}
	}
	return true
}
