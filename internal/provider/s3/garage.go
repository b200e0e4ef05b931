package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// garageIssuer issues keys through version 2 of Garage's administration API,
// which has a port and a bearer token of its own. A consumer is the name of a
// key with the right to read or write one bucket, never that of an owner: 5
// requests to issue a key, one more for each that is replaced, 2 to revoke.
//
// Garage knows no rights below the bucket, so these keys reach the reserved
// prefix, and whoever may write may delete: provider.KeyTraits says so.
//
// A bucket made through S3 is known by its name to the key that made it and to no
// other (a local alias), so the account's own key is asked which bucket it is,
// and the new key gets the same alias.
//
// Made after the documented shapes and tried against a test server made after the
// same, not against a Garage: "Garage administration API" v2.0.0 (OpenAPI document
// doc/api/garage-admin-v2.json of the project, June 2025, and v2.4.0, read
// November 2026), and "Administration API" in its reference manual
// (garagehq.deuxfleurs.fr/documentation/reference-manual/admin-api, read
// November 2026) for the token and its scopes. A cluster with more than 10 000
// keys does not list them all, and may keep a key that was to be replaced.
type garageIssuer struct {
	session *session
	admin   *adminAPI
}

var _ provider.KeyIssuer = (*garageIssuer)(nil)

func newGarageIssuer(s *session) *garageIssuer {
	return &garageIssuer{session: s, admin: &adminAPI{
		session: s, name: "Garage admin API",
		authorize: func(request *http.Request) *http.Request {
			request.Header.Set("Authorization", "Bearer "+s.adminToken.Reveal())
			return request
		},
		rights:  "set adminToken in the Secret to a valid token with the scope GetKeyInfo,ListKeys,CreateKey,DeleteKey,AddBucketAlias,AllowBucketKey",
		absence: "correct spec.s3.credentialAPIEndpoint, which is the address of [admin] in Garage's configuration, or spec.s3.credentialAPI; version 2 of the API comes with Garage 2",
	}}
}

type (
	// garageKey is what the API tells of a key.
	garageKey struct {
		AccessKeyID     string         `json:"accessKeyId"`
		SecretAccessKey string         `json:"secretAccessKey"`
		Buckets         []garageBucket `json:"buckets"`
	}
	// garageBucket is a bucket as a key knows it.
	garageBucket struct {
		ID            string   `json:"id"`
		GlobalAliases []string `json:"globalAliases"`
		LocalAliases  []string `json:"localAliases"`
	}
	garageKeyName struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	garageAlias struct {
		BucketID    string `json:"bucketId"`
		AccessKeyID string `json:"accessKeyId"`
		LocalAlias  string `json:"localAlias"`
	}
	garageGrant struct {
		BucketID    string           `json:"bucketId"`
		AccessKeyID string           `json:"accessKeyId"`
		Permissions garagePermission `json:"permissions"`
	}
	garagePermission struct {
		Read  bool `json:"read"`
		Write bool `json:"write"`
		Owner bool `json:"owner"`
	}
)

var garagePermissions = map[provider.AccessMode]garagePermission{
	provider.ReadOnly:    {Read: true},
	provider.WriteOnly:   {Write: true},
	provider.ReadWrite:   {Read: true, Write: true},
	provider.FullControl: {Read: true, Write: true},
}

// IssueKey implements provider.KeyIssuer. Keys of the consumer that are there go
// first, so that none is left where removing is refused; rights come last.
func (i *garageIssuer) IssueKey(ctx context.Context, grant provider.Grant) (provider.Key, error) {
	action := fmt.Sprintf("issue key of consumer %q", grant.Consumer)
	if err := i.session.checkGrant(ctx, action, grant); err != nil {
		return provider.Key{}, err
	}
	bucket, err := i.find(ctx, action, grant.Bucket)
	if err != nil {
		return provider.Key{}, err
	}
	name := userPrefix + grant.Consumer
	if err := i.removeKeys(ctx, action, name); err != nil {
		return provider.Key{}, err
	}
	var made garageKey
	x, err := i.post(ctx, action, "CreateKey", map[string]string{"name": name}, &made)
	if err != nil {
		return provider.Key{}, err
	}
	if made.AccessKeyID == "" || made.SecretAccessKey == "" {
		return provider.Key{}, i.admin.stranger(x)
	}
	if err := i.allow(ctx, action, bucket, made.AccessKeyID, grant); err != nil {
		return provider.Key{}, err
	}
	return provider.Key{AccessKey: made.AccessKeyID, SecretKey: secret.New(made.SecretAccessKey)}, nil
}

// allow lets a new key find the bucket by its name, and then use it.
func (i *garageIssuer) allow(ctx context.Context, action string, bucket garageBucket, accessKey string, grant provider.Grant) error {
	if !slices.Contains(bucket.GlobalAliases, grant.Bucket) {
		alias := garageAlias{BucketID: bucket.ID, AccessKeyID: accessKey, LocalAlias: grant.Bucket}
		if _, err := i.post(ctx, action, "AddBucketAlias", alias, &garageBucket{}); err != nil {
			return err
		}
	}
	permit := garageGrant{BucketID: bucket.ID, AccessKeyID: accessKey, Permissions: garagePermissions[grant.Mode]}
	_, err := i.post(ctx, action, "AllowBucketKey", permit, &garageBucket{})
	return err
}

// find gives the bucket that the account's own key knows by a name. A name of its
// own goes before one for everybody, as in S3.
func (i *garageIssuer) find(ctx context.Context, action, name string) (garageBucket, error) {
	own := i.session.accessKey.Reveal()
	q := adminQuestion{
		action: action, bucket: name, method: http.MethodGet, path: "/v2/GetKeyInfo", query: url.Values{"id": {own}},
	}
	var known garageKey
	x, err := i.admin.ask(ctx, q, &known)
	if isAbsent(err) {
		return garageBucket{}, i.admin.fail(x, misconfigured, "it does not know the account's key, so it is that of another cluster")
	}
	if err != nil {
		return garageBucket{}, err
	}
	if known.AccessKeyID != own {
		return garageBucket{}, i.admin.stranger(x)
	}
	for _, aliases := range []func(garageBucket) []string{
		func(b garageBucket) []string { return b.LocalAliases },
		func(b garageBucket) []string { return b.GlobalAliases },
	} {
		index := slices.IndexFunc(known.Buckets, func(b garageBucket) bool { return slices.Contains(aliases(b), name) })
		if index >= 0 && known.Buckets[index].ID != "" {
			return known.Buckets[index], nil
		}
	}
	return garageBucket{}, i.admin.fail(x, bucketMissing, "the account's key has no bucket of this name")
}

// removeKeys removes all keys of a name; their rights and aliases go with them.
func (i *garageIssuer) removeKeys(ctx context.Context, action, name string) error {
	var keys []garageKeyName
	q := adminQuestion{action: action, method: http.MethodGet, path: "/v2/ListKeys"}
	if _, err := i.admin.ask(ctx, q, &keys); err != nil {
		return err
	}
	var failed []error
	for _, key := range keys {
		if key.Name != name || key.ID == "" {
			continue
		}
		q := adminQuestion{action: action, method: http.MethodPost, path: "/v2/DeleteKey", query: url.Values{"id": {key.ID}}}
		if _, err := i.admin.ask(ctx, q, nil); err != nil && !isAbsent(err) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (i *garageIssuer) post(ctx context.Context, action, call string, send, document any) (*exchange, error) {
	return i.admin.ask(ctx, adminQuestion{action: action, method: http.MethodPost, path: "/v2/" + call, send: send}, document)
}

// RevokeKey implements provider.KeyIssuer.
func (i *garageIssuer) RevokeKey(ctx context.Context, grant provider.Grant) error {
	return i.removeKeys(ctx, fmt.Sprintf("revoke key of consumer %q", grant.Consumer), userPrefix+grant.Consumer)
}
