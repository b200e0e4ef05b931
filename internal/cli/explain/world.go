package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

// world is what decisions are made from: the objects of files, of a cluster, or
// of both. Gathering and deciding in it is what the operator does.
type world struct {
	memory *memory
	// assumed are the providers about which only the files tell, so that what
	// trying would show is assumed.
	assumed map[string]bool
	// now is as of when is decided.
	now time.Time
	// replaced are the objects of the cluster that those of the files take the place of.
	replaced []client.Object
	// noPolicy says of a policy that it is missing, and where it is to come from.
	noPolicy message.Format
}

// newWorld makes a world of objects. It changes them: what the API server and the
// operator would have filled in is filled in.
func newWorld(ctx context.Context, objects []client.Object) (*world, error) {
	w := &world{memory: newMemory(objects), assumed: map[string]bool{}, noPolicy: "SovereigntyPolicy %s does not exist"}
	if err := gather.Index(ctx, w.memory); err != nil {
		return nil, err
	}
	w.fillInNamespaces()
	for _, provider := range all[*v1alpha1.SovereignProvider](w.memory) {
		location.Presume(provider)
	}
	return w, nil
}

// fromFiles makes a world of files alone.
func fromFiles(ctx context.Context, files []client.Object) (*world, error) {
	assumed := untold(files)
	w, err := newWorld(ctx, files)
	if err != nil {
		return nil, err
	}
	w.fillInCopies()
	w.assumed, w.noPolicy = assumed, "SovereigntyPolicy %s does not exist: it is in none of the files"
	return w, nil
}

// fromFilesAgainst makes the world that there would be once the files were
// applied to a cluster.
func fromFilesAgainst(ctx context.Context, cluster, files []client.Object) (*world, error) {
	before, merged, assumed := newMemory(cluster), slices.Clone(files), untold(files)
	after := newMemory(files)
	for _, object := range cluster {
		if after.find(typeOf(object), client.ObjectKeyFromObject(object)) == nil {
			merged = append(merged, object)
		}
	}
	var replaced []client.Object
	for _, object := range files {
		if old := before.find(typeOf(object), client.ObjectKeyFromObject(object)); old != nil {
			inherit(object, old)
			replaced = append(replaced, old)
		}
	}
	w, err := newWorld(ctx, merged)
	if err != nil {
		return nil, err
	}
	w.replaced = replaced
	w.assumed, w.noPolicy = assumed, "SovereigntyPolicy %s does not exist: it is neither in the files nor in the cluster"
	return w, nil
}

// untold are the providers of which the files tell no status.
func untold(files []client.Object) map[string]bool {
	assumed := map[string]bool{}
	for _, object := range files {
		if provider, isProvider := object.(*v1alpha1.SovereignProvider); isProvider {
			assumed[provider.Name] = !hasStatus(provider)
		}
	}
	return assumed
}

// inherit gives an object of a file what applying it would leave as it is.
func inherit(object, replaced client.Object) {
	object.SetUID(replaced.GetUID())
	object.SetCreationTimestamp(replaced.GetCreationTimestamp())
	object.SetDeletionTimestamp(replaced.GetDeletionTimestamp())
	switch object := object.(type) {
	case *v1alpha1.SovereignProvider:
		if !hasStatus(object) {
			object.Status = replaced.(*v1alpha1.SovereignProvider).Status
		}
	case *v1alpha1.SovereigntyPolicy:
		if object.Status.Concentration == nil { // what is stored under it ranks places
			object.Status = replaced.(*v1alpha1.SovereigntyPolicy).Status
		}
	case *corev1.Namespace:
		labels := map[string]string{}
		maps.Copy(labels, replaced.GetLabels())
		maps.Copy(labels, object.Labels)
		object.Labels = labels
	}
}

func hasStatus(provider *v1alpha1.SovereignProvider) bool {
	return !equality.Semantic.DeepEqual(provider.Status, v1alpha1.SovereignProviderStatus{})
}

// fillInNamespaces adds the namespaces that nothing is known of, without labels
// but the one that the API server gives to all.
func (w *world) fillInNamespaces() {
	for _, bucket := range all[*v1alpha1.SovereignBucket](w.memory) {
		key := client.ObjectKey{Name: bucket.Namespace}
		if w.memory.find(typeOf(&corev1.Namespace{}), key) == nil {
			w.memory.objects = append(w.memory.objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Name}})
		}
	}
	for _, namespace := range all[*corev1.Namespace](w.memory) {
		if namespace.Labels == nil {
			namespace.Labels = map[string]string{}
		}
		namespace.Labels[corev1.LabelMetadataName] = namespace.Name
	}
}

// fillInCopies makes the copies of a bucket known whose manifest has lost its
// identity, or whose status alone tells of them.
func (w *world) fillInCopies() {
	replicas := all[*v1alpha1.BucketReplica](w.memory)
	for _, bucket := range all[*v1alpha1.SovereignBucket](w.memory) {
		index := slices.IndexFunc(replicas, func(r *v1alpha1.BucketReplica) bool {
			return r.Namespace == bucket.Namespace && r.Spec.BucketRef.Name == bucket.Name && metav1.GetControllerOf(r) != nil
		})
		if bucket.UID == "" && index >= 0 {
			bucket.UID = metav1.GetControllerOf(replicas[index]).UID
		}
		if index < 0 {
			w.fillInFromStatus(bucket)
		}
	}
}

func (w *world) fillInFromStatus(bucket *v1alpha1.SovereignBucket) {
	if bucket.UID == "" {
		bucket.UID = types.UID(bucket.Namespace + "/" + bucket.Name)
	}
	owner := metav1.NewControllerRef(bucket, v1alpha1.GroupVersion.WithKind("SovereignBucket"))
	for _, copied := range bucket.Status.Copies {
		w.memory.objects = append(w.memory.objects, &v1alpha1.BucketReplica{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: bucket.Namespace, Name: copied.ReplicaName, OwnerReferences: []metav1.OwnerReference{*owner},
			},
			Spec: v1alpha1.BucketReplicaSpec{
				BucketRef: v1alpha1.NameReference{Name: bucket.Name}, PlaceReference: copied.PlaceReference, Role: copied.Role,
			},
		})
	}
}

// boundBy are the buckets that a policy binds.
func (w *world) boundBy(name string) []*v1alpha1.SovereignBucket {
	policy, exists := w.memory.find(typeOf(&v1alpha1.SovereigntyPolicy{}), client.ObjectKey{Name: name}).(*v1alpha1.SovereigntyPolicy)
	return slices.DeleteFunc(all[*v1alpha1.SovereignBucket](w.memory), func(b *v1alpha1.SovereignBucket) bool {
		if b.Spec.PolicyRef.Name == name || !exists {
			return b.Spec.PolicyRef.Name != name
		}
		namespace := w.memory.find(typeOf(&corev1.Namespace{}), client.ObjectKey{Name: b.Namespace}) // newWorld fills them in
		return !placement.IsBaselineOf(policy.Spec, placement.Namespace{Name: b.Namespace, Labels: namespace.GetLabels()})
	})
}

// instant is a clock that stands still.
type instant time.Time

// Now gives the instant.
func (i instant) Now() time.Time { return time.Time(i) }

// decided is a decision with the facts that it was made from.
type decided struct {
	facts    gather.Facts
	decision placement.Decision
}

// decide decides about a bucket as the operator does. Under a policy that does
// not exist, nothing is eligible.
func (w *world) decide(ctx context.Context, bucket *v1alpha1.SovereignBucket) (decided, error) {
	facts, err := gather.Gatherer{Reader: w.memory, Clock: instant(w.now)}.Bucket(ctx, bucket)
	isMissing := fault.HasReason(err, fault.PolicyNotFound)
	if err != nil && !isMissing {
		return decided{}, fmt.Errorf("gather what is known of %s/%s: %w", bucket.Namespace, bucket.Name, err)
	}
	request := facts.Request()
	for i, candidate := range request.Candidates {
		if w.assumed[candidate.ProviderName] {
			request.Candidates[i] = assume(candidate, facts.Provider(candidate.ProviderName))
		}
	}
	found := decided{facts: facts, decision: placement.Decide(request)}
	if isMissing {
		name := bucket.Spec.PolicyRef.Name
		found.refuseAll(name, message.Of(w.noPolicy, name))
	}
	return found, nil
}

// assume fills in what only trying can tell. That a provider was seen to be up or
// down is known, and stays.
func assume(candidate placement.Candidate, provider *v1alpha1.SovereignProvider) placement.Candidate {
	if provider.Spec.DiscoversLocations() && provider.Status.DiscoveredAt == nil {
		candidate.Assumed = append(slices.Clone(candidate.Assumed), "location")
	}
	if meta.FindStatusCondition(provider.Status.Conditions, v1alpha1.ConditionReady) == nil {
		return placement.Assume(candidate)
	}
	wasReady := candidate.Ready
	candidate.Ready = true // so that it is not assumed
	candidate = placement.Assume(candidate)
	candidate.Ready = wasReady
	return candidate
}

// rulePolicy names the objection that there is no policy to judge by.
const rulePolicy placement.Rule = "policy"

// refuseAll objects to every candidate for want of a policy: unknown rules are
// satisfied nowhere.
func (d *decided) refuseAll(policy string, said message.Text) {
	d.decision = placement.Decision{
		Reason: v1alpha1.ReasonPolicyNotFound, Message: said,
		Copies: d.facts.Placed(), Candidates: d.decision.Candidates,
	}
	for i := range d.decision.Candidates {
		candidate := &d.decision.Candidates[i]
		candidate.Score = 0
		candidate.Objections = append(candidate.Objections, placement.Objection{
			Policy: policy, Rule: rulePolicy, Reason: v1alpha1.ReasonPolicyNotFound, Message: said,
		})
	}
}
