// Package v1alpha1 is the vocabulary of Rempart: the kinds of rempart.dev, their
// conditions and the reasons that conditions and events give.
//
// Rules that one object can decide are CEL rules here, so that a mistake is
// refused where it is typed; everything else is a condition. A field is in a type
// only when something reads it.
//
// Start reading at SovereignBucket; conditions.go draws the tree of conditions.
//
// +kubebuilder:object:generate=true
// +groupName=rempart.dev
package v1alpha1
