package s3

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// secretLength is that of an AWS secret key, which every client can keep.
const secretLength = 40

// issuer issues keys through the admin calls of a Versity gateway, which it
// serves beside S3 unless it was started with an admin port: that is the
// credential API's endpoint then. A consumer is a user of role "user", which owns
// nothing, and some statements in its bucket's policy: 3 requests to issue a key,
// 3 or 4 to replace one, 2 or 3 to revoke.
//
// The gateway remembers users for its --iam-cache-ttl (2 minutes). The process
// that is told of a change forgets at once; another one behind the same address
// may accept a revoked key until its time is up.
type issuer struct{ session *session }

var _ provider.KeyIssuer = (*issuer)(nil)

// IssueKey implements provider.KeyIssuer.
func (i *issuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	key := provider.Key{
		AccessKey: userPrefix + grant.Consumer,
		SecretKey: secret.New((rand.Text() + rand.Text())[:secretLength]),
	}
	return i.session.issue(ctx, grant, key.AccessKey, nil, func(action string) (provider.Key, error) {
		return key, i.ensureUser(ctx, action, key)
	})
}

// ensureUser makes the user, or gives a new secret to the one that is there.
func (i *issuer) ensureUser(ctx context.Context, action string, key provider.Key) error {
	account := struct {
		XMLName              xml.Name `xml:"Account"`
		Access, Secret, Role string
	}{Access: key.AccessKey, Secret: key.SecretKey.Reveal(), Role: "user"}
	x, err := i.session.ask(ctx, question{action: action, method: http.MethodPatch, isOfAccount: true, path: "create-user", send: account}, nil)
	if x.code() != "XAdminUserExists" {
		return advise(err)
	}
	properties := struct {
		XMLName      xml.Name `xml:"MutableProps"`
		Secret, Role string
	}{Secret: account.Secret, Role: account.Role}
	q := question{action: action, method: http.MethodPatch, isOfAccount: true, path: "update-user", query: url.Values{"access": {key.AccessKey}}, send: properties}
	_, err = i.session.ask(ctx, q, nil)
	return advise(err)
}

// advise says what to do when the gateway does not let us manage users.
func advise(err error) error {
	switch {
	case errors.Is(err, provider.ErrDenied):
		return fmt.Errorf("%w; give the account of this key the role admin", err)
	case errors.Is(err, provider.ErrUnsupported):
		return fmt.Errorf("%w; what answers is not the admin interface of a Versity gateway: correct spec.s3.credentialAPI or spec.s3.credentialAPIEndpoint", err)
	default:
		return err
	}
}

// RevokeKey implements provider.KeyIssuer. The user goes even when the policy
// cannot be written: without it the key is refused.
func (i *issuer) RevokeKey(ctx context.Context, grant provider.Grant) error {
	action := fmt.Sprintf("revoke key of consumer %q", grant.Consumer)
	user := userPrefix + grant.Consumer
	withdrawn := i.session.withdraw(ctx, action, grant.Bucket, user, placeholder(i.session.accessKey.Reveal(), grant.Bucket))
	q := question{action: action, method: http.MethodPatch, isOfAccount: true, path: "delete-user", query: url.Values{"access": {user}}}
	x, err := i.session.ask(ctx, q, nil)
	if x.code() == "XAdminUserNotFound" {
		err = nil
	}
	return errors.Join(withdrawn, advise(err))
}
