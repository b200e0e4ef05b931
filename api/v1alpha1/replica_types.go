package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BucketReplicaSpec says which copy of which dataset this is. It never changes.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a BucketReplica cannot change: the operator makes and replaces them"
type BucketReplicaSpec struct {
	// bucketRef names the SovereignBucket that it is a copy of.
	// +required
	BucketRef      NameReference `json:"bucketRef,omitzero"`
	PlaceReference `json:",inline"`
	// bucketName is the name of the bucket at the provider, recorded here before
	// the bucket is made.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	BucketName string `json:"bucketName,omitempty"`
	// role of the copy.
	// +required
	Role CopyRole `json:"role,omitempty"`
	// origin says where the bucket comes from: the operator made it (Created), or
	// it was there before and existingBucket adopts it (Adopted). An adopted bucket
	// is never made and never deleted.
	// +optional
	// +default="Created"
	Origin BucketOrigin `json:"origin,omitempty"`
}

// BucketOrigin says where a bucket comes from.
// +kubebuilder:validation:Enum=Created;Adopted
type BucketOrigin string

// Origins of buckets.
const (
	OriginCreated BucketOrigin = "Created"
	OriginAdopted BucketOrigin = "Adopted"
)

// BucketReplicaStatus says how the copy fares.
type BucketReplicaStatus struct {
	// conditions are Ready and Provisioned, and for a Replica also
	// InitialSyncComplete, WithinRPO and Verified.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// unreplicatedSince is when the oldest change that this copy lacks was made,
	// on the source's clock. Absent when it lacks none that is known.
	// +optional
	UnreplicatedSince *metav1.Time `json:"unreplicatedSince,omitempty"`
	// objects that the copy holds, as of the last complete run.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Objects *int64 `json:"objects,omitempty"`
	// bytes that the copy holds, as of the last complete run.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes *int64 `json:"bytes,omitempty"`
	// failedObjects is how many objects the last run could not copy.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FailedObjects int64 `json:"failedObjects,omitempty"`
	// failures names the first of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Failures []ObjectFailure `json:"failures,omitempty"`
	// lastSyncTime is the time on the source's clock as of which the copy was
	// known to be complete. It is written when a run changed something, and
	// otherwise often enough to tell that the copy is within its objective.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`
	// lastVerifiedTime is when the content of the copy was last verified.
	// +optional
	LastVerifiedTime *metav1.Time `json:"lastVerifiedTime,omitempty"`
	// drift lists what was found changed at the bucket and is not set right.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Drift []DriftStatus `json:"drift,omitempty"`
	// driftUnknown names the settings of the bucket that the store does not tell,
	// so that a change of them would not be seen: acl, policy, replication,
	// lifecycle.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	DriftUnknown []string `json:"driftUnknown,omitempty"`
	// guard is the set of deletions that the deletion guard stopped.
	// +optional
	Guard *GuardStatus `json:"guard,omitempty"`
}

// DriftStatus is one property of a bucket that is not as it should be.
type DriftStatus struct {
	// property that was changed: versioning, mark, acl, policy, replication,
	// lifecycle.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Property string `json:"property,omitempty"`
	// want is what it should be.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Want string `json:"want,omitempty"`
	// got is what it was found to be.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Got string `json:"got,omitempty"`
	// uncorrected says why it could not be set right. Absent when nobody tried,
	// because the policy only asks for a report or writing is suspended.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Uncorrected string `json:"uncorrected,omitempty"`
}

// ObjectFailure is an object that could not be copied.
type ObjectFailure struct {
	// key of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Key string `json:"key,omitempty"`
	// reason is one of the stable reasons.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`
	// message says what went wrong.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// GuardStatus is a set of deletions that waits for approval.
type GuardStatus struct {
	// planned is how many deletions and overwrites are in the set.
	// +required
	// +kubebuilder:validation:Minimum=1
	Planned int64 `json:"planned,omitempty"`
	// digest names the set: put it into the annotation
	// rempart.dev/approved-deletions of the SovereignBucket to let it through.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=80
	Digest string `json:"digest,omitempty"`
}

// BucketReplica is one copy of a dataset at one location, the primary included.
// The operator makes them; one deleted by hand is made again.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=brep,categories=sovereign
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.role`
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.providerName`
// +kubebuilder:printcolumn:name="Location",type=string,JSONPath=`.spec.location`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Objects",type=integer,JSONPath=`.status.objects`
// +kubebuilder:printcolumn:name="Unreplicated",type=date,JSONPath=`.status.unreplicatedSince`
// +kubebuilder:printcolumn:name="Verified",type=date,JSONPath=`.status.lastVerifiedTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type BucketReplica struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec says which copy of which dataset this is.
	// +required
	Spec BucketReplicaSpec `json:"spec,omitzero"`
	// status says how the copy fares.
	// +optional
	Status BucketReplicaStatus `json:"status,omitzero"`
}

// BucketReplicaList is a list of BucketReplicas.
//
// +kubebuilder:object:root=true
type BucketReplicaList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BucketReplica `json:"items"`
}

// GetConditions gives the conditions, for code that serves every kind.
func (r *BucketReplica) GetConditions() *[]metav1.Condition { return &r.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (r *BucketReplica) SetObservedGeneration(g int64) { r.Status.ObservedGeneration = g }
