package chart

import (
	"context"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Of its webhooks the operator says whom to trust: it can neither be sent what is
// written elsewhere in the cluster, nor refuse it.
func (r *installed) webhooksOfTheOperator(t *testing.T) {
	const policy = "rempart-webhooks"
	operator := clientOf(t, r.operator)
	every := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}},
	}}
	patch := func(ctx context.Context, change func(*admissionregistrationv1.ValidatingWebhookConfiguration)) error {
		var configuration admissionregistrationv1.ValidatingWebhookConfiguration
		if err := operator.Get(ctx, client.ObjectKey{Name: "rempart"}, &configuration); err != nil {
			return err
		}
		before := configuration.DeepCopy()
		change(&configuration)
		return operator.Patch(ctx, &configuration, client.MergeFrom(before), client.DryRunAll)
	}
	first := func(change func(*admissionregistrationv1.ValidatingWebhook)) func(*admissionregistrationv1.ValidatingWebhookConfiguration) {
		return func(c *admissionregistrationv1.ValidatingWebhookConfiguration) { change(&c.Webhooks[0]) }
	}
	// A policy is in force a moment after it was made.
	eventually(t, func(ctx context.Context) error {
		return refused(patch(ctx, first(func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules = every })), policy)
	})
	for what, change := range map[string]func(*admissionregistrationv1.ValidatingWebhookConfiguration){
		"another webhook": func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			more := c.Webhooks[0].DeepCopy()
			more.Name, more.Rules = "secrets.rempart.dev", every
			c.Webhooks = append(c.Webhooks, *more)
		},
		"another name": first(func(w *admissionregistrationv1.ValidatingWebhook) { w.Name = "secrets.rempart.dev" }),
		"one less": func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			c.Webhooks = c.Webhooks[1:]
		},
		"failing closed": first(func(w *admissionregistrationv1.ValidatingWebhook) {
			w.FailurePolicy = new(admissionregistrationv1.Fail)
		}),
		"no conditions": first(func(w *admissionregistrationv1.ValidatingWebhook) { w.MatchConditions = nil }),
		"another address": first(func(w *admissionregistrationv1.ValidatingWebhook) {
			w.ClientConfig.Service, w.ClientConfig.URL = nil, new("https://198.51.100.7/")
		}),
		"another Service": first(func(w *admissionregistrationv1.ValidatingWebhook) {
			w.ClientConfig.URL = nil
			w.ClientConfig.Service = &admissionregistrationv1.ServiceReference{Namespace: r.tenant, Name: "daves"}
		}),
		"a longer wait":           first(func(w *admissionregistrationv1.ValidatingWebhook) { w.TimeoutSeconds = new(int32(30)) }),
		"a selector of objects":   first(func(w *admissionregistrationv1.ValidatingWebhook) { w.ObjectSelector = selecting() }),
		"a selector of tenants":   first(func(w *admissionregistrationv1.ValidatingWebhook) { w.NamespaceSelector = selecting() }),
		"another match of groups": first(func(w *admissionregistrationv1.ValidatingWebhook) { w.MatchPolicy = new(admissionregistrationv1.Exact) }),
	} {
		if err := refused(patch(t.Context(), change), policy); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	bundle := []byte(certificateOf(t, r.plane.RESTConfig().Host))
	if err := patch(t.Context(), func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = bundle
		}
	}); err != nil {
		t.Errorf("whom to trust: %v", err)
	}
	foreign := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}}
	r.create(t, foreign)
	if err := operator.Patch(t.Context(), foreign, merge(`{"metadata":{"labels":{"a":"b"}}}`)); !apierrors.IsForbidden(err) {
		t.Errorf("the operator can change another's configuration: %v", err)
	}
	if err := r.admin.Delete(t.Context(), foreign); err != nil {
		t.Error(err)
	}
}

func selecting() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
}
