package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

// memoryDriver opens sessions on stores in memory, one for each endpoint, which
// need no network and so can live in fake time.
type memoryDriver struct {
	mu     sync.Mutex
	stores map[string]*memoryStore
}

// Type implements provider.Driver.
func (*memoryDriver) Type() string { return "S3" }

// Open implements provider.Driver.
func (d *memoryDriver) Open(place provider.Place, _ provider.Credentials) (provider.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stores[place.Endpoint] == nil {
		d.stores[place.Endpoint] = &memoryStore{buckets: map[string]*memoryBucket{}}
	}
	return &memorySession{place: place, store: d.stores[place.Endpoint]}, nil
}

type memoryStore struct {
	mu      sync.Mutex
	buckets map[string]*memoryBucket
}

type memoryBucket struct {
	state   provider.BucketState
	objects map[string]memoryObject
}

type memoryObject struct {
	provider.Object
	body []byte
}

// memorySession does what the operator needs of a store for a small dataset. What
// it does not need would panic.
type memorySession struct {
	provider.Session
	place provider.Place
	store *memoryStore
}

// Place implements provider.Session.
func (s *memorySession) Place() provider.Place { return s.place }

// Keys implements provider.Session.
func (*memorySession) Keys() (provider.KeyIssuer, bool) { return nil, false }

// Account implements provider.Session.
func (*memorySession) Account() (provider.Account, bool) { return nil, false }

// Limits implements provider.Session.
func (*memorySession) Limits() provider.StoreLimits { return provider.StoreLimits{} }

// Ping implements provider.Session.
func (*memorySession) Ping(context.Context) (provider.Health, error) {
	now := time.Now()
	return provider.Health{ServerTime: now, AskedAt: now, AnsweredAt: now}, nil
}

// ListBuckets implements provider.Buckets.
func (s *memorySession) ListBuckets(ctx context.Context) (provider.BucketList, error) {
	health, err := s.Ping(ctx)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return provider.BucketList{Names: slices.Sorted(maps.Keys(s.store.buckets)), Health: health}, err
}

// ObserveSettings implements provider.BucketSettings: nobody set any.
func (*memorySession) ObserveSettings(context.Context, string) ([]provider.SettingState, error) {
	states := make([]provider.SettingState, 0, len(provider.AllSettings))
	for _, setting := range provider.AllSettings {
		states = append(states, provider.SettingState{Setting: setting, Known: true})
	}
	return states, nil
}

// ObserveBucket implements provider.Buckets.
func (s *memorySession) ObserveBucket(_ context.Context, name string) (provider.BucketState, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if bucket := s.store.buckets[name]; bucket != nil {
		return bucket.state, nil
	}
	return provider.BucketState{}, nil
}

// CreateBucket implements provider.Buckets.
func (s *memorySession) CreateBucket(_ context.Context, want provider.Bucket) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.buckets[want.Name] = &memoryBucket{
		state: provider.BucketState{Exists: true, Versioning: provider.VersioningDisabled}, objects: map[string]memoryObject{},
	}
	return nil
}

// UpdateBucket implements provider.Buckets.
func (s *memorySession) UpdateBucket(_ context.Context, want provider.Bucket) error {
	return s.in(want.Name, func(bucket *memoryBucket) error {
		bucket.state.Mark = &want.Mark
		if want.Versioning != "" {
			bucket.state.Versioning = want.Versioning
		}
		return nil
	})
}

func (s *memorySession) in(name string, do func(*memoryBucket) error) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	bucket := s.store.buckets[name]
	if bucket == nil {
		return fmt.Errorf("bucket %s: %w", name, provider.ErrNotFound)
	}
	return do(bucket)
}

// ListPage implements provider.Objects.
func (s *memorySession) ListPage(_ context.Context, name string, request provider.ListRequest) (page provider.ListPage, err error) {
	err = s.in(name, func(bucket *memoryBucket) error {
		for _, key := range slices.Sorted(maps.Keys(bucket.objects)) {
			if strings.HasPrefix(key, request.Prefix) && key > request.StartAfter {
				page.Objects = append(page.Objects, bucket.objects[key].Object)
			}
		}
		return nil
	})
	return page, err
}

// ListVersionsPage implements provider.Objects: there are no older versions.
func (s *memorySession) ListVersionsPage(ctx context.Context, name string, request provider.VersionsRequest) (provider.VersionsPage, error) {
	page, err := s.ListPage(ctx, name, provider.ListRequest{Prefix: request.Prefix, StartAfter: request.KeyMarker})
	for i := range page.Objects {
		page.Objects[i].IsLatest = true
	}
	return provider.VersionsPage{Versions: page.Objects}, err
}

// Head implements provider.Objects.
func (s *memorySession) Head(_ context.Context, ref provider.Ref) (object provider.Object, err error) {
	found, err := s.find(ref)
	return found.Object, err
}

// Get implements provider.Objects.
func (s *memorySession) Get(_ context.Context, ref provider.Ref, _ provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	found, err := s.find(ref)
	if err != nil {
		return nil, provider.Object{}, err
	}
	return io.NopCloser(bytes.NewReader(found.body)), found.Object, nil
}

func (s *memorySession) find(ref provider.Ref) (found memoryObject, err error) {
	err = s.in(ref.Bucket, func(bucket *memoryBucket) error {
		object, there := bucket.objects[ref.Key]
		if !there {
			return fmt.Errorf("object %s: %w", ref.Key, provider.ErrNotFound)
		}
		found = object
		return nil
	})
	return found, err
}

// Put implements provider.Objects.
func (s *memorySession) Put(_ context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	body, err := io.ReadAll(content.Reader)
	if err != nil {
		return provider.Object{}, err
	}
	object := provider.Object{
		Key: ref.Key, ETag: content.SHA256, Size: content.Size, Modified: time.Now(), Attributes: attributes,
	}
	return object, s.in(ref.Bucket, func(bucket *memoryBucket) error {
		bucket.objects[ref.Key] = memoryObject{object, body}
		return nil
	})
}

// Remove implements provider.Objects.
func (s *memorySession) Remove(_ context.Context, ref provider.Ref) error {
	return s.in(ref.Bucket, func(bucket *memoryBucket) error {
		delete(bucket.objects, ref.Key)
		return nil
	})
}

// ListUploads implements provider.Uploads.
func (*memorySession) ListUploads(context.Context, string, string) ([]provider.Upload, error) {
	return nil, nil
}
