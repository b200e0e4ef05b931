package access

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/provider"
)

// renew issues the key, and a new one when it is due. As long as the published
// one works, what stands in the way of a new one is no failure of the access.
func (r *Reconciler) renew(ctx context.Context, s *scope) error {
	at := *s.target()
	p := s.facts.Provider(at.ProviderName)
	if p == nil {
		return missingProvider(at.ProviderName)
	}
	var err error
	if s.session, err = r.Sessions.Open(ctx, p, at.Location); err != nil {
		return err
	}
	issuer, canIssue := s.session.Keys()
	if !canIssue && s.keys.current(at) == nil {
		return r.borrow(ctx, s, at)
	}
	fresh, isCrowded := s.keys.next(s.now, s.wish(at))
	s.isCrowded = isCrowded
	if fresh == nil {
		return nil
	}
	if !canIssue {
		err = fault.New(fault.Waiting, fault.CapabilityMissing,
			"SovereignProvider %s issues no keys any more, so none can be replaced: set its credentialAPI again", at.ProviderName)
	} else if err = s.mayIssue(at, p); err == nil {
		err = r.issue(ctx, s, issuer, *fresh)
	}
	if err != nil && s.keys.current(at) != nil {
		s.troubled(err)
		return nil
	}
	return err
}

// troubled notes why keys could not be issued or revoked.
func (s *scope) troubled(err error) {
	if s.trouble == nil {
		s.trouble = err
	}
}

func missingProvider(name string) error {
	return fault.New(fault.Waiting, fault.LocationUnknown, "SovereignProvider %s does not exist", name)
}

// provider reads a provider that need not have to do with the bucket any more.
func (r *Reconciler) provider(ctx context.Context, name string) (*v1alpha1.SovereignProvider, error) {
	var p v1alpha1.SovereignProvider
	err := r.Client.Get(ctx, types.NamespacedName{Name: name}, &p)
	if apierrors.IsNotFound(err) {
		return nil, missingProvider(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the provider: %w", err)
	}
	return &p, nil
}

// mayIssue tells why no key may be issued now, or nil.
func (s *scope) mayIssue(at target, p *v1alpha1.SovereignProvider) error {
	switch {
	case s.isSuspended() || p.Spec.Suspend:
		return fault.New(fault.Waiting, fault.Suspended, "no key is issued while writing is suspended")
	case !s.bucket.DeletionTimestamp.IsZero():
		return fault.New(fault.Waiting, fault.Deleting, "the bucket is being deleted, and no key to it is issued any more")
	case s.keys.current(at) != nil || s.access.Spec.AccessMode == v1alpha1.AccessReadOnly:
		// Consumers keep what they have, and may read the data to bring it elsewhere.
		return nil
	}
	for _, illegal := range placement.Decide(s.facts.Request()).Illegal {
		if illegal.Role == v1alpha1.RolePrimary {
			first := illegal.Objections[0]
			return fault.New(fault.Waiting, fault.Reason(first.Reason),
				"the primary at %s may not stay there, so no new key to it may write: %s", illegal, first.Message)
		}
	}
	return nil
}

// issue has a key issued. What is about to be done is remembered first, so that
// whatever happens in between there is never a key that nobody knows of.
func (r *Reconciler) issue(ctx context.Context, s *scope, issuer provider.KeyIssuer, fresh slot) error {
	h := holderOf(s.access)
	fresh.consumer = r.consumer(h, fresh.target, fresh.number)
	if len(s.keys) == 0 {
		if err := r.endForgotten(ctx, h, issuer, fresh); err != nil {
			return err
		}
	}
	fresh.key, fresh.issuedAt, fresh.replica = provider.Key{}, s.now, s.facts.Primary().UID
	// Writing the same once more would wake this access at once, as often as a key
	// cannot be issued.
	if !s.keys.intends(fresh) {
		if err := r.keep(ctx, h, fresh); err != nil {
			return err
		}
		s.keys = s.keys.with(fresh)
	}
	key, err := issuer.IssueKey(ctx, fresh.grant())
	if err != nil {
		return fmt.Errorf("issue the key: %w", err)
	}
	fresh.key = key
	if err := r.keep(ctx, h, fresh); err != nil {
		return err
	}
	s.keys = s.keys.with(fresh)
	return nil
}

// endForgotten revokes the other keys of the access before its first one is
// issued: the operator's copies may have been lost, and then nobody else ever would.
func (r *Reconciler) endForgotten(ctx context.Context, h holder, issuer provider.KeyIssuer, first slot) error {
	for number := range ownership.KeySlots {
		if number == first.number {
			continue // its secret is replaced
		}
		other := slot{target: first.target, consumer: r.consumer(h, first.target, number), mode: first.mode}
		if err := issuer.RevokeKey(ctx, other.grant()); err != nil {
			return fmt.Errorf("revoke what may be left of an earlier key: %w", err)
		}
	}
	return nil
}

func (r *Reconciler) consumer(h holder, at target, number int) string {
	return r.Installation.AccessConsumer(h.owner(), ownership.Place{Provider: at.ProviderName, Location: at.Location}, h.access, number)
}

func (s slot) grant() provider.Grant {
	return provider.Grant{Consumer: s.consumer, Bucket: s.bucketName, Mode: provider.AccessMode(s.mode)}
}

// borrow takes the account's own key where the provider issues none. It cannot be
// narrowed to one bucket, nor to reading or writing.
func (r *Reconciler) borrow(ctx context.Context, s *scope, at target) error {
	p := s.facts.Provider(at.ProviderName)
	if placement.GrantOf(p) == "" {
		return fault.New(fault.Waiting, fault.GrantTooWide,
			"SovereignProvider %s gives applications no key, because any would reach its whole account; its applicationKeys can allow that", at.ProviderName)
	}
	if mode := s.access.Spec.AccessMode; mode != v1alpha1.AccessReadWrite {
		return fault.New(fault.Waiting, fault.GrantTooWide,
			"SovereignProvider %s issues no keys, and its account's own key is never %s", at.ProviderName, mode)
	}
	for _, policy := range s.facts.Policies {
		if policy.Denies() && policy.Spec.Access.MinimumGrant == v1alpha1.GrantScoped {
			return fault.New(fault.Waiting, fault.GrantTooWide,
				"SovereignProvider %s issues no keys, and policy %s does not allow its account's own key to be handed out", at.ProviderName, policy.Name)
		}
	}
	key, err := r.Sessions.AccountKey(ctx, p)
	if err != nil {
		return err
	}
	s.account = &key
	return nil
}

// retire revokes the keys whose time is over. One that cannot be revoked yet is
// tried again, and stands in the way of nothing else.
func (r *Reconciler) retire(ctx context.Context, s *scope) error {
	for _, old := range s.keys.due(s.now, s.overlap(), s.target()) {
		if err := r.endUnlessSuspended(ctx, s, old); err != nil {
			s.troubled(fmt.Errorf("key %s could not be revoked and is tried again: %w", old.name(), err))
			continue
		}
		s.keys = s.keys.without(old.consumer)
		s.events = append(s.events, loop.Normal("KeyRetired", fmt.Sprintf("key %s was revoked", old.name())))
	}
	return nil
}

// endUnlessSuspended ends a key unless nothing may be written where it is.
func (r *Reconciler) endUnlessSuspended(ctx context.Context, s *scope, old slot) error {
	p, err := r.provider(ctx, old.ProviderName)
	if err != nil {
		return err
	}
	if s.isSuspended() || p.Spec.Suspend {
		return fault.New(fault.Waiting, fault.Suspended, "writing is suspended")
	}
	return r.end(ctx, old)
}

// name is what a key is called in messages.
func (s slot) name() string {
	if s.isIssued() {
		return s.key.AccessKey
	}
	return s.consumer
}

// end revokes a key, and then forgets it.
func (r *Reconciler) end(ctx context.Context, old slot) error {
	if err := r.revoke(ctx, old); err != nil {
		return err
	}
	return r.forget(ctx, old)
}

func (r *Reconciler) revoke(ctx context.Context, old slot) error {
	p, err := r.provider(ctx, old.ProviderName)
	if err != nil {
		return err
	}
	session, err := r.Sessions.Open(ctx, p, old.Location)
	if err != nil {
		return err
	}
	issuer, canIssue := session.Keys()
	if !canIssue {
		return fault.New(fault.Waiting, fault.CapabilityMissing,
			"SovereignProvider %s issues no keys any more: set its credentialAPI again", old.ProviderName)
	}
	return issuer.RevokeKey(ctx, old.grant())
}

// revokeAll revokes keys, as many as it can.
func (r *Reconciler) revokeAll(ctx context.Context, keys ring) error {
	var errs []error
	for _, key := range slices.Backward(keys) {
		errs = append(errs, r.revoke(ctx, key))
	}
	return errors.Join(errs...)
}
