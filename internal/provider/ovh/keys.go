package ovh

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/rempart/rempart/internal/provider"
)

// issuer gives each consumer a user of its own, which owns nothing, with a policy
// for one bucket. Seven requests for the first key, eight to replace one, three to
// end one; and the wait for a user to be made.
type issuer struct{ session *session }

var _ provider.KeyIssuer = (*issuer)(nil)

var consumerName = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)

var modes = []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly, provider.FullControl}

func checkGrant(action string, grant provider.Grant) error {
	what := ""
	switch {
	case !consumerName.MatchString(grant.Consumer):
		what = "a consumer has 3 to 63 lower-case letters, digits and hyphens"
	case !slices.Contains(modes, grant.Mode):
		what = fmt.Sprintf("mode %q is unknown", grant.Mode)
	default:
		return nil
	}
	return misconfigured.Fault(action, what)
}

// IssueKey implements provider.KeyIssuer. The policy is there before the key, so
// that no key ever can do what the one before could. The keys that it replaces end
// after it is there.
func (i *issuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	action := fmt.Sprintf("issue key of consumer %q", grant.Consumer)
	if err := checkGrant(action, grant); err != nil {
		return provider.Key{}, err
	}
	p := i.session.project
	who := p.holderOf(grant.Consumer)
	release, err := p.users.take(ctx, who.description)
	if err != nil {
		return provider.Key{}, fmt.Errorf("%s: %w", action, err)
	}
	defer release()
	if _, _, err := i.session.find(ctx, opFindBucket, grant.Bucket); err != nil {
		return provider.Key{}, fmt.Errorf("%s: %w", action, err)
	}
	key, err := p.issue(ctx, who, grant)
	if err != nil {
		return provider.Key{}, fmt.Errorf("%s: %w", action, err)
	}
	return key, nil
}

func (p *project) issue(ctx context.Context, who holder, grant provider.Grant) (provider.Key, error) {
	of, err := p.ensureUser(ctx, who)
	if err != nil {
		return provider.Key{}, err
	}
	if err := p.setPolicy(ctx, who, of, rightsFor(grant)); err != nil {
		return provider.Key{}, err
	}
	before, err := p.listKeys(ctx, who, of)
	if err != nil {
		return provider.Key{}, err
	}
	if len(before) > 1 {
		// They are left of a call that could not end what it replaced. If each try
		// made one more first, they would become as many as there may be.
		if err := p.endKeys(ctx, who, of, before); err != nil {
			return provider.Key{}, err
		}
		before = nil
	}
	key, err := p.makeKey(ctx, who, of, len(before))
	if err != nil {
		return provider.Key{}, err
	}
	return key, p.endKeys(ctx, who, of, before)
}

// RevokeKey implements provider.KeyIssuer. The user's policy goes with the user.
func (i *issuer) RevokeKey(ctx context.Context, grant provider.Grant) error {
	action := fmt.Sprintf("revoke key of consumer %q", grant.Consumer)
	p := i.session.project
	who := p.holderOf(grant.Consumer)
	release, err := p.users.take(ctx, who.description)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer release()
	found, x, err := p.usersOf(ctx, who)
	if err == nil && len(found) == 0 && !p.mayMake(who, x.Date()) {
		err = p.await(who, x, "it is made, and not listed yet") // else it would stay
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	p.made.Delete(who.description)
	var failures []error
	for _, of := range found {
		failures = append(failures, p.removeUser(ctx, who, of))
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}
