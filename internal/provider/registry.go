package provider

import (
	"fmt"
	"slices"

	"github.com/rempart/rempart/internal/fault"
)

// Registry knows the drivers by their type. It is a value, filled in
// internal/app.
type Registry struct{ drivers []Driver }

// NewRegistry makes a registry of the given drivers.
func NewRegistry(drivers ...Driver) Registry { return Registry{drivers: drivers} }

// Open opens a session with the driver of the given type.
func (r Registry) Open(driverType string, place Place, credentials Credentials) (Session, error) {
	index := slices.IndexFunc(r.drivers, func(d Driver) bool { return d.Type() == driverType })
	if index < 0 {
		return nil, &fault.Error{
			Class:  fault.Terminal,
			Reason: fault.InvalidConfiguration,
			Err:    fmt.Errorf("open %s: no driver for provider type %q: %w", place, driverType, ErrInvalidConfiguration),
		}
	}
	return r.drivers[index].Open(place, credentials)
}
