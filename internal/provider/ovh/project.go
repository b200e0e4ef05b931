package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// project is what the sessions on one project share.
type project struct {
	projectName
	api *api

	// users keeps apart those who look for a user by its description and make it.
	users turns
	// made has when a user was made that is not listed yet, by its description.
	made sync.Map
	// operator is the user that owns all buckets.
	operator operator
}

// path gives the path of something in the project.
func (p *project) path(parts ...string) string {
	escaped := []string{"/cloud/project", url.PathEscape(p.id)}
	for _, part := range parts {
		escaped = append(escaped, url.PathEscape(part))
	}
	return strings.Join(escaped, "/")
}

// what names the project in messages.
func (p *project) what() string { return "project " + p.id }

// limits are what OVHcloud documents for a project (guide "Object Storage -
// Technical limitations", of 2026-03-13): a hundred buckets, which support raises.
// How many there are is found out by counting.
func limits() provider.StoreLimits { return provider.StoreLimits{Buckets: 100} }

// usersPerProject is documented in the same place.
const usersPerProject = 1000

// exists fails with what a 404 of something in the project really means when it
// is the project itself that is not there.
func (p *project) exists(ctx context.Context) error {
	q := question{operation: opFindProject, subject: p.what(), method: http.MethodGet, path: p.path()}
	var answer struct {
		ID string `json:"project_id"`
	}
	_, err := p.api.ask(ctx, q, &answer)
	return err
}

// region is a region as the API tells it.
type region struct {
	Name        string
	Type        string
	Status      string
	CountryCode string
	DataCentre  string `json:"datacenterLocation"`
	Services    []service
}

type service struct{ Name, Status, Endpoint string }

// statusUp is of regions and of their services that work; others are DOWN and
// MAINTENANCE.
const statusUp = "UP"

// isOut tells whether the vendor says that the region is not to be used right now.
func (r region) isOut() bool { return r.Status != "" && r.Status != statusUp }

// region asks for one region. One that the project does not have fails with
// RegionNotActivated.
func (p *project) region(ctx context.Context, name string) (region, error) {
	q := question{operation: opFindRegion, subject: name + " of " + p.what(), method: http.MethodGet, path: p.path("region", name)}
	var found region
	_, err := p.api.ask(ctx, q, &found)
	if fault.HasReason(err, fault.RegionNotActivated) {
		return region{}, p.unlessGone(ctx, err)
	}
	return found, err
}

// unlessGone gives the failure, or that of the project where there is none.
func (p *project) unlessGone(ctx context.Context, failure error) error {
	if err := p.exists(ctx); fault.HasReason(err, fault.ProjectNotFound) {
		return err
	}
	return failure
}

// regionNames gives the regions that the project has.
func (p *project) regionNames(ctx context.Context) ([]string, error) {
	q := question{operation: opListRegions, subject: p.what(), method: http.MethodGet, path: p.path("region")}
	var names []string
	_, err := p.api.ask(ctx, q, &names)
	return names, err
}

// buckets gives the names of the buckets of a region.
func (p *project) buckets(ctx context.Context, regionName string) ([]string, *exchange, error) {
	q := question{
		operation: opListBuckets, subject: "of region " + regionName + " of " + p.what(),
		method: http.MethodGet, path: p.path("region", regionName, "storage"),
	}
	var answer []struct{ Name string }
	x, err := p.api.ask(ctx, q, &answer)
	if err != nil {
		return nil, x, p.explain(ctx, regionName, x, err)
	}
	names := make([]string, 0, len(answer))
	for _, bucket := range answer {
		names = append(names, bucket.Name)
	}
	return names, x, nil
}

// explain asks what a region's failure is about, where it may be about the region
// and not about the question.
func (p *project) explain(ctx context.Context, regionName string, x *exchange, failure error) error {
	isOfRegion := errors.Is(failure, provider.ErrServer) || x.isRefused(failure)
	if !isOfRegion || ctx.Err() != nil {
		return failure
	}
	found, err := p.region(ctx, regionName)
	switch {
	case fault.HasReason(err, fault.RegionNotActivated), fault.HasReason(err, fault.ProjectNotFound):
		return err
	case err == nil && found.isOut():
		return x.fail(maintenance, fmt.Sprintf("OVHcloud says that region %s is in the status %s", regionName, found.Status))
	}
	return failure
}

// countBuckets counts the buckets of the project over its regions; those that do
// not tell right now count for none.
func (p *project) countBuckets(ctx context.Context) (int, error) {
	regions, err := p.discover(ctx)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, region := range regions {
		names, _, err := p.buckets(ctx, region.Name)
		if err != nil && !errors.Is(err, provider.ErrMaintenance) {
			return 0, err
		}
		count += len(names)
	}
	return count, nil
}
