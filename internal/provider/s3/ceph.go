package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// cephIssuer issues keys through the admin operations of a Ceph Object Gateway,
// with the account's own key, whose user needs the capability users=*. A consumer
// is a user that owns nothing and may make no buckets (max-buckets -1), and some
// statements in its bucket's policy: 4 requests to issue a key, 4 or 5 to replace
// one, 4 to revoke.
//
// The gateway makes the secret and answers with it: as a parameter it would stand
// in the access logs of everything on the way. A user is looked up before
// anything is made or removed: to an S3 store without admin operations the same
// requests would write and delete an object "user" of a bucket "admin".
//
// Made after the documented shapes and tried against a test server made after the
// same, not against a gateway: "Admin Operations" (docs.ceph.com/en/latest/radosgw/adminops,
// read November 2026) for the requests, answers and codes; "Bucket Policies"
// (docs.ceph.com/en/reef/radosgw/bucketpolicy, read November 2026) for principals and actions;
// radosgw-admin(8) (docs.ceph.com/en/latest/man/8/radosgw-admin, read November 2026): a negative
// max-buckets disables the creation of buckets, 0 is no limit. Only the default
// entry "/admin" is known, and only accounts without a tenant.
type cephIssuer struct {
	session *session
	admin   *adminAPI
}

var _ provider.KeyIssuer = (*cephIssuer)(nil)

func newCephIssuer(s *session) *cephIssuer {
	return &cephIssuer{session: s, admin: &adminAPI{
		session: s, name: "Ceph RGW admin ops", authorize: s.sign,
		rights:  `give the user of this key the right: radosgw-admin caps add --uid=USER --caps="users=*"`,
		absence: "let the gateway serve admin operations under /admin (rgw_enable_apis), or correct spec.s3.credentialAPIEndpoint or spec.s3.credentialAPI",
	}}
}

// cephUser is what admin operations tell of a user.
type cephUser struct {
	ID         string `json:"user_id"`
	MaxBuckets *int   `json:"max_buckets"`
	Keys       []struct {
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
	} `json:"keys"`
}

// cephUnknown are actions that gateways before Squid do not know: they refuse a
// policy that names one.
var cephUnknown = []string{"s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"}

// cephNobody stands in a policy whose last statement was removed. No consumer can
// have the name.
const cephNobody = "rempart_nobody"

func cephPrincipal(user string) string { return "arn:aws:iam:::user/" + user }

// IssueKey implements provider.KeyIssuer. A user that is there is removed with all
// its keys and made again: whatever somebody gave it is gone. Rights come last,
// but those of a user of the same name stay in the policy.
func (i *cephIssuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	user := userPrefix + grant.Consumer
	return i.session.issue(ctx, grant, cephPrincipal(user), cephUnknown, func(action string) (provider.Key, error) {
		if err := i.removeUser(ctx, action, user); err != nil {
			return provider.Key{}, err
		}
		return i.makeUser(ctx, action, user)
	})
}

// makeUser makes a user with one key, and believes only an answer about it.
func (i *cephIssuer) makeUser(ctx context.Context, action, user string) (provider.Key, error) {
	q := i.question(action, http.MethodPut, user)
	q.query.Set("display-name", "Rempart "+user)
	q.query.Set("max-buckets", "-1")
	var made cephUser
	x, err := i.admin.ask(ctx, q, &made)
	if err != nil {
		return provider.Key{}, err
	}
	if made.ID != user || len(made.Keys) != 1 || made.Keys[0].AccessKey == "" || made.Keys[0].SecretKey == "" {
		return provider.Key{}, i.admin.stranger(x)
	}
	if made.MaxBuckets == nil || *made.MaxBuckets >= 0 {
		return provider.Key{}, i.admin.fail(x, failing, fmt.Sprintf("user %q was made with the right to make buckets", user))
	}
	return provider.Key{AccessKey: made.Keys[0].AccessKey, SecretKey: secret.New(made.Keys[0].SecretKey)}, nil
}

// removeUser removes a user if there is one. Its data would stay, and keep it: a
// consumer has none.
func (i *cephIssuer) removeUser(ctx context.Context, action, user string) error {
	var found cephUser
	x, err := i.admin.ask(ctx, i.question(action, http.MethodGet, user), &found)
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.ID != user {
		return i.admin.stranger(x)
	}
	_, err = i.admin.ask(ctx, i.question(action, http.MethodDelete, user), nil)
	if isAbsent(err) {
		return nil
	}
	return err
}

func (i *cephIssuer) question(action, method, user string) adminQuestion {
	return adminQuestion{action: action, method: method, path: "/admin/user", query: url.Values{"format": {"json"}, "uid": {user}}}
}

// RevokeKey implements provider.KeyIssuer. The user goes even when the policy
// cannot be written: without it its keys are refused.
func (i *cephIssuer) RevokeKey(ctx context.Context, grant provider.Grant) error {
	action := fmt.Sprintf("revoke key of consumer %q", grant.Consumer)
	user := userPrefix + grant.Consumer
	withdrawn := i.session.withdraw(ctx, action, grant.Bucket, cephPrincipal(user), cephPlaceholder(grant.Bucket))
	return errors.Join(withdrawn, i.removeUser(ctx, action, user))
}

// cephPlaceholder denies nobody what nobody may do. A Deny would hold for the
// owner of the bucket too, so it names a user that does not exist, which this
// gateway accepts.
func cephPlaceholder(bucket string) json.RawMessage {
	return placeholder(cephPrincipal(cephNobody), bucket)
}
