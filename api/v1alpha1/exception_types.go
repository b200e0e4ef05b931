package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExceptableRule is a rule of a policy that may be excepted. Not among them are taint,
// which is a provider's and no policy's, and concentration, which refuses nothing.
// +kubebuilder:validation:Enum=residency;country;verification;jurisdiction;attestation;seal;copies;operators;distance;onPremise;grid;pue;capability;grant;namespace
type ExceptableRule string

// ExceptionRules say what of a policy may be excepted at all. Empty is nothing.
// +kubebuilder:validation:XValidation:rule="!has(self.rules) || size(self.rules) == 0 || has(self.maximumDuration)",message="exceptions have an end: say in maximumDuration how long one may last"
// +kubebuilder:validation:XValidation:rule="!has(self.maximumDuration) || has(self.rules) && size(self.rules) > 0",message="maximumDuration is about exceptions: list in rules what may be excepted"
type ExceptionRules struct {
	// rules that a SovereigntyException may name. Empty allows no exception.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	Rules []ExceptableRule `json:"rules,omitempty"`
	// maximumDuration is how long an exception may last from when it is made.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('87600h')",message="maximumDuration must be between 1m and 87600h"
	MaximumDuration *metav1.Duration `json:"maximumDuration,omitempty"`
}

// SubjectReference names what an exception is for, in the same namespace.
type SubjectReference struct {
	// kind of the subject.
	// +required
	// +kubebuilder:validation:Enum=SovereignBucket
	Kind string `json:"kind,omitempty"`
	// name of the subject.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// SovereigntyExceptionSpec lets rules of one policy not count for one dataset, until
// an end. It cannot be changed: whoever approved it approved exactly this.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="an exception cannot be changed after it was approved: make another one, and delete this one"
type SovereigntyExceptionSpec struct {
	// policyRef names the SovereigntyPolicy whose rules do not count. The same rules of
	// other policies that bind the subject do.
	// +required
	PolicyRef NameReference `json:"policyRef,omitzero"`
	// subjectRef names the dataset that the rules do not count for.
	// +required
	SubjectRef SubjectReference `json:"subjectRef,omitzero"`
	// rules that do not count, of those that the policy lists in exceptions.rules.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Rules []ExceptableRule `json:"rules,omitempty"`
	// reason says why, for whoever reads it in a year.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.trim() != ''",message="reason must say why"
	Reason string `json:"reason,omitempty"`
	// approvedBy is the user who makes the exception, as the cluster knows them. They
	// need the verb approve on the policy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ApprovedBy string `json:"approvedBy,omitempty"`
	// notAfter is the moment from which the rules count again.
	// +required
	NotAfter *metav1.Time `json:"notAfter,omitempty"`
}

// SovereigntyExceptionStatus says whether an exception counts.
type SovereigntyExceptionStatus struct {
	// conditions are Ready and Active.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// SovereigntyException lets rules of a policy not count for a dataset, for a reason,
// on somebody's word, until an end.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=sovex,categories=sovereign
// +kubebuilder:printcolumn:name="Policy",type=string,JSONPath=`.spec.policyRef.name`
// +kubebuilder:printcolumn:name="Rules",type=string,JSONPath=`.spec.rules`
// +kubebuilder:printcolumn:name="Until",type=string,JSONPath=`.spec.notAfter`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
type SovereigntyException struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// spec says what is excepted.
	// +required
	Spec SovereigntyExceptionSpec `json:"spec,omitzero"`
	// status says whether it counts.
	// +optional
	Status SovereigntyExceptionStatus `json:"status,omitzero"`
}

// SovereigntyExceptionList is a list of SovereigntyExceptions.
//
// +kubebuilder:object:root=true
type SovereigntyExceptionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SovereigntyException `json:"items"`
}

// End is the moment from which the rules count again. Without one they always did.
func (e *SovereigntyException) End() time.Time {
	if e.Spec.NotAfter == nil {
		return time.Time{}
	}
	return e.Spec.NotAfter.Time
}

// GetConditions gives the conditions, for code that serves every kind.
func (e *SovereigntyException) GetConditions() *[]metav1.Condition { return &e.Status.Conditions }

// SetObservedGeneration records which generation the status is about.
func (e *SovereigntyException) SetObservedGeneration(g int64) { e.Status.ObservedGeneration = g }
