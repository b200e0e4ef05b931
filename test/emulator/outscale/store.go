package outscale

import (
	"context"
	"fmt"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/s3"
)

// startStore serves OOS in front of the backend.
func (s *Server) startStore(ctx context.Context) error {
	backend := s.options.Backend
	if backend.Endpoint == "" {
		// Room for what other accounts make.
		s.behind = s3.New(s3.Options{MaxBuckets: 10 * s.options.BucketLimit})
		if err := s.behind.Listen("127.0.0.1:0"); err != nil {
			return fmt.Errorf("start the store behind OOS: %w", err)
		}
		backend = dataplane.Backend{
			Endpoint: s.behind.URL, AccessKey: s.behind.AccessKey, SecretKey: s.behind.SecretKey, Region: s.behind.Region,
		}
	}
	store, err := dataplane.Start(ctx, dataplane.Options{
		Vendor: dataplane.Outscale, Name: s.options.Region, Backend: backend,
		Lookup: s.rootKey,
		// Whoever is known here is the root user of an account.
		Judge: dataplane.JudgeOutscale(func(string) bool { return true }),
		Admit: s.admit, UploadLimit: s.options.UploadLimit, Clock: s.options.Clock,
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Store, s.OOS = store, store.URL
	return nil
}

// rootKey is what OOS knows of a key. Keys of EIM users, and those that have
// expired or are inactive, are as unknown there as those that nobody has.
func (s *Server) rootKey(id string) (dataplane.Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stranger, known := s.strangers[id]; known {
		return stranger, true
	}
	key := s.account.key(id)
	if key == nil || key.user != nil || !key.isUsable(s.options.Clock().UTC()) {
		return dataplane.Key{}, false
	}
	return dataplane.Key{Secret: key.secret, Identity: s.options.AccountID}, true
}

// admit holds an account to its number of buckets.
func (s *Server) admit(_, owner string) error {
	s.mu.Lock()
	store := s.Store
	s.mu.Unlock()
	owned := 0
	for _, bucket := range store.Region.Buckets() {
		if bucket.Owner == owner {
			owned++
		}
	}
	if owned >= s.options.BucketLimit {
		return dataplane.ErrTooManyBuckets
	}
	return nil
}

// AddStranger gives a key of another account's root user, which only OOS knows.
func (s *Server) AddStranger() (accessKey, secretKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := newKey(s.options.Clock().UTC(), nil)
	s.strangers[key.id] = dataplane.Key{Secret: key.secret, Identity: "account of " + key.id}
	return key.id, key.secret
}
