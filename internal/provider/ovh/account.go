package ovh

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// account is the project as a whole.
type account struct{ project *project }

var _ provider.Account = account{}

// Discover implements provider.Account: one request, and one for each region of
// the project, those without object storage too.
func (a account) Discover(ctx context.Context) ([]provider.Region, error) {
	return a.project.discover(ctx)
}

// Footprint implements provider.Account. OVHcloud tells the carbon of an account
// in reports, and has no public call for it, nor for the use of object storage
// alone.
func (a account) Footprint(context.Context, time.Time) (provider.Footprint, error) {
	return provider.Footprint{}, unsupported.Fault("footprint of "+a.project.what(), "OVHcloud has no public API for it")
}

// Machines implements provider.Account with one request: the instances of the
// project in all regions, as the vendor's schema of cloud.instance.Instance has them.
// The Nodes of Managed Kubernetes are among them; that is an assumption, made of
// their provider ids, which are those of instances.
func (a account) Machines(ctx context.Context) ([]provider.Machine, error) {
	p := a.project
	q := question{operation: opListMachines, subject: p.what(), method: http.MethodGet, path: p.path("instance")}
	var told []struct{ ID, Region, Status string }
	if _, err := p.api.ask(ctx, q, &told); err != nil {
		return nil, err
	}
	machines := []provider.Machine{}
	for _, instance := range told {
		if instance.Status != "DELETED" && instance.Status != "SOFT_DELETED" {
			machines = append(machines, provider.Machine{ID: instance.ID, Region: instance.Region})
		}
	}
	slices.SortFunc(machines, func(a, b provider.Machine) int { return strings.Compare(a.ID, b.ID) })
	return machines, nil
}

func (p *project) discover(ctx context.Context) ([]provider.Region, error) {
	names, err := p.regionNames(ctx)
	if err != nil {
		return nil, err
	}
	var found []provider.Region
	for _, name := range slices.Sorted(slices.Values(names)) {
		told, err := p.region(ctx, name)
		if fault.HasReason(err, fault.RegionNotActivated) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		if region, offers := told.offer(name); offers {
			found = append(found, region)
		}
	}
	return found, nil
}

// localZone is a type of region that is not for regulated data: every key of the
// project reaches every bucket there, and there are no user policies.
const localZone = "localzone"

// storageServices are what a region with object storage has, the one that reports
// the endpoint with all classes of storage first.
var storageServices = []string{"storage-s3-standard", "storage-s3-high-perf"}

// offer gives a region in the words of the contract, or false when it has no
// object storage to offer. One whose object storage is down is not to be used right
// now, and there all the same: an outage must not read as a region that is gone.
func (r region) offer(name string) (provider.Region, bool) {
	endpoint, isThere, isUp := r.storage()
	if r.Type == localZone || !isThere {
		return provider.Region{}, false
	}
	offered := provider.Region{
		Name: name, Country: countryOf(r.CountryCode), Endpoint: endpoint,
		SigningRegion: signingRegion(name, endpoint), InMaintenance: r.isOut() || !isUp,
	}
	if r.DataCentre != "" {
		offered.LocationCodes = []string{r.DataCentre}
	}
	return offered, true
}

// storage gives the endpoint of the region's object storage, and whether there is
// one and it is up.
func (r region) storage() (endpoint string, isThere, isUp bool) {
	for _, name := range storageServices {
		for _, service := range r.Services {
			if service.Name != name {
				continue
			}
			isThere, isUp = true, isUp || service.Status == statusUp
			endpoint = cmp.Or(endpoint, endpointOf(service.Endpoint))
		}
	}
	return endpoint, isThere, isUp
}

// endpointOf gives an endpoint as it was reported, without the slash at its end.
// One that cannot be an endpoint, or is not that of the current object storage, was
// not reported: "perf" has another default class and no lifecycle.
func endpointOf(reported string) string {
	endpoint := strings.TrimSuffix(reported, "/")
	if provider.CheckEndpoint(endpoint) != nil || strings.Contains(endpoint, ".perf.") {
		return ""
	}
	return endpoint
}

var country = regexp.MustCompile(`^[A-Z]{2}$`)

// countryOf gives a country in capitals, or nothing where none was reported. The
// continent is no country: at OVHcloud the EU has London in it.
func countryOf(code string) string {
	code = strings.ToUpper(code)
	if !country.MatchString(code) {
		return ""
	}
	return code
}

// regional matches the host of a region's endpoint.
var regional = regexp.MustCompile(`^s3\.([a-z0-9-]+)\.io\.cloud\.ovh\.(?:net|us)$`)

// signingRegion is the region in signatures: the one that the endpoint names, or
// the region's own name in lower case.
func signingRegion(name, endpoint string) string {
	if parsed, err := url.Parse(endpoint); err == nil {
		if named := regional.FindStringSubmatch(parsed.Hostname()); named != nil {
			return named[1]
		}
	}
	return strings.ToLower(name)
}
