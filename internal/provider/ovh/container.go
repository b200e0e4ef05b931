package ovh

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rempart/rempart/internal/provider"
)

// container is a bucket as the API tells it, as far as it is looked at.
type container struct {
	Name        string
	OwnerID     int64 `json:"ownerId"`
	Versioning  status
	Encryption  encryption
	ObjectLock  *objectLock
	Replication replication
	Tags        map[string]string

	// told are its settings as they came, with what is not looked at.
	told map[string]json.RawMessage
}

type status struct {
	Status string `json:"status"`
}

type encryption struct {
	Algorithm string `json:"sseAlgorithm"`
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
	Rules []json.RawMessage `json:"rules"`
}

const (
	enabled  = "enabled"
	disabled = "disabled"

	// ownKeys is the algorithm with which OVHcloud encrypts with keys of its own.
	ownKeys = "AES256"
)

// UnmarshalJSON implements json.Unmarshaler.
func (c *container) UnmarshalJSON(text []byte) error {
	type plain container
	if err := json.Unmarshal(text, (*plain)(c)); err != nil {
		return err
	}
	return json.Unmarshal(text, &c.told)
}

// change gives a change that changes nothing yet. It has every setting as it was
// told, but those that are as they are by default: it is not documented whether a
// PUT leaves what it does not name. Name and owner are given once.
func (c container) change() map[string]any {
	change := map[string]any{}
	for name, isSet := range map[string]bool{
		"versioning": c.versioning() != provider.VersioningDisabled, "encryption": c.Encryption.Algorithm == ownKeys,
		"objectLock": c.isLocked(), "replication": len(c.Replication.Rules) > 0, "lifecycle": true, "tags": len(c.Tags) > 0,
	} {
		if value, told := c.told[name]; told && isSet && string(value) != "null" {
			change[name] = value
		}
	}
	return change
}

// versioning gives the state in the words of the contract.
func (c container) versioning() provider.Versioning {
	switch c.Versioning.Status {
	case enabled:
		return provider.VersioningEnabled
	case "suspended":
		return provider.VersioningSuspended
	default:
		return provider.VersioningDisabled
	}
}

func (c container) mark() *provider.Mark {
	owner, marked := c.Tags[provider.MarkOwnerTag]
	if !marked {
		return nil
	}
	return &provider.Mark{Owner: owner, Signature: c.Tags[provider.MarkSignatureTag]}
}

func (c container) isLocked() bool { return c.ObjectLock != nil && c.ObjectLock.Status == enabled }

// protection gives how the bucket protects its content.
func (c container) protection() provider.Protection {
	p := provider.Protection{ObjectLock: c.isLocked()}
	if c.isLocked() && c.ObjectLock.Rule != nil {
		p.Retention = provider.Retention{Mode: provider.LockMode(strings.ToUpper(c.ObjectLock.Rule.Mode)), Days: daysOf(c.ObjectLock.Rule.Period)}
	}
	if c.Encryption.Algorithm == ownKeys {
		p.Encryption = provider.ProviderManaged
	}
	return p
}

// check tells what of a new bucket is not as it was ordered. Its protection may be
// set right later, its owner never.
func (c container) check(x *exchange, want provider.Bucket, owner int64) error {
	switch made := c.protection(); {
	case c.OwnerID != owner:
		return x.fail(notKept, fmt.Sprintf("it belongs to user %d, and was made for user %d", c.OwnerID, owner))
	case want.ObjectLock && !made.ObjectLock:
		return x.fail(notKept, "it was made without object lock")
	case want.ObjectLock && made.Retention != want.Retention:
		return x.fail(notKept, fmt.Sprintf("the default retention is %s, not %s", made.Retention, want.Retention))
	}
	return nil
}

// order is what a bucket is made with.
type order struct {
	Name       string      `json:"name"`
	OwnerID    int64       `json:"ownerId"`
	Versioning *status     `json:"versioning,omitempty"`
	Encryption *encryption `json:"encryption,omitempty"`
	ObjectLock *objectLock `json:"objectLock,omitempty"`
}

// orderFor gives the order of a bucket. The mark is no part of it, as UpdateBucket
// writes that.
func orderFor(want provider.Bucket, owner int64) order {
	o := order{Name: want.Name, OwnerID: owner}
	if want.Versioning == provider.VersioningEnabled || want.ObjectLock {
		o.Versioning = &status{Status: enabled}
	}
	if want.Encryption == provider.ProviderManaged {
		o.Encryption = &encryption{Algorithm: ownKeys}
	}
	if want.ObjectLock {
		o.ObjectLock = &objectLock{Status: enabled}
		if r := want.Retention; !r.IsZero() {
			o.ObjectLock.Rule = &lockRule{Mode: strings.ToLower(string(r.Mode)), Period: fmt.Sprintf("P%dD", r.Days)}
		}
	}
	return o
}

// period matches the dates of an ISO 8601 period. OVHcloud normalises what it is
// told: P7D comes back as P1W.
var period = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T0+[HMS])?$`)

// daysOf gives a period in days, of which a month counts thirty and a year 365; 0
// when it is none.
func daysOf(text string) int {
	parts := period.FindStringSubmatch(text)
	if parts == nil {
		return 0
	}
	days := 0
	for i, length := range []int{365, 30, 7, 1} {
		count, err := strconv.Atoi(parts[i+1])
		if err == nil {
			days += count * length
		}
	}
	return days
}
