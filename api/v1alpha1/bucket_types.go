package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SovereignBucketSpec declares a dataset and the policy it lives under.
// +kubebuilder:validation:XValidation:rule="has(self.existingBucket) == has(oldSelf.existingBucket) && (!has(self.existingBucket) || self.existingBucket == oldSelf.existingBucket)",message="existingBucket cannot change: create another SovereignBucket"
// +kubebuilder:validation:XValidation:rule="!has(self.existingBucket) || self.deletionPolicy != 'Delete'",message="deletionPolicy Delete does not go with existingBucket: a bucket that was there before is never deleted; leave deletionPolicy out, or set it to Retain"
// +kubebuilder:validation:XValidation:rule="!has(self.existingBucket) || !has(self.placement) || !has(self.placement.primary) || (self.placement.primary.providerName == self.existingBucket.providerName && self.placement.primary.location == self.existingBucket.location)",message="placement.primary and existingBucket name two places: the adopted bucket is the primary, so leave placement.primary out"
type SovereignBucketSpec struct {
	// policyRef names the SovereigntyPolicy that binds the dataset.
	// +required
	PolicyRef NameReference `json:"policyRef,omitzero"`
	// dataset says what the data is and why it may be kept.
	// +required
	Dataset Dataset `json:"dataset,omitzero"`
	// existingBucket adopts a bucket that is there already as the primary, instead
	// of making one. The provider must list it as adoptable for this SovereignBucket.
	// It is never deleted, and never made if it is missing.
	// +optional
	ExistingBucket *ExistingBucket `json:"existingBucket,omitempty"`
	// placement narrows where copies may be. It never widens what the policy
	// allows.
	// +optional
	Placement PlacementSpec `json:"placement,omitzero"`
	// deletionPolicy says what happens to the buckets when this object is
	// deleted: Retain (default) leaves buckets, data and keys; Delete removes
	// empty buckets, and others once the annotation rempart.dev/confirm-delete
	// holds the primary's bucket name. With existingBucket it is Retain.
	// +optional
	// +default="Retain"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
	// suspend stops writing anywhere outside the cluster; observing goes on.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Dataset says what the data is and why it may be kept.
type Dataset struct {
	// title of the dataset, in the words of those who use it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Title string `json:"title,omitempty"`
	// purpose for which the data is kept.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1000
	Purpose string `json:"purpose,omitempty"`
	// legalBasis is the basis under article 6(1) of the GDPR.
	// +required
	LegalBasis LegalBasis `json:"legalBasis,omitempty"`
}

// LegalBasis is a basis for processing under article 6(1) of the GDPR.
// +kubebuilder:validation:Enum=Consent;Contract;LegalObligation;VitalInterests;PublicTask;LegitimateInterests
type LegalBasis string

// ExistingBucket names a bucket that is there already.
type ExistingBucket struct {
	PlaceReference `json:",inline"`
	// bucketName is the name of the bucket at the provider.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	BucketName string `json:"bucketName,omitempty"`
}

// PlacementSpec narrows where copies may be.
type PlacementSpec struct {
	// providerNames restricts copies to these SovereignProviders. Empty allows
	// all that the policy allows.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	ProviderNames []string `json:"providerNames,omitempty"`
	// primary fixes the place of the primary copy. It is judged like any other.
	// +optional
	Primary *PlaceReference `json:"primary,omitempty"`
}

// DeletionPolicy says what happens to the buckets of a deleted object.
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

// Deletion policies.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// SovereignBucketStatus says where the dataset is and how its copies fare.
type SovereignBucketStatus struct {
	// conditions are Ready, PlacementSatisfied, ResidencyCompliant, Replicated,
	// Verified, DrillCurrent and Protected.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// primaryName is the primary's place as provider/location, for printing.
	// +optional
	// +kubebuilder:validation:MaxLength=320
	PrimaryName string `json:"primaryName,omitempty"`
	// primary is the copy that applications use.
	// +optional
	Primary *PrimaryStatus `json:"primary,omitempty"`
	// copiesReady counts ready copies of all, as 2/3.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	CopiesReady string `json:"copiesReady,omitempty"`
	// copies lists every copy, the primary included.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Copies []CopyStatus `json:"copies,omitempty"`
	// unreplicatedSince is when the oldest change that some copy lacks was made.
	// Absent when no copy lacks any.
	// +optional
	UnreplicatedSince *metav1.Time `json:"unreplicatedSince,omitempty"`
	// lastDrill is the last drill that came to an end.
	// +optional
	LastDrill *LastDrillStatus `json:"lastDrill,omitempty"`
	// candidates are all places that were considered, with every objection.
	// Refused locations of a provider with the same objections are one entry.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Candidates []CandidateStatus `json:"candidates,omitempty"`
}

// PrimaryStatus is the copy that applications use.
type PrimaryStatus struct {
	PlaceReference `json:",inline"`
	// bucketName is the name of the bucket at the provider.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	BucketName string `json:"bucketName,omitempty"`
	// endpoint that serves it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Endpoint string `json:"endpoint,omitempty"`
	// grant says how far the application's key reaches.
	// +optional
	Grant GrantLevel `json:"grant,omitempty"`
}

// CopyStatus is one copy of the dataset.
type CopyStatus struct {
	PlaceReference `json:",inline"`
	// role of the copy.
	// +required
	Role CopyRole `json:"role,omitempty"`
	// replicaName is the name of its BucketReplica.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ReplicaName string `json:"replicaName,omitempty"`
}

// LastDrillStatus is the last drill that came to an end.
type LastDrillStatus struct {
	// name of the ReversibilityDrill.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// verdict it came to.
	// +required
	Verdict DrillVerdict `json:"verdict,omitempty"`
	// time it ended.
	// +required
	Time metav1.Time `json:"time,omitzero"`
}

// CandidateStatus is a place that was considered, or several of one provider
// that were refused for the same reasons.
type CandidateStatus struct {
	// providerName of the SovereignProvider.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ProviderName string `json:"providerName,omitempty"`
	// locations of the provider.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
	// eligible tells whether a copy may be placed here.
	// +required
	Eligible bool `json:"eligible"`
	// score ranks eligible candidates, 0 to 100 in steps of 5.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Score *int32 `json:"score,omitempty"`
	// objections are all reasons against it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Objections []ObjectionStatus `json:"objections,omitempty"`
}

// ObjectionStatus is one reason against a candidate.
type ObjectionStatus struct {
	// policy that objects; absent when the provider or the bucket itself does.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Policy string `json:"policy,omitempty"`
	// rule that objects.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Rule string `json:"rule,omitempty"`
	// reason is one of the stable reasons.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
	// message says it in a sentence.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`
	// role is set when the objection is only against a copy of that role here.
	// +optional
	Role CopyRole `json:"role,omitempty"`
	// action is Warn or Audit when the objection keeps nothing away. Absent is Deny.
	// +optional
	Action ValidationAction `json:"action,omitempty"`
}

// SovereignBucket is a dataset that lives under a policy: the operator finds
// places that satisfy it, makes the buckets, keeps the copies and gives the
// application its key.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=sbkt,categories=sovereign
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Primary",type=string,JSONPath=`.status.primaryName`
// +kubebuilder:printcolumn:name="Copies",type=string,JSONPath=`.status.copiesReady`
// +kubebuilder:printcolumn:name="Residency",type=string,JSONPath=`.status.conditions[?(@.type=="ResidencyCompliant")].status`
// +kubebuilder:printcolumn:name="Unreplicated",type=date,JSONPath=`.status.unreplicatedSince`
// +kubebuilder:printcolumn:name="Last-Drill",type=string,JSONPath=`.status.lastDrill.verdict`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type SovereignBucket struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec declares the dataset.
	// +required
	Spec SovereignBucketSpec `json:"spec,omitzero"`
	// status says where it is and how its copies fare.
	// +optional
	Status SovereignBucketStatus `json:"status,omitzero"`
}

// SovereignBucketList is a list of SovereignBuckets.
//
// +kubebuilder:object:root=true
type SovereignBucketList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SovereignBucket `json:"items"`
}

// DeletesBuckets tells whether the buckets go with the object. A bucket that was
// there before does not, and its copies stay with it.
func (s *SovereignBucketSpec) DeletesBuckets() bool {
	return s.DeletionPolicy == DeletionDelete && s.ExistingBucket == nil
}

// GetConditions gives the conditions, for code that serves every kind.
func (b *SovereignBucket) GetConditions() *[]metav1.Condition { return &b.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (b *SovereignBucket) SetObservedGeneration(g int64) { b.Status.ObservedGeneration = g }
