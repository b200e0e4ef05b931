package webhook

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rempart/rempart/api/v1alpha1"
)

// exceptions warns of what the end of an exception does. Who may make one is the
// business of an admission policy.
type exceptions struct{ changes }

// ValidateCreate lets everything in: an exception makes nothing illegal.
func (e exceptions) ValidateCreate(context.Context, *v1alpha1.SovereigntyException) (admission.Warnings, error) {
	return nil, nil
}

// ValidateUpdate lets everything in: the spec of an exception never changes.
func (e exceptions) ValidateUpdate(context.Context, *v1alpha1.SovereigntyException, *v1alpha1.SovereigntyException) (admission.Warnings, error) {
	return nil, nil
}

// ValidateDelete warns of the copies that were where they are because of the exception.
func (e exceptions) ValidateDelete(ctx context.Context, ended *v1alpha1.SovereigntyException) (admission.Warnings, error) {
	subject := types.NamespacedName{Namespace: ended.Namespace, Name: ended.Spec.SubjectRef.Name}
	return e.warn(ctx, []types.NamespacedName{subject}, e.reader, e.without(ended)), nil
}
