package outscale

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
	"github.com/rempart/rempart/internal/provider/s3"
)

// Type is the value of SovereignProvider.spec.type that selects this driver.
const Type = "Outscale"

// Limits of OOS before the vendor raises them: userguide,
// OOS-Recommendations-and-Limits, read in November 2026. The last is hard.
const (
	bucketLimit    = 100
	objectLimit    = 10_000_000
	uploadDuration = 3 * time.Minute
)

// Driver opens sessions on a region of Outscale. The zero value is ready for use.
type Driver struct {
	// Clock tells until when an account's footprint is asked for; nil is the real
	// one.
	Clock clock.PassiveClock
}

var _ provider.Driver = Driver{}

// Type implements provider.Driver.
func (Driver) Type() string { return Type }

// Open implements provider.Driver. The credentials need provider.AccessKey and
// provider.SecretKey, of the account's root user. A place without an endpoint or
// an API has those of its region. Buckets are always in the path of a URL, and
// there is no credential API, whatever the place says.
func (d Driver) Open(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	s, err := d.open(place, keys)
	if err != nil {
		return nil, outcome.Unopened(place, err)
	}
	return s, nil
}

func (d Driver) open(place provider.Place, keys provider.Credentials) (*session, error) {
	place, err := complete(place)
	if err != nil {
		return nil, err
	}
	store, err := s3.Driver{}.Open(place, keys)
	if err != nil {
		return nil, err
	}
	api, err := newAPI(place, keys)
	if err != nil {
		return nil, err
	}
	now := d.Clock
	if now == nil {
		now = clock.RealClock{}
	}
	return &session{Session: provider.Intercept(store, explainRefusal), place: place, account: &account{api: api, clock: now}}, nil
}

// regionForm is what may stand in a host's name.
var regionForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// complete gives the place with what its region implies.
func complete(place provider.Place) (provider.Place, error) {
	if place.Region == "" {
		place.Region = place.Location
	}
	if !regionForm.MatchString(place.Region) {
		return place, fmt.Errorf("%q is not the name of a region, such as eu-west-2", place.Region)
	}
	if place.Endpoint == "" {
		place.Endpoint = "https://oos." + place.Region + ".outscale.com"
	}
	if place.API == "" {
		place.API = "https://api." + place.Region + ".outscale.com/api/v1"
	}
	place.API = strings.TrimSuffix(place.API, "/")
	place.Addressing = provider.PathStyle
	place.CredentialAPI, place.CredentialAPIEndpoint = provider.NoCredentialAPI, ""
	return place, checkAPI(place.API)
}

// checkAPI holds the URL of an API to what an endpoint is held to, but for its
// path.
func checkAPI(address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return errors.New("the API is not a URL such as https://api.eu-west-2.outscale.com/api/v1")
	}
	if parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("the API %q must have no query or fragment", address)
	}
	parsed.Path, parsed.RawPath = "", ""
	if err := provider.CheckEndpoint(parsed.String()); err != nil {
		return fmt.Errorf("API: %w", err)
	}
	return nil
}

// session is one account in one region.
type session struct {
	provider.Session
	place   provider.Place
	account *account
}

var _ provider.Session = (*session)(nil)

// Place implements provider.Session.
func (s *session) Place() provider.Place { return s.place }

// Keys implements provider.Session: OOS knows only keys of the root user, which
// reach everything in the account.
func (s *session) Keys() (provider.KeyIssuer, bool) { return nil, false }

// Account implements provider.Session.
func (s *session) Account() (provider.Account, bool) { return s.account, true }

// Limits implements provider.Session.
func (s *session) Limits() provider.StoreLimits {
	return provider.StoreLimits{Buckets: bucketLimit, ObjectsPerBucket: objectLimit, UploadDuration: uploadDuration}
}
