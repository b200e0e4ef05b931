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
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && e.values.size() > 0 : e.operator in ['Exists', 'DoesNotExist'] && (!has(e.values) || e.values.size() == 0))",message="this selector can select nothing: operators are In and NotIn, with values, or Exists and DoesNotExist, without"
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
	// sovereignty are answers to the EU Cloud Sovereignty Framework. Of several answers
	// to a criterion the lowest counts.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Sovereignty []SovereigntyAnswer `json:"sovereignty,omitempty"`
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
	// nodes selects the Nodes of this cluster that stand at this location, where
	// nothing else tells: on one's own premises, and at a vendor whose labels the
	// Nodes do not have. Absent selects none, {} selects all.
	// +optional
	Nodes *NodeSelector `json:"nodes,omitempty"`
}

// NodeSelector selects Nodes. What it says must all hold.
type NodeSelector struct {
	// The labels of the Nodes. A kubelet can set most labels on its own Node; those
	// whose prefix ends in node-restriction.kubernetes.io it cannot.
	metav1.LabelSelector `json:",inline"`
	// providerIDPrefix is what spec.providerID of the Nodes begins with, such as
	// vsphere://.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ProviderIDPrefix string `json:"providerIDPrefix,omitempty"`
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
	// sovereignty is what the answers to the EU Cloud Sovereignty Framework come to:
	// one entry for all locations, or one for each group of them that differs.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Sovereignty []SovereigntyStatus `json:"sovereignty,omitempty"`
	// rejectedCredentials is a keyed fingerprint of the credentials that the
	// provider refused last. They are not tried again until the Secret changes.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	RejectedCredentials string `json:"rejectedCredentials,omitempty"`
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
