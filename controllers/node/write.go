package node

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/nodeplace"
)

// write makes the labels and annotations of the Node say where it stands, and tells
// what became of it. The patch has nothing but what differs.
func (r *Reconciler) write(ctx context.Context, s *scope) error {
	before := s.node.DeepCopy()
	show(s.node, s.place)
	r.Metrics.record(s.node.Name, s.place.Verification)
	if maps.Equal(before.Labels, s.node.Labels) && maps.Equal(before.Annotations, s.node.Annotations) {
		return nil
	}
	if err := r.Client.Patch(ctx, s.node, client.MergeFrom(before)); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return nil
		}
		return fmt.Errorf("label Node %s: %w", s.node.Name, err)
	}
	if told, isWorthIt := eventFor(before, s.place); isWorthIt {
		r.Recorder.Eventf(s.node, nil, told.Type, told.Reason, string(s.place.Verification), "%s", told.Note)
	}
	return nil
}

// show puts a place into a Node.
func show(node *corev1.Node, place nodeplace.Place) {
	labels := maps.Clone(node.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, label := range nodeplace.OwnLabels() {
		delete(labels, label)
	}
	maps.Copy(labels, place.Labels())
	annotations := maps.Clone(node.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, place.Annotations())
	node.Labels, node.Annotations = labels, annotations
}

// eventFor gives the event for a place that a Node did not have before. How sure a
// place is, and why, may change without one.
func eventFor(before *corev1.Node, after nodeplace.Place) (loop.Event, bool) {
	was := v1alpha1.NodeVerification(before.Annotations[v1alpha1.PlaceVerificationAnnotation])
	isElsewhere := !maps.Equal(ownLabels(before), after.Labels())
	isOther := was != after.Verification || before.Annotations[v1alpha1.PlaceGroundsAnnotation] != after.Grounds
	switch after.Verification {
	case v1alpha1.NodeContradicted:
		return loop.Warning(v1alpha1.ReasonNodeContradicted, note("it is not certain where this Node stands: %s", after.Grounds)), isOther || isElsewhere
	case v1alpha1.NodeOverridden:
		return loop.Normal(v1alpha1.ReasonNodeOverridden, note("stands at %s: %s", after.PlaceReference, after.Grounds)), isOther || isElsewhere
	case v1alpha1.NodeUnknown:
		return loop.Warning(v1alpha1.ReasonNodeUnplaced, note("it is not known where this Node stands: %s", after.Grounds)), isElsewhere
	default:
		return loop.Normal(v1alpha1.ReasonNodePlaced, note("stands at %s: %s", after.PlaceReference, after.Grounds)), isElsewhere
	}
}

// ownLabels are those of a Node that say where it stands.
func ownLabels(node *corev1.Node) map[string]string {
	found := map[string]string{}
	for _, label := range nodeplace.OwnLabels() {
		if value, has := node.Labels[label]; has {
			found[label] = value
		}
	}
	return found
}

// note is what an event says: the API takes 1024 bytes.
func note(format string, args ...any) string {
	const most = 1000
	text := fmt.Sprintf(format, args...)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
