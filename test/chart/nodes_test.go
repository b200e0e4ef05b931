package chart

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
)

// worker is a Node of which an administrator says where it stands.
func worker() *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}}
}

func merge(patch string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(patch)) }

const (
	sayOverride     = `{"metadata":{"annotations":{"rempart.dev/place-override":"onprem/dc1"}}}`
	sayVerification = `{"metadata":{"annotations":{"rempart.dev/place-verification":"Confirmed"}}}`
	sayLabel        = `{"metadata":{"labels":{"rempart.node-restriction.kubernetes.io/location":"dc1"}}}`
	sayOther        = `{"metadata":{"annotations":{"example.fr/rack":"7"}}}`
)

// Of a Node the operator writes what says where it stands, and nothing else.
func (r *installed) nodesOfTheOperator(t *testing.T) {
	const policy = "rempart-nodes"
	node := worker()
	node.Labels, node.Annotations = map[string]string{"example.fr/room": "b"}, map[string]string{"example.fr/owner": "us"}
	node.Finalizers = []string{"example.fr/keep"}
	node.Spec.ProviderID = "k3s://worker"
	r.create(t, node)
	operator := clientOf(t, r.operator)
	patch := func(text string) error { return operator.Patch(t.Context(), worker(), merge(text)) }
	eventually(t, func(ctx context.Context) error {
		return refused(operator.Patch(ctx, worker(), merge(`{"spec":{"unschedulable":true}}`), client.DryRunAll), policy)
	})
	for what, text := range map[string]string{
		"a label of others":               `{"metadata":{"labels":{"example.fr/room":"a"}}}`,
		"a label that it takes away":      `{"metadata":{"labels":{"example.fr/room":null}}}`,
		"a new label":                     `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":""}}}`,
		"another label of the prefix":     `{"metadata":{"labels":{"rempart.node-restriction.kubernetes.io/other":"x"}}}`,
		"an annotation of others":         `{"metadata":{"annotations":{"example.fr/owner":"them"}}}`,
		"an annotation that it takes off": `{"metadata":{"annotations":{"example.fr/owner":null}}}`,
		"an administrator's word":         sayOverride,
		"a taint":                         `{"spec":{"taints":[{"key":"a","effect":"NoExecute"}]}}`,
		"finalizers":                      `{"metadata":{"finalizers":null}}`,
		"an owner":                        `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"a","uid":"b"}]}}`,
	} {
		if err := refused(patch(text), policy); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, text := range []string{
		`{"metadata":{"labels":{"rempart.node-restriction.kubernetes.io/perimeter":"None"},"annotations":{"rempart.dev/place-verification":"Unknown","rempart.dev/place-grounds":"trial"}}}`,
		`{"metadata":{"labels":{"rempart.node-restriction.kubernetes.io/perimeter":null}}}`,
	} {
		if err := patch(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	// RBAC alone keeps it from the rest.
	status := operator.Status().Patch(t.Context(), worker(), merge(`{"status":{"phase":"Terminated"}}`))
	for what, err := range map[string]error{"its status": status, "deleting it": operator.Delete(t.Context(), worker())} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := r.admin.Patch(t.Context(), worker(), merge(`{"metadata":{"finalizers":null}}`)); err != nil {
		t.Error(err)
	}
}

// Where a Node stands is said by nobody who has not the right to: not by the kubelet
// that runs on it, nor by others who may change Nodes.
func (r *installed) placesOfNodes(t *testing.T) {
	const policy = "rempart-nodeplaces"
	mayPatch := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"nodes", "nodes/status"}, Verbs: []string{"get", "patch"}}}
	r.create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "node-patcher"}, Rules: mayPatch})
	anotherOnly := []rbacv1.PolicyRule{{APIGroups: []string{"rempart.dev"}, Resources: []string{"nodeplaces"}, Verbs: []string{"override"}, ResourceNames: []string{"another"}}}
	r.create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "another-node"}, Rules: anotherOnly})
	for _, binding := range [][2]string{
		{"node-patcher", "erin"}, {"node-patcher", "grace"}, {"another-node", "grace"}, {"node-patcher", "frank"}, {"rempart-node-override", "frank"},
	} {
		r.create(t, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: binding[0] + "-" + binding[1]},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: binding[0]},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: binding[1]}},
		})
	}
	erin, grace, frank := clientOf(t, r.plane.User("erin")), clientOf(t, r.plane.User("grace")), clientOf(t, r.plane.User("frank"))
	kubelet := clientOf(t, r.plane.User("system:node:worker", "system:nodes"))
	eventually(t, func(ctx context.Context) error {
		return refused(erin.Patch(ctx, worker(), merge(sayOverride), client.DryRunAll), policy)
	})
	for who, c := range map[string]client.Client{"kubelet": kubelet, "one who may change Nodes": erin, "one who may for another Node": grace} {
		for _, text := range []string{sayOverride, sayVerification} {
			if err := refused(c.Patch(t.Context(), worker(), merge(text)), policy); err != nil {
				t.Errorf("the %s, %s: %v", who, text, err)
			}
			// The status of a Node takes labels and annotations along.
			if err := refused(c.Status().Patch(t.Context(), worker(), merge(text)), policy); err != nil {
				t.Errorf("the %s, %s through the status: %v", who, text, err)
			}
		}
		if err := c.Patch(t.Context(), worker(), merge(sayLabel)); !apierrors.IsForbidden(err) {
			t.Errorf("the %s can set a label: %v", who, err)
		}
		if err := c.Patch(t.Context(), worker(), merge(sayOther)); err != nil {
			t.Errorf("the %s cannot set another annotation: %v", who, err)
		}
		if err := c.Status().Patch(t.Context(), worker(), merge(`{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`)); err != nil {
			t.Errorf("the %s cannot say that the Node is ready: %v", who, err)
		}
	}
	r.nodesThatRegister(t, policy)
	if err := frank.Patch(t.Context(), worker(), merge(sayOverride)); err != nil {
		t.Errorf("one who may override: %v", err)
	}
	if err := refused(erin.Patch(t.Context(), worker(), merge(`{"metadata":{"annotations":{"rempart.dev/place-override":null}}}`)), policy); err != nil {
		t.Errorf("taking the word back: %v", err)
	}
	if err := r.admin.Patch(t.Context(), worker(), merge(sayLabel)); err != nil {
		t.Errorf("an administrator of the cluster: %v", err)
	}
}

// nodesThatRegister are refused only where they say where they stand.
func (r *installed) nodesThatRegister(t *testing.T, policy string) {
	t.Helper()
	kubelet := clientOf(t, r.plane.User("system:node:fresh", "system:nodes"))
	fresh := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "fresh", Annotations: map[string]string{v1alpha1.PlaceOverrideAnnotation: "onprem/dc1"}}}
	if err := refused(kubelet.Create(t.Context(), fresh.DeepCopy()), policy); err != nil {
		t.Error(err)
	}
	fresh.Annotations = nil
	if err := kubelet.Create(t.Context(), fresh); err != nil {
		t.Errorf("a Node cannot register: %v", err)
	}
	if err := r.admin.Delete(t.Context(), fresh); err != nil {
		t.Error(err)
	}
}

// awaitPlace waits until a Node says that it stands somewhere.
func (r *installed) awaitPlace(t *testing.T, name, place string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		var node corev1.Node
		if err := r.admin.Get(ctx, client.ObjectKey{Name: name}, &node); err != nil {
			return err
		}
		if got := node.Labels[v1alpha1.NodeProviderLabel] + "/" + node.Labels[v1alpha1.NodeLocationLabel]; got != place {
			return fmt.Errorf("Node %s stands at %s, want %s: %v", name, got, place, node.Annotations)
		}
		return nil
	})
}
