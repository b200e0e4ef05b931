package ovh

import "slices"

// container is a bucket in the API's form, as it is sent and as it is answered.
// What is nil was not sent.
type container struct {
	Name         string        `json:"name"`
	Region       string        `json:"region,omitempty"`
	OwnerID      int64         `json:"ownerId"`
	CreatedAt    string        `json:"createdAt,omitempty"`
	VirtualHost  string        `json:"virtualHost,omitempty"`
	ObjectsCount int64         `json:"objectsCount"`
	ObjectsSize  int64         `json:"objectsSize"`
	Objects      []objectEntry `json:"objects"`

	Versioning  *versioning       `json:"versioning,omitempty"`
	Encryption  *encryption       `json:"encryption,omitempty"`
	ObjectLock  *objectLock       `json:"objectLock,omitempty"`
	Replication *replication      `json:"replication,omitempty"`
	Lifecycle   *lifecycle        `json:"lifecycle,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Values of switches.
const (
	enabled   = "enabled"
	disabled  = "disabled"
	suspended = "suspended"
)

// Encryption algorithms.
const (
	plaintext = "plaintext"
	aes256    = "AES256"
)

type versioning struct {
	Status string `json:"status"`
}

type encryption struct {
	SSEAlgorithm string `json:"sseAlgorithm"`
}

type objectLock struct {
	Status string    `json:"status"`
	Rule   *lockRule `json:"rule,omitempty"`
}

type lockRule struct {
	Mode   string `json:"mode"`
	Period string `json:"period"`
}

type replication struct {
	Rules []replicationRule `json:"rules"`
}

type replicationRule struct {
	ID                      string             `json:"id"`
	Priority                int                `json:"priority"`
	Status                  string             `json:"status"`
	DeleteMarkerReplication string             `json:"deleteMarkerReplication,omitempty"`
	Destination             destination        `json:"destination"`
	Filter                  *replicationFilter `json:"filter,omitempty"`
}

type destination struct {
	Name         string `json:"name"`
	Region       string `json:"region"`
	StorageClass string `json:"storageClass,omitempty"`
}

type replicationFilter struct {
	Prefix string            `json:"prefix,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
}

// listItem is what a list has of a bucket: not its settings.
func (b container) listItem() container {
	b.Versioning, b.Encryption, b.ObjectLock, b.Replication, b.Lifecycle, b.Tags = nil, nil, nil, nil, nil, nil
	b.Objects = nil
	return b
}

// maxTags is how many tags a bucket may have.
const maxTags = 50

// check holds what was sent against what a bucket can be.
func (b container) check() error {
	switch {
	case b.Versioning != nil && !oneOf(b.Versioning.Status, enabled, disabled, suspended):
		return errInvalidParameter("versioning.status is none of enabled, disabled, suspended")
	case b.Encryption != nil && !oneOf(b.Encryption.SSEAlgorithm, plaintext, aes256):
		return errInvalidParameter("encryption.sseAlgorithm is none of AES256, plaintext")
	case b.ObjectLock != nil && !oneOf(b.ObjectLock.Status, enabled, disabled):
		return errInvalidParameter("objectLock.status is none of enabled, disabled")
	case len(b.Tags) > maxTags:
		return errInvalidParameter("a container has at most 50 tags")
	}
	if err := b.ObjectLock.check(); err != nil {
		return err
	}
	if err := b.Replication.check(); err != nil {
		return err
	}
	return b.Lifecycle.check()
}

func oneOf(value string, allowed ...string) bool { return slices.Contains(allowed, value) }

func (l *objectLock) check() error {
	if l == nil || l.Rule == nil {
		return nil
	}
	if l.Status != enabled {
		return errInvalidParameter("objectLock.rule needs objectLock.status enabled")
	}
	if !oneOf(l.Rule.Mode, "compliance", "governance") {
		return errInvalidParameter("objectLock.rule.mode is none of compliance, governance")
	}
	_, err := periodDays(l.Rule.Period)
	return err
}

func (r *replication) check() error {
	if r == nil {
		return nil
	}
	for _, rule := range r.Rules {
		switch {
		case rule.ID == "":
			return errInvalidParameter("a replication rule has no id")
		case !oneOf(rule.Status, enabled, disabled):
			return errInvalidParameter("the status of a replication rule is none of enabled, disabled")
		case rule.Destination.Name == "" || rule.Destination.Region == "":
			return errInvalidParameter("a replication rule has no destination")
		case rule.DeleteMarkerReplication == enabled && rule.Filter != nil && len(rule.Filter.Tags) > 0:
			return errInvalidParameter("delete markers are not replicated by rules that filter by tag")
		}
	}
	return nil
}
