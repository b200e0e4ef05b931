package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/provider"
)

// publish writes the Secret of the consumers. From then on the time of older keys
// runs.
func (r *Reconciler) publish(ctx context.Context, s *scope) error {
	at := *s.target()
	if s.account != nil {
		s.isPublished = true
		annotations := map[string]string{v1alpha1.KeyIDAnnotation: s.account.AccessKey}
		return r.apply(ctx, s, secretData(s.session.Place(), at.bucketName, *s.account), annotations)
	}
	key := s.keys.current(at)
	if key == nil {
		return fault.New(fault.Waiting, fault.Progressing, "the primary moved, and its key waits until an older one is revoked")
	}
	if err := r.apply(ctx, s, secretData(s.session.Place(), at.bucketName, key.key), s.annotations(*key)); err != nil {
		return err
	}
	s.isPublished = true
	if key.isPublished() {
		return nil
	}
	first := s.keys.active() == nil
	fresh := *key
	fresh.publishedAt, fresh.overlap = s.now, s.overlap()
	if err := r.keep(ctx, holderOf(s.access), fresh); err != nil {
		return err
	}
	s.keys = s.keys.with(fresh)
	if !first {
		s.events = append(s.events, loop.Normal("CredentialsRotated",
			fmt.Sprintf("key %s replaces the one before, which goes on working for %s", fresh.name(), fresh.overlap)))
	}
	return nil
}

// annotations tell which key a Secret holds, for people and for programs that
// restart what uses it.
func (s *scope) annotations(key slot) map[string]string {
	annotations := map[string]string{
		v1alpha1.KeyIDAnnotation:         key.key.AccessKey,
		v1alpha1.KeyGenerationAnnotation: strconv.FormatInt(key.generation, 10),
		v1alpha1.KeyIssuedAtAnnotation:   key.issuedAt.UTC().Format(time.RFC3339),
	}
	if interval := s.access.Spec.Rotation.Interval; interval != nil {
		annotations[v1alpha1.KeyNotAfterAnnotation] = key.issuedAt.Add(interval.Duration + s.overlap()).UTC().Format(time.RFC3339)
	}
	return annotations
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

// apply writes the Secret, unless it did so with the same content not long ago.
// The operator may not read it: what it wrote is all it knows.
func (r *Reconciler) apply(ctx context.Context, s *scope, data map[string][]byte, annotations map[string]string) error {
	digest := digestOf(data, annotations)
	if r.published.isRecent(s.access.UID, digest, s.now) {
		return nil
	}
	applied := corev1ac.Secret(s.access.SecretName(), s.access.Namespace).
		WithType(v1alpha1.BucketCredentialsSecretType).WithData(data).WithAnnotations(annotations)
	err := r.Client.Apply(ctx, applied, client.FieldOwner(fieldManager), client.ForceOwnership)
	if apierrors.IsInvalid(err) {
		// The type of a Secret cannot change: it is of another type.
		return fault.New(fault.Waiting, fault.NameConflict,
			"Secret %s exists in this namespace and is not of type %s: rename or delete it, it is never overwritten",
			s.access.SecretName(), v1alpha1.BucketCredentialsSecretType)
	}
	if err != nil {
		return fmt.Errorf("write the Secret of the consumers: %w", err)
	}
	r.published.remember(s.access.UID, digest, s.now)
	return nil
}

// unpublish removes the Secret of the consumers. One of another type that has the
// name by now is left alone, and so is one that another access publishes.
func (r *Reconciler) unpublish(ctx context.Context, s *scope) error {
	r.published.forget(s.access.UID)
	if rival, err := r.rival(ctx, s.access); err != nil || rival != "" || !s.mayBePublished() {
		return err
	}
	trial := corev1ac.Secret(s.access.SecretName(), s.access.Namespace).WithType(v1alpha1.BucketCredentialsSecretType)
	err := r.Client.Apply(ctx, trial, client.FieldOwner(fieldManager), client.ForceOwnership, client.DryRunAll)
	switch {
	case err == nil:
		return r.remove(ctx, s.access.Namespace, s.access.SecretName())
	case apierrors.IsInvalid(err):
		return nil
	case apierrors.IsNotFound(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil // it goes with its namespace
	}
	return fmt.Errorf("look whether the Secret of the consumers is ours: %w", err)
}

func digestOf(data map[string][]byte, annotations map[string]string) string {
	hash := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(data)) {
		_, _ = fmt.Fprintf(hash, "%q %q\n", key, data[key])
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		_, _ = fmt.Fprintf(hash, "%q %q\n", key, annotations[key])
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
