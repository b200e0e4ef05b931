package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/ownership"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// fieldManager owns the fields that the operator applies.
const fieldManager = "rempart"

// The operator's own copies of keys are Secrets of this type in its namespace.
// The label finds those of an access to a bucket, the annotation tells people and
// the queue which access that is.
const (
	issuedKeyType    = "rempart.dev/issued-key"
	accessLabel      = "rempart.dev/access"
	accessAnnotation = "rempart.dev/issued-for"
	recordKey        = "record"
)

// record is what a copy says beside the key itself: all that is needed to know
// when the key ends, and to revoke it, without any other object.
type record struct {
	Slot         int                 `json:"slot"`
	Generation   int64               `json:"generation"`
	ProviderName string              `json:"providerName"`
	Location     string              `json:"location"`
	BucketName   string              `json:"bucketName"`
	Mode         v1alpha1.AccessMode `json:"mode"`
	Requested    string              `json:"requested,omitempty"`
	IssuedAt     time.Time           `json:"issuedAt,omitzero"`
	PublishedAt  time.Time           `json:"publishedAt,omitzero"`
	Overlap      time.Duration       `json:"overlap,omitempty"`
	Replica      types.UID           `json:"replica,omitempty"`
}

// holder is whose keys are kept: an access, by its namespace, bucket and name.
type holder struct{ namespace, bucket, access string }

func holderOf(access *v1alpha1.SovereignBucketAccess) holder {
	return holder{namespace: access.Namespace, bucket: access.Spec.BucketRef.Name, access: access.Name}
}

func (h holder) owner() ownership.Owner {
	return ownership.Owner{Namespace: h.namespace, Name: h.bucket}
}

// keys reads the keys of an access.
func (r *Reconciler) keys(ctx context.Context, reader client.Reader, h holder) (ring, error) {
	var kept corev1.SecretList
	if err := reader.List(ctx, &kept, client.InNamespace(r.Namespace),
		client.MatchingLabels{accessLabel: r.Installation.AccessID(h.owner(), h.access)}); err != nil {
		return nil, fmt.Errorf("read the operator's copies of keys: %w", err)
	}
	var slots []slot
	for i := range kept.Items {
		s, err := decode(&kept.Items[i])
		if err != nil {
			return nil, err
		}
		slots = append(slots, s)
	}
	return newRing(slots), nil
}

// holders are those of whom the operator keeps keys for accesses of a name: one
// name may have stood for accesses to several buckets.
func (r *Reconciler) holders(ctx context.Context, name types.NamespacedName) ([]holder, error) {
	var kept corev1.SecretList
	if err := r.Client.List(ctx, &kept, client.InNamespace(r.Namespace), client.HasLabels{accessLabel}); err != nil {
		return nil, fmt.Errorf("read the operator's copies of keys: %w", err)
	}
	var holders []holder
	for i := range kept.Items {
		h, isCopy := holderNamed(kept.Items[i].Annotations[accessAnnotation])
		if isCopy && h.name() == name && !slices.Contains(holders, h) {
			holders = append(holders, h)
		}
	}
	return holders, nil
}

func decode(kept *corev1.Secret) (slot, error) {
	var r record
	if err := json.Unmarshal(kept.Data[recordKey], &r); err != nil {
		return slot{}, fault.New(fault.Waiting, fault.InvalidConfiguration,
			"Secret %s in the operator's namespace is no copy of a key any more: delete it, and the key is issued anew", kept.Name)
	}
	return slot{
		target: target{
			PlaceReference: v1alpha1.PlaceReference{ProviderName: r.ProviderName, Location: r.Location}, bucketName: r.BucketName,
		},
		consumer: kept.Name, number: r.Slot, generation: r.Generation, mode: r.Mode, requested: r.Requested,
		key: provider.Key{
			AccessKey: string(kept.Data[provider.AccessKey]), SecretKey: secret.New(string(kept.Data[provider.SecretKey])),
		},
		issuedAt: r.IssuedAt, publishedAt: r.PublishedAt, overlap: r.Overlap, replica: r.Replica,
	}, nil
}

// keep writes the operator's copy of a key.
func (r *Reconciler) keep(ctx context.Context, h holder, s slot) error {
	text, err := json.Marshal(record{
		Slot: s.number, Generation: s.generation, ProviderName: s.ProviderName, Location: s.Location, BucketName: s.bucketName,
		Mode: s.mode, Requested: s.requested, IssuedAt: s.issuedAt, PublishedAt: s.publishedAt, Overlap: s.overlap, Replica: s.replica,
	})
	if err != nil {
		return fmt.Errorf("encode what is remembered of a key: %w", err)
	}
	data := map[string][]byte{recordKey: text}
	if s.isIssued() {
		data[provider.AccessKey], data[provider.SecretKey] = []byte(s.key.AccessKey), []byte(s.key.SecretKey.Reveal())
	}
	copied := corev1ac.Secret(s.consumer, r.Namespace).WithType(issuedKeyType).WithData(data).
		WithLabels(map[string]string{accessLabel: r.Installation.AccessID(h.owner(), h.access)}).
		WithAnnotations(map[string]string{accessAnnotation: h.String()})
	if err := r.Client.Apply(ctx, copied, client.FieldOwner(fieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("keep a copy of the key: %w", err)
	}
	return nil
}

// forget removes the operator's copy of a key.
func (r *Reconciler) forget(ctx context.Context, s slot) error {
	return r.remove(ctx, r.Namespace, s.consumer)
}

func (r *Reconciler) remove(ctx context.Context, namespace, name string) error {
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := client.IgnoreNotFound(r.Client.Delete(ctx, object)); err != nil {
		return fmt.Errorf("remove Secret %s: %w", name, err)
	}
	return nil
}

// String reads namespace/access/bucket.
func (h holder) String() string { return h.namespace + "/" + h.access + "/" + h.bucket }

// holderNamed reads what String wrote.
func holderNamed(text string) (holder, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return holder{}, false
	}
	return holder{namespace: parts[0], access: parts[1], bucket: parts[2]}, true
}

func (h holder) name() types.NamespacedName {
	return types.NamespacedName{Namespace: h.namespace, Name: h.access}
}
