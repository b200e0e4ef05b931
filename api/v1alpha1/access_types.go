package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SovereignBucketAccessSpec says who may do what with a dataset, and how long a
// key lives.
// +kubebuilder:validation:XValidation:rule="has(self.accessSecretName) == has(oldSelf.accessSecretName) && (!has(self.accessSecretName) || self.accessSecretName == oldSelf.accessSecretName)",message="accessSecretName cannot change: applications mount that Secret; make another SovereignBucketAccess"
type SovereignBucketAccessSpec struct {
	// bucketRef names the SovereignBucket, in the same namespace. It never changes.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="bucketRef cannot change: make another SovereignBucketAccess"
	BucketRef NameReference `json:"bucketRef,omitzero"`
	// accessMode says what the key may do: ReadWrite, ReadOnly, or WriteOnly, which
	// stores objects and can neither read, list nor delete any. When it changes, a
	// new key is issued and the old one is revoked after the overlap.
	// +required
	AccessMode AccessMode `json:"accessMode,omitempty"`
	// accessSecretName names the Secret that the key is published in. Default is
	// the name of this object. It never changes.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	AccessSecretName string `json:"accessSecretName,omitempty"`
	// rotation says when the key is replaced by itself. The annotation
	// rempart.dev/rotate-requested asks for it at any time.
	// +optional
	Rotation KeyRotation `json:"rotation,omitzero"`
}

// AccessMode is what a consumer may do with the objects of a dataset.
// +kubebuilder:validation:Enum=ReadWrite;ReadOnly;WriteOnly
type AccessMode string

// Access modes.
const (
	AccessReadWrite AccessMode = "ReadWrite"
	AccessReadOnly  AccessMode = "ReadOnly"
	AccessWriteOnly AccessMode = "WriteOnly"
)

// KeyRotation says when a key is replaced.
// +kubebuilder:validation:XValidation:rule="!has(self.interval) || duration(has(self.overlap) ? self.overlap : '24h') < duration(self.interval)",message="overlap must be shorter than interval; it is 24h unless it is set"
type KeyRotation struct {
	// interval is the age at which a key is replaced. Absent replaces keys only when
	// somebody asks for it.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1h') && duration(self) <= duration('87600h')",message="interval must be between 1h and 87600h"
	Interval *metav1.Duration `json:"interval,omitempty"`
	// overlap is how long the old key goes on working once the new one is
	// published, so that consumers have time to take it up. Default 24h. 0s revokes
	// the old key at once, for one that was stolen.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="overlap must be between 0s and 8760h"
	Overlap *metav1.Duration `json:"overlap,omitempty"`
}

// SovereignBucketAccessStatus says which keys there are.
type SovereignBucketAccessStatus struct {
	// conditions are Ready and CredentialsValid.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// activeKeys are the keys that work, the published one first. An account's own
	// key is not among them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	ActiveKeys []KeyStatus `json:"activeKeys,omitempty"`
	// lastRotationTime is when the published key was issued.
	// +optional
	LastRotationTime *metav1.Time `json:"lastRotationTime,omitempty"`
	// grant says how far the key reaches: Scoped to this bucket, or AccountWide.
	// +optional
	Grant GrantLevel `json:"grant,omitempty"`
}

// KeyStatus is a key that works.
type KeyStatus struct {
	// keyID is the access key, without its secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`
	// state of the key.
	// +required
	State KeyState `json:"state,omitempty"`
}

// KeyState says what becomes of a key: the Active one is published, a Retiring
// one is revoked when the overlap ends.
// +kubebuilder:validation:Enum=Active;Retiring
type KeyState string

// States of a key.
const (
	KeyActive   KeyState = "Active"
	KeyRetiring KeyState = "Retiring"
)

// SovereignBucketAccess gives one consumer a key of its own to a dataset,
// publishes it in a Secret and replaces it as often as is asked for. The operator
// makes one for each SovereignBucket, of the same name.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=sbka,categories=sovereign
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.accessMode`
// +kubebuilder:printcolumn:name="Grant",type=string,JSONPath=`.status.grant`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Bucket",type=string,priority=1,JSONPath=`.spec.bucketRef.name`
// +kubebuilder:printcolumn:name="Rotated",type=date,priority=1,JSONPath=`.status.lastRotationTime`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
type SovereignBucketAccess struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec says who may do what.
	// +required
	Spec SovereignBucketAccessSpec `json:"spec,omitzero"`
	// status says which keys there are.
	// +optional
	Status SovereignBucketAccessStatus `json:"status,omitzero"`
}

// SovereignBucketAccessList is a list of SovereignBucketAccesses.
//
// +kubebuilder:object:root=true
type SovereignBucketAccessList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SovereignBucketAccess `json:"items"`
}

// GetConditions gives the conditions, for code that serves every kind.
func (a *SovereignBucketAccess) GetConditions() *[]metav1.Condition { return &a.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (a *SovereignBucketAccess) SetObservedGeneration(g int64) { a.Status.ObservedGeneration = g }

// SecretName is the name of the Secret that the key is published in.
func (a *SovereignBucketAccess) SecretName() string {
	if a.Spec.AccessSecretName != "" {
		return a.Spec.AccessSecretName
	}
	return a.Name
}

// IsDefault tells whether it is the access of the bucket itself, which the
// operator makes again when it is missing.
func (a *SovereignBucketAccess) IsDefault() bool { return a.Name == a.Spec.BucketRef.Name }
