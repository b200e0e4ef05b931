package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "rempart.dev", Version: "v1alpha1"}

// AddToScheme registers the kinds of this package.
var AddToScheme = schemeBuilder.AddToScheme

var schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&SovereignProvider{}, &SovereignProviderList{},
		&SovereigntyPolicy{}, &SovereigntyPolicyList{},
		&SovereignBucket{}, &SovereignBucketList{},
		&BucketReplica{}, &BucketReplicaList{},
		&SovereignBucketAccess{}, &SovereignBucketAccessList{},
		&ReversibilityDrill{}, &ReversibilityDrillList{},
		&SovereigntyException{}, &SovereigntyExceptionList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
