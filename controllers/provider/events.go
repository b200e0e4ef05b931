package provider

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/notification"
)

// announce keeps the path that the store sends its notifications to, and withdraws it
// when the spec does. It comes before the store is asked for anything: some stores do not
// start unless they reach whom they are to tell.
func (r *Reconciler) announce(ctx context.Context, s *scope) error {
	if !s.provider.Spec.ReceivesEvents() {
		return r.withdraw(ctx, s)
	}
	name := notification.SecretName(s.provider.Name)
	var kept corev1.Secret
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: name}, &kept)
	switch {
	case apierrors.IsNotFound(err):
		made := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: name}, Type: v1alpha1.EventsSecretType,
			StringData: map[string]string{v1alpha1.EventsPathKey: notification.Path(s.provider.Name, notification.NewSecret())},
		}
		if err := r.Client.Create(ctx, made); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("keep the path for notifications: %w", err)
		}
	case err != nil:
		return fmt.Errorf("read the path for notifications: %w", err)
	case kept.Type != v1alpha1.EventsSecretType:
		return fault.New(fault.Waiting, fault.NameConflict,
			"Secret %s/%s is of type %q and not ours: delete it, so that the path for notifications can be kept there", r.Namespace, name, kept.Type)
	}
	s.provider.Status.Events = &v1alpha1.EventsStatus{SecretName: name}
	return nil
}

// withdraw removes the path, so that nothing sent to it is taken any more.
func (r *Reconciler) withdraw(ctx context.Context, s *scope) error {
	published := s.provider.Status.Events
	if published == nil {
		return nil
	}
	var kept corev1.Secret
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: published.SecretName}, &kept)
	if err == nil && kept.Type == v1alpha1.EventsSecretType {
		err = r.Client.Delete(ctx, &kept)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove the path for notifications: %w", err)
	}
	s.provider.Status.Events = nil
	return nil
}

// eventsServed tells whether notifications can come, or false where none are wanted.
func (s *scope) eventsServed() (metav1.Condition, bool) {
	const this = v1alpha1.ConditionEventsServed
	switch {
	case !s.provider.Spec.ReceivesEvents():
		return metav1.Condition{}, false
	case !s.servesEvents:
		return condition.False(this, v1alpha1.ReasonEventsNotServed,
			"the operator runs without an endpoint for notifications, so that changes are found by passes only: set events.enabled of the chart, or --events-bind-address"), true
	}
	return condition.True(this, v1alpha1.ReasonSucceeded, ""), true
}
