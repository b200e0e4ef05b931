package s3

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// userPrefix keeps a consumer apart from the accounts that people made: a new
// secret must never be given to one of those.
const userPrefix = "rempart-"

// secretLength is that of an AWS secret key, which every client can keep.
const secretLength = 40

// issuer issues keys through the admin calls of a Versity gateway, which it
// serves beside S3 unless it was started with an admin port. A consumer is a
// user of role "user", which owns nothing, and some statements in its bucket's
// policy: 3 requests to issue a key, 3 or 4 to replace one, 2 or 3 to revoke.
//
// The gateway remembers users for its --iam-cache-ttl (2 minutes). The process
// that is told of a change forgets at once; another one behind the same address
// may accept a revoked key until its time is up.
type issuer struct{ session *session }

var _ provider.KeyIssuer = (*issuer)(nil)

var modes = []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly, provider.FullControl}

var consumerName = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)

// IssueKey implements provider.KeyIssuer. Rights come last: until then a crash
// leaves a user that may do nothing, which the next call finds again.
func (i *issuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	action := fmt.Sprintf("issue key of consumer %q", grant.Consumer)
	if err := i.check(ctx, action, grant); err != nil {
		return provider.Key{}, err
	}
	unlock, err := lockPolicy(ctx, i.session.place.Endpoint, grant.Bucket)
	if err != nil {
		return provider.Key{}, fmt.Errorf("%s: %w", action, err)
	}
	defer unlock()
	before, err := i.readPolicy(ctx, action, grant.Bucket)
	if err != nil {
		return provider.Key{}, err
	}
	key := provider.Key{
		AccessKey: userPrefix + grant.Consumer,
		SecretKey: secret.New((rand.Text() + rand.Text())[:secretLength]),
	}
	if err := i.ensureUser(ctx, action, key); err != nil {
		return provider.Key{}, err
	}
	after := before.without(key.AccessKey).with(statementsFor(key.AccessKey, grant)...)
	if err := i.writePolicy(ctx, action, grant.Bucket, before, after); err != nil {
		return provider.Key{}, err
	}
	return key, nil
}

func (i *issuer) check(ctx context.Context, action string, grant provider.Grant) error {
	_, x := i.session.begin(ctx, action, grant.Bucket, "")
	if !consumerName.MatchString(grant.Consumer) {
		return x.fail(misconfigured, "a consumer has 3 to 63 lower-case letters, digits and hyphens")
	}
	if !slices.Contains(modes, grant.Mode) {
		return x.fail(misconfigured, fmt.Sprintf("mode %q is unknown", grant.Mode))
	}
	return nil
}

// ensureUser makes the user, or gives a new secret to the one that is there.
func (i *issuer) ensureUser(ctx context.Context, action string, key provider.Key) error {
	account := struct {
		XMLName              xml.Name `xml:"Account"`
		Access, Secret, Role string
	}{Access: key.AccessKey, Secret: key.SecretKey.Reveal(), Role: "user"}
	x, err := i.session.ask(ctx, question{action: action, method: http.MethodPatch, isOfAccount: true, path: "create-user", send: account}, nil)
	if x.code() != "XAdminUserExists" {
		return err
	}
	properties := struct {
		XMLName      xml.Name `xml:"MutableProps"`
		Secret, Role string
	}{Secret: account.Secret, Role: account.Role}
	q := question{action: action, method: http.MethodPatch, isOfAccount: true, path: "update-user", query: url.Values{"access": {key.AccessKey}}, send: properties}
	_, err = i.session.ask(ctx, q, nil)
	return err
}

// RevokeKey implements provider.KeyIssuer. The user goes even when the policy
// cannot be written: without it the key is refused.
func (i *issuer) RevokeKey(ctx context.Context, grant provider.Grant) error {
	action := fmt.Sprintf("revoke key of consumer %q", grant.Consumer)
	user := userPrefix + grant.Consumer
	withdrawn := i.withdraw(ctx, action, grant.Bucket, user)
	q := question{action: action, method: http.MethodPatch, isOfAccount: true, path: "delete-user", query: url.Values{"access": {user}}}
	x, err := i.session.ask(ctx, q, nil)
	if x.code() == "XAdminUserNotFound" {
		err = nil
	}
	return errors.Join(withdrawn, err)
}

// withdraw removes what the bucket's policy says about a user.
func (i *issuer) withdraw(ctx context.Context, action, bucket, user string) error {
	unlock, err := lockPolicy(ctx, i.session.place.Endpoint, bucket)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	defer unlock()
	before, err := i.readPolicy(ctx, action, bucket)
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	after := before.without(user)
	if len(after.statements) == 0 && len(before.statements) > 0 {
		after = after.with(placeholder(i.session.accessKey.Reveal(), bucket))
	}
	return i.writePolicy(ctx, action, bucket, before, after)
}

// readPolicy reads a bucket's policy, which is empty where there is none.
func (i *issuer) readPolicy(ctx context.Context, action, bucket string) (policy, error) {
	var text []byte
	q := question{action: action, method: http.MethodGet, bucket: bucket, query: url.Values{"policy": {""}}}
	x, err := i.session.ask(ctx, q, &text)
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

func (i *issuer) writePolicy(ctx context.Context, action, bucket string, before, after policy) error {
	if after.equal(before) {
		return nil
	}
	text, err := after.encode()
	if err != nil {
		return fmt.Errorf("%s: encode policy of bucket %q: %w", action, bucket, err)
	}
	q := question{action: action, method: http.MethodPut, bucket: bucket, query: url.Values{"policy": {""}}, send: text}
	_, err = i.session.ask(ctx, q, nil)
	return err
}
