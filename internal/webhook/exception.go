package webhook

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
	return e.warn(ctx, []types.NamespacedName{subject}, e.reader, without{e.reader, client.ObjectKeyFromObject(ended)}), nil
}

// without lists the cluster as it is when one exception is gone.
type without struct {
	client.Reader
	exception client.ObjectKey
}

// List implements client.Reader.
func (w without) List(ctx context.Context, into client.ObjectList, options ...client.ListOption) error {
	if err := w.Reader.List(ctx, into, options...); err != nil {
		return err
	}
	if list, is := into.(*v1alpha1.SovereigntyExceptionList); is {
		list.Items = slices.DeleteFunc(slices.Clone(list.Items), func(made v1alpha1.SovereigntyException) bool {
			return client.ObjectKeyFromObject(&made) == w.exception
		})
	}
	return nil
}
