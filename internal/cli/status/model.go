package status

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
)

// Bucket is how a bucket fares. Its JSON is described in
// docs/kubectl-rempart.md.
type Bucket struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Title     string `json:"title"`
	Policy    string `json:"policy"`
	// Deleting and Suspended tell what its owner asked for.
	Deleting  bool `json:"deleting,omitempty"`
	Suspended bool `json:"suspended,omitempty"`
	// These are True, False or Unknown.
	Ready      metav1.ConditionStatus `json:"ready"`
	Residency  metav1.ConditionStatus `json:"residency"`
	Replicated metav1.ConditionStatus `json:"replicated"`
	Verified   metav1.ConditionStatus `json:"verified"`
	Protected  metav1.ConditionStatus `json:"protected"`
	// Primary is provider/location.
	Primary    string `json:"primary,omitempty"`
	BucketName string `json:"bucketName,omitempty"`
	Endpoint   string `json:"endpoint,omitempty"`
	// CopiesReady counts ready copies of all, as 2/3.
	CopiesReady string `json:"copiesReady,omitempty"`
	// UnreplicatedSince is when the oldest change was made that some copy lacks.
	UnreplicatedSince *time.Time `json:"unreplicatedSince,omitempty"`
	LastDrill         *Drill     `json:"lastDrill,omitempty"`
	Copies            []Copy     `json:"copies"`
	// Accesses are those that have a key to it; they are looked at for one bucket
	// alone.
	Accesses []Access    `json:"accesses,omitempty"`
	NotTrue  []Condition `json:"notTrue"`
	// Providers are those that are not ready; they are looked at for one bucket
	// alone.
	Providers []Provider `json:"providersNotReady"`
	Hints     []Hint     `json:"hints"`
}

// Drill is a drill that came to an end.
type Drill struct {
	Name    string                `json:"name"`
	Verdict v1alpha1.DrillVerdict `json:"verdict"`
	Time    time.Time             `json:"time"`
}

// Copy is how a copy fares.
type Copy struct {
	// Place is provider/location.
	Place    string                 `json:"place"`
	Role     v1alpha1.CopyRole      `json:"role"`
	Replica  string                 `json:"replica"`
	Deleting bool                   `json:"deleting,omitempty"`
	Ready    metav1.ConditionStatus `json:"ready"`
	// Objects and Bytes are absent as long as they are not known.
	Objects           *int64      `json:"objects,omitempty"`
	Bytes             *int64      `json:"bytes,omitempty"`
	FailedObjects     int64       `json:"failedObjects,omitempty"`
	UnreplicatedSince *time.Time  `json:"unreplicatedSince,omitempty"`
	LastVerified      *time.Time  `json:"lastVerified,omitempty"`
	NotTrue           []Condition `json:"notTrue"`
}

// Access is how a consumer's key fares.
type Access struct {
	Name   string              `json:"name"`
	Mode   v1alpha1.AccessMode `json:"mode"`
	Secret string              `json:"secret"`
	// Grant is absent as long as no key was published.
	Grant v1alpha1.GrantLevel    `json:"grant,omitempty"`
	Ready metav1.ConditionStatus `json:"ready"`
	// Deleting tells that its owner lets go of it.
	Deleting bool `json:"deleting,omitempty"`
	// Issued is when the published key was issued, and RotationInterval the age at
	// which it is replaced; absent where it is not by itself.
	Issued           *time.Time  `json:"issued,omitempty"`
	RotationInterval string      `json:"rotationInterval,omitempty"`
	Retiring         int         `json:"retiringKeys,omitempty"`
	NotTrue          []Condition `json:"notTrue"`
}

// Provider is a provider that is not ready.
type Provider struct {
	Name    string                 `json:"name"`
	Ready   metav1.ConditionStatus `json:"ready"`
	Reason  string                 `json:"reason,omitempty"`
	Message string                 `json:"message,omitempty"`
}

// Condition is a condition that is not True.
type Condition struct {
	Type    string                 `json:"type"`
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message,omitempty"`
}

// world is what was read.
type world struct {
	buckets   []v1alpha1.SovereignBucket
	replicas  []v1alpha1.BucketReplica
	accesses  []v1alpha1.SovereignBucketAccess
	providers []v1alpha1.SovereignProvider
}

// models gives the model of every bucket, by namespace and name.
func (w world) models() []Bucket {
	models := make([]Bucket, 0, len(w.buckets))
	for i := range w.buckets {
		models = append(models, w.model(&w.buckets[i]))
	}
	slices.SortFunc(models, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return models
}

// bucketConditions and the next two are the conditions that count, in the order
// in which they are shown. Reconciling and Stalled say nothing that Ready does not.
func bucketConditions() []string {
	return []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionPlacementSatisfied, v1alpha1.ConditionResidencyCompliant,
		v1alpha1.ConditionReplicated, v1alpha1.ConditionVerified, v1alpha1.ConditionDrillCurrent, v1alpha1.ConditionProtected,
	}
}

func replicaConditions(role v1alpha1.CopyRole) []string {
	if role == v1alpha1.RolePrimary {
		return []string{v1alpha1.ConditionReady, v1alpha1.ConditionProvisioned}
	}
	return []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionProvisioned, v1alpha1.ConditionInitialSyncComplete,
		v1alpha1.ConditionWithinRPO, v1alpha1.ConditionVerified,
	}
}

func (w world) model(bucket *v1alpha1.SovereignBucket) Bucket {
	status := bucket.Status
	standing := func(conditionType string) metav1.ConditionStatus {
		return judge(status.Conditions, conditionType, bucket.Generation).Status
	}
	model := Bucket{
		Namespace: bucket.Namespace, Name: bucket.Name, Title: bucket.Spec.Dataset.Title, Policy: bucket.Spec.PolicyRef.Name,
		Deleting: !bucket.DeletionTimestamp.IsZero(), Suspended: bucket.Spec.Suspend,
		Ready: standing(v1alpha1.ConditionReady), Residency: standing(v1alpha1.ConditionResidencyCompliant),
		Replicated: standing(v1alpha1.ConditionReplicated),
		Verified:   standing(v1alpha1.ConditionVerified), Protected: standing(v1alpha1.ConditionProtected),
		Primary: status.PrimaryName, CopiesReady: status.CopiesReady, UnreplicatedSince: timeOf(status.UnreplicatedSince),
		Copies:    []Copy{},
		NotTrue:   notTrue(status.Conditions, bucketConditions(), bucket.Generation),
		Providers: w.notReady(),
	}
	if primary := status.Primary; primary != nil {
		model.BucketName, model.Endpoint = primary.BucketName, primary.Endpoint
	}
	if last := status.LastDrill; last != nil {
		model.LastDrill = &Drill{Name: last.Name, Verdict: last.Verdict, Time: last.Time.Time}
	}
	replicas := w.replicasOf(bucket)
	for i := range replicas {
		model.Copies = append(model.Copies, copyOf(&replicas[i]))
	}
	model.Accesses = w.accessesTo(bucket)
	model.Hints = hints(bucket, replicas, model)
	return model
}

// replicasOf gives the copies of a bucket, the primary first.
func (w world) replicasOf(bucket *v1alpha1.SovereignBucket) []v1alpha1.BucketReplica {
	var replicas []v1alpha1.BucketReplica
	for _, replica := range w.replicas {
		if replica.Namespace == bucket.Namespace && metav1.IsControlledBy(&replica, bucket) {
			replicas = append(replicas, replica)
		}
	}
	slices.SortFunc(replicas, func(a, b v1alpha1.BucketReplica) int {
		return cmp.Or(cmp.Compare(a.Spec.Role, b.Spec.Role), cmp.Compare(a.Name, b.Name))
	})
	return replicas
}

func copyOf(replica *v1alpha1.BucketReplica) Copy {
	status := replica.Status
	return Copy{
		Place: replica.Spec.PlaceReference.String(), Role: replica.Spec.Role, Replica: replica.Name,
		Deleting: !replica.DeletionTimestamp.IsZero(),
		Ready:    judge(status.Conditions, v1alpha1.ConditionReady, replica.Generation).Status,
		Objects:  status.Objects, Bytes: status.Bytes, FailedObjects: status.FailedObjects,
		UnreplicatedSince: timeOf(status.UnreplicatedSince), LastVerified: timeOf(status.LastVerifiedTime),
		NotTrue: notTrue(status.Conditions, replicaConditions(replica.Spec.Role), replica.Generation),
	}
}

// accessesTo gives the accesses to a bucket, the application's own first.
func (w world) accessesTo(bucket *v1alpha1.SovereignBucket) []Access {
	var found []Access
	for i := range w.accesses {
		if access := &w.accesses[i]; access.Namespace == bucket.Namespace && access.Spec.BucketRef.Name == bucket.Name {
			found = append(found, accessOf(access))
		}
	}
	slices.SortFunc(found, func(a, b Access) int {
		switch bucket.Name {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return found
}

func accessOf(access *v1alpha1.SovereignBucketAccess) Access {
	status := access.Status
	model := Access{
		Name: access.Name, Mode: access.Spec.AccessMode, Secret: access.SecretName(), Grant: status.Grant,
		Ready:    judge(status.Conditions, v1alpha1.ConditionReady, access.Generation).Status,
		Deleting: !access.DeletionTimestamp.IsZero(), Issued: timeOf(status.LastRotationTime),
		NotTrue: notTrue(status.Conditions, []string{v1alpha1.ConditionReady, v1alpha1.ConditionCredentialsValid}, access.Generation),
	}
	if interval := access.Spec.Rotation.Interval; interval != nil {
		model.RotationInterval = interval.Duration.String()
	}
	for _, key := range status.ActiveKeys {
		if key.State == v1alpha1.KeyRetiring {
			model.Retiring++
		}
	}
	return model
}

// notReady gives the providers that are not ready.
func (w world) notReady() []Provider {
	found := []Provider{}
	for _, provider := range w.providers {
		ready := judge(provider.Status.Conditions, v1alpha1.ConditionReady, provider.Generation)
		if ready.Status != metav1.ConditionTrue {
			found = append(found, Provider{Name: provider.Name, Ready: ready.Status, Reason: ready.Reason, Message: ready.Message})
		}
	}
	slices.SortFunc(found, func(a, b Provider) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// notTrue gives the conditions that are not True, those that are absent included.
func notTrue(conditions []metav1.Condition, types []string, generation int64) []Condition {
	found := []Condition{}
	for _, conditionType := range types {
		if c := judge(conditions, conditionType, generation); c.Status != metav1.ConditionTrue {
			found = append(found, Condition{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message})
		}
	}
	return found
}

// judge gives a condition as it may be shown: what is absent is unknown, and what
// holds for a spec that has changed since is unknown too.
func judge(conditions []metav1.Condition, conditionType string, generation int64) metav1.Condition {
	found := meta.FindStatusCondition(conditions, conditionType)
	switch {
	case found == nil:
		return metav1.Condition{
			Type: conditionType, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotObserved,
			Message: "the operator has not said it yet",
		}
	case found.Status == metav1.ConditionTrue && found.ObservedGeneration < generation:
		return metav1.Condition{
			Type: conditionType, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotObserved,
			Message: "the spec has changed, and the operator has not looked at it since",
		}
	}
	return *found
}

func timeOf(t *metav1.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}
