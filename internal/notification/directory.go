package notification

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/work"
)

// secretBytes is how much chance there is in a secret.
const secretBytes = 32

// NewSecret makes the secret part of a path.
func NewSecret() string {
	chance := make([]byte, secretBytes)
	_, _ = rand.Read(chance) // it never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(chance)
}

// SecretName names the Secret in the operator's namespace that holds the path of a
// provider.
func SecretName(provider string) string {
	const prefix, longest = "rempart-events-", 253
	if len(prefix)+len(provider) <= longest {
		return prefix + provider
	}
	digest := sha256.Sum256([]byte(provider))
	return prefix + hex.EncodeToString(digest[:16])
}

// Directory looks up in the cluster who may send notifications and whom they concern.
// It implements Book.
type Directory struct {
	// Reader reads from memory: it is asked with every notification.
	Reader client.Reader
	// Namespace is the operator's own.
	Namespace string
}

// Secret implements Book.
func (d Directory) Secret(ctx context.Context, provider string) (string, bool) {
	var found v1alpha1.SovereignProvider
	if err := d.Reader.Get(ctx, types.NamespacedName{Name: provider}, &found); err != nil || !found.Spec.ReceivesEvents() {
		return "", false
	}
	var kept corev1.Secret
	name := types.NamespacedName{Namespace: d.Namespace, Name: SecretName(provider)}
	if err := d.Reader.Get(ctx, name, &kept); err != nil || kept.Type != v1alpha1.EventsSecretType {
		return "", false
	}
	return strings.CutPrefix(string(kept.Data[v1alpha1.EventsPathKey]), Path(provider, ""))
}

// Copies implements Book.
func (d Directory) Copies(ctx context.Context, provider, bucket string) ([]string, error) {
	var sources v1alpha1.BucketReplicaList
	if err := d.Reader.List(ctx, &sources, client.MatchingFields{gather.ReplicaNameField: bucket}); err != nil {
		return nil, fmt.Errorf("look for bucket %q: %w", bucket, err)
	}
	var copies []string
	for _, source := range sources.Items {
		if source.Spec.ProviderName != provider || source.Spec.Role != v1alpha1.RolePrimary {
			continue
		}
		var siblings v1alpha1.BucketReplicaList
		if err := d.Reader.List(ctx, &siblings, client.InNamespace(source.Namespace),
			client.MatchingFields{gather.ReplicaBucketField: source.Spec.BucketRef.Name}); err != nil {
			return nil, fmt.Errorf("look for the copies of bucket %q: %w", bucket, err)
		}
		for i := range siblings.Items {
			if s := &siblings.Items[i]; s.Spec.Role == v1alpha1.RoleReplica && s.DeletionTimestamp.IsZero() {
				copies = append(copies, work.Key(client.ObjectKeyFromObject(s)))
			}
		}
	}
	return copies, nil
}
