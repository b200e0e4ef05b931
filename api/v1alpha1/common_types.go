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
