package v1alpha1

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
	// events says whether the store tells the operator of objects that change, so that
	// they are copied at once: Enabled or Disabled, which absent means. Where it is to
	// send its notifications is in the Secret that status.events.secretName names.
	// +optional
	// +kubebuilder:validation:Enum=Enabled;Disabled
	Events string `json:"events,omitempty"`
}

// EventsEnabled is the value of spec.s3.events that has notifications received.
const EventsEnabled = "Enabled"
