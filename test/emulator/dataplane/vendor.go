package dataplane

import (
	"slices"
	"time"
)

// Vendor is one whose habits are known here.
type Vendor string

// The vendors.
const (
	OVHcloud Vendor = "OVHcloud"
	Outscale Vendor = "Outscale"
)

// habit is how a vendor's S3 differs from AWS's. Where the source is the vendor's
// documentation it is named; the rest is an assumption, and says so.
type habit struct {
	name string
	// lacks are the features that are answered with 501 NotImplemented. That they
	// are lacking is documented; status and code are an ASSUMPTION for both.
	lacks []feature
	// conditionalWrites tells that If-None-Match: * and If-Match work on writes.
	// Where they do not, they are refused with 501: an ASSUMPTION, for Outscale
	// documents nothing about them.
	conditionalWrites bool
	// uploadLimit ends a request that carries an object's bytes.
	uploadLimit time.Duration
	// classes are the storage classes beside STANDARD. What is kept of one is shown
	// when the object is read; listings show the backend's word. ASSUMPTION: another
	// is refused with 400 InvalidStorageClass.
	classes []string
	// refusesMarksInARow refuses names of buckets with two dots or dashes in a row.
	refusesMarksInARow bool
	// lifecycleNeedsID refuses rules without an ID.
	lifecycleNeedsID bool
	// lifecycleWantsVersions refuses a lifecycle while versions are suspended, and
	// the reverse. The code, 409 InvalidBucketState, is an ASSUMPTION.
	lifecycleWantsVersions bool
}

// Both refuse bodies with trailing checksums. OVHcloud documents checksums, while
// clients still met refusals in May 2026; Outscale documents nothing and pins an
// SDK that sends none. The code, XAmzContentSHA256Mismatch, is an ASSUMPTION.
var habits = map[Vendor]habit{
	// Guides of OVHcloud's object storage: S3 compliance (28 August 2026),
	// conditional writes (in production since 9 June 2026), bucket lifecycle
	// (29 July 2026), limits (13 March 2026).
	OVHcloud: {
		name:              "OVHcloud",
		lacks:             []feature{bucketPolicies, publicAccessBlocks, ownershipControls, notifications},
		conditionalWrites: true,
		classes: []string{
			"STANDARD_IA", "HIGH_PERF", "EXPRESS_ONEZONE", "ONEZONE_IA", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE", "INTELLIGENT_TIERING",
		},
		refusesMarksInARow:     true,
		lifecycleNeedsID:       true,
		lifecycleWantsVersions: true,
	},
	// Reference of the OOS API, and its page of limits: an upload request must end
	// within three minutes.
	Outscale: {
		name: "Outscale",
		lacks: []feature{
			bucketTagging, replication, notifications, logging, legalHolds, publicAccessBlocks,
			ownershipControls, objectAttributes,
		},
		uploadLimit: 3 * time.Minute,
	},
}

// without tells that the vendor lacks a feature.
func (h habit) without(f feature) bool { return slices.Contains(h.lacks, f) }
