package s3

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
)

// Type is the value of SovereignProvider.spec.type that selects this driver.
const Type = "S3"

// defaultRegion is what stores without regions of their own expect in
// signatures.
const defaultRegion = "us-east-1"

// Driver opens sessions on S3 endpoints. The zero value is ready for use.
type Driver struct{}

var _ provider.Driver = Driver{}

// Type implements provider.Driver.
func (Driver) Type() string { return Type }

// Open implements provider.Driver. The credentials need provider.AccessKey and
// provider.SecretKey; without provider.AdminToken a session at a Garage issues no
// keys. Each session has connections of its own.
func (Driver) Open(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	s, err := open(place, keys)
	if err != nil {
		return nil, outcome.Unopened(place, err)
	}
	return s, nil
}

func open(place provider.Place, keys provider.Credentials) (*session, error) {
	if place.Region == "" {
		place.Region = defaultRegion
	}
	endpoint, err := parseEndpoint(place.Endpoint)
	if err != nil {
		return nil, err
	}
	admin, err := parseAdminEndpoint(place, endpoint)
	if err != nil {
		return nil, err
	}
	lookup, err := lookupOf(place.Addressing)
	if err != nil {
		return nil, err
	}
	access, secretKey := keys[provider.AccessKey], keys[provider.SecretKey]
	if access.IsEmpty() || secretKey.IsEmpty() {
		return nil, fmt.Errorf("credentials need %s and %s", provider.AccessKey, provider.SecretKey)
	}
	pool, err := newPool(place.CABundle)
	if err != nil {
		return nil, err
	}
	s := &session{
		place:         place,
		endpoint:      endpoint,
		adminEndpoint: admin,
		accessKey:     access,
		secretKey:     secretKey,
		adminToken:    keys[provider.AdminToken],
	}
	s.wire = &recorder{next: pool, sign: s.sign}
	s.core, err = minio.NewCore(endpoint.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(access.Reveal(), secretKey.Reveal(), ""),
		Secure:       endpoint.Scheme == "https",
		Transport:    s.wire,
		Region:       place.Region, // else minio-go asks for the location of every bucket
		BucketLookup: lookup,
		// Trying again is package retry's work, which knows the classes.
		MaxRetries: 1,
		// Trailing checksums are refused by Ceph RGW (400
		// XAmzContentSHA256Mismatch) and by versitygw over http (400 BadDigest).
		TrailingHeaders: false,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parseEndpoint allows for the slash at the end with which some APIs report
// endpoints.
func parseEndpoint(endpoint string) (*url.URL, error) {
	endpoint = strings.TrimSuffix(endpoint, "/")
	if err := provider.CheckEndpoint(endpoint); err != nil {
		return nil, err
	}
	return url.Parse(endpoint)
}

// parseAdminEndpoint gives where the credential API is served: beside S3 unless
// the place says otherwise. Garage never serves both on one port.
func parseAdminEndpoint(place provider.Place, endpoint *url.URL) (*url.URL, error) {
	if place.CredentialAPIEndpoint != "" {
		admin, err := parseEndpoint(place.CredentialAPIEndpoint)
		if err != nil {
			return nil, fmt.Errorf("credential API: %w", err)
		}
		return admin, nil
	}
	if place.CredentialAPI == provider.GarageCredentialAPI {
		return nil, fmt.Errorf("credential API %s needs an endpoint of its own", place.CredentialAPI)
	}
	return endpoint, nil
}

func lookupOf(addressing provider.Addressing) (minio.BucketLookupType, error) {
	switch addressing {
	case provider.VirtualStyle:
		return minio.BucketLookupDNS, nil
	case provider.PathStyle, "":
		return minio.BucketLookupPath, nil
	default:
		return 0, fmt.Errorf("addressing %q is neither %s nor %s", addressing, provider.PathStyle, provider.VirtualStyle)
	}
}
