package bucket

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
)

// observeAccess reads the application's access. One that has its name and is to
// another bucket is not it.
func (r *Reconciler) observeAccess(ctx context.Context, s *scope) error {
	var access v1alpha1.SovereignBucketAccess
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(s.bucket), &access)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the application's access: %w", err)
	}
	if access.IsDefault() {
		s.access = &access
	}
	return nil
}

// giveAccess makes the application's access if there is none. One that is there is
// never changed: how often its keys are replaced is the application's affair.
func (r *Reconciler) giveAccess(ctx context.Context, s *scope) error {
	if s.access != nil {
		return nil
	}
	access := &v1alpha1.SovereignBucketAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.bucket.Namespace, Name: s.bucket.Name},
		Spec: v1alpha1.SovereignBucketAccessSpec{
			BucketRef:  v1alpha1.NameReference{Name: s.bucket.Name},
			AccessMode: v1alpha1.AccessReadWrite,
		},
	}
	if err := controllerutil.SetControllerReference(s.bucket, access, r.Client.Scheme()); err != nil {
		return fmt.Errorf("own the application's access: %w", err)
	}
	err := r.Client.Create(ctx, access)
	if apierrors.IsAlreadyExists(err) {
		// Either our cache is behind, and the next look finds it, or it is to
		// another bucket.
		return r.explainAccess(ctx, s, access)
	}
	if err != nil {
		return fmt.Errorf("make the application's access: %w", err)
	}
	s.access = access
	return nil
}

func (r *Reconciler) explainAccess(ctx context.Context, s *scope, wanted *v1alpha1.SovereignBucketAccess) error {
	var existing v1alpha1.SovereignBucketAccess
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(wanted), &existing); err != nil {
		return client.IgnoreNotFound(err)
	}
	if existing.IsDefault() {
		s.access = &existing
		return nil
	}
	return fault.New(fault.Waiting, fault.NameConflict,
		"SovereignBucketAccess %s exists and is to bucket %s: give it another name", existing.Name, existing.Spec.BucketRef.Name)
}
