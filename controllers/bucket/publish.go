package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
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

// issuedKeyType is the type of the operator's own copies of issued keys.
const issuedKeyType = "rempart.dev/issued-key"

// bucketNameKey says in an issued key which bucket it is for.
const bucketNameKey = "bucketName"

// publish gives the application its key, once the primary is there.
func (r *Reconciler) publish(ctx context.Context, s *scope) error {
	primary := s.facts.Primary()
	if primary == nil || !meta.IsStatusConditionTrue(primary.Status.Conditions, v1alpha1.ConditionProvisioned) {
		return nil
	}
	at := s.facts.Provider(primary.Spec.ProviderName)
	if at == nil {
		return fault.New(fault.Waiting, fault.LocationUnknown, "SovereignProvider %s does not exist", primary.Spec.ProviderName)
	}
	session, err := r.Sessions.Open(ctx, at, primary.Spec.Location)
	if err != nil {
		return err
	}
	key, grant, err := r.key(ctx, s.bucket, primary, session, at)
	if err != nil {
		return err
	}
	s.grant = grant
	if err := r.apply(ctx, s, secretData(session.Place(), primary.Spec.BucketName, key)); err != nil {
		return err
	}
	s.isPublished = true
	return nil
}

// key gives the key for the application: the one that was issued before, a new
// one, or the account's own where the provider issues none.
func (r *Reconciler) key(ctx context.Context, bucket *v1alpha1.SovereignBucket, primary *v1alpha1.BucketReplica,
	session provider.Session, at *v1alpha1.SovereignProvider,
) (provider.Key, v1alpha1.GrantLevel, error) {
	issuer, canIssue := session.Keys()
	if !canIssue {
		key, err := r.Sessions.AccountKey(ctx, at)
		return key, v1alpha1.GrantAccountWide, err
	}
	consumer := r.consumer(bucket, primary.Spec.PlaceReference)
	if key, known, err := r.issued(ctx, consumer, primary.Spec.BucketName); known || err != nil {
		return key, v1alpha1.GrantScoped, err
	}
	key, err := issuer.IssueKey(ctx, provider.Grant{Consumer: consumer, Bucket: primary.Spec.BucketName, Mode: provider.ReadWrite})
	if err != nil {
		return provider.Key{}, "", fmt.Errorf("issue the application's key: %w", err)
	}
	return key, v1alpha1.GrantScoped, r.keep(ctx, consumer, primary.Spec.BucketName, key)
}

func (r *Reconciler) consumer(bucket *v1alpha1.SovereignBucket, place v1alpha1.PlaceReference) string {
	return r.Installation.Consumer(ownership.Owner{Namespace: bucket.Namespace, Name: bucket.Name},
		ownership.Place{Provider: place.ProviderName, Location: place.Location})
}

// issued gives the key that was issued for a bucket before.
func (r *Reconciler) issued(ctx context.Context, consumer, bucketName string) (provider.Key, bool, error) {
	var kept corev1.Secret
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: consumer}, &kept)
	if apierrors.IsNotFound(err) {
		return provider.Key{}, false, nil
	}
	if err != nil {
		return provider.Key{}, false, fmt.Errorf("read the operator's copy of the key: %w", err)
	}
	key := provider.Key{
		AccessKey: string(kept.Data[provider.AccessKey]),
		SecretKey: secret.New(string(kept.Data[provider.SecretKey])),
	}
	return key, string(kept.Data[bucketNameKey]) == bucketName && key.AccessKey != "", nil
}

// keep stores the operator's copy of an issued key, from which the application's
// Secret is made again when it is deleted.
func (r *Reconciler) keep(ctx context.Context, consumer, bucketName string, key provider.Key) error {
	copied := corev1ac.Secret(consumer, r.Namespace).WithType(issuedKeyType).WithData(map[string][]byte{
		provider.AccessKey: []byte(key.AccessKey),
		provider.SecretKey: []byte(key.SecretKey.Reveal()),
		bucketNameKey:      []byte(bucketName),
	})
	if err := r.Client.Apply(ctx, copied, client.FieldOwner(fieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("keep a copy of the application's key: %w", err)
	}
	return nil
}

// secretData gives what any AWS SDK, and applications written for COSI, read.
func secretData(place provider.Place, bucketName string, key provider.Key) map[string][]byte {
	data := map[string]string{
		"AWS_ACCESS_KEY_ID":         key.AccessKey,
		"AWS_SECRET_ACCESS_KEY":     key.SecretKey.Reveal(),
		"AWS_ENDPOINT_URL_S3":       place.Endpoint,
		"AWS_REGION":                place.Region,
		"BUCKET_NAME":               bucketName,
		"COSI_PROTOCOL":             "S3",
		"COSI_S3_BUCKET_ID":         bucketName,
		"COSI_S3_ENDPOINT":          place.Endpoint,
		"COSI_S3_REGION":            place.Region,
		"COSI_S3_ADDRESSING_STYLE":  strings.ToLower(string(place.Addressing)),
		"COSI_S3_ACCESS_KEY_ID":     key.AccessKey,
		"COSI_S3_ACCESS_SECRET_KEY": key.SecretKey.Reveal(),
	}
	if len(place.CABundle) > 0 {
		data["COSI_CERTIFICATE_AUTHORITY"] = string(place.CABundle)
	}
	encoded := make(map[string][]byte, len(data))
	for name, value := range data {
		encoded[name] = []byte(value)
	}
	return encoded
}

// apply writes the application's Secret, unless it did so with the same content
// not long ago. The operator may not read it: what it wrote is all it knows.
func (r *Reconciler) apply(ctx context.Context, s *scope, data map[string][]byte) error {
	digest := digestOf(data)
	if r.published.isRecent(s.bucket.UID, digest, s.now) {
		return nil
	}
	applied := corev1ac.Secret(s.bucket.Name, s.bucket.Namespace).
		WithType(v1alpha1.BucketCredentialsSecretType).WithData(data)
	err := r.Client.Apply(ctx, applied, client.FieldOwner(fieldManager), client.ForceOwnership)
	if apierrors.IsInvalid(err) {
		// The type of a Secret cannot change: it is of another type.
		return fault.New(fault.Waiting, fault.NameConflict,
			"Secret %s exists in this namespace and is not of type %s: rename or delete it, it is never overwritten",
			s.bucket.Name, v1alpha1.BucketCredentialsSecretType)
	}
	if err != nil {
		return fmt.Errorf("write the application's Secret: %w", err)
	}
	r.published.remember(s.bucket.UID, digest, s.now)
	return nil
}

// withdraw removes the application's Secret and the operator's copies of its
// keys. A Secret of another type that has the name by now is left alone.
func (r *Reconciler) withdraw(ctx context.Context, s *scope) error {
	r.published.forget(s.bucket.UID)
	if s.bucket.Status.Primary == nil {
		return nil
	}
	trial := corev1ac.Secret(s.bucket.Name, s.bucket.Namespace).WithType(v1alpha1.BucketCredentialsSecretType)
	err := r.Client.Apply(ctx, trial, client.FieldOwner(fieldManager), client.ForceOwnership, client.DryRunAll)
	switch {
	case err == nil:
		if err := r.remove(ctx, s.bucket.Namespace, s.bucket.Name); err != nil {
			return err
		}
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// It is gone already with its namespace, and there is no trying to make one.
	case !apierrors.IsInvalid(err):
		return fmt.Errorf("look whether the application's Secret is ours: %w", err)
	}
	return r.remove(ctx, r.Namespace, r.consumer(s.bucket, s.bucket.Status.Primary.PlaceReference))
}

func (r *Reconciler) remove(ctx context.Context, namespace, name string) error {
	object := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := client.IgnoreNotFound(r.Client.Delete(ctx, object)); err != nil {
		return fmt.Errorf("remove Secret %s: %w", name, err)
	}
	return nil
}

func digestOf(data map[string][]byte) string {
	hash := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(data)) {
		_, _ = fmt.Fprintf(hash, "%q %q\n", key, data[key])
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// published remembers when which content was written, so that a Secret is not
// written at each look and yet comes back soon after somebody deleted it.
type published struct {
	mu      sync.Mutex
	written map[types.UID]writtenSecret
}

type writtenSecret struct {
	digest string
	at     time.Time
}

// publishInterval is how soon a deleted Secret comes back.
const publishInterval = 5 * time.Minute

func newPublished() *published { return &published{written: map[types.UID]writtenSecret{}} }

func (p *published) isRecent(uid types.UID, digest string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, known := p.written[uid]
	return known && last.digest == digest && now.Sub(last.at) < publishInterval
}

func (p *published) remember(uid types.UID, digest string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written[uid] = writtenSecret{digest, now}
}

func (p *published) forget(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.written, uid)
}
