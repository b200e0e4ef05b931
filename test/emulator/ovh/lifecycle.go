package ovh

import (
	"cmp"
	"slices"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// lifecycle is in the API's form, which is not S3's.
type lifecycle struct {
	Rules []lifecycleRule `json:"rules"`
}

type lifecycleRule struct {
	ID                             string                 `json:"id"`
	Status                         string                 `json:"status"`
	Filter                         *lifecycleFilter       `json:"filter,omitempty"`
	Expiration                     *expiration            `json:"expiration,omitempty"`
	AbortIncompleteMultipartUpload *abortUploads          `json:"abortIncompleteMultipartUpload,omitempty"`
	NoncurrentVersionExpiration    *noncurrentExpiration  `json:"noncurrentVersionExpiration,omitempty"`
	Transitions                    []transition           `json:"transitions,omitempty"`
	NoncurrentVersionTransitions   []noncurrentTransition `json:"noncurrentVersionTransitions,omitempty"`
}

type lifecycleFilter struct {
	Prefix                string            `json:"prefix,omitempty"`
	Tags                  map[string]string `json:"tags,omitempty"`
	ObjectSizeGreaterThan int64             `json:"objectSizeGreaterThan,omitempty"`
	ObjectSizeLessThan    int64             `json:"objectSizeLessThan,omitempty"`
}

type expiration struct {
	Days                      int    `json:"days,omitempty"`
	Date                      string `json:"date,omitempty"`
	ExpiredObjectDeleteMarker bool   `json:"expiredObjectDeleteMarker,omitempty"`
}

type abortUploads struct {
	DaysAfterInitiation int `json:"daysAfterInitiation"`
}

type noncurrentExpiration struct {
	NoncurrentDays          int `json:"noncurrentDays,omitempty"`
	NewerNoncurrentVersions int `json:"newerNoncurrentVersions,omitempty"`
}

type transition struct {
	Days         int    `json:"days,omitempty"`
	Date         string `json:"date,omitempty"`
	StorageClass string `json:"storageClass"`
}

type noncurrentTransition struct {
	NoncurrentDays int    `json:"noncurrentDays,omitempty"`
	StorageClass   string `json:"storageClass"`
}

// Limits of lifecycle rules.
const (
	maxRules         = 1000
	maxNewerVersions = 100
)

func (l *lifecycle) check() error {
	if l == nil {
		return nil
	}
	if len(l.Rules) > maxRules {
		return errInvalidParameter("a container has at most 1000 lifecycle rules")
	}
	for _, rule := range l.Rules {
		if err := rule.check(); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what the vendor's page on lifecycles says it refuses.
func (r lifecycleRule) check() error {
	filtered := r.Filter != nil && (len(r.Filter.Tags) > 0 || r.Filter.ObjectSizeGreaterThan > 0 || r.Filter.ObjectSizeLessThan > 0)
	switch {
	case r.ID == "":
		return errInvalidParameter("a lifecycle rule has no id")
	case !oneOf(r.Status, enabled, disabled):
		return errInvalidParameter("the status of a lifecycle rule is none of enabled, disabled")
	case r.Expiration != nil && r.Expiration.Days < 1 && r.Expiration.Date == "" && !r.Expiration.ExpiredObjectDeleteMarker:
		return errInvalidParameter("an expiration has fewer than 1 day")
	case r.Expiration != nil && r.Expiration.ExpiredObjectDeleteMarker && (r.Expiration.Days > 0 || r.Expiration.Date != "" || filtered):
		return errInvalidParameter("expiredObjectDeleteMarker stands alone and without filters by tag")
	case r.AbortIncompleteMultipartUpload != nil && filtered:
		return errInvalidParameter("abortIncompleteMultipartUpload cannot be filtered by tag or size")
	case r.NoncurrentVersionExpiration != nil && r.NoncurrentVersionExpiration.NewerNoncurrentVersions > maxNewerVersions:
		return errInvalidParameter("newerNoncurrentVersions is more than 100")
	}
	return nil
}

// inOrder returns the rules as the vendor gives them back: sorted by id.
func (l lifecycle) inOrder() lifecycle {
	rules := slices.Clone(l.Rules)
	slices.SortFunc(rules, func(a, b lifecycleRule) int { return cmp.Compare(a.ID, b.ID) })
	return lifecycle{Rules: rules}
}

func getLifecycle(c *call) (any, error) {
	_, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	return lifecycle{Rules: toLifecycle(b.Lifecycle)}, nil
}

func replaceLifecycle(c *call) (any, error) {
	var asked lifecycle
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if err := asked.check(); err != nil {
		return nil, err
	}
	rules, err := fromLifecycle(asked.Rules)
	if err != nil {
		return nil, err
	}
	return c.setLifecycle(rules)
}

func deleteLifecycle(c *call) (any, error) { return c.setLifecycle(nil) }

func (c *call) setLifecycle(rules []dataplane.LifecycleRule) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	plane, err := r.start(c.r.Context())
	if err != nil {
		return nil, errPlane(err)
	}
	return nil, fromS3(plane.SetLifecycle(b.Name, rules))
}
