package ovh

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outcome"
	"github.com/rempart/rempart/internal/provider/s3"
)

// Type is the value of SovereignProvider.spec.type that selects this driver.
const Type = "OVHcloud"

// Options replace what a driver uses. The zero value is for production.
type Options struct {
	// Transport carries what goes to the API and to where tokens are had, but not
	// what goes to S3; nil makes connections of its own.
	Transport http.RoundTripper
	// Clock tells the local time; nil is the real one.
	Clock clock.PassiveClock
	// Requests bounds the requests to the API of each project; zero is Fair.
	Requests Pace
}

// Pace is so many requests a second, after a burst.
type Pace struct {
	PerSecond float64
	Burst     int
}

// Fair is what one project's control plane gets by default. OVHcloud documents no
// figure; its staff called 60 requests a minute and key fair (python-ovh issue 81,
// 2019, third-party). The burst lets an installation start, or an account be
// looked through, without waiting.
var Fair = Pace{PerSecond: 1, Burst: 120}

// Driver opens sessions on OVHcloud projects. Sessions on one project share their
// client with its clock, their requests' pace and the operator's user. The zero
// value is ready for use; it must not be copied.
type Driver struct {
	options Options

	mu       sync.Mutex
	projects map[projectName]*project
}

// New makes a driver.
func New(options Options) *Driver { return &Driver{options: options} }

var _ provider.Driver = (*Driver)(nil)

// Type implements provider.Driver.
func (*Driver) Type() string { return Type }

// Open implements provider.Driver. Credentials are an application key, a service
// account, or the key pair of a single user: a session with that one speaks S3
// alone. A place without a location serves only its account.
func (d *Driver) Open(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	session, err := d.open(place, keys)
	if err != nil {
		return nil, outcome.Unopened(place, err)
	}
	return session, nil
}

func (d *Driver) open(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	kind, err := kindOf(keys)
	if err != nil {
		return nil, err
	}
	if place.Region == "" {
		place.Region = strings.ToLower(place.Location)
	}
	if kind == userKey {
		return openAsUser(place, keys)
	}
	base, err := baseOf(place.API)
	if err != nil {
		return nil, err
	}
	if err := checkPlace(place); err != nil {
		return nil, err
	}
	login := login{base: base, kind: kind, credentials: keys}
	if kind == serviceAccount && tokenURLs[base] == "" {
		return nil, fmt.Errorf("a service account (%s) cannot be used at %s: the vendor's client refuses it at any API but %s; use an application key (%s)",
			namesOf(serviceAccount), base, strings.Join(slices.Sorted(maps.Keys(apiURLs)), ", "), namesOf(applicationKey))
	}
	return &session{place: place, project: d.project(place, login)}, nil
}

// checkPlace tells what a place lacks to be one at OVHcloud.
func checkPlace(place provider.Place) error {
	switch {
	case place.Project == "":
		return fmt.Errorf("the id of the Public Cloud project is missing")
	case place.Location == "":
		return nil
	case place.Installation == "":
		return fmt.Errorf("the installation is missing, which the operator's user is named by")
	}
	return provider.CheckEndpoint(strings.TrimSuffix(place.Endpoint, "/"))
}

// userSession is a session with the key of one user: no control plane.
type userSession struct{ provider.Session }

// Limits implements provider.Session.
func (userSession) Limits() provider.StoreLimits { return limits() }

func openAsUser(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	if place.Location == "" {
		return nil, fmt.Errorf("an account cannot be opened with the key of a single user (%s)", namesOf(userKey))
	}
	inner, err := openS3(place, keys)
	if err != nil {
		return nil, err
	}
	return userSession{inner}, nil
}

// openS3 opens the data plane of a place.
func openS3(place provider.Place, keys provider.Credentials) (provider.Session, error) {
	place.CredentialAPI, place.CredentialAPIEndpoint = provider.NoCredentialAPI, ""
	return s3.Driver{}.Open(place, keys)
}

// projectName tells apart what sessions share.
type projectName struct{ base, id, installation string }

// project gives what the sessions on a project share. Other credentials begin
// anew: sessions that were opened with the old ones keep those.
func (d *Driver) project(place provider.Place, login login) *project {
	name := projectName{base: login.base, id: place.Project, installation: place.Installation}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.projects[name]; known != nil && known.api.login.equal(login) {
		return known
	}
	if d.projects == nil {
		d.projects = map[projectName]*project{}
	}
	made := &project{projectName: name, api: d.newAPI(login)}
	d.projects[name] = made
	return made
}

func (d *Driver) newAPI(login login) *api {
	pace, transport, c := d.options.Requests, d.options.Transport, d.options.Clock
	if pace == (Pace{}) {
		pace = Fair
	}
	if transport == nil {
		transport = newPool()
	}
	if c == nil {
		c = clock.RealClock{}
	}
	return &api{
		login: login, wire: transport, clock: c,
		pace: rate.NewLimiter(rate.Limit(pace.PerSecond), max(1, pace.Burst)),
		turn: make(chan struct{}, 1),
	}
}

const (
	dialTimeout = 10 * time.Second
	// idleTimeout is shorter than that of common front ends, which drop what idles.
	idleTimeout = 55 * time.Second
)

// newPool makes connections to an API. Proxies come from the environment, as with
// http.DefaultTransport.
func newPool() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: idleTimeout,
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4,
	}
}
