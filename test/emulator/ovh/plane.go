package ovh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3"
)

// Backend keeps the objects of all regions: names are unique across them, so one
// server does for all. The zero value is test/emulator/s3, in this process.
type Backend = dataplane.Backend

// region is one of the vendor's at work. Its endpoint can be reached from the
// beginning; what answers there is started by the first bucket or the first
// connection.
type region struct {
	server   *Server
	listener net.Listener
	conns    chan net.Conn

	// spec is guarded by the server's mu.
	spec RegionSpec

	mu    sync.Mutex
	plane *dataplane.Server
	err   error
}

// openRegions makes every region's endpoint.
func (s *Server) openRegions(ctx context.Context) error {
	var config net.ListenConfig
	for _, spec := range s.options.Regions {
		r := &region{server: s, spec: spec, conns: make(chan net.Conn)}
		s.regions[spec.Name] = r
		s.order = append(s.order, spec.Name)
		if !spec.HasStorage() {
			continue
		}
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("listen for region %s: %w", spec.Name, err)
		}
		r.listener = listener
		s.accepting.Go(r.accept)
	}
	return nil
}

// closeRegions ends the data planes. The server is closing already.
func (s *Server) closeRegions() {
	for _, r := range s.regions {
		if r.listener != nil {
			_ = r.listener.Close()
		}
		r.mu.Lock()
		plane := r.plane
		r.err = errors.New("the server is closed")
		r.mu.Unlock()
		// Requests in progress are waited for, and may ask about any region.
		if plane != nil {
			plane.Close()
		}
	}
	if s.backend != nil {
		s.backend.Close()
	}
}

// accept hands connections to the data plane, which the first one starts.
func (r *region) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		if _, err := r.start(context.Background()); err != nil {
			_ = conn.Close()
			continue
		}
		select {
		case r.conns <- conn:
		case <-r.server.service.Closing():
			_ = conn.Close()
			return
		}
	}
}

// relay is the listener that a data plane is given: somebody else accepts for it.
type relay struct{ *region }

func (l relay) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.server.service.Closing():
		return nil, net.ErrClosed
	}
}

func (l relay) Close() error   { return l.listener.Close() }
func (l relay) Addr() net.Addr { return l.listener.Addr() }

// endpoint is where the region answers S3, empty if it does not.
func (r *region) endpoint() string {
	if r.listener == nil {
		return ""
	}
	return "http://" + r.listener.Addr().String()
}

// scope is the region's name in signatures.
func (r *region) scope() string { return strings.ToLower(r.spec.Name) }

// start returns the region's data plane, which it starts if need be.
func (r *region) start(ctx context.Context) (*dataplane.Region, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	if r.plane != nil {
		return r.plane.Region, nil
	}
	backend, err := r.server.openBackend()
	if err != nil {
		return nil, err
	}
	r.plane, err = dataplane.Start(ctx, dataplane.Options{
		Vendor:   dataplane.OVHcloud,
		Name:     r.scope(),
		Backend:  backend,
		Lookup:   r.server.lookup,
		Judge:    r.judge(),
		Admit:    r.server.admit,
		Lists:    func(string, dataplane.Bucket) bool { return listsWholeProject },
		Listener: relay{r},
	})
	if err != nil {
		return nil, fmt.Errorf("start the data plane of %s: %w", r.spec.Name, err)
	}
	return r.plane.Region, nil
}

// running returns the data plane only if it was needed before.
func (r *region) running() (*dataplane.Region, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.plane == nil {
		return nil, false
	}
	return r.plane.Region, true
}

// openBackend starts the store in this process, unless the options name one.
func (s *Server) openBackend() (Backend, error) {
	if s.options.Backend.Endpoint != "" {
		return s.options.Backend, nil
	}
	s.backendOnce.Do(func() {
		store := s3.New(s3.Options{MaxBuckets: manyBuckets})
		if s.backendErr = store.Listen("127.0.0.1:0"); s.backendErr == nil {
			s.backend = store
		}
	})
	if s.backendErr != nil {
		return Backend{}, fmt.Errorf("start the backend: %w", s.backendErr)
	}
	return Backend{
		Endpoint: s.backend.URL, AccessKey: s.backend.AccessKey, SecretKey: s.backend.SecretKey, Region: s.backend.Region,
	}, nil
}

// manyBuckets is more than the project's quota can be.
const manyBuckets = 1 << 20

// identity is how S3 names a user.
func (s *Server) identity(u *user) string { return s.Project + ":" + u.name }

// ownerID is the id of the user that owns a bucket, also once he is gone.
func (s *Server) ownerID(identity string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identities[identity]
}

// lookup finds whose an access key is.
func (s *Server) lookup(access string) (dataplane.Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, k, ok := s.ofKey(access)
	if !ok {
		return dataplane.Key{}, false
	}
	return dataplane.Key{Secret: k.secret, Identity: s.identity(u)}, true
}

// judge is the vendor's: a denial, then an allowance, then access control lists. In
// a local zone every key of the project may do everything.
func (r *region) judge() func(dataplane.Call) dataplane.Verdict {
	byRules := dataplane.JudgeOVHcloud(r.server.policyOf)
	return func(c dataplane.Call) dataplane.Verdict {
		switch {
		case c.Identity != "" && !r.server.mayStoreAs(c.Identity):
			return dataplane.Deny
		case r.spec.Type == LocalZone && c.Identity != "":
			return dataplane.Allow
		default:
			return byRules(c)
		}
	}
}

// policyOf returns the policy of a user, nil if he has none.
func (s *Server) policyOf(identity string) *policy.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.users[s.identities[identity]]; ok {
		return u.parsed
	}
	return nil
}

func (s *Server) mayStoreAs(identity string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[s.identities[identity]]
	return ok && mayStore(u)
}

// mayStore tells whether one of a user's roles opens object storage.
func mayStore(u *user) bool {
	for _, r := range u.roles {
		if r.Name == roleObjectStore || r.Name == roleAdministrator {
			return true
		}
	}
	return false
}

// admit says whether a bucket may be made, through S3 or the API: names are unique
// across the vendor, and the project has a quota over all regions.
func (s *Server) admit(name, _ string) error {
	s.mu.Lock()
	foreign, quota := s.foreign[name], s.knobs.bucketQuota
	all := make([]*region, 0, len(s.regions))
	for _, r := range s.regions {
		all = append(all, r)
	}
	s.mu.Unlock()
	if foreign {
		return dataplane.ErrNameTaken
	}
	count := 0
	for _, r := range all {
		plane, ok := r.running()
		if !ok {
			continue
		}
		if _, ok := plane.Bucket(name); ok {
			return dataplane.ErrNameTaken
		}
		count += len(plane.Buckets())
	}
	if count >= quota {
		return dataplane.ErrTooManyBuckets
	}
	return nil
}

// Region returns the data plane of a region: its buckets, its faults, what it was
// asked. It is started if need be; nil means that there is none.
func (s *Server) Region(name string) *dataplane.Server {
	s.mu.Lock()
	r, ok := s.regions[name]
	s.mu.Unlock()
	if !ok || r.listener == nil {
		return nil
	}
	if _, err := r.start(context.Background()); err != nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plane
}

// Running names the regions whose data plane was started.
func (s *Server) Running() []string {
	var names []string
	for _, name := range s.order {
		if _, ok := s.regions[name].running(); ok {
			names = append(names, name)
		}
	}
	return names
}

func listRegions(c *call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := []string{}
	for _, name := range c.order {
		if !c.regions[name].spec.Inactive {
			names = append(names, name)
		}
	}
	return names, nil
}

// service is one of a region's.
type service struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Endpoint string `json:"endpoint"`
}

// document is a region in the API's form. Countries are in small letters there.
func (r *region) document() map[string]any {
	services := []service{}
	for _, name := range r.spec.Services {
		s := service{Name: name, Status: Up}
		if strings.HasPrefix(name, "storage-s3-") {
			s.Endpoint = r.endpoint()
		}
		services = append(services, s)
	}
	for _, name := range r.spec.DownServices {
		services = append(services, service{Name: name, Status: Down})
	}
	return map[string]any{
		"name":               r.spec.Name,
		"type":               r.spec.Type,
		"status":             cmp.Or(r.spec.Status, Up),
		"continentCode":      r.spec.Continent,
		"countryCode":        strings.ToLower(r.spec.Country),
		"datacenterLocation": cmp.Or(r.spec.Datacenter, r.spec.Name),
		"availabilityZones":  orEmpty(r.spec.Zones),
		"ipCountries":        []string{strings.ToLower(r.spec.Country)},
		"services":           services,
	}
}

func getRegion(c *call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.regions[c.vars["regionName"]]
	if !ok || r.spec.Inactive {
		return nil, errRegionNotFound(c.vars["regionName"])
	}
	return r.document(), nil
}

func activateRegion(c *call) (any, error) {
	var asked struct {
		Region string `json:"region"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.regions[asked.Region]
	if !ok {
		return nil, errRegionNotFound(asked.Region)
	}
	r.spec.Inactive = false
	return r.document(), nil
}

// ownerClient speaks to the region's endpoint with a key of the bucket's owner.
func (s *Server) ownerClient(r *region, b dataplane.Bucket) (*minio.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[s.identities[b.Owner]]
	if !ok || len(u.keys) == 0 {
		return nil, errNoOwnerKey()
	}
	return minio.New(r.listener.Addr().String(), &minio.Options{
		Creds:        credentials.NewStaticV4(u.keys[0].access, u.keys[0].secret, ""),
		Region:       r.scope(),
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   1,
	})
}
