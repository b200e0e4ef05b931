package app

import (
	"context"
	"crypto/rand"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/internal/ownership"
)

// The Secret that makes the marks of this installation its own. Who loses it has
// to mark every bucket again: it belongs into the backup of the cluster.
const (
	installationSecret = "rempart-installation"
	markKey            = "markKey"
	installationIDKey  = "installationID"
	markKeyBytes       = 32
)

// loadInstallation reads the key of the installation, and makes one at the first
// start. An installation that is told another id than before refuses to start:
// it would not know its own buckets.
func loadInstallation(ctx context.Context, config *rest.Config, namespace, id string) (ownership.Installation, error) {
	direct, err := client.New(config, client.Options{Scheme: Scheme()})
	if err != nil {
		return ownership.Installation{}, fmt.Errorf("reach the cluster: %w", err)
	}
	kept := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: installationSecret}}
	err = direct.Get(ctx, client.ObjectKeyFromObject(kept), kept)
	if apierrors.IsNotFound(err) {
		kept.Type = corev1.SecretTypeOpaque
		kept.Data = map[string][]byte{markKey: newMarkKey(), installationIDKey: []byte(id)}
		err = direct.Create(ctx, kept)
		if apierrors.IsAlreadyExists(err) {
			// Another replica of the operator was faster.
			err = direct.Get(ctx, client.ObjectKeyFromObject(kept), kept)
		}
	}
	if err != nil {
		return ownership.Installation{}, fmt.Errorf("read Secret %s: %w", installationSecret, err)
	}
	if before := string(kept.Data[installationIDKey]); before != id {
		return ownership.Installation{}, fmt.Errorf(
			"this installation was %q and is now told to be %q, which would make its buckets strangers: set --installation-id to %q, "+
				"or delete Secret %s/%s to begin anew", before, id, before, namespace, installationSecret)
	}
	if len(kept.Data[markKey]) < markKeyBytes {
		return ownership.Installation{}, fmt.Errorf("the Secret %s/%s has no key %s of %d bytes", namespace, installationSecret, markKey, markKeyBytes)
	}
	return ownership.Installation{ID: id, Key: kept.Data[markKey]}, nil
}

func newMarkKey() []byte {
	key := make([]byte, markKeyBytes)
	_, _ = rand.Read(key) // it never fails: see crypto/rand
	return key
}

// restConfigFor reads a kubeconfig, or takes that of the pod.
func restConfigFor(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("find out how to reach the cluster: %w", err)
	}
	return config, nil
}
