package dataplane

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// Bucket is what is known of a bucket of a region.
type Bucket struct {
	Name    string
	Owner   string
	Created time.Time
	// Versioning is empty, VersioningEnabled or VersioningSuspended.
	Versioning string
	// ObjectLock is for good, and comes with versioning. LockRule is the default
	// retention, nil for none.
	ObjectLock bool
	LockRule   *LockRule
	Tags       map[string]string
	// Encryption is empty or AES256.
	Encryption  string
	Replication []ReplicationRule
	Lifecycle   []LifecycleRule
	// Grants is the access control list, beside the full control of the owner.
	Grants []Grant
	// Policy is the bucket's own policy document, empty where there is none.
	Policy string
}

// bucket is a bucket with what only the S3 side needs. Region.mu guards it.
type bucket struct {
	Bucket
	policy *policy.Policy
	// stored are the subresources that are only kept, by their name.
	stored map[string][]byte
	// grants are those of objects that grant something, by key.
	grants map[string][]Grant
	// marks are what versions say of themselves, where that is something.
	marks map[version]mark
	// uploads are what those in progress will leave, by their id.
	uploads map[string]traits
}

// version names one version of an object; the id is empty in a bucket that never
// had versions.
type version struct{ key, id string }

// traits are what the region keeps about an object.
type traits struct {
	grants []Grant
	mark   mark
}

// mark is what a version of an object says of itself.
type mark struct {
	encryption string
	// class is empty for STANDARD.
	class string
}

// Region is the one store of truth about the buckets of a region: the S3 side and
// the vendor's own API both read and write it. All methods are safe for concurrent
// use; what they return is a copy. Refusals are *s3error.Error, with the code that
// S3 has for it.
type Region struct {
	// Name is what the region is called on the S3 side.
	Name string

	habit   habit
	backend *backend
	admit   func(bucket, owner string) error
	now     func() time.Time

	// making is held while a bucket is made or deleted, which takes the backend
	// some time.
	making sync.Mutex
	mu     sync.RWMutex
	// buckets by name.
	buckets map[string]*bucket
}

func newRegion(o Options) *Region {
	return &Region{
		Name: o.Name, habit: habits[o.Vendor], backend: newBackend(o.Backend), admit: o.Admit,
		now: o.Clock, buckets: map[string]*bucket{},
	}
}

var (
	bucketName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipAddress   = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
	marksInARow = regexp.MustCompile(`[.-]{2}`)
)

func (h habit) takesName(name string) bool {
	if h.refusesMarksInARow && marksInARow.MatchString(name) {
		return false
	}
	return bucketName.MatchString(name) && !ipAddress.MatchString(name) && !strings.Contains(name, "..")
}

// MakeBucket makes a bucket, at the backend as well, with the traits that wanted
// has, which are held against the same rules as when they are set one by one; its
// time of creation is now. A name that exists is refused with
// BucketAlreadyOwnedByYou or BucketAlreadyExists, and what Options.Admit refuses
// with BucketAlreadyExists or TooManyBuckets.
func (r *Region) MakeBucket(ctx context.Context, wanted Bucket) (Bucket, error) {
	r.making.Lock()
	defer r.making.Unlock()
	if wanted.ObjectLock {
		wanted.Versioning = VersioningEnabled
	}
	if err := errors.Join(r.mayMake(wanted), r.check(wanted)); err != nil {
		return Bucket{}, err
	}
	b, err := newBucket(wanted, r.now())
	if err != nil {
		return Bucket{}, err
	}
	if err := r.makeBehind(ctx, wanted); err != nil {
		return Bucket{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buckets[wanted.Name] = b
	return b.snapshot(), nil
}

func newBucket(wanted Bucket, now time.Time) (*bucket, error) {
	b := &bucket{
		Bucket: wanted, stored: map[string][]byte{}, grants: map[string][]Grant{},
		marks: map[version]mark{}, uploads: map[string]traits{},
	}
	b.Bucket = b.snapshot()
	b.Created = now.UTC()
	var err error
	b.policy, err = parsePolicy(wanted.Policy)
	return b, err
}

// mayMake decides before the backend is asked.
func (r *Region) mayMake(wanted Bucket) error {
	if !r.habit.takesName(wanted.Name) {
		return s3error.BadRequest("InvalidBucketName", "The specified bucket is not valid.")
	}
	if existing, ok := r.Bucket(wanted.Name); ok && existing.Owner == wanted.Owner {
		return s3error.Conflict("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	} else if ok {
		return errBucketTaken
	}
	err := r.admit(wanted.Name, wanted.Owner)
	switch {
	case errors.Is(err, ErrNameTaken):
		return errBucketTaken
	case errors.Is(err, ErrTooManyBuckets):
		return s3error.BadRequest("TooManyBuckets", "You have attempted to create more buckets than allowed")
	}
	return err
}

var errBucketTaken = s3error.Conflict("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")

// makeBehind makes the bucket at the backend, and takes it away again when a part
// of it fails.
func (r *Region) makeBehind(ctx context.Context, wanted Bucket) error {
	header := http.Header{}
	if wanted.ObjectLock {
		header.Set("X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	err := r.backend.tell(ctx, message{method: http.MethodPut, bucket: wanted.Name, header: header})
	if known, ok := errors.AsType[*s3error.Error](err); ok && strings.HasPrefix(known.Code, "BucketAlready") {
		// Another region of the same backend has it.
		return errBucketTaken
	}
	if err != nil || wanted.Versioning == "" || wanted.ObjectLock {
		return err
	}
	if err := r.versionBehind(ctx, wanted.Name, wanted.Versioning); err != nil {
		undo := r.backend.tell(ctx, message{method: http.MethodDelete, bucket: wanted.Name})
		return errors.Join(err, undo)
	}
	return nil
}

func (r *Region) versionBehind(ctx context.Context, name, state string) error {
	document := `<VersioningConfiguration xmlns="` + xmlNamespace + `"><Status>` + state + `</Status></VersioningConfiguration>`
	return r.backend.tell(ctx, message{
		method: http.MethodPut, bucket: name, query: url.Values{"versioning": {""}},
		body: strings.NewReader(document), length: int64(len(document)), hash: sigv4.SHA256([]byte(document)),
	})
}

// DeleteBucket deletes an empty bucket, at the backend as well. One with a version
// or a delete marker in it is refused with BucketNotEmpty, an unknown one with
// NoSuchBucket.
func (r *Region) DeleteBucket(ctx context.Context, name string) error {
	r.making.Lock()
	defer r.making.Unlock()
	if _, ok := r.Bucket(name); !ok {
		return s3error.ErrNoSuchBucket
	}
	if err := r.backend.tell(ctx, message{method: http.MethodDelete, bucket: name}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.buckets, name)
	return nil
}

// Bucket returns a bucket, or false if the region has none of that name.
func (r *Region) Bucket(name string) (Bucket, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b, ok := r.buckets[name]
	if !ok {
		return Bucket{}, false
	}
	return b.snapshot(), true
}

// Buckets returns all buckets, by name.
func (r *Region) Buckets() []Bucket {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Bucket, 0, len(r.buckets))
	for _, b := range r.buckets {
		all = append(all, b.snapshot())
	}
	slices.SortFunc(all, func(a, b Bucket) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (b *bucket) snapshot() Bucket {
	copied := b.Bucket
	copied.Tags = maps.Clone(b.Tags)
	copied.Replication = cloneReplication(b.Replication)
	copied.Lifecycle = cloneLifecycle(b.Lifecycle)
	copied.Grants = slices.Clone(b.Grants)
	copied.LockRule = b.LockRule.clone()
	return copied
}

// change runs fn on a bucket, alone.
func (r *Region) change(name string, fn func(b *bucket) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.buckets[name]
	if !ok {
		return s3error.ErrNoSuchBucket
	}
	return fn(b)
}

// Client returns a client of the backend with its root key, for what the vendor's
// own API shows of objects. It signs by the real clock.
func (r *Region) Client() (*minio.Core, error) {
	target, err := url.Parse(r.backend.Endpoint)
	if err != nil {
		return nil, err
	}
	return minio.NewCore(target.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(r.backend.AccessKey, r.backend.SecretKey, ""),
		Secure: target.Scheme == "https", Region: r.backend.Region,
		BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
}
