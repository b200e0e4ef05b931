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
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/exception"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/placement"
)

// Field indexes that every manager sets up, see Index.
const (
	// ReplicaBucketField indexes BucketReplicas by the bucket they are a copy of.
	ReplicaBucketField = "spec.bucketRef.name"
	// ReplicaProviderField indexes BucketReplicas by their provider.
	ReplicaProviderField = "spec.providerName"
	// ReplicaNameField indexes BucketReplicas by the name of their bucket at the provider.
	ReplicaNameField = "spec.bucketName"
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
	// ExceptionSubjectField indexes SovereigntyExceptions by the bucket they are for.
	ExceptionSubjectField = "spec.subjectRef.name"
	// ExceptionPolicyField indexes SovereigntyExceptions by the policy they are to.
	ExceptionPolicyField = "spec.policyRef.name"
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
		{&v1alpha1.BucketReplica{}, ReplicaNameField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.BucketReplica).Spec.BucketName}
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
		{&v1alpha1.SovereigntyException{}, ExceptionSubjectField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.SovereigntyException).Spec.SubjectRef.Name}
		}},
		{&v1alpha1.SovereigntyException{}, ExceptionPolicyField, func(o client.Object) []string {
			return []string{o.(*v1alpha1.SovereigntyException).Spec.PolicyRef.Name}
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
type Gatherer struct {
	Reader client.Reader
	// Clock tells as of when facts are judged that have an end. Without one, none of
	// them holds.
	Clock Clock
}

// Clock tells the time.
type Clock interface{ Now() time.Time }

// Facts are what is known of a bucket and of the world that it is placed in.
type Facts struct {
	Bucket    *v1alpha1.SovereignBucket
	Namespace placement.Namespace
	// IsNamespaceEnding tells that the namespace is being deleted, and everything in
	// it.
	IsNamespaceEnding bool
	// Policies bind the bucket: the one that it names first, then the baselines by
	// name. None is known when the one it names is missing.
	Policies []placement.Policy
	// Advice are baselines that deny nothing: their objections are shown, and they say
	// nothing about how copies are kept.
	Advice []placement.Policy
	// Exceptions are those made for the bucket that the policies allow.
	Exceptions []placement.Exception
	// Providers are all of them, by name.
	Providers []v1alpha1.SovereignProvider
	// Now is when the facts were gathered.
	Now time.Time
	// Replicas are the copies that the operator made for this bucket, those being
	// deleted included.
	Replicas []v1alpha1.BucketReplica

	// candidates gives the places of the providers, which it puts together once: each
	// look asks for them several times. Nobody changes them.
	candidates func() []placement.Candidate
}

// Bucket gathers the facts about a bucket. A missing policy is Waiting, and comes
// with all other facts.
func (g Gatherer) Bucket(ctx context.Context, bucket *v1alpha1.SovereignBucket) (Facts, error) {
	facts := Facts{Bucket: bucket}
	if g.Clock != nil {
		facts.Now = g.Clock.Now()
	}
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
	slices.SortFunc(providers.Items, func(a, b v1alpha1.SovereignProvider) int { return cmp.Compare(a.Name, b.Name) })
	facts.Providers = providers.Items
	facts.candidates = sync.OnceValue(func() []placement.Candidate { return candidatesOf(providers.Items) })
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
	policies, err := g.policies(ctx, bucket.Spec.PolicyRef.Name, facts.Namespace)
	if err != nil {
		return facts, err
	}
	for _, policy := range policies {
		if policy.IsAdvice() {
			facts.Advice = append(facts.Advice, policy)
			continue
		}
		facts.Policies = append(facts.Policies, policy)
	}
	exceptions, err := g.exceptions(ctx, bucket)
	facts.Exceptions = exception.Counting(exceptions, policies, facts.Now)
	return facts, err
}

// exceptions gives those made for a bucket, whether they count or not.
func (g Gatherer) exceptions(ctx context.Context, bucket *v1alpha1.SovereignBucket) ([]v1alpha1.SovereigntyException, error) {
	var made v1alpha1.SovereigntyExceptionList
	if err := g.Reader.List(ctx, &made, client.InNamespace(bucket.Namespace),
		client.MatchingFields{ExceptionSubjectField: bucket.Name}); err != nil {
		return nil, fmt.Errorf("list the exceptions: %w", err)
	}
	return made.Items, nil
}

// policies gives those that bind buckets of a namespace which name one of them: that
// one first.
func (g Gatherer) policies(ctx context.Context, named string, namespace placement.Namespace) ([]placement.Policy, error) {
	var all v1alpha1.SovereigntyPolicyList
	if err := g.Reader.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("list the policies: %w", err)
	}
	var binding []placement.Policy
	for i := range all.Items {
		policy := placement.FromPolicy(&all.Items[i])
		policy.IsBaseline = policy.Name != named
		if !policy.IsBaseline || placement.IsBaselineOf(policy.Spec, namespace) {
			binding = append(binding, policy)
		}
	}
	slices.SortFunc(binding, func(a, b placement.Policy) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(a.Name, b.Name))
	})
	if len(binding) == 0 || binding[0].IsBaseline {
		return nil, fault.New(fault.Waiting, fault.PolicyNotFound,
			"SovereigntyPolicy %s does not exist: create it, or name another one in spec.policyRef", named)
	}
	return binding, nil
}

func rankOf(policy placement.Policy) int {
	if policy.IsBaseline {
		return 1
	}
	return 0
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
	return placement.Request{
		Namespace: f.Namespace, Name: f.Bucket.Name, Narrowing: f.Bucket.Spec.Placement, Existing: f.Bucket.Spec.ExistingBucket,
		Policies: slices.Concat(f.Policies, f.Advice), Exceptions: f.Exceptions, Placed: f.Placed(), Now: f.Now,
		Candidates: slices.Clone(f.places()),
	}
}

// places are those of the providers, also where nobody gathered the facts.
func (f Facts) places() []placement.Candidate {
	if f.candidates != nil {
		return f.candidates()
	}
	return candidatesOf(f.Providers)
}

func candidatesOf(providers []v1alpha1.SovereignProvider) []placement.Candidate {
	var candidates []placement.Candidate
	for i := range providers {
		candidates = append(candidates, placement.FromProvider(&providers[i])...)
	}
	return candidates
}

// Binding gives what judging a place needs where data is only read.
func (f Facts) Binding() placement.Request {
	return placement.Request{Policies: f.Policies, Exceptions: f.Exceptions, Now: f.Now}
}

// UntilExpiry is how long it is until a decision about the bucket may change although
// nothing happens; 0 is never.
func (f Facts) UntilExpiry() time.Duration {
	next, isAny := placement.NextExpiry(f.Request())
	if !isAny {
		return 0
	}
	return next.Sub(f.Now)
}

// Placed are the copies that exist and are not being deleted: the primary first, then
// by age, which is who stays of two that are too close to each other.
func (f Facts) Placed() []placement.Copy {
	var copies []placement.Copy
	byAge := slices.SortedFunc(slices.Values(f.Replicas), func(a, b v1alpha1.BucketReplica) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, replica := range byAge {
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
	places := f.places()
	index := slices.IndexFunc(places, func(c placement.Candidate) bool { return c.PlaceReference == place })
	if index < 0 {
		return placement.Candidate{}, false
	}
	return places[index], true
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
