package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ProviderType selects the interface that the operator speaks with a provider.
// +kubebuilder:validation:Enum=OVHcloud;Outscale;S3
type ProviderType string

// Types of providers: two vendors with APIs of their own, and any store that
// speaks S3.
const (
	ProviderTypeOVHcloud ProviderType = "OVHcloud"
	ProviderTypeOutscale ProviderType = "Outscale"
	ProviderTypeS3       ProviderType = "S3"
)

// SovereignProviderSpec describes an account at an operator of object storage.
// +kubebuilder:validation:XValidation:rule="(self.type == 'S3') == has(self.s3)",message="type S3 needs the block s3, and other types have none"
// +kubebuilder:validation:XValidation:rule="(self.type == 'OVHcloud') == has(self.ovhcloud)",message="type OVHcloud needs the block ovhcloud, and other types have none"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Outscale') == has(self.outscale)",message="type Outscale needs the block outscale, and other types have none"
// +kubebuilder:validation:XValidation:rule="self.type != 'S3' || (has(self.operator) && has(self.operator.legalEntity))",message="type S3 needs operator.legalEntity: nobody but you knows who runs the store"
// +kubebuilder:validation:XValidation:rule="self.type != 'S3' || has(self.locations)",message="type S3 needs locations: nobody but you knows where the store stands"
// +kubebuilder:validation:XValidation:rule="!has(self.locations) || !has(self.attestations) || self.attestations.all(a, a.locations.all(l, self.locations.exists(x, x.name == l)))",message="attestations can only name locations that are listed in locations"
type SovereignProviderSpec struct {
	// type says which interface the provider speaks: OVHcloud, Outscale or S3.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="type cannot change: create another SovereignProvider"
	Type ProviderType `json:"type,omitempty"`
	// ovhcloud names a Public Cloud project at OVHcloud.
	// +optional
	OVHcloud *OVHcloudAccount `json:"ovhcloud,omitempty"`
	// outscale names an account at Outscale.
	// +optional
	Outscale *OutscaleAccount `json:"outscale,omitempty"`
	// s3 says how to reach a store that speaks S3.
	// +optional
	S3 *S3Endpoint `json:"s3,omitempty"`
	// allowedNamespaces selects the namespaces whose buckets may be placed here.
	// Absent selects none, {} selects all.
	// +optional
	AllowedNamespaces *metav1.LabelSelector `json:"allowedNamespaces,omitempty"`
	// adoptable lists the buckets of the account that existingBucket of a
	// SovereignBucket may name, each with the one SovereignBucket that may name it.
	// Every other bucket that is there already is left alone.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Adoptable []AdoptableBucket `json:"adoptable,omitempty"`
	// operator says who runs the store. What it leaves out at OVHcloud and Outscale
	// comes from the shipped catalogue.
	// +optional
	Operator Operator `json:"operator,omitzero"`
	// locations are the places of the account where buckets can be. At OVHcloud and
	// Outscale they are discovered: those that are listed here narrow the choice to
	// them, and what is said of them must not contradict the provider.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name.lowerAscii() == b.name.lowerAscii()))",message="names of locations must differ in more than case"
	Locations []Location `json:"locations,omitempty"`
	// attestations are what is attested of the provider's services. They go before
	// what the shipped catalogue knows of the same scheme, service and location.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Attestations []Attestation `json:"attestations,omitempty"`
	// taints keep new copies away. Copies that are there stay.
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MaxItems=16
	Taints []Taint `json:"taints,omitempty"`
	// limits are shared by everything that works on the account.
	// +optional
	Limits AccountLimits `json:"limits,omitzero"`
	// probeInterval is how often the operator looks whether the provider is
	// reachable.
	// +optional
	// +default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('24h')",message="probeInterval must be between 10s and 24h"
	ProbeInterval *metav1.Duration `json:"probeInterval,omitempty"`
	// suspend stops new copies from being placed here and stops writing to the
	// ones that are.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// OVHcloudAccount names a Public Cloud project at OVHcloud. Where S3 is served is
// what OVHcloud reports for each region.
type OVHcloudAccount struct {
	// endpoint is an API of OVHcloud: ovh-eu, ovh-ca or ovh-us, or the URL of another
	// one that speaks the same. A URL takes application keys only.
	// +optional
	// +default="ovh-eu"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint cannot change: create another SovereignProvider"
	// +kubebuilder:validation:XValidation:rule="self in ['ovh-eu', 'ovh-ca', 'ovh-us'] || (isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != '')",message="endpoint must be ovh-eu, ovh-ca, ovh-us or a URL such as https://eu.api.ovh.com/1.0"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/') && !self.contains('?') && !self.contains('#')",message="endpoint must have no query or fragment, and no slash at its end"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	Endpoint string `json:"endpoint,omitempty"`
	// projectID is the id of the Public Cloud project, which OVHcloud also calls its
	// service name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="projectID cannot change: create another SovereignProvider"
	ProjectID string `json:"projectID,omitempty"`
	// credentialsRef names a Secret in the operator's namespace with the keys
	// applicationKey, applicationSecret and consumerKey, or clientID and
	// clientSecret of a service account.
	// +required
	CredentialsRef NameReference `json:"credentialsRef,omitzero"`
}

// ApplicationKeys says what applications get at a store that knows no keys to one
// bucket.
// +kubebuilder:validation:Enum=Forbidden;AccountWide
type ApplicationKeys string

// Forbidden gives applications no key, so that no primary can be there;
// AccountWide gives them one that reaches the whole account.
const (
	ApplicationKeysForbidden   ApplicationKeys = "Forbidden"
	ApplicationKeysAccountWide ApplicationKeys = "AccountWide"
)

// OutscaleAccount names an account at Outscale, in one of its regions.
type OutscaleAccount struct {
	// region of Outscale, such as eu-west-2, which is Paris there.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9-]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="region cannot change: create another SovereignProvider"
	Region string `json:"region,omitempty"`
	// endpoints override where the region's interfaces are served.
	// +optional
	Endpoints OutscaleEndpoints `json:"endpoints,omitzero"`
	// credentialsRef names a Secret in the operator's namespace with the keys
	// accessKey and secretKey of the account's root user: its object storage knows
	// no others.
	// +required
	CredentialsRef NameReference `json:"credentialsRef,omitzero"`
	// applicationKeys says what applications get. Its object storage knows only keys
	// that reach the whole account, so Forbidden keeps primaries away from it, and
	// AccountWide is an administrator's word that this account may be reached as a
	// whole by every application whose primary is there.
	// +optional
	// +default="Forbidden"
	ApplicationKeys ApplicationKeys `json:"applicationKeys,omitempty"`
}

// OutscaleEndpoints are where the interfaces of a region are served.
type OutscaleEndpoints struct {
	// api is the URL of the API, such as https://api.eu-west-2.outscale.com/api/v1,
	// which is what absent means for eu-west-2.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint cannot change: create another SovereignProvider"
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != ''",message="api must be a URL such as https://api.eu-west-2.outscale.com/api/v1"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('/') && !self.contains('?') && !self.contains('#')",message="endpoint must have no query or fragment, and no slash at its end"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	API string `json:"api,omitempty"`
	// oos is where object storage is served, such as
	// https://oos.eu-west-2.outscale.com, which is what absent means for eu-west-2.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint cannot change: create another SovereignProvider"
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != ''",message="endpoint must be https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || (url(self).getEscapedPath() == '' && !self.contains('?') && !self.contains('#'))",message="endpoint must have no path, query or fragment: only https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	OOS string `json:"oos,omitempty"`
}

// S3Endpoint says how to reach a store that speaks S3.
// +kubebuilder:validation:XValidation:rule="!has(self.credentialAPI) || self.credentialAPI != 'Garage' || has(self.credentialAPIEndpoint)",message="credentialAPI Garage needs credentialAPIEndpoint: its admin API has a port of its own"
// +kubebuilder:validation:XValidation:rule="!has(self.credentialAPIEndpoint) || (has(self.credentialAPI) && self.credentialAPI != 'None')",message="credentialAPIEndpoint needs a credentialAPI other than None"
type S3Endpoint struct {
	// endpoint is scheme, host and optional port: https://s3.example.fr. It is
	// the endpoint of every location that names none.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="endpoint cannot change: create another SovereignProvider"
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != ''",message="endpoint must be https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || (url(self).getEscapedPath() == '' && !self.contains('?') && !self.contains('#'))",message="endpoint must have no path, query or fragment: only https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	Endpoint string `json:"endpoint,omitempty"`
	// region is the region in request signatures; most on-premise stores accept any.
	// +optional
	// +default="us-east-1"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="region cannot change: create another SovereignProvider"
	Region string `json:"region,omitempty"`
	// addressingStyle says where the bucket's name goes: Path puts it in the
	// path, Virtual in the host name.
	// +optional
	// +default="Path"
	// +kubebuilder:validation:Enum=Path;Virtual
	AddressingStyle string `json:"addressingStyle,omitempty"`
	// credentialsRef names a Secret in the operator's namespace with the keys
	// accessKey and secretKey, and adminToken for credentialAPI Garage.
	// +required
	CredentialsRef NameReference `json:"credentialsRef,omitzero"`
	// caBundleRef names a ConfigMap in the operator's namespace whose key ca.crt
	// holds the certificates to trust instead of the system's.
	// +optional
	CABundleRef *NameReference `json:"caBundleRef,omitempty"`
	// credentialAPI names the admin interface through which the operator issues a
	// key for each application. Without one, applications get the account's own
	// key and the grant is AccountWide. CephRGW is the admin operations of a Ceph
	// Object Gateway, Garage version 2 of its admin API, Versity the admin calls of
	// a Versity gateway.
	// +optional
	// +default="None"
	// +kubebuilder:validation:Enum=None;CephRGW;Garage;Versity
	CredentialAPI string `json:"credentialAPI,omitempty"`
	// credentialAPIEndpoint is where the credential API is served, when that is not
	// beside S3: https://s3-admin.example.fr:3903. Garage needs one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != ''",message="endpoint must be https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || (url(self).getEscapedPath() == '' && !self.contains('?') && !self.contains('#'))",message="endpoint must have no path, query or fragment: only https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	CredentialAPIEndpoint string `json:"credentialAPIEndpoint,omitempty"`
}

// Operator says who runs a store.
type Operator struct {
	// legalEntity is the company or authority that runs the store.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	LegalEntity string `json:"legalEntity,omitempty"`
	// group identifies the group the legal entity belongs to, by SIREN, LEI or
	// name. Providers of one group count as one operator. Absent means the legal
	// entity itself.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Group string `json:"group,omitempty"`
	// seatCountry is the country in which the legal entity has its registered seat.
	// Absent is unknown.
	// +optional
	SeatCountry CountryCode `json:"seatCountry,omitempty"`
	// controlCountry is the country of whoever controls the legal entity. Absent is
	// unknown.
	// +optional
	ControlCountry CountryCode `json:"controlCountry,omitempty"`
	// nonEUHolderPercent is the largest share, of capital or of votes, that one holder
	// from outside the Union has, directly or indirectly: a decimal number such as
	// "12.5". Absent is unknown.
	// +optional
	NonEUHolderPercent Percent `json:"nonEUHolderPercent,omitempty"`
	// nonEUTotalPercent is the share that all holders from outside the Union have
	// together. Absent is unknown.
	// +optional
	NonEUTotalPercent Percent `json:"nonEUTotalPercent,omitempty"`
	// extraterritorialLaw says whether laws of a country outside the Union reach the
	// operator: None, Exposed or Unknown. Absent is unknown.
	// +optional
	ExtraterritorialLaw LawExposure `json:"extraterritorialLaw,omitempty"`
}

// LawExposure says whether laws of countries outside the Union reach an operator.
// +kubebuilder:validation:Enum=None;Exposed;Unknown
type LawExposure string

// None is established, Exposed is known; whatever else is unknown.
const (
	LawNone    LawExposure = "None"
	LawExposed LawExposure = "Exposed"
	LawUnknown LawExposure = "Unknown"
)

// Attestation is what somebody attests of one service of a provider at some of its
// locations. What a certificate for another service says does not count.
type Attestation struct {
	// scheme that was attested, such as SecNumCloud, ISO27001 or HDS.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._-]*$`
	Scheme string `json:"scheme,omitempty"`
	// version of the scheme, such as 3.2 or 2022. Absent is unknown, which satisfies
	// no policy that asks for one.
	// +optional
	Version SchemeVersion `json:"version,omitempty"`
	// service that it is about. Copies need one about object-storage.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	Service string `json:"service,omitempty"`
	// locations that it is about.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
	// validUntil is the last day on which it holds, in UTC: 2027-06-30.
	// +required
	// +kubebuilder:validation:Format=date
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	ValidUntil string `json:"validUntil,omitempty"`
	// evidence is where the certificate can be read. It is shown and never fetched.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && !self.contains('@')",message="evidence must be a URL such as https://example.fr/certificate.pdf, without a user name"
	Evidence string `json:"evidence,omitempty"`
}

// SchemeVersion is the version of a scheme of attestations: numbers with dots.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,6}([.][0-9]{1,6}){0,3}$')",message="a version is numbers with dots, such as 3.2 or 2022"
type SchemeVersion = string

// ObjectStorage is the service that attestations of copies are about.
const ObjectStorage = "object-storage"

// Taint keeps new copies away from a provider. Copies that are there stay.
type Taint struct {
	// key says why, in a word such as maintenance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`
	Key string `json:"key,omitempty"`
	// effect is NoSchedule, which keeps every new copy away, or PreferNoSchedule,
	// which puts new copies here last.
	// +required
	Effect TaintEffect `json:"effect,omitempty"`
}

// TaintEffect says what a taint does.
// +kubebuilder:validation:Enum=NoSchedule;PreferNoSchedule
type TaintEffect string

// Effects of taints.
const (
	TaintNoSchedule       TaintEffect = "NoSchedule"
	TaintPreferNoSchedule TaintEffect = "PreferNoSchedule"
)

// AdoptableBucket is a bucket that is there already, and the SovereignBucket that
// may adopt it.
type AdoptableBucket struct {
	// location of the provider that the bucket is at.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Location string `json:"location,omitempty"`
	// bucketName is the name of the bucket at the provider.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	BucketName string `json:"bucketName,omitempty"`
	// namespace of the SovereignBucket that may adopt it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// name of the SovereignBucket that may adopt it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// Location is a place where buckets can be.
// +kubebuilder:validation:XValidation:rule="has(self.latitude) == has(self.longitude)",message="latitude and longitude belong together: give both or none"
// +kubebuilder:validation:XValidation:rule="!has(self.country) || !has(self.subdivision) || self.subdivision.startsWith((self.country == 'EL' ? 'GR' : self.country == 'UK' ? 'GB' : self.country) + '-') || self.subdivision.startsWith(self.country + '-')",message="subdivision must be one of the country: FR-HDF is in FR"
type Location struct {
	// name of the location, as people call it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`
	Name string `json:"name,omitempty"`
	// country is the ISO 3166-1 code of the country it stands in. Absent is
	// unknown, and unknown is outside every perimeter.
	// +optional
	Country CountryCode `json:"country,omitempty"`
	// subdivision is the ISO 3166-2 code, such as FR-HDF.
	// +optional
	// +kubebuilder:validation:MaxLength=6
	// +kubebuilder:validation:Pattern=`^[A-Z]{2}-[A-Z0-9]{1,3}$`
	Subdivision string `json:"subdivision,omitempty"`
	// city in which, or near which, it stands.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	City string `json:"city,omitempty"`
	// latitude in degrees, north is positive: a decimal number such as "50.99".
	// +optional
	Latitude Latitude `json:"latitude,omitempty"`
	// longitude in degrees, east is positive: a decimal number such as "2.13".
	// +optional
	Longitude Longitude `json:"longitude,omitempty"`
	// pue is the power usage effectiveness of the data centre: all power over that of
	// the machines, a decimal number such as "1.28". Absent is unknown.
	// +optional
	PUE PUE `json:"pue,omitempty"`
	// gridIntensity is how much CO2 equivalent the electricity of the place costs, in
	// grams per kWh on a yearly average. Absent is what the shipped catalogue has for
	// the country.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=5000
	GridIntensity *int32 `json:"gridIntensity,omitempty"`
	// onPremise tells that the store stands in the authority's own premises.
	// +optional
	OnPremise bool `json:"onPremise,omitempty"`
	// endpoint overrides the provider's endpoint for this location.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['https', 'http'] && url(self).getHostname() != ''",message="endpoint must be https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || (url(self).getEscapedPath() == '' && !self.contains('?') && !self.contains('#'))",message="endpoint must have no path, query or fragment: only https://host or https://host:port"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="endpoint must have no user name or password: credentials belong in the Secret that credentialsRef names"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://(169[.]254[.]|[[]fe[89abAB])')",message="endpoint must not be a link-local address"
	Endpoint string `json:"endpoint,omitempty"`
	// region overrides the provider's region for this location.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Region string `json:"region,omitempty"`
}

// AccountLimits bound what the operator does to an account, all work together.
type AccountLimits struct {
	// requestsPerSecond bounds requests; 0 or absent is no bound.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	RequestsPerSecond int32 `json:"requestsPerSecond,omitempty"`
	// bytesPerSecond bounds bytes read and written, such as 100Mi; absent is no
	// bound.
	// +optional
	BytesPerSecond *resource.Quantity `json:"bytesPerSecond,omitempty"`
}

// SovereignProviderStatus is what the operator found out about a provider.
type SovereignProviderStatus struct {
	// conditions are Ready, Reachable, CredentialsValid, LocationsVerified and
	// ClockInSync.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// locationNames lists the locations for printing.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	LocationNames string `json:"locationNames,omitempty"`
	// operator is who runs the store, as far as the spec and the shipped catalogue
	// tell.
	// +optional
	Operator Operator `json:"operator,omitzero"`
	// discoveredAt is when the provider's API was asked last for its regions.
	// +optional
	DiscoveredAt *metav1.Time `json:"discoveredAt,omitempty"`
	// locations are the facts about each location.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Locations []LocationStatus `json:"locations,omitempty"`
	// attestations are those that count: of the spec, and of the shipped catalogue
	// where the spec says nothing of a scheme. Those without an end satisfy no policy.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=128
	Attestations []AttestationStatus `json:"attestations,omitempty"`
	// rejectedCredentials is a keyed fingerprint of the credentials that the
	// provider refused last. They are not tried again until the Secret changes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	RejectedCredentials string `json:"rejectedCredentials,omitempty"`
}

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

// SovereignProvider is an account at an operator of object storage: where it
// has places, who runs it, what its store can do.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=sprov,categories=sovereign
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Locations",type=string,JSONPath=`.status.locationNames`
// +kubebuilder:printcolumn:name="Control",type=string,JSONPath=`.status.operator.controlCountry`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type SovereignProvider struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec says how to reach the account and what it is.
	// +required
	Spec SovereignProviderSpec `json:"spec,omitzero"`
	// status says what the operator found out.
	// +optional
	Status SovereignProviderStatus `json:"status,omitzero"`
}

// SovereignProviderList is a list of SovereignProviders.
//
// +kubebuilder:object:root=true
type SovereignProviderList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SovereignProvider `json:"items"`
}

// GetConditions gives the conditions, for code that serves every kind.
func (p *SovereignProvider) GetConditions() *[]metav1.Condition { return &p.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (p *SovereignProvider) SetObservedGeneration(g int64) { p.Status.ObservedGeneration = g }

// CredentialsRef names the Secret that holds the account's credentials.
func (s *SovereignProviderSpec) CredentialsRef() string {
	switch {
	case s.OVHcloud != nil:
		return s.OVHcloud.CredentialsRef.Name
	case s.Outscale != nil:
		return s.Outscale.CredentialsRef.Name
	case s.S3 != nil:
		return s.S3.CredentialsRef.Name
	}
	return ""
}

// DiscoversLocations tells whether the vendor has an API that knows where the
// account has locations.
func (s *SovereignProviderSpec) DiscoversLocations() bool {
	return s.OVHcloud != nil || s.Outscale != nil
}
