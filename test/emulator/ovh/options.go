package ovh

import (
	"cmp"
	"time"
)

// Options describe one account. The zero value is an account with one project, the
// regions of DefaultRegions and keys that may do everything.
type Options struct {
	// Project is the project's id; empty means one made for the occasion.
	Project string
	// Regions are those that the vendor has; nil means DefaultRegions.
	Regions []RegionSpec
	// Rules are what the consumer key was granted; nil means everything. See
	// LeastRules.
	Rules []AccessRule
	// Actions are the IAM actions that the service account's policy allows, where *
	// stands for any text; nil means all of them.
	Actions []string
	// Clock drives the API's time, users' delays and tokens' ends. Nil means
	// time.Now. The data planes go by the real clock, as their clients do.
	Clock func() time.Time
	// UserDelay is how long a user stays `creating`, and `deleting`. Zero means 20
	// milliseconds: a new user is never ready in the answer that made it.
	UserDelay time.Duration
	// UserLimit, KeyLimit and BucketQuota bound users of the project, S3 credentials
	// of one user and buckets of the project; 0 means 1000, no limit and 100.
	UserLimit, KeyLimit, BucketQuota int
	// Instances are the project's virtual machines, those of Managed Kubernetes too.
	Instances []Instance
	// PageSize is how many entries a page of the API's version 2 has when the client
	// does not say; 0 means 50.
	PageSize int
	// Backend is what keeps the objects; the zero value is test/emulator/s3.
	Backend Backend
}

const (
	defaultUserDelay   = 20 * time.Millisecond
	defaultUserLimit   = 1000
	defaultBucketQuota = 100
	defaultPageSize    = 50
)

func (o Options) withDefaults() Options {
	if o.Regions == nil {
		o.Regions = DefaultRegions()
	}
	if o.Rules == nil {
		o.Rules = allRules()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Project = cmp.Or(o.Project, randomHex(16))
	o.UserDelay = cmp.Or(o.UserDelay, defaultUserDelay)
	o.UserLimit = cmp.Or(o.UserLimit, defaultUserLimit)
	o.BucketQuota = cmp.Or(o.BucketQuota, defaultBucketQuota)
	o.PageSize = cmp.Or(o.PageSize, defaultPageSize)
	return o
}

// Instance is a virtual machine.
type Instance struct {
	// ID is a UUID, Region one of compute such as GRA11, and Status ACTIVE where it is
	// empty.
	ID, Region, Status string
}

// AccessRule grants one method on paths; * stands for any text.
type AccessRule struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func allRules() []AccessRule {
	return []AccessRule{{"GET", "/*"}, {"POST", "/*"}, {"PUT", "/*"}, {"DELETE", "/*"}}
}

// LeastRules are the rules that a client of one project's object storage needs.
func LeastRules(project string) []AccessRule {
	inside := "/cloud/project/" + project + "/*"
	return []AccessRule{{"GET", inside}, {"POST", inside}, {"PUT", inside}, {"DELETE", inside}}
}
