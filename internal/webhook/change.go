package webhook

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// changes says what a changed fact or rule does to copies. It refuses nothing.
type changes struct {
	reader client.Reader
	clock  gather.Clock
}

// providers warns of what changed facts do.
type providers struct{ changes }

// ValidateCreate lets every provider in: nothing is placed there yet.
func (p providers) ValidateCreate(context.Context, *v1alpha1.SovereignProvider) (admission.Warnings, error) {
	return nil, nil
}

// ValidateUpdate warns of the buckets with a copy at the provider that the change
// makes illegal.
func (p providers) ValidateUpdate(ctx context.Context, before, provider *v1alpha1.SovereignProvider) (admission.Warnings, error) {
	if !provider.DeletionTimestamp.IsZero() || equality.Semantic.DeepEqual(before.Spec, provider.Spec) {
		return nil, nil
	}
	var replicas v1alpha1.BucketReplicaList
	if err := p.reader.List(ctx, &replicas, client.MatchingFields{gather.ReplicaProviderField: provider.Name}); err != nil {
		return admission.Warnings{unsearched(err)}, nil
	}
	var touched []types.NamespacedName
	for _, replica := range replicas.Items {
		touched = append(touched, types.NamespacedName{Namespace: replica.Namespace, Name: replica.Spec.BucketRef.Name})
	}
	return p.warn(ctx, touched, p.with(before), p.with(provider)), nil
}

// ValidateDelete lets everything go.
func (p providers) ValidateDelete(context.Context, *v1alpha1.SovereignProvider) (admission.Warnings, error) {
	return nil, nil
}

// policies warns of what changed rules do.
type policies struct{ changes }

// ValidateCreate warns of the buckets that a new policy binds and whose copies it
// makes illegal: as a baseline, or because they named it before it was there.
func (p policies) ValidateCreate(ctx context.Context, policy *v1alpha1.SovereigntyPolicy) (admission.Warnings, error) {
	return p.touching(ctx, nil, policy), nil
}

// ValidateUpdate warns of the buckets whose copies the change makes illegal.
func (p policies) ValidateUpdate(ctx context.Context, before, policy *v1alpha1.SovereigntyPolicy) (admission.Warnings, error) {
	if !policy.DeletionTimestamp.IsZero() || equality.Semantic.DeepEqual(before.Spec, policy.Spec) {
		return nil, nil
	}
	return p.touching(ctx, before, policy), nil
}

// ValidateDelete lets everything go.
func (p policies) ValidateDelete(context.Context, *v1alpha1.SovereigntyPolicy) (admission.Warnings, error) {
	return nil, nil
}

// touching warns of what a change does to the buckets that it may touch. Whom a
// baseline binds depends on the labels of namespaces. A nil object before is none.
func (p policies) touching(ctx context.Context, before client.Object, policy *v1alpha1.SovereigntyPolicy) admission.Warnings {
	var options []client.ListOption
	if policy.Spec.AppliesTo == nil {
		options = append(options, client.MatchingFields{gather.BucketPolicyField: policy.Name})
	}
	var buckets v1alpha1.SovereignBucketList
	if err := p.reader.List(ctx, &buckets, options...); err != nil {
		return admission.Warnings{unsearched(err)}
	}
	var touched []types.NamespacedName
	for i := range buckets.Items {
		touched = append(touched, client.ObjectKeyFromObject(&buckets.Items[i]))
	}
	return p.warn(ctx, touched, p.with(before), p.with(policy))
}

func unsearched(err error) string {
	return "it was not looked for copies that fall out: " + err.Error()
}

// with reads the cluster with one provider or policy as given; nil is none.
func (c changes) with(object client.Object) client.Reader {
	return overlay{Reader: c.reader, object: object}
}

// without reads the cluster as it is when an exception is gone.
func (c changes) without(exception *v1alpha1.SovereigntyException) client.Reader {
	return overlay{Reader: c.reader, object: exception}
}

// warn says of each bucket what a change does to its copies, as many as can be looked
// at in time. The change is told by how the cluster reads before and after it.
func (c changes) warn(ctx context.Context, touched []types.NamespacedName, before, after client.Reader) admission.Warnings {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	slices.SortFunc(touched, func(a, b types.NamespacedName) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	touched = slices.Compact(touched)
	was, becomes := gather.Gatherer{Reader: before, Clock: c.clock}, gather.Gatherer{Reader: after, Clock: c.clock}
	var warnings admission.Warnings
	for i, key := range touched {
		if i == maximumLooks || ctx.Err() != nil {
			return append(bounded(warnings), fmt.Sprintf("%d more SovereignBuckets were not looked at; "+
				"kubectl rempart explain --against cluster looks at all", len(touched)-i))
		}
		if warning := c.effect(ctx, key, was, becomes); warning != "" {
			warnings = append(warnings, warning)
		}
	}
	return bounded(warnings)
}

// effect says what a change does to the copies of one bucket; empty is nothing.
func (c changes) effect(ctx context.Context, key types.NamespacedName, was, becomes gather.Gatherer) string {
	var bucket v1alpha1.SovereignBucket
	if err := c.reader.Get(ctx, key, &bucket); err != nil || !bucket.DeletionTimestamp.IsZero() {
		return ""
	}
	return fate(ctx, was, becomes, &bucket, &bucket)
}

// fate says what becomes of the copies of a bucket where it, or the world, is another
// one afterwards; empty is nothing.
func fate(ctx context.Context, was, becomes gather.Gatherer, before, after *v1alpha1.SovereignBucket) string {
	facts, err := becomes.Bucket(ctx, after)
	if err != nil || len(facts.Placed()) == 0 {
		return ""
	}
	next := placement.Decide(facts.Request())
	var last placement.Decision
	if facts, err := was.Bucket(ctx, before); err == nil {
		last = placement.Decide(facts.Request())
	}
	return describe(client.ObjectKeyFromObject(after), last, next)
}

// describe says what becomes of the copies of a bucket.
func describe(bucket types.NamespacedName, before, after placement.Decision) string {
	var fates []string
	for _, c := range placement.FallsOut(before, after) {
		fate := "its copy at %s falls out and is replaced (%s)"
		if c.Role == v1alpha1.RolePrimary {
			fate = "its primary at %s may not stay and does not move by itself (%s)"
		}
		fates = append(fates, fmt.Sprintf(fate, c.PlaceReference, c.Objections[0]))
	}
	if !after.Satisfied && before.Satisfied && after.Reason != v1alpha1.ReasonPrimaryRelocationRequired {
		fates = append(fates, "there is no place for every copy: "+after.Message.String())
	}
	if len(fates) == 0 {
		return ""
	}
	return fmt.Sprintf("SovereignBucket %s: %s", bucket, strings.Join(fates, "; "))
}

// overlay lists the cluster as it is with one provider or policy in the state that is
// asked about, or without an exception, whose state never changes. A nil object
// changes nothing.
type overlay struct {
	client.Reader
	object client.Object
}

// List implements client.Reader.
func (o overlay) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := o.Reader.List(ctx, into, options...); err != nil {
		return err
	}
	switch object := o.object.(type) {
	case *v1alpha1.SovereignProvider:
		if list, is := into.(*v1alpha1.SovereignProviderList); is {
			list.Items = replaced(list.Items, *object, func(p v1alpha1.SovereignProvider) string { return p.Name })
		}
	case *v1alpha1.SovereigntyPolicy:
		if list, is := into.(*v1alpha1.SovereigntyPolicyList); is {
			list.Items = replaced(list.Items, *object, func(p v1alpha1.SovereigntyPolicy) string { return p.Name })
		}
	case *v1alpha1.SovereigntyException:
		if list, is := into.(*v1alpha1.SovereigntyExceptionList); is {
			list.Items = slices.DeleteFunc(slices.Clone(list.Items), func(e v1alpha1.SovereigntyException) bool {
				return client.ObjectKeyFromObject(&e) == client.ObjectKeyFromObject(object)
			})
		}
	}
	return nil
}

// replaced gives the items with one in the place of that with the same name, or
// added.
func replaced[T any](items []T, item T, nameOf func(T) string) []T {
	isSame := func(other T) bool { return nameOf(other) == nameOf(item) }
	return append(slices.DeleteFunc(slices.Clone(items), isSame), item)
}
