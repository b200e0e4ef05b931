package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/rempart/rempart/internal/provider"
)

// userPrefix keeps a consumer apart from the accounts that people made: a new
// secret must never be given to one of those.
const userPrefix = "rempart-"

var modes = []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly, provider.FullControl}

var consumerName = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)

// checkGrant refuses what no credential API is to be asked for.
func (s *session) checkGrant(ctx context.Context, action string, grant provider.Grant) error {
	_, x := s.begin(ctx, action, grant.Bucket, "")
	if !consumerName.MatchString(grant.Consumer) {
		return x.fail(misconfigured, "a consumer has 3 to 63 lower-case letters, digits and hyphens")
	}
	if !slices.Contains(modes, grant.Mode) {
		return x.fail(misconfigured, fmt.Sprintf("mode %q is unknown", grant.Mode))
	}
	return nil
}

// issue makes a key and gives its principal the rights of the grant in the
// bucket's policy, in this order: until then a crash leaves a user that may do
// nothing, which the next call finds again.
func (s *session) issue(ctx context.Context, grant provider.Grant, principal string, unknownActions []string,
	makeKey func(action string) (provider.Key, error),
) (provider.Key, error) {
	action := fmt.Sprintf("issue key of consumer %q", grant.Consumer)
	if err := s.checkGrant(ctx, action, grant); err != nil {
		return provider.Key{}, err
	}
	unlock, err := lockPolicy(ctx, s.place.Endpoint, grant.Bucket)
	if err != nil {
		return provider.Key{}, fmt.Errorf("%s: %w", action, err)
	}
	defer unlock()
	before, err := s.readPolicy(ctx, action, grant.Bucket)
	if err != nil {
		return provider.Key{}, err
	}
	key, err := makeKey(action)
	if err != nil {
		return provider.Key{}, err
	}
	after := before.without(principal).with(statementsFor(principal, grant, unknownActions...)...)
	if err := s.writePolicy(ctx, action, grant.Bucket, before, after); err != nil {
		return provider.Key{}, err
	}
	return key, nil
}

// withdraw removes what the bucket's policy says about a user. The statement
// empty stands where the last one was removed.
func (s *session) withdraw(ctx context.Context, action, bucket, user string, empty json.RawMessage) error {
	unlock, err := lockPolicy(ctx, s.place.Endpoint, bucket)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer unlock()
	before, err := s.readPolicy(ctx, action, bucket)
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	after := before.without(user)
	if len(after.statements) == 0 && len(before.statements) > 0 {
		after = after.with(empty)
	}
	return s.writePolicy(ctx, action, bucket, before, after)
}

// readPolicy reads a bucket's policy, which is empty where there is none.
func (s *session) readPolicy(ctx context.Context, action, bucket string) (policy, error) {
	var text []byte
	q := question{action: action, method: http.MethodGet, bucket: bucket, query: url.Values{"policy": {""}}}
	x, err := s.ask(ctx, q, &text)
	if x.code() == "NoSuchBucketPolicy" {
		return policy{}, nil
	}
	if err != nil {
		return policy{}, err
	}
	read, err := parsePolicy(text)
	if err != nil {
		return policy{}, x.fail(failing, err.Error())
	}
	return read, nil
}

func (s *session) writePolicy(ctx context.Context, action, bucket string, before, after policy) error {
	if after.equal(before) {
		return nil
	}
	text, err := after.encode()
	if err != nil {
		return fmt.Errorf("%s: encode policy of bucket %q: %w", action, bucket, err)
	}
	q := question{action: action, method: http.MethodPut, bucket: bucket, query: url.Values{"policy": {""}}, send: text}
	_, err = s.ask(ctx, q, nil)
	return err
}
