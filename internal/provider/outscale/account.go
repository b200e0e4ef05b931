package outscale

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"
	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// operation is what is asked of the API, in the words of messages.
type operation string

const (
	readSubregions  operation = "read subregions"
	readConsumption operation = "read consumption"
	readEmissions   operation = "read CO2 emissions"
	readMachines    operation = "read VMs"
)

// account implements provider.Account.
type account struct {
	*api
	clock clock.PassiveClock
}

// Discover implements provider.Account with one request for each page of
// subregions. The API of a region tells of no other, and which of the vendor's
// data centres are behind a letter is different from account to account, so the
// codes are what counts. The country is not told.
func (a *account) Discover(ctx context.Context) ([]provider.Region, error) {
	subregions, err := a.subregions(ctx)
	if err != nil {
		return nil, err
	}
	var codes, others []string
	isThere, isUp := false, false
	for _, subregion := range subregions {
		if subregion.GetRegionName() != a.place.Region {
			others = append(others, subregion.GetRegionName())
			continue
		}
		isThere = true
		if subregion.GetState() != "available" {
			continue
		}
		isUp = true
		if code := subregion.GetLocationCode(); code != "" {
			codes = append(codes, code)
		}
	}
	if !isThere && len(others) > 0 {
		return nil, fault.New(fault.Terminal, fault.InvalidConfiguration, "%s: it serves the region %s: %w",
			a.what(readSubregions), a.clean(others[0]), provider.ErrInvalidConfiguration)
	}
	if !isThere {
		return nil, nil
	}
	slices.Sort(codes)
	return []provider.Region{{
		Name: a.place.Region, LocationCodes: slices.Compact(codes), Endpoint: a.place.Endpoint,
		SigningRegion: a.place.Region, InMaintenance: !isUp,
	}}, nil
}

// subregionPages bounds the walk through pages. A region has a handful of
// subregions, and a page holds a hundred.
const subregionPages = 10

func (a *account) subregions(ctx context.Context) ([]osc.Subregion, error) {
	var all []osc.Subregion
	var asked osc.ReadSubregionsRequest
	for range subregionPages {
		read, err := ask(ctx, a.api, readSubregions, a.client.SubregionApi.ReadSubregions(a.signed(ctx)).ReadSubregionsRequest(asked).Execute)
		if err != nil {
			return nil, err
		}
		all = append(all, read.GetSubregions()...)
		if read.GetNextPageToken() == "" {
			return all, nil
		}
		asked.NextPageToken = read.NextPageToken
	}
	return nil, fault.New(fault.Transient, fault.Unclassified, "%s: %d pages and no end: %w", a.what(readSubregions), subregionPages, provider.ErrServer)
}

// Footprint implements provider.Account with two requests. What the key may not
// read, or the region does not tell, is left out; where that is both, it fails
// with what the first of them was refused with.
func (a *account) Footprint(ctx context.Context, since time.Time) (provider.Footprint, error) {
	now := a.clock.Now().UTC()
	from := time.Date(since.UTC().Year(), since.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	consumption, consumed := a.consumption(ctx, from, now)
	if consumed != nil && !isWithheld(consumed) {
		return provider.Footprint{}, consumed
	}
	kilograms, emitted := a.emissions(ctx, from, now)
	if emitted != nil && !isWithheld(emitted) {
		return provider.Footprint{}, emitted
	}
	if consumed != nil && emitted != nil {
		return provider.Footprint{}, consumed
	}
	return provider.Footprint{CO2Kilograms: kilograms, Consumption: consumption}, nil
}

// isWithheld tells that an answer is refused to this key, or everybody.
func isWithheld(err error) bool {
	return errors.Is(err, provider.ErrDenied) || errors.Is(err, provider.ErrUnsupported)
}

// objectStorage is the name of OOS in what an account used.
const objectStorage = "TinaOS-OOS"

// consumption adds up by type what the account used of object storage, today
// included.
func (a *account) consumption(ctx context.Context, from, now time.Time) ([]provider.Consumption, error) {
	asked := osc.ReadConsumptionAccountRequest{
		FromDate: from.Format(time.DateOnly), ToDate: now.AddDate(0, 0, 1).Format(time.DateOnly), // the end is excluded
	}
	read, err := ask(ctx, a.api, readConsumption, a.client.AccountApi.ReadConsumptionAccount(a.signed(ctx)).ReadConsumptionAccountRequest(asked).Execute)
	if err != nil {
		return nil, err
	}
	used := map[string]float64{}
	for _, entry := range read.GetConsumptionEntries() {
		if entry.GetService() == objectStorage {
			used[entry.GetType()] += entry.GetValue()
		}
	}
	var kinds []provider.Consumption
	for _, kind := range slices.Sorted(maps.Keys(used)) {
		kinds = append(kinds, provider.Consumption{Kind: kind, Value: used[kind]})
	}
	return kinds, nil
}

// emissions gives the total of the months asked for, or nil when the answer has
// none in kilograms. Months must begin on their first day, and the end is
// excluded.
func (a *account) emissions(ctx context.Context, from, now time.Time) (*float64, error) {
	asked := osc.ReadCO2EmissionAccountRequest{
		FromMonth: from.Format(time.DateOnly),
		ToMonth:   time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
	}
	read, err := ask(ctx, a.api, readEmissions, a.client.AccountApi.ReadCO2EmissionAccount(a.signed(ctx)).ReadCO2EmissionAccountRequest(asked).Execute)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(read.GetUnit(), "KG") {
		return nil, nil
	}
	return read.Value, nil
}

// machinePages bounds the walk through pages of the largest size, of a thousand.
const (
	machinePages    = 50
	machinesPerPage = 1000
)

// Machines implements provider.Account with one request for each page of VMs. The
// API of a region tells of no other region's.
func (a *account) Machines(ctx context.Context) ([]provider.Machine, error) {
	machines := []provider.Machine{}
	asked := osc.ReadVmsRequest{ResultsPerPage: osc.PtrInt32(machinesPerPage)}
	for range machinePages {
		read, err := ask(ctx, a.api, readMachines, a.client.VmApi.ReadVms(a.signed(ctx)).ReadVmsRequest(asked).Execute)
		if err != nil {
			return nil, err
		}
		for _, vm := range read.GetVms() {
			placement := vm.GetPlacement()
			if vm.GetState() != "terminated" {
				machines = append(machines, provider.Machine{ID: vm.GetVmId(), Region: placement.GetSubregionName()})
			}
		}
		if read.GetNextPageToken() == "" {
			slices.SortFunc(machines, func(a, b provider.Machine) int { return strings.Compare(a.ID, b.ID) })
			return machines, nil
		}
		asked.NextPageToken = read.NextPageToken
	}
	return nil, fault.New(fault.Transient, fault.Unclassified, "%s: %d pages and no end: %w", a.what(readMachines), machinePages, provider.ErrServer)
}

// explainRefusal says of credentials that OOS refuses what its own words do not:
// that they may be good, and of the wrong kind.
func explainRefusal(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
	err := call(ctx)
	if errors.Is(err, provider.ErrAuthentication) {
		return fmt.Errorf("%w; OOS takes access keys of the account's root user only, and not those of EIM users", err)
	}
	return err
}
