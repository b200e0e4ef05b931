// Package provider is the contract between Rempart and the places that keep
// objects: what a driver must do, in which words, and with which errors.
//
// A driver is a stateless value; Open gives a Session on one place of one
// account. Every method of a session is one request and its answer, idempotent,
// and fails with a fault.Error that wraps one of the sentinels in errors.go.
// Cross-cutting behaviour (retry, throttle, instrument) is an Interceptor, see
// intercept.go. Nothing here knows Kubernetes.
//
// Start reading at Driver and Session; the suite in providertest says what a
// driver's word is worth.
package provider

import (
	"context"
	"time"

	"github.com/rempart/rempart/internal/secret"
)

// Driver opens sessions on one kind of object store.
type Driver interface {
	// Type is the value of SovereignProvider.spec.type that selects this driver.
	Type() string
	// Open makes a session. It sends nothing; bad credentials show at the first
	// request. A place or credentials that can never work fail with
	// ErrInvalidConfiguration.
	Open(place Place, credentials Credentials) (Session, error)
}

// Place is one S3 endpoint of one account, as declared or discovered.
type Place struct {
	// Provider and Location are the names a person gave them.
	Provider, Location string
	// Endpoint is scheme, host and optional port, without a path.
	Endpoint string
	// Region is the region used in request signatures.
	Region string
	// Addressing is Path or Virtual.
	Addressing Addressing
	// CABundle is PEM; empty means the roots of the system.
	CABundle []byte
	// CredentialAPI names the admin interface that issues scoped keys, or None.
	CredentialAPI CredentialAPI
	// CredentialAPIEndpoint is where it is served, in the form of Endpoint; empty
	// means beside S3.
	CredentialAPIEndpoint string
	// API is the vendor's own API that the account is managed through: a name that
	// the vendor's client knows, or a URL; empty where there is none, or for the
	// vendor's usual one.
	API string
	// Project is the vendor's id of the project whose buckets these are.
	Project string
	// Installation is the operator's. A driver that keeps users of its own at the
	// vendor names them by it.
	Installation string
}

// String names the place as users write it: provider/location, or the provider
// alone for its whole account.
func (p Place) String() string {
	if p.Location == "" {
		return p.Provider
	}
	return p.Provider + "/" + p.Location
}

// Addressing is where the bucket's name goes in a URL.
type Addressing string

// Addressing styles.
const (
	PathStyle    Addressing = "Path"
	VirtualStyle Addressing = "Virtual"
)

// CredentialAPI is an admin interface of a store that issues scoped keys.
type CredentialAPI string

// Known credential APIs.
const (
	NoCredentialAPI      CredentialAPI = "None"
	VersityCredentialAPI CredentialAPI = "Versity"
	CephCredentialAPI    CredentialAPI = "CephRGW"
	GarageCredentialAPI  CredentialAPI = "Garage"
)

// KeyTraits gives where the keys of this API fall short of their access mode.
func (a CredentialAPI) KeyTraits() KeyTraits {
	if a == GarageCredentialAPI {
		return KeyTraits{ReachReserved: true, WritersDelete: true}
	}
	return KeyTraits{}
}

// NeedsAdminToken tells whether the API takes a token of its own, AdminToken,
// instead of the account's key.
func (a CredentialAPI) NeedsAdminToken() bool { return a == GarageCredentialAPI }

// Credentials are the values of a provider's Secret, by their key in it.
type Credentials map[string]secret.Text

// Keys of a Secret that holds an S3 key pair, the token of an admin API that has
// one, or what a vendor's own API takes: the three parts of an application key, or
// a service account.
const (
	AccessKey  = "accessKey"
	SecretKey  = "secretKey"
	AdminToken = "adminToken"

	ApplicationKey    = "applicationKey"
	ApplicationSecret = "applicationSecret"
	ConsumerKey       = "consumerKey"

	ClientID     = "clientID"
	ClientSecret = "clientSecret"
)

// Session is an open account at one place. It is safe for concurrent use.
type Session interface {
	// Place tells where the session goes.
	Place() Place
	// Ping proves with one signed request that the place answers and accepts the
	// credentials. Health is filled as far as an answer came, also on error.
	Ping(ctx context.Context) (Health, error)
	Buckets
	BucketSettings
	Objects
	Uploads
	Trials
	// Keys gives the power to issue scoped keys, or false where the place has none.
	Keys() (KeyIssuer, bool)
	// Account gives what the vendor's own API tells of the whole account, or false
	// where there is no such API. It is all that a session serves whose place names
	// no location.
	Account() (Account, bool)
	// Limits are what the vendor states; it sends nothing.
	Limits() StoreLimits
}

// Health is what one answer tells about a place.
type Health struct {
	// ServerTime is the Date header of the answer; zero if none came. It has a
	// resolution of one second.
	ServerTime time.Time
	// AskedAt and AnsweredAt bracket the request on the local clock.
	AskedAt, AnsweredAt time.Time
}

// Skew is how far the server's clock is ahead of the local one, or false when no
// answer told. It is exact to half a second plus half the round trip.
func (h Health) Skew() (time.Duration, bool) {
	if h.ServerTime.IsZero() {
		return 0, false
	}
	middle := h.AskedAt.Add(h.AnsweredAt.Sub(h.AskedAt) / 2)
	// Date is truncated to the second, so on average it lies half a second back.
	return h.ServerTime.Add(time.Second / 2).Sub(middle), true
}
