package provider

import (
	"fmt"
	"time"
)

// Protection is how a bucket protects what is written to it. The zero value is
// not at all.
type Protection struct {
	// ObjectLock tells that versions can be put under lock. Most stores can give a
	// bucket this only when it is made.
	ObjectLock bool
	// Retention is what every version that is written from then on is put under,
	// unless its writer says otherwise. It takes ObjectLock.
	Retention Retention
	// Encryption is how content is encrypted at rest by default.
	Encryption Encryption
}

// Retention is a default retention; the zero value is none.
type Retention struct {
	Mode LockMode
	Days int
}

// IsZero tells that nothing is retained.
func (r Retention) IsZero() bool { return r == Retention{} }

// until tells when the retention of what was written at a time ends; zero when
// there is none.
func (r Retention) until(written time.Time) time.Time {
	if r.IsZero() || written.IsZero() {
		return time.Time{}
	}
	return written.AddDate(0, 0, r.Days)
}

// String reads GOVERNANCE for 30 days, COMPLIANCE for a day, or none.
func (r Retention) String() string {
	if r.IsZero() {
		return "none"
	}
	if r.Days == 1 {
		return fmt.Sprintf("%s for a day", r.Mode)
	}
	return fmt.Sprintf("%s for %d days", r.Mode, r.Days)
}

// Stricter gives the retention that satisfies both: of the stricter mode, and as
// long as the longer one.
func (r Retention) Stricter(other Retention) Retention {
	joined := Retention{Mode: r.Mode, Days: max(r.Days, other.Days)}
	if joined.Mode == "" || other.Mode == Compliance {
		joined.Mode = other.Mode
	}
	return joined
}

// LockMode says who may end a retention before its time.
type LockMode string

// Lock modes. Governance can be lifted by who has the right to; Compliance by
// nobody.
const (
	Governance LockMode = "GOVERNANCE"
	Compliance LockMode = "COMPLIANCE"
)

// Encryption is who encrypts content at rest.
type Encryption string

// ProviderManaged means that the store encrypts, with keys of its own.
const ProviderManaged Encryption = "ProviderManaged"

// drift lists how protection differs from what is wanted. What is not
// wanted is left as it is, and so is no drift.
func (p Protection) drift(state Protection) []Drift {
	var drift []Drift
	switch {
	case p.ObjectLock && !state.ObjectLock:
		drift = append(drift, Drift{"object lock", p.Retention.String(), "off"})
	case p.ObjectLock && state.Retention != p.Retention:
		drift = append(drift, Drift{"object lock", p.Retention.String(), state.Retention.String()})
	}
	if p.Encryption != "" && state.Encryption != p.Encryption {
		got := string(state.Encryption)
		if got == "" {
			got = "None"
		}
		drift = append(drift, Drift{"encryption", string(p.Encryption), got})
	}
	return drift
}
