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
)

// Support is what trying a capability showed.
type Support string

// Supported works; Unsupported is refused plainly; Broken is accepted and does
// something else; Unknown was not tried, or the trial did not come to an end.
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
