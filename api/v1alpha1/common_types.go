package v1alpha1

// NameReference names an object of a kind that the field implies: in the same
// namespace, or in the operator's own where a cluster-scoped kind names it.
type NameReference struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// PlaceReference names a location of a provider.
type PlaceReference struct {
	// providerName is the name of a SovereignProvider.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ProviderName string `json:"providerName,omitempty"`
	// location is the name of one of its locations.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Location string `json:"location,omitempty"`
}

// String reads provider/location.
func (p PlaceReference) String() string { return p.ProviderName + "/" + p.Location }

// Perimeter is a territory that contains the next narrower one: FR, EU, EEA. A
// place in none of them is None.
// +kubebuilder:validation:Enum=FR;EU;EEA;None
type Perimeter string

// Perimeters, from the narrowest to the widest.
const (
	PerimeterFR   Perimeter = "FR"
	PerimeterEU   Perimeter = "EU"
	PerimeterEEA  Perimeter = "EEA"
	PerimeterNone Perimeter = "None"
)

// CountryCode is the ISO 3166-1 code of a country, or one of the aliases EL and UK,
// which the Commission writes for Greece and the United Kingdom. They are taken and
// never given.
// +kubebuilder:validation:MaxLength=2
// +kubebuilder:validation:Pattern=`^[A-Z]{2}$`
// +kubebuilder:validation:XValidation:rule="'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH EL ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'.contains(self)",messageExpression="self + ' is the code of no country in ISO 3166-1'",message="this is the code of no country in ISO 3166-1"
type CountryCode = string

// Percent is a share as a decimal number, such as "24" or "12.5".
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=6
// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}([.][0-9]{1,2})?$') && double(self) <= 100.0",message="this must be a percentage between 0 and 100, such as 24 or 12.5"
type Percent = string

// Latitude is degrees north of the equator as a decimal number.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:XValidation:rule="self.matches('^-?[0-9]{1,2}([.][0-9]{1,8})?$') && double(self) >= -90.0 && double(self) <= 90.0",message="latitude must be a decimal number of degrees between -90 and 90, such as 48.11"
type Latitude = string

// Longitude is degrees east of Greenwich as a decimal number.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:XValidation:rule="self.matches('^-?[0-9]{1,3}([.][0-9]{1,8})?$') && double(self) >= -180.0 && double(self) <= 180.0",message="longitude must be a decimal number of degrees between -180 and 180, such as -1.68"
type Longitude = string

// PUE is power usage effectiveness as a decimal number, at least 1.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=6
// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,2}([.][0-9]{1,3})?$') && double(self) >= 1.0 && double(self) <= 10.0",message="this must be a power usage effectiveness between 1 and 10, such as 1.28"
type PUE = string

// CopyRole is what a copy is for.
// +kubebuilder:validation:Enum=Primary;Replica
type CopyRole string

// Roles of a copy: applications use the Primary, the operator keeps Replicas.
const (
	RolePrimary CopyRole = "Primary"
	RoleReplica CopyRole = "Replica"
)

// Annotations that a person sets on a SovereignBucket.
const (
	// ConfirmDeleteAnnotation holds the primary's bucket name. It lets the
	// operator empty and remove every copy of a bucket that is being deleted. With
	// the bucket name of a replica that may not stay where it is, it lets the
	// operator erase that one.
	ConfirmDeleteAnnotation = "rempart.dev/confirm-delete"
	// AbandonCopyAnnotation holds the bucket name of a copy that may not stay where
	// it is. It lets the operator forget about it without touching the bucket:
	// somebody else erased it, or answers for what is left there.
	AbandonCopyAnnotation = "rempart.dev/abandon-copy"
	// ApprovedDeletionsAnnotation holds the digest that status.guard of a
	// BucketReplica shows. It lets through exactly that set of deletions.
	ApprovedDeletionsAnnotation = "rempart.dev/approved-deletions"
	// SyncRequestedAnnotation asks for a look at every bucket of the dataset and a
	// run of every copy now. Any new value, such as the time, asks again.
	SyncRequestedAnnotation = "rempart.dev/sync-requested"
)

// Annotations that a person sets on a SovereignBucketAccess.
const (
	// RotateRequestedAnnotation asks for a new key now. Any new value, such as the
	// time, asks again.
	RotateRequestedAnnotation = "rempart.dev/rotate-requested"
	// AbandonKeysAnnotation, with the value "true", lets go of an access that is
	// being deleted and whose keys cannot be revoked. They go on working until
	// somebody revokes them at the provider.
	AbandonKeysAnnotation = "rempart.dev/abandon-keys"
)

// Annotations of a Secret that a key is published in.
const (
	// KeyIDAnnotation holds the access key, without its secret.
	KeyIDAnnotation = "rempart.dev/key-id"
	// KeyGenerationAnnotation counts the keys that were issued for the access.
	KeyGenerationAnnotation = "rempart.dev/key-generation"
	// KeyIssuedAtAnnotation is when the key was issued.
	KeyIssuedAtAnnotation = "rempart.dev/key-issued-at"
	// KeyNotAfterAnnotation is when the key ends unless something holds that up:
	// it is replaced after its interval and revoked after the overlap. Absent where
	// keys are not replaced by themselves.
	KeyNotAfterAnnotation = "rempart.dev/key-not-after"
)

// AbandonSandboxAnnotation is set by a person on a ReversibilityDrill, and holds
// the name of the sandbox's bucket. It lets the operator leave the sandbox behind if
// it cannot be removed.
const AbandonSandboxAnnotation = "rempart.dev/abandon-sandbox"

// BucketCredentialsSecretType is the type of the Secrets that applications
// mount. A Secret's type cannot change, so a Secret of another type that has the
// name already is never overwritten.
const BucketCredentialsSecretType = "rempart.dev/bucket-credentials"

// EventsSecretType is the type of the Secrets in the operator's namespace that hold the
// paths which stores send notifications to, in the key EventsPathKey.
const EventsSecretType = "rempart.dev/events-path"

// EventsPathKey is the key of such a Secret that holds the path.
const EventsPathKey = "path"

// Finalizer keeps an object until the operator has put in order what belongs to
// it outside the cluster.
const Finalizer = "rempart.dev/cleanup"

// NodeLabelPrefix is what the labels below begin with. NodeRestriction keeps a
// kubelet from setting labels of this prefix on its own Node.
const NodeLabelPrefix = "rempart.node-restriction.kubernetes.io/"

// Node labels that tell where a Node stands. The operator sets them, and takes away
// what it does not know. A Node whose signals disagree has the perimeter None and no
// other.
const (
	NodeProviderLabel  = NodeLabelPrefix + "provider"
	NodeLocationLabel  = NodeLabelPrefix + "location"
	NodeCountryLabel   = NodeLabelPrefix + "country"
	NodePerimeterLabel = NodeLabelPrefix + "perimeter"
	// NodeOperatorLabel holds the group of the provider's operator, or the legal
	// entity that belongs to none: Nodes of one operator have the same.
	NodeOperatorLabel = NodeLabelPrefix + "operator"
)

// NodeAnnotationPrefix is what the annotations below begin with.
const NodeAnnotationPrefix = "rempart.dev/place-"

// Annotations of a Node.
const (
	// PlaceOverrideAnnotation is set by an administrator and holds provider/location:
	// the Node stands there, whatever its signals say.
	PlaceOverrideAnnotation = "rempart.dev/place-override"
	// PlaceVerificationAnnotation says how sure the operator is of the place: one of
	// NodeVerification.
	PlaceVerificationAnnotation = "rempart.dev/place-verification"
	// PlaceGroundsAnnotation says in words why the operator thinks so.
	PlaceGroundsAnnotation = "rempart.dev/place-grounds"
)

// NodeVerification says how sure it is where a Node stands.
type NodeVerification string

// Confirmed is what the API of the Node's provider says; Declared is what its labels
// or the provider's owner say; Overridden is an administrator's word; Contradicted is
// a Node whose signals disagree; Unknown is one of which nothing is known.
const (
	NodeConfirmed    NodeVerification = "Confirmed"
	NodeDeclared     NodeVerification = "Declared"
	NodeOverridden   NodeVerification = "Overridden"
	NodeContradicted NodeVerification = "Contradicted"
	NodeUnknown      NodeVerification = "Unknown"
)
