package outscale

import (
	"cmp"
	"net/http"
	"time"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// Options describe a region and an account in it. The zero value is an account
// with one root key in eu-west-2.
type Options struct {
	// Region is the one that is served.
	Region string
	// AccountID has twelve digits.
	AccountID string
	// AccessKey and SecretKey are the first key of the root user.
	AccessKey, SecretKey string
	// Login and Password are those of the root user.
	Login, Password string
	// Clock drives validity, expiry, lockout and the propagation of policies; nil
	// means time.Now.
	Clock func() time.Time

	// Subregions are those of the region, with the location codes as this account
	// sees them. Nil means two, a and b, at PAR1 and PAR4.
	Subregions []Subregion
	// Regions are the names that ReadRegions tells; nil means what the vendor's
	// own example shows, in which regions are missing.
	Regions []string
	// VMs are the account's virtual machines.
	VMs []VM
	// Consumption is what the account used, whatever dates are asked for within
	// which it falls.
	Consumption []Consumption
	// Emissions are what the account emitted, by month.
	Emissions []Emission

	// KeyLimit bounds the keys of the root user; 0 means 10.
	KeyLimit int
	// PolicyDelay is how long a change of a user's policy takes to count; 0 means
	// 15 seconds, a negative value none.
	PolicyDelay time.Duration
	// LockedCode is the code that tells that a key is locked: 13, as the vendor's
	// page about errors says, or 1, as older tests of the vendor's show; empty
	// means 13.
	LockedCode string

	// Backend keeps the objects; the zero value is a server in this process.
	Backend dataplane.Backend
	// BucketLimit bounds the buckets of the account; 0 means 100.
	BucketLimit int
	// UploadLimit is the time in which one request that uploads must end; 0 means
	// three minutes.
	UploadLimit time.Duration

	// Observe is told of every request to the API and of its answer, before the
	// client has it.
	Observe func(Exchange)
}

// Subregion is a subregion as an account sees it.
type Subregion struct {
	Name, State, LocationCode string
}

// VM is a virtual machine.
type VM struct {
	ID, Subregion, State, Type string
}

// Consumption is one entry of what was used.
type Consumption struct {
	// From and To are days; To is excluded.
	From, To                                                 time.Time
	Service, Type, Operation, Category, Title, SubregionName string
	Value, UnitPrice                                         float64
}

// Emission is what was emitted in a month.
type Emission struct {
	// Month is its first day.
	Month time.Time
	// Kilograms of CO2 equivalent by category.
	Kilograms map[string]float64
}

// Exchange is one request to the API and its answer.
type Exchange struct {
	Action  string
	Request *http.Request
	// Body is the request's, Answer the answer's.
	Body, Answer []byte
	Status       int
	Header       http.Header
}

const (
	defaultRegion      = "eu-west-2"
	defaultAccountID   = "123456789012"
	defaultAccessKey   = "ROOTKEY0123456789ABC"
	defaultSecretKey   = "ROOTSECRET0123456789ABCDEFGHIJKLMNOPQRST"
	defaultLogin       = "dsi@example.fr"
	defaultPassword    = "emulated password"
	defaultKeyLimit    = 10
	defaultPolicyDelay = 15 * time.Second
	defaultBucketLimit = 100
	defaultUploadLimit = 3 * time.Minute
)

func (o Options) withDefaults() Options {
	o.Region = cmp.Or(o.Region, defaultRegion)
	o.AccountID = cmp.Or(o.AccountID, defaultAccountID)
	o.AccessKey = cmp.Or(o.AccessKey, defaultAccessKey)
	o.SecretKey = cmp.Or(o.SecretKey, defaultSecretKey)
	o.Login = cmp.Or(o.Login, defaultLogin)
	o.Password = cmp.Or(o.Password, defaultPassword)
	o.KeyLimit = cmp.Or(o.KeyLimit, defaultKeyLimit)
	o.PolicyDelay = max(0, cmp.Or(o.PolicyDelay, defaultPolicyDelay))
	o.LockedCode = cmp.Or(o.LockedCode, codeLocked)
	o.BucketLimit = cmp.Or(o.BucketLimit, defaultBucketLimit)
	o.UploadLimit = cmp.Or(o.UploadLimit, defaultUploadLimit)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Subregions == nil {
		o.Subregions = []Subregion{{o.Region + "a", available, "PAR1"}, {o.Region + "b", available, "PAR4"}}
	}
	if o.Regions == nil {
		o.Regions = []string{"eu-west-2", "us-east-2", "us-west-1"}
	}
	return o
}
