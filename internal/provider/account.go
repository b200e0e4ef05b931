package provider

import (
	"context"
	"time"
)

// Account is what a vendor's own API tells of an account as a whole, beside the
// one place of a session. Plain S3 has none.
type Account interface {
	// Discover gives the regions where the account can have buckets, those under
	// maintenance or with an outage included, in the order of their names. Regions that the account
	// has not activated, and those that offer no object storage, are missing.
	Discover(ctx context.Context) ([]Region, error)
	// Footprint tells what the account used and emitted from the first day of the
	// month of since until now. A vendor that does not tell, or not to this key,
	// fails with ErrUnsupported or ErrDenied.
	Footprint(ctx context.Context, since time.Time) (Footprint, error)
	// Machines gives every virtual machine that the account runs, in all its regions,
	// as far as the key may see them, in the order of their ids. Stopped ones count,
	// those that are gone do not. A vendor that does not tell fails with
	// ErrUnsupported, and one that does not tell this key with ErrDenied: half a list
	// is never given.
	Machines(ctx context.Context) ([]Machine, error)
}

// Machine is a virtual machine of an account.
type Machine struct {
	// ID is the vendor's own, with which the provider id of a Node that runs on it
	// ends: an instance's UUID at OVHcloud, i-… at Outscale.
	ID string
	// Region is where it runs, as the vendor names places of compute, such as GRA11
	// or eu-west-2a.
	Region string
}

// Region is a place of a vendor, as its API reports it. An empty field is not
// reported.
type Region struct {
	// Name is the vendor's own, such as GRA or eu-west-2.
	Name string
	// Country is an ISO 3166-1 code.
	Country string
	// LocationCodes name the vendor's data centres behind the region, as this
	// account sees them, such as PAR1.
	LocationCodes []string
	// Endpoint serves S3 there: scheme, host and optional port.
	Endpoint string
	// SigningRegion is the region in request signatures.
	SigningRegion string
	// InMaintenance tells that the vendor says that the region is not to be used
	// right now.
	InMaintenance bool
}

// Footprint is what an account used and emitted.
type Footprint struct {
	// CO2Kilograms of the whole account, other services included; nil when the
	// vendor does not tell.
	CO2Kilograms *float64
	// Consumption of object storage only.
	Consumption []Consumption
}

// Consumption is one kind of use, in the vendor's own unit.
type Consumption struct {
	// Kind names what was used, in the vendor's words.
	Kind  string
	Value float64
}

// StoreLimits are bounds that a vendor states for its store. A zero field is not
// stated.
type StoreLimits struct {
	// Buckets that an account can have, before the vendor raises it.
	Buckets int
	// ObjectsPerBucket, every version counted.
	ObjectsPerBucket int64
	// UploadDuration is the time in which one request that uploads must end.
	UploadDuration time.Duration
}
