package provider

// Capability is something a store can or cannot do, found out by trying.
type Capability string

// Capabilities that Rempart tries.
const (
	// CapabilityVersioning: a bucket keeps versions once told to.
	CapabilityVersioning Capability = "versioning"
	// CapabilityTagging: objects keep tags.
	CapabilityTagging Capability = "tagging"
	// CapabilityExactKeys: every key is listed byte for byte as it was written.
	CapabilityExactKeys Capability = "exactKeys"
	// CapabilityContentHash: a body that does not match x-amz-content-sha256 is refused.
	CapabilityContentHash Capability = "contentHash"
	// CapabilityObjectLock: a bucket made with object lock keeps a default
	// retention. It is tried by that setting alone, and no object is locked.
	CapabilityObjectLock Capability = "objectLock"
	// CapabilityBucketPolicy: a bucket keeps a policy.
	CapabilityBucketPolicy Capability = "bucketPolicy"
	// CapabilityLifecycle: a bucket keeps a rule for expiration.
	CapabilityLifecycle Capability = "lifecycle"
	// CapabilityEncryption: a bucket keeps a default encryption, and what is
	// written to it then says that it is encrypted.
	CapabilityEncryption Capability = "encryption"
	// CapabilityConditionalWrites: a write can depend on the object's absence, and
	// on its ETag in one form at least.
	CapabilityConditionalWrites Capability = "conditionalWrites"
	// CapabilityIfMatchQuoted: If-Match works with the ETag in quotes.
	CapabilityIfMatchQuoted Capability = "ifMatchQuoted"
	// CapabilityIfMatchUnquoted: If-Match works with the ETag without quotes.
	CapabilityIfMatchUnquoted Capability = "ifMatchUnquoted"
	// CapabilityChecksumHeaders: x-amz-checksum-sha256 is taken and checked.
	CapabilityChecksumHeaders Capability = "checksumHeaders"
	// CapabilityListOrder: listings come by the bytes of their keys, page by page
	// and after a given key.
	CapabilityListOrder Capability = "listOrder"
	// CapabilityListVersions: versions are listed by key, the newest first.
	CapabilityListVersions Capability = "listVersions"
	// CapabilityExclusiveMarkers: a page of versions begins behind its marker.
	CapabilityExclusiveMarkers Capability = "exclusiveMarkers"
	// CapabilityMultipart: an object can be stored in parts.
	CapabilityMultipart Capability = "multipart"
	// CapabilityEventNotifications: a bucket keeps where its events go.
	CapabilityEventNotifications Capability = "eventNotifications"
)

// EveryCapability lists all of them in the order in which they are shown.
func EveryCapability() []Capability {
	return []Capability{
		CapabilityVersioning, CapabilityTagging, CapabilityExactKeys, CapabilityContentHash,
		CapabilityObjectLock, CapabilityBucketPolicy, CapabilityLifecycle, CapabilityEncryption,
		CapabilityConditionalWrites, CapabilityIfMatchQuoted, CapabilityIfMatchUnquoted, CapabilityChecksumHeaders,
		CapabilityListOrder, CapabilityListVersions, CapabilityExclusiveMarkers, CapabilityMultipart,
		CapabilityEventNotifications,
	}
}

// Support is what trying a capability showed.
type Support string

// Supported works; Unsupported is refused plainly; Broken is accepted and does
// something else; Unknown was not tried, or the trial could not tell.
const (
	Supported   Support = "Supported"
	Unsupported Support = "Unsupported"
	Broken      Support = "Broken"
	Unknown     Support = "Unknown"
)

// Capabilities is what is known of a store. A missing entry is Unknown.
type Capabilities map[Capability]Support

// Of gives the support of one capability.
func (c Capabilities) Of(capability Capability) Support {
	if support, known := c[capability]; known {
		return support
	}
	return Unknown
}
