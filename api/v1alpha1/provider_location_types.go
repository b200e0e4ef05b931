package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LocationVerification says how sure the place of a location is.
// +kubebuilder:validation:Enum=Confirmed;Declared;Contradicted;Unknown
type LocationVerification string

// Verification levels. Confirmed is what the provider's own API says; Declared is
// what the provider's owner wrote, or the catalogue; Contradicted is declared and
// not what the API says; Unknown is a location without a known country.
const (
	VerificationConfirmed    LocationVerification = "Confirmed"
	VerificationDeclared     LocationVerification = "Declared"
	VerificationContradicted LocationVerification = "Contradicted"
	VerificationUnknown      LocationVerification = "Unknown"
)

// LocationAvailability says whether a provider's API offers a location. Absent is
// a provider without such an API.
// +kubebuilder:validation:Enum=Available;Maintenance;NotActivated
type LocationAvailability string

// Available can be used; Maintenance is not to be used right now; NotActivated is
// named in the spec, and the account does not have it.
const (
	LocationAvailable    LocationAvailability = "Available"
	LocationMaintenance  LocationAvailability = "Maintenance"
	LocationNotActivated LocationAvailability = "NotActivated"
)

// LocationStatus is what is known of a location.
type LocationStatus struct {
	// name of the location.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`
	// country is the ISO 3166-1 code of the country it stands in.
	// +optional
	// +kubebuilder:validation:MaxLength=2
	Country string `json:"country,omitempty"`
	// perimeter is the narrowest one that contains the location.
	// +optional
	Perimeter Perimeter `json:"perimeter,omitempty"`
	// subdivision is the ISO 3166-2 code of where in the country it stands.
	// +optional
	// +kubebuilder:validation:MaxLength=6
	Subdivision string `json:"subdivision,omitempty"`
	// city in which, or near which, it stands.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	City string `json:"city,omitempty"`
	// latitude in degrees, as it counts.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Latitude string `json:"latitude,omitempty"`
	// longitude in degrees, as it counts.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Longitude string `json:"longitude,omitempty"`
	// pue is the power usage effectiveness, as it counts.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	PUE string `json:"pue,omitempty"`
	// gridIntensity is grams of CO2 equivalent per kWh, as it counts.
	// +optional
	// +kubebuilder:validation:Minimum=0
	GridIntensity *int32 `json:"gridIntensity,omitempty"`
	// locationCodes name the vendor's data centres behind the location, as the
	// vendor's API reports them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	LocationCodes []string `json:"locationCodes,omitempty"`
	// endpoint that serves the location.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Endpoint string `json:"endpoint,omitempty"`
	// region in request signatures, where the provider's API reports it.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Region string `json:"region,omitempty"`
	// availability says whether the provider's API offers the location.
	// +optional
	Availability LocationAvailability `json:"availability,omitempty"`
	// verification says how sure the location is.
	// +optional
	Verification LocationVerification `json:"verification,omitempty"`
	// capabilities are what the store can do, found out by trying.
	// +optional
	Capabilities Capabilities `json:"capabilities,omitzero"`
	// keysNotKept are the traits of keys that the store changes or refuses, such as
	// two slashes in a row. Empty where it keeps every key.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=128
	KeysNotKept []string `json:"keysNotKept,omitempty"`
	// capabilitiesTriedAt is when they were tried last.
	// +optional
	CapabilitiesTriedAt *metav1.Time `json:"capabilitiesTriedAt,omitempty"`
}

// AttestationStatus is an attestation as it counts.
type AttestationStatus struct {
	// scheme that was attested.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Scheme string `json:"scheme,omitempty"`
	// version of the scheme.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Version string `json:"version,omitempty"`
	// service that it is about.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Service string `json:"service,omitempty"`
	// locations that it is about.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
	// validUntil is the last day on which it holds, in UTC. Absent is unknown.
	// +optional
	// +kubebuilder:validation:MaxLength=10
	ValidUntil string `json:"validUntil,omitempty"`
	// condition is what the account must have for it to hold, in words. Whether it
	// has that is unknown.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Condition string `json:"condition,omitempty"`
	// source is Spec, or Catalogue for what ships with Rempart.
	// +required
	Source FactSource `json:"source,omitempty"`
	// evidence is where it can be read, or who says so.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Evidence string `json:"evidence,omitempty"`
}

// FactSource says who says so.
// +kubebuilder:validation:Enum=Spec;Catalogue
type FactSource string

// Sources of facts that are not the vendor's own API.
const (
	SourceSpec      FactSource = "Spec"
	SourceCatalogue FactSource = "Catalogue"
)

// CapabilitySupport is what trying a capability showed: Supported works,
// Unsupported is refused, Broken is accepted and does something else, Unknown
// was not tried to an end, or could not be told by trying.
// +kubebuilder:validation:Enum=Supported;Unsupported;Broken;Unknown
type CapabilitySupport string

// Results of trying a capability.
const (
	CapabilitySupported   CapabilitySupport = "Supported"
	CapabilityUnsupported CapabilitySupport = "Unsupported"
	CapabilityBroken      CapabilitySupport = "Broken"
	CapabilityUnknown     CapabilitySupport = "Unknown"
)

// Capabilities are what a store can do.
type Capabilities struct {
	// versioning tells that a bucket keeps old versions once told to.
	// +optional
	Versioning CapabilitySupport `json:"versioning,omitempty"`
	// tagging tells that objects keep tags.
	// +optional
	Tagging CapabilitySupport `json:"tagging,omitempty"`
	// exactKeys tells that every key is kept byte for byte.
	// +optional
	ExactKeys CapabilitySupport `json:"exactKeys,omitempty"`
	// contentHash tells that a body which does not match its announced SHA-256 is
	// refused.
	// +optional
	ContentHash CapabilitySupport `json:"contentHash,omitempty"`
	// objectLock tells that a bucket made with object lock keeps a default
	// retention. Nothing is locked to find out.
	// +optional
	ObjectLock CapabilitySupport `json:"objectLock,omitempty"`
	// bucketPolicy tells that a bucket keeps a policy.
	// +optional
	BucketPolicy CapabilitySupport `json:"bucketPolicy,omitempty"`
	// lifecycle tells that a bucket keeps a rule for expiration.
	// +optional
	Lifecycle CapabilitySupport `json:"lifecycle,omitempty"`
	// encryption tells that a bucket keeps a default encryption, and that what is
	// written to it then says that it is encrypted.
	// +optional
	Encryption CapabilitySupport `json:"encryption,omitempty"`
	// conditionalWrites tells that a write can depend on the object's absence, and
	// on its ETag in one form at least.
	// +optional
	ConditionalWrites CapabilitySupport `json:"conditionalWrites,omitempty"`
	// ifMatchQuoted tells that If-Match works with the ETag in quotes, as the
	// standard has it.
	// +optional
	IfMatchQuoted CapabilitySupport `json:"ifMatchQuoted,omitempty"`
	// ifMatchUnquoted tells that If-Match works with the ETag without quotes.
	// +optional
	IfMatchUnquoted CapabilitySupport `json:"ifMatchUnquoted,omitempty"`
	// checksumHeaders tells that x-amz-checksum-sha256 is taken and checked.
	// +optional
	ChecksumHeaders CapabilitySupport `json:"checksumHeaders,omitempty"`
	// listOrder tells that listings come by the bytes of their keys, page by page
	// and after a given key.
	// +optional
	ListOrder CapabilitySupport `json:"listOrder,omitempty"`
	// listVersions tells that versions are listed by key, the newest first.
	// +optional
	ListVersions CapabilitySupport `json:"listVersions,omitempty"`
	// exclusiveMarkers tells that a page of versions begins behind its marker, and
	// not with it.
	// +optional
	ExclusiveMarkers CapabilitySupport `json:"exclusiveMarkers,omitempty"`
	// multipart tells that an object can be stored in parts.
	// +optional
	Multipart CapabilitySupport `json:"multipart,omitempty"`
	// eventNotifications tells that a bucket keeps where its events go. Stores that
	// ask for a receiver that exists leave it Unknown.
	// +optional
	EventNotifications CapabilitySupport `json:"eventNotifications,omitempty"`
}
