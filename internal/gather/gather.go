// Package gather reads from the cluster what placement judges: policies,
// providers, the namespace and the copies that exist. It decides nothing.
//
// Start reading at Gatherer.Bucket.
package gather

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
)

// Field indexes that every manager sets up, see Index.
const (
	// ReplicaBucketField indexes BucketReplicas by the bucket they are a copy of.
	ReplicaBucketField = "spec.bucketRef.name"
	// ReplicaProviderField indexes BucketReplicas by their provider.
	ReplicaProviderField = "spec.providerName"
	// BucketPolicyField indexes SovereignBuckets by their policy.
	BucketPolicyField = "spec.policyRef.name"
	// AccessBucketField indexes SovereignBucketAccesses by the bucket they are to.
	AccessBucketField = "spec.bucketRef.name"
	// AccessSecretField indexes SovereignBucketAccesses by the Secret that they
	// publish.
	AccessSecretField = "spec.accessSecretName"
	// DrillBucketField indexes ReversibilityDrills by the bucket they restore.
	DrillBucketField = "spec.bucketRef.name"
	// DrillSandboxField indexes ReversibilityDrills by the provider that holds their
	// sandbox, as long as it may hold it.
	DrillSandboxField = "status.effective.to.providerName"
	// NodeProviderIDField indexes Nodes by their provider id.
	NodeProviderIDField = "spec.providerID"
)

// Index sets up the field indexes.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		object  client.Object
		field   string
		extract client.IndexerFunc
	}{
		{&v1alpha1.BucketReplica{}, ReplicaBucketField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.BucketReplica).Spec.BucketRef.Name}
		}},
		{&v1alpha1.BucketReplica{}, ReplicaProviderField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.BucketReplica).Spec.ProviderName}
		}},
		{&v1alpha1.SovereignBucket{}, BucketPolicyField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.SovereignBucket).Spec.PolicyRef.Name}
		}},
		{&v1alpha1.SovereignBucketAccess{}, AccessBucketField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.SovereignBucketAccess).Spec.BucketRef.Name}
		}},
		{&v1alpha1.SovereignBucketAccess{}, AccessSecretField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.SovereignBucketAccess).SecretName()}
		}},
		{&v1alpha1.ReversibilityDrill{}, DrillBucketField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.ReversibilityDrill).Spec.BucketRef.Name}
		}},
		{&v1alpha1.ReversibilityDrill{}, DrillSandboxField, func(o client.Object) []string {
			status := o.(*v1alpha1.ReversibilityDrill).Status
			if status.Effective == nil || status.Progression == v1alpha1.ProgressionDone {
				return nil
			}
			return []string{status.Effective.To.ProviderName}
		}},
		{&corev1.Node{}, NodeProviderIDField, func(o client.Object) []string {
			return []string{o.(*corev1.Node).Spec.ProviderID}
		}},
	} {
		if err := indexer.IndexField(ctx, index.object, index.field, index.extract); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.object, index.field, err)
		}
	}
	return nil
}

// Gatherer reads from the cluster.
type Gatherer struct{ Reader client.Reader }

// Facts are what is known of a bucket and of the world that it is placed in.
type Facts struct {
	Bucket    *v1alpha1.SovereignBucket
	Namespace placement.Namespace
	// IsNamespaceEnding tells that the namespace is being deleted, and everything in
	// it.
	IsNamespaceEnding bool
	// Policies bind the bucket. None is known when the one it names is missing.
	Policies  []placement.Policy
	Providers []v1alpha1.SovereignProvider
	// Replicas are the copies that the operator made for this bucket, those being
	// deleted included.
	Replicas []v1alpha1.BucketReplica
}

// Bucket gathers the facts about a bucket. A missing policy is Waiting, and comes
// with all other facts.
func (g Gatherer) Bucket(ctx context.Context, bucket *v1alpha1.SovereignBucket) (Facts, error) {
	facts := Facts{Bucket: bucket}
	var namespace corev1.Namespace
	if err := g.Reader.Get(ctx, types.NamespacedName{Name: bucket.Namespace}, &namespace); err != nil {
		return facts, fmt.Errorf("read the namespace: %w", err)
	}
	facts.Namespace = placement.Namespace{Name: namespace.Name, Labels: namespace.Labels}
	facts.IsNamespaceEnding = !namespace.DeletionTimestamp.IsZero()
	var providers v1alpha1.SovereignProviderList
	if err := g.Reader.List(ctx, &providers); err != nil {
		return facts, fmt.Errorf("list the providers: %w", err)
	}
	facts.Providers = providers.Items
	var replicas v1alpha1.BucketReplicaList
	if err := g.Reader.List(ctx, &replicas, client.InNamespace(bucket.Namespace),
		client.MatchingFields{ReplicaBucketField: bucket.Name}); err != nil {
		return facts, fmt.Errorf("list the copies: %w", err)
	}
	for _, replica := range replicas.Items {
		if metav1.IsControlledBy(&replica, bucket) {
			facts.Replicas = append(facts.Replicas, replica)
		}
	}
	policy, err := g.policy(ctx, bucket.Spec.PolicyRef.Name)
	if err != nil {
		return facts, err
	}
	facts.Policies = []placement.Policy{policy}
	return facts, nil
}

func (g Gatherer) policy(ctx context.Context, name string) (placement.Policy, error) {
	var policy v1alpha1.SovereigntyPolicy
	err := g.Reader.Get(ctx, types.NamespacedName{Name: name}, &policy)
	if apierrors.IsNotFound(err) {
		return placement.Policy{}, fault.New(fault.Waiting, fault.PolicyNotFound,
			"SovereigntyPolicy %s does not exist: create it, or name another one in spec.policyRef", name)
	}
	if err != nil {
		return placement.Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	return placement.Policy{Name: policy.Name, Spec: policy.Spec}, nil
}

// AccessesWithKeys gives the accesses to a bucket that have not said that their
// keys were revoked with it, by name.
func (g Gatherer) AccessesWithKeys(ctx context.Context, bucket client.ObjectKey) ([]v1alpha1.SovereignBucketAccess, error) {
	var accesses v1alpha1.SovereignBucketAccessList
	if err := g.Reader.List(ctx, &accesses, client.InNamespace(bucket.Namespace),
		client.MatchingFields{AccessBucketField: bucket.Name}); err != nil {
		return nil, fmt.Errorf("list the accesses: %w", err)
	}
	left := slices.DeleteFunc(accesses.Items, func(a v1alpha1.SovereignBucketAccess) bool {
		valid := meta.FindStatusCondition(a.Status.Conditions, v1alpha1.ConditionCredentialsValid)
		return valid != nil && valid.Status == metav1.ConditionFalse && valid.Reason == v1alpha1.ReasonKeysRevoked
	})
	slices.SortFunc(left, func(a, b v1alpha1.SovereignBucketAccess) int { return cmp.Compare(a.Name, b.Name) })
	return left, nil
}

// Request gives the request for a decision about the bucket.
func (f Facts) Request() placement.Request {
	request := placement.Request{
		Namespace: f.Namespace, Name: f.Bucket.Name, Narrowing: f.Bucket.Spec.Placement, Existing: f.Bucket.Spec.ExistingBucket,
		Policies: f.Policies, Placed: f.Placed(),
	}
	for i := range f.Providers {
		request.Candidates = append(request.Candidates, placement.FromProvider(&f.Providers[i])...)
	}
	return request
}

// Placed are the copies that exist and are not being deleted, the primary first.
func (f Facts) Placed() []placement.Copy {
	var copies []placement.Copy
	for _, replica := range f.Replicas {
		copied := placement.Copy{PlaceReference: replica.Spec.PlaceReference, Role: replica.Spec.Role}
		if replica.DeletionTimestamp.IsZero() && !slices.Contains(copies, copied) {
			copies = append(copies, copied)
		}
	}
	slices.SortStableFunc(copies, func(a, b placement.Copy) int {
		return rank(a.Role) - rank(b.Role)
	})
	return copies
}

func rank(role v1alpha1.CopyRole) int {
	if role == v1alpha1.RolePrimary {
		return 0
	}
	return 1
}

// Provider gives a provider by its name, or nil.
func (f Facts) Provider(name string) *v1alpha1.SovereignProvider {
	index := slices.IndexFunc(f.Providers, func(p v1alpha1.SovereignProvider) bool { return p.Name == name })
	if index < 0 {
		return nil
	}
	return &f.Providers[index]
}

// Candidate gives the facts about a place, or false when no provider declares it.
func (f Facts) Candidate(place v1alpha1.PlaceReference) (placement.Candidate, bool) {
	if p := f.Provider(place.ProviderName); p != nil {
		for _, candidate := range placement.FromProvider(p) {
			if candidate.PlaceReference == place {
				return candidate, true
			}
		}
	}
	return placement.Candidate{}, false
}

// Primary gives the replica that applications use, or nil while there is none.
func (f Facts) Primary() *v1alpha1.BucketReplica {
	for i := range f.Replicas {
		replica := &f.Replicas[i]
		if replica.Spec.Role == v1alpha1.RolePrimary && replica.DeletionTimestamp.IsZero() {
			return replica
		}
	}
	return nil
}
