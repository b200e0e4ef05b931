package s3

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// session is one account at one place. It keeps nothing but connections, and which
// buckets want a digest.
type session struct {
	place    provider.Place
	endpoint *url.URL
	// adminEndpoint is where the credential API is served.
	adminEndpoint        *url.URL
	accessKey, secretKey secret.Text
	// adminToken is empty where the credential API takes the account's key.
	adminToken secret.Text
	wire       *recorder
	core       *minio.Core
	// demanding has the names of buckets that take no content without Content-MD5.
	demanding sync.Map
}

var _ provider.Session = (*session)(nil)

// Place implements provider.Session.
func (s *session) Place() provider.Place { return s.place }

// Keys implements provider.Session.
func (s *session) Keys() (provider.KeyIssuer, bool) {
	switch s.place.CredentialAPI {
	case provider.VersityCredentialAPI:
		return &issuer{session: s}, true
	case provider.CephCredentialAPI:
		return newCephIssuer(s), true
	case provider.GarageCredentialAPI:
		// Without a token it is an application's own session.
		if s.adminToken.IsEmpty() {
			return nil, false
		}
		return newGarageIssuer(s), true
	default:
		return nil, false
	}
}

// Account implements provider.Session: plain S3 knows nothing beside its buckets.
func (s *session) Account() (provider.Account, bool) { return nil, false }

// Limits implements provider.Session: whoever runs the store knows them.
func (s *session) Limits() provider.StoreLimits { return provider.StoreLimits{} }

// Ping implements provider.Session with one ListBuckets, whose document must be
// one: the login page of a captive portal is a 200 too.
func (s *session) Ping(ctx context.Context) (provider.Health, error) {
	_, x, err := s.listBuckets(ctx)
	return x.Health(), err
}

// ListBuckets implements provider.Buckets.
func (s *session) ListBuckets(ctx context.Context) (provider.BucketList, error) {
	names, x, err := s.listBuckets(ctx)
	return provider.BucketList{Names: names, Health: x.Health()}, err
}

// listBuckets gives the names of the account's own buckets.
func (s *session) listBuckets(ctx context.Context) ([]string, *exchange, error) {
	var answer struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Names   []string `xml:"Buckets>Bucket>Name"`
	}
	x, err := s.ask(ctx, question{action: "list buckets", method: http.MethodGet, isOfAccount: true}, &answer)
	return answer.Names, x, err
}

// sign signs a request for this account, in place of a signature it has.
func (s *session) sign(request *http.Request) *http.Request {
	return signer.SignV4(*request, s.accessKey.Reveal(), s.secretKey.Reveal(), "", s.place.Region)
}
