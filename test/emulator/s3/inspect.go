package s3

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rempart/rempart/test/emulator/policy"
)

// Bucket is what a bucket is like behind the API.
type Bucket struct {
	Name       string
	Owner      string
	Created    time.Time
	Versioning string
	Tags       map[string]string
	// Policy is the document as it was sent, empty when there is none.
	Policy     string
	ObjectLock bool
	// Keys counts the stored keys, hidden ones included; those of
	// Server.Synthetic are not counted.
	Keys int
	// Uploads counts the multipart uploads in progress.
	Uploads int
}

// Buckets returns all buckets by name.
func (s *Server) Buckets() map[string]Bucket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]Bucket{}
	for name, b := range s.buckets {
		all[name] = Bucket{
			Name:       name,
			Owner:      b.owner,
			Created:    b.created,
			Versioning: b.versioning,
			Tags:       maps.Clone(b.tags),
			Policy:     string(b.policyText),
			ObjectLock: b.lock != nil,
			Keys:       b.objects.count,
			Uploads:    len(b.uploads),
		}
	}
	return all
}

// CreateBucket adds an empty bucket of the root account; an existing one stays
// as it is. The name is not checked.
func (s *Server) CreateBucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureBucket(name)
}

func (s *Server) ensureBucket(name string) *bucket {
	if b := s.buckets[name]; b != nil {
		return b
	}
	return s.addBucket(name, s.AccessKey)
}

// PutObjectDirect stores an object without a request, in a bucket made when
// missing, and returns its version id. Size, ETag and LastModified are filled
// in when zero; VersionID is always given by the server. The key is taken as it
// is, even when a request could not send it.
func (s *Server) PutObjectDirect(bucketName string, o Object) string {
	stored := o.clone()
	if !o.DeleteMarker {
		stored.Size = cmp.Or(o.Size, int64(len(o.Body)))
		stored.ETag = cmp.Or(o.ETag, md5Hex(o.Body))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored.LastModified.IsZero() {
		stored.LastModified = s.now()
	}
	s.ensureBucket(bucketName).add(stored, s.newID)
	return stored.VersionID
}

// Object returns a copy of a key's current version; false when there is none
// or when it is a delete marker.
func (s *Server) Object(bucketName, key string) (Object, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return Object{}, false
	}
	e := b.get(key)
	if e == nil || !e.visible() {
		return Object{}, false
	}
	return *b.load(e.current()).clone(), true
}

// Versions returns copies of all versions and delete markers of a key, oldest
// first.
func (s *Server) Versions(bucketName, key string) []Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil || b.get(key) == nil {
		return nil
	}
	var all []Object
	for _, o := range b.get(key).versions {
		all = append(all, *b.load(o).clone())
	}
	return all
}

// Keys returns the visible keys of a bucket, in order.
func (s *Server) Keys(bucketName string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return nil
	}
	var keys []string
	for c := b.seek(func(string) bool { return true }); c.current() != nil; c.advance() {
		if c.current().visible() {
			keys = append(keys, c.current().key)
		}
	}
	return keys
}

// Corrupt changes a key's current version in place, as a failing disk does:
// only what change touches differs, so ETag, Size and LastModified go on
// claiming what they did.
func (s *Server) Corrupt(bucketName, key string, change func(o *Object)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucketName]
	if b == nil || b.get(key).current() == nil {
		return fmt.Errorf("corrupt %q in bucket %q: no such object", key, bucketName)
	}
	changed := b.load(b.get(key).current()).clone()
	changed.generated = false
	id := changed.VersionID
	change(changed)
	changed.Key, changed.VersionID = key, id
	b.replace(changed)
	return nil
}

// Synthetic gives a bucket, made when missing, n generated objects of size
// bytes with the keys SyntheticKey(0) to SyntheticKey(n-1). They take no memory
// until they are overwritten. Each content is different and its ETag true.
func (s *Server) Synthetic(bucketName string, n int, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureBucket(bucketName).generated = newSynthetic(n, size, s.now())
}

// AccessKeys returns all known access keys, sorted.
func (s *Server) AccessKeys() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.credentials))
}

// Configuration returns what is stored under a subresource of a bucket, empty
// when nothing is.
func (s *Server) Configuration(bucketName, subresource string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return ""
	}
	return string(b.configurations[subresource])
}

// SetConfiguration stores a document under a subresource of a bucket behind the
// API, as somebody else's hand does.
func (s *Server) SetConfiguration(bucketName, subresource, document string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureBucket(bucketName).configurations[subresource] = []byte(document)
}

// RemoveTags removes all tags of a bucket behind the API.
func (s *Server) RemoveTags(bucketName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensureBucket(bucketName).tags = nil
}

// SetBucketPolicy sets a bucket's policy behind the API, after the checks of
// the API except those of its principals.
func (s *Server) SetBucketPolicy(bucketName, document string) error {
	p, err := policy.Parse([]byte(document), policy.OfBucket)
	if err == nil {
		err = p.CoversOnly(bucketName)
	}
	if err != nil {
		return fmt.Errorf("set policy of bucket %q: %w", bucketName, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.ensureBucket(bucketName)
	b.policy, b.policyText = p, []byte(document)
	return nil
}
