package session

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// place gives the place of a location as the driver needs it.
func (o *Opener) place(ctx context.Context, p *v1alpha1.SovereignProvider, locationName string) (provider.Place, error) {
	if p.Spec.DiscoversLocations() {
		return o.discoveredPlace(p, locationName)
	}
	index := slices.IndexFunc(p.Spec.Locations, func(l v1alpha1.Location) bool { return l.Name == locationName })
	if index < 0 || p.Spec.S3 == nil {
		return provider.Place{}, noLocation(p, locationName)
	}
	place := provider.Place{
		Provider: p.Name, Location: locationName,
		Endpoint:      EndpointOf(p, locationName),
		Region:        orElse(p.Spec.Locations[index].Region, p.Spec.S3.Region),
		Addressing:    provider.Addressing(p.Spec.S3.AddressingStyle),
		CredentialAPI: provider.CredentialAPI(p.Spec.S3.CredentialAPI), CredentialAPIEndpoint: p.Spec.S3.CredentialAPIEndpoint,
		Installation: o.config.Installation,
	}
	if err := o.checkEndpoint("location "+locationName, place.Endpoint); err != nil {
		return provider.Place{}, err
	}
	if place.CredentialAPIEndpoint != "" {
		if err := o.checkEndpoint("credentialAPIEndpoint", place.CredentialAPIEndpoint); err != nil {
			return provider.Place{}, err
		}
	}
	bundle, err := o.caBundle(ctx, p)
	place.CABundle = bundle
	return place, err
}

// discoveredPlace gives the place of a location that the vendor's API told of.
func (o *Opener) discoveredPlace(p *v1alpha1.SovereignProvider, locationName string) (provider.Place, error) {
	place, err := o.accountPlace(p)
	if err != nil {
		return provider.Place{}, err
	}
	known := discovered(p, locationName)
	switch {
	case known == nil && p.Status.DiscoveredAt == nil:
		return provider.Place{}, fault.New(fault.Waiting, fault.Progressing,
			"the regions of SovereignProvider %s are not discovered yet", p.Name)
	case known == nil:
		return provider.Place{}, noLocation(p, locationName)
	case known.Availability == v1alpha1.LocationNotActivated || known.Endpoint == "":
		return provider.Place{}, fault.New(fault.Waiting, fault.RegionNotActivated,
			"the account of SovereignProvider %s has no object storage in region %s: activate the region there, or take it out of spec.locations", p.Name, locationName)
	}
	place.Location, place.Endpoint, place.Region = known.Name, known.Endpoint, known.Region
	return place, o.checkEndpoint("location "+locationName, place.Endpoint)
}

// accountPlace gives the place of a whole account, which has no location.
func (o *Opener) accountPlace(p *v1alpha1.SovereignProvider) (provider.Place, error) {
	place := provider.Place{Provider: p.Name, Installation: o.config.Installation}
	switch {
	case p.Spec.OVHcloud != nil:
		place.API, place.Project = p.Spec.OVHcloud.Endpoint, p.Spec.OVHcloud.ProjectID
	case p.Spec.Outscale != nil:
		place.API, place.Region, place.Endpoint = p.Spec.Outscale.Endpoints.API, p.Spec.Outscale.Region, p.Spec.Outscale.Endpoints.OOS
	default:
		return provider.Place{}, fault.New(fault.Terminal, fault.InvalidConfiguration,
			"SovereignProvider %s of type %s has no account to ask", p.Name, p.Spec.Type)
	}
	if place.Endpoint != "" {
		if err := o.checkEndpoint("endpoints.oos", place.Endpoint); err != nil {
			return provider.Place{}, err
		}
	}
	return place, o.checkAPI(place.API)
}

func noLocation(p *v1alpha1.SovereignProvider, locationName string) error {
	return fault.New(fault.Terminal, fault.InvalidConfiguration, "SovereignProvider %s has no location %s", p.Name, locationName)
}

func discovered(p *v1alpha1.SovereignProvider, locationName string) *v1alpha1.LocationStatus {
	index := slices.IndexFunc(p.Status.Locations, func(l v1alpha1.LocationStatus) bool { return l.Name == locationName })
	if index < 0 {
		return nil
	}
	return &p.Status.Locations[index]
}

// checkEndpoint holds an endpoint to what admission asks of it, which may be off.
func (o *Opener) checkEndpoint(of, endpoint string) error {
	if err := provider.CheckEndpoint(endpoint); err != nil {
		return fault.New(fault.Terminal, fault.InvalidConfiguration, "%s: %w", of, err)
	}
	if provider.IsInsecure(endpoint) && !o.config.AllowInsecureEndpoints {
		return fault.New(fault.Terminal, fault.InvalidConfiguration,
			"%s: the endpoint %s is not https; http is only for tests, where the manager runs with --allow-insecure-endpoints",
			of, endpoint)
	}
	return nil
}

// checkAPI does the same for a vendor's API, which is a URL with a path, the name
// of one that the vendor's client knows, or empty for the usual one.
func (o *Opener) checkAPI(api string) error {
	if !strings.Contains(api, "/") {
		return nil
	}
	parsed, err := url.Parse(api)
	if err != nil {
		return fault.New(fault.Terminal, fault.InvalidConfiguration, "the API's address is not a URL such as https://api.example.fr/v1")
	}
	parsed.Path = ""
	return o.checkEndpoint("the API", parsed.String())
}

// EndpointOf gives the endpoint that serves a location of a provider; empty where
// it is not known.
func EndpointOf(p *v1alpha1.SovereignProvider, locationName string) string {
	if p.Spec.DiscoversLocations() {
		if known := discovered(p, locationName); known != nil {
			return known.Endpoint
		}
		return ""
	}
	for _, location := range p.Spec.Locations {
		if location.Name == locationName && p.Spec.S3 != nil {
			return orElse(location.Endpoint, p.Spec.S3.Endpoint)
		}
	}
	return ""
}
