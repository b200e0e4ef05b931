// Package keyring keeps the key that signs the evidence of drills. It is in a Secret
// of the operator's namespace, made when it is first needed or put there by a person.
// Every public key that ever signed stays in a ConfigMap beside it, where whoever
// wants to verify evidence can fetch it.
//
// To change the key, delete the Secret or put another key into it.
//
// Start reading at Keyring.Key.
package keyring

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/fault"
)

const (
	// SecretName names the Secret that holds the private key, under PrivateKey.
	SecretName = "rempart-evidence-key"
	// PrivateKey is the entry of the Secret: an Ed25519 key as PKCS #8 in PEM.
	PrivateKey = "key.pem"
	// ConfigMapName names the ConfigMap with the public keys: an entry for each, called
	// by its id, in PEM.
	ConfigMapName = "rempart-evidence-keys"
)

// lookAgain is how soon a Secret is looked at again that holds no key.
const lookAgain = 15 * time.Second

// Keyring keeps the key in the operator's namespace.
type Keyring struct {
	// Reader asks the API server itself, so that a key that was changed is seen at once.
	Reader client.Reader
	Writer client.Writer
	// Namespace is the operator's own.
	Namespace string
}

// Key gives the key to sign with, whose public key is known to everybody by then. It
// makes one where there is none. A Secret that holds no such key is never overwritten:
// that is Waiting, SigningKeyInvalid.
func (k Keyring) Key(ctx context.Context) (ed25519.PrivateKey, error) {
	text, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	key, err := evidence.ParseKey(text)
	if err != nil {
		wait := fault.New(fault.Waiting, fault.SigningKeyInvalid,
			"evidence cannot be signed: in Secret %s/rempart-evidence-key, key.pem: %w; put an Ed25519 key there as PKCS #8 in PEM, or delete the Secret and one is made",
			k.Namespace, err)
		wait.After = lookAgain
		return nil, wait
	}
	public, _ := key.Public().(ed25519.PublicKey) // of an Ed25519 key, it is one
	if err := k.publish(ctx, public); err != nil {
		return nil, err
	}
	return key, nil
}

// load gives what the Secret holds, and makes it where there is none. If somebody else
// was faster, what they made counts.
func (k Keyring) load(ctx context.Context) ([]byte, error) {
	kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: SecretName}}
	err := k.Reader.Get(ctx, client.ObjectKeyFromObject(kept), kept)
	if apierrors.IsNotFound(err) {
		if err := k.make(ctx, kept); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("keep a key to sign evidence with: %w", err)
		}
		err = k.Reader.Get(ctx, client.ObjectKeyFromObject(kept), kept)
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", SecretName, err)
	}
	return kept.Data[PrivateKey], nil
}

func (k Keyring) make(ctx context.Context, secret *corev1.Secret) error {
	key, err := evidence.NewKey()
	if err != nil {
		return err
	}
	text, err := evidence.EncodeKey(key)
	if err != nil {
		return err
	}
	secret.Type = corev1.SecretTypeOpaque
	secret.Data = map[string][]byte{PrivateKey: text}
	return k.Writer.Create(ctx, secret)
}

// publish makes a public key known, and leaves all others known.
func (k Keyring) publish(ctx context.Context, key ed25519.PublicKey) error {
	text, err := evidence.EncodePublicKey(key)
	if err != nil {
		return err
	}
	entry := evidence.KeyID(key) + ".pem"
	known := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: ConfigMapName}}
	name := types.NamespacedName{Namespace: k.Namespace, Name: ConfigMapName}
	err = k.Reader.Get(ctx, name, known)
	switch {
	case apierrors.IsNotFound(err):
		known.Data = map[string]string{entry: string(text)}
		if err := k.Writer.Create(ctx, known); err != nil {
			return fmt.Errorf("publish the key that signs evidence: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read ConfigMap %s: %w", ConfigMapName, err)
	case known.Data[entry] == string(text):
		return nil
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{entry: string(text)}})
	if err != nil {
		return fmt.Errorf("publish the key that signs evidence: %w", err)
	}
	if err := k.Writer.Patch(ctx, known, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("publish the key that signs evidence: %w", err)
	}
	return nil
}
