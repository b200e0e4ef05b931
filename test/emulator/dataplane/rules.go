package dataplane

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"time"
)

// Versioning states of a bucket, as S3 spells them; the empty string means never
// enabled.
const (
	VersioningEnabled   = "Enabled"
	VersioningSuspended = "Suspended"
)

// AES256 is the encryption with keys of the vendor's.
const AES256 = "AES256"

// LockRule is the default retention of a bucket with object lock.
type LockRule struct {
	Mode  string // GOVERNANCE or COMPLIANCE
	Days  int
	Years int
}

// until is when what is written now is free again.
func (l LockRule) until(now time.Time) time.Time { return now.AddDate(l.Years, 0, l.Days) }

func (l *LockRule) clone() *LockRule {
	if l == nil {
		return nil
	}
	copied := *l
	return &copied
}

// ReplicationRule is one rule of the vendor's own replication, which is kept and
// not carried out.
type ReplicationRule struct {
	ID       string
	Priority int
	Enabled  bool
	// Filter chooses the objects.
	Filter Filter
	// Destination is a bucket's name. DestinationRegion is known only where the
	// vendor's own API set it, since S3 has no word for it.
	Destination       string
	DestinationRegion string
	StorageClass      string
	DeleteMarkers     bool
}

// Filter chooses objects; the zero value chooses all.
type Filter struct {
	Prefix string
	Tags   map[string]string
	// SizeOver and SizeUnder are bounds in bytes, exclusive; 0 means none.
	SizeOver, SizeUnder int64
}

// LifecycleRule is one rule of a bucket's lifecycle, which is kept and not carried
// out. Zero numbers mean that there is no such part.
type LifecycleRule struct {
	ID      string
	Enabled bool
	Filter  Filter

	ExpireDays         int
	ExpireDate         time.Time
	ExpireDeleteMarker bool
	AbortUploadDays    int
	NoncurrentDays     int
	NoncurrentKeep     int

	Transitions           []Transition
	NoncurrentTransitions []Transition
}

// Transition moves objects to another storage class.
type Transition struct {
	Days         int
	Date         time.Time
	StorageClass string
}

func (f Filter) clone() Filter {
	f.Tags = maps.Clone(f.Tags)
	return f
}

func cloneReplication(rules []ReplicationRule) []ReplicationRule {
	copied := slices.Clone(rules)
	for i := range copied {
		copied[i].Filter = copied[i].Filter.clone()
	}
	return copied
}

func cloneLifecycle(rules []LifecycleRule) []LifecycleRule {
	copied := slices.Clone(rules)
	for i := range copied {
		copied[i].Filter = copied[i].Filter.clone()
		copied[i].Transitions = slices.Clone(copied[i].Transitions)
		copied[i].NoncurrentTransitions = slices.Clone(copied[i].NoncurrentTransitions)
	}
	return copied
}

const arn = "arn:aws:s3:::"

type tagXML struct {
	Key   string
	Value string
}

type andXML struct {
	Prefix    string   `xml:",omitempty"`
	Tags      []tagXML `xml:"Tag"`
	SizeOver  int64    `xml:"ObjectSizeGreaterThan,omitempty"`
	SizeUnder int64    `xml:"ObjectSizeLessThan,omitempty"`
}

type filterXML struct {
	Prefix    string  `xml:",omitempty"`
	Tag       *tagXML `xml:",omitempty"`
	SizeOver  int64   `xml:"ObjectSizeGreaterThan,omitempty"`
	SizeUnder int64   `xml:"ObjectSizeLessThan,omitempty"`
	And       *andXML `xml:",omitempty"`
}

// filter reads both the short form and the one below And.
func (f *filterXML) filter(prefix string) Filter {
	out := Filter{Prefix: prefix}
	if f == nil {
		return out
	}
	all := andXML{Prefix: f.Prefix, SizeOver: f.SizeOver, SizeUnder: f.SizeUnder}
	if f.Tag != nil {
		all.Tags = []tagXML{*f.Tag}
	}
	if f.And != nil {
		all = *f.And
	}
	out = Filter{Prefix: all.Prefix, SizeOver: all.SizeOver, SizeUnder: all.SizeUnder}
	for _, tag := range all.Tags {
		if out.Tags == nil {
			out.Tags = map[string]string{}
		}
		out.Tags[tag.Key] = tag.Value
	}
	return out
}

// document is the short form where that is enough.
func (f Filter) document() *filterXML {
	all := andXML{Prefix: f.Prefix, SizeOver: f.SizeOver, SizeUnder: f.SizeUnder}
	for _, key := range slices.Sorted(maps.Keys(f.Tags)) {
		all.Tags = append(all.Tags, tagXML{key, f.Tags[key]})
	}
	parts := len(all.Tags)
	for _, set := range []bool{f.Prefix != "", f.SizeOver > 0, f.SizeUnder > 0} {
		if set {
			parts++
		}
	}
	if parts > 1 {
		return &filterXML{And: &all}
	}
	short := &filterXML{Prefix: f.Prefix, SizeOver: f.SizeOver, SizeUnder: f.SizeUnder}
	if len(all.Tags) == 1 {
		short.Tag = &all.Tags[0]
	}
	return short
}

type statusXML struct{ Status string }

func status(enabled bool) string {
	if enabled {
		return "Enabled"
	}
	return "Disabled"
}

type replicationXML struct {
	XMLName xml.Name             `xml:"ReplicationConfiguration"`
	Xmlns   string               `xml:"xmlns,attr,omitempty"`
	Role    string               `xml:",omitempty"`
	Rules   []replicationRuleXML `xml:"Rule"`
}

type replicationRuleXML struct {
	ID            string `xml:",omitempty"`
	Priority      int    `xml:",omitempty"`
	Status        string
	Prefix        string     `xml:",omitempty"`
	Filter        *filterXML `xml:",omitempty"`
	DeleteMarkers *statusXML `xml:"DeleteMarkerReplication,omitempty"`
	Destination   struct {
		Bucket       string
		StorageClass string `xml:",omitempty"`
	}
}

func (r replicationRuleXML) rule() ReplicationRule {
	return ReplicationRule{
		ID: r.ID, Priority: r.Priority, Enabled: r.Status == "Enabled", Filter: r.Filter.filter(r.Prefix),
		Destination: strings.TrimPrefix(r.Destination.Bucket, arn), StorageClass: r.Destination.StorageClass,
		DeleteMarkers: r.DeleteMarkers != nil && r.DeleteMarkers.Status == "Enabled",
	}
}

func (r ReplicationRule) document() replicationRuleXML {
	d := replicationRuleXML{
		ID: r.ID, Priority: r.Priority, Status: status(r.Enabled), Filter: r.Filter.document(),
		DeleteMarkers: &statusXML{status(r.DeleteMarkers)},
	}
	d.Destination.Bucket, d.Destination.StorageClass = arn+r.Destination, r.StorageClass
	return d
}

type lifecycleXML struct {
	XMLName xml.Name           `xml:"LifecycleConfiguration"`
	Xmlns   string             `xml:"xmlns,attr,omitempty"`
	Rules   []lifecycleRuleXML `xml:"Rule"`
}

type lifecycleRuleXML struct {
	ID                    string `xml:",omitempty"`
	Status                string
	Prefix                string          `xml:",omitempty"`
	Filter                *filterXML      `xml:",omitempty"`
	Expiration            *expirationXML  `xml:",omitempty"`
	Abort                 *abortXML       `xml:"AbortIncompleteMultipartUpload,omitempty"`
	Noncurrent            *noncurrentXML  `xml:"NoncurrentVersionExpiration,omitempty"`
	Transitions           []transitionXML `xml:"Transition"`
	NoncurrentTransitions []transitionXML `xml:"NoncurrentVersionTransition"`
}

type expirationXML struct {
	Days         int    `xml:",omitempty"`
	Date         string `xml:",omitempty"`
	DeleteMarker bool   `xml:"ExpiredObjectDeleteMarker,omitempty"`
}

type abortXML struct {
	Days int `xml:"DaysAfterInitiation"`
}

type noncurrentXML struct {
	Days int `xml:"NoncurrentDays,omitempty"`
	Keep int `xml:"NewerNoncurrentVersions,omitempty"`
}

type transitionXML struct {
	Days           int    `xml:",omitempty"`
	NoncurrentDays int    `xml:",omitempty"`
	Date           string `xml:",omitempty"`
	StorageClass   string
}
