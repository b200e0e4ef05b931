package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
)

// prove tries the published key when the primary is another object than before:
// its bucket may have been made again, which takes all rights on it away, or what
// the operator remembers may have come back from a backup that is too old.
func (r *Reconciler) prove(ctx context.Context, s *scope) error {
	if !s.isUnproven() || s.isSuspended() {
		return nil
	}
	key := *s.current()
	err := r.tryKey(ctx, s, key)
	switch {
	case err == nil:
		key.replica = s.facts.Primary().UID
		if err := r.keep(ctx, holderOf(s.access), key); err != nil {
			return err
		}
		s.keys = s.keys.with(key)
	case errors.Is(err, provider.ErrDenied), errors.Is(err, provider.ErrAuthentication):
		s.isUseless = true
	default:
		s.troubled(fmt.Errorf("it is not known whether key %s works: %w", key.name(), err))
	}
	return nil
}

// tryKey asks the bucket for something that the key may do, and changes nothing.
func (r *Reconciler) tryKey(ctx context.Context, s *scope, key slot) error {
	at := s.facts.Provider(key.ProviderName)
	if at == nil {
		return missingProvider(key.ProviderName)
	}
	session, err := r.Sessions.OpenWithKey(ctx, at, key.Location, key.key)
	if err != nil {
		return err
	}
	if key.mode != v1alpha1.AccessWriteOnly {
		_, err = session.ListPage(ctx, key.bucketName, provider.ListRequest{Limit: 1})
		return err
	}
	// Who may only write may end an upload, and one that is unknown is no error.
	return session.AbortUpload(ctx, provider.Ref{Bucket: key.bucketName, Key: "none"}, "none")
}
