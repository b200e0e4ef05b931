package s3

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const maxKeyLength = 1024

// checkKey refuses keys S3 refuses and, with RewriteKeys, turns the key into
// the path a posix gateway would make of it.
func (c *call) checkKey() error {
	if len(c.key) > maxKeyLength {
		return s3error.BadRequest("KeyTooLongError", "Your key is too long")
	}
	if !utf8.ValidString(c.key) || !utf8.ValidString(c.bucket) {
		return s3error.BadRequest("InvalidURI", "Couldn't parse the specified URI.")
	}
	if c.bucket == "" && c.key != "" {
		return s3error.BadRequest("InvalidBucketName", "The specified bucket is not valid.")
	}
	if c.options.RewriteKeys && c.key != "" {
		c.key = cleanKey(c.key)
		if c.key == "" {
			return s3error.BadRequest("InvalidArgument", "The key names no file.")
		}
	}
	return nil
}

// cleanKey resolves a key as if it were a path below the bucket's folder. A
// trailing slash, which names a folder, stays.
func cleanKey(key string) string {
	cleaned := strings.TrimPrefix(path.Clean("/"+key), "/")
	if cleaned != "" && strings.HasSuffix(key, "/") {
		cleaned += "/"
	}
	return cleaned
}

// checkFolder refuses what cannot be both a file and a folder, in a store that
// keeps objects as files. The caller holds mu.
func (c *call) checkFolder(b *bucket, o *Object) error {
	if !c.options.RewriteKeys {
		return nil
	}
	if strings.HasSuffix(o.Key, "/") {
		if o.Size > 0 {
			return s3error.BadRequest("DirectoryObjectContainsData", "Directory object contains data payload.")
		}
	} else if below := b.first(o.Key + "/"); below != nil {
		return s3error.Conflict("ExistingObjectIsDirectory", "Existing Object is a directory.")
	}
	for dir := path.Dir(strings.TrimSuffix(o.Key, "/")); dir != "."; dir = path.Dir(dir) {
		if b.get(dir).current() != nil {
			return s3error.Conflict("ObjectParentIsFile", "Object parent already exists as a file.")
		}
	}
	return nil
}

// first returns the first entry with versions whose key begins with prefix.
func (b *bucket) first(prefix string) *entry {
	for c := b.seek(func(k string) bool { return k >= prefix }); c.current() != nil; c.advance() {
		e := c.current()
		if !strings.HasPrefix(e.key, prefix) {
			return nil
		}
		if len(e.versions) > 0 {
			return e
		}
	}
	return nil
}
