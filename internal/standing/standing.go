// Package standing knows where the operator itself stands, because it may read
// data only in places that the data's policies allow.
//
// Its place is what the manager is told with --self, or else what the labels of
// its Node say, which the operator sets itself and kubelets cannot. Not knowing is
// a place where nothing may be read, and so is not being sure.
//
// Start reading at Ground.MayRead.
package standing

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/placement"
)

// Ground is where the operator stands.
type Ground struct {
	// Self is the place that the manager was told, as provider/location; empty to
	// ask the Node.
	Self string
	// NodeName is the Node that the manager's pod runs on.
	NodeName string
	// Reader reads Nodes, from memory: they are asked for with every copy.
	Reader client.Reader
}

// nodeLabels are what the operator's Node says of its place.
type nodeLabels struct {
	provider, location string
	isConfirmed        bool
}

// ParseSelf reads provider/location.
func ParseSelf(self string) (v1alpha1.PlaceReference, error) {
	providerName, location, ok := strings.Cut(self, "/")
	if !ok || providerName == "" || location == "" {
		return v1alpha1.PlaceReference{}, fmt.Errorf("%q is not of the form provider/location", self)
	}
	return v1alpha1.PlaceReference{ProviderName: providerName, Location: location}, nil
}

// MayRead tells why the operator may not read a bucket's data where it stands, or
// nil if it may. Not being allowed is Waiting: a policy, a provider or a Node has
// to change first.
func (g *Ground) MayRead(ctx context.Context, facts gather.Facts) error {
	place, isConfirmed, err := g.place(ctx, facts.Providers)
	if err != nil {
		return err
	}
	candidate, declared := facts.Candidate(place)
	if !declared {
		return fault.New(fault.Waiting, fault.LocationUnknown,
			"the operator stands at %s, which no SovereignProvider declares, so it may not read data there", place)
	}
	if objections := placement.JudgeProcessing(facts.Binding(), asSureAs(isConfirmed, candidate)); len(objections) > 0 {
		return fault.New(fault.Waiting, fault.Reason(objections[0].Reason),
			"the operator stands at %s and may not read data there: %s", place, objections[0].Message)
	}
	return nil
}

// asSureAs gives a location as it counts for who stands there: where it is may be
// sure, and that the Node is there a mere label.
func asSureAs(isConfirmed bool, candidate placement.Candidate) placement.Candidate {
	if !isConfirmed && candidate.Verification == v1alpha1.VerificationConfirmed {
		candidate.Verification = v1alpha1.VerificationDeclared
	}
	return candidate
}

// place gives where the operator stands, and whether the API of the provider there
// confirms it. What the manager is told counts as it is: whoever may set its flags
// answers for them.
func (g *Ground) place(ctx context.Context, providers []v1alpha1.SovereignProvider) (place v1alpha1.PlaceReference, isConfirmed bool, err error) {
	if g.Self != "" {
		place, err = ParseSelf(g.Self)
		return place, true, err
	}
	if g.NodeName == "" {
		return place, false, fault.New(fault.Waiting, fault.LocationUnknown,
			"it is not known where the operator stands: it runs on no Node and was not told with --self")
	}
	node, err := g.labels(ctx)
	if err != nil {
		return place, false, err
	}
	return v1alpha1.PlaceReference{ProviderName: nameOf(node.provider, providers), Location: node.location}, node.isConfirmed, nil
}

// nameOf gives the name of the provider that a label stands for: it may be longer
// than what a label can hold.
func nameOf(label string, providers []v1alpha1.SovereignProvider) string {
	for _, p := range providers {
		if nodeplace.LabelValue(p.Name) == label {
			return p.Name
		}
	}
	return label
}

// labels gives what the operator's Node says.
func (g *Ground) labels(ctx context.Context) (nodeLabels, error) {
	var node corev1.Node
	if err := g.Reader.Get(ctx, types.NamespacedName{Name: g.NodeName}, &node); err != nil {
		return nodeLabels{}, fmt.Errorf("read the operator's Node: %w", err)
	}
	found := nodeLabels{
		provider: node.Labels[v1alpha1.NodeProviderLabel], location: node.Labels[v1alpha1.NodeLocationLabel],
		isConfirmed: node.Annotations[v1alpha1.PlaceVerificationAnnotation] == string(v1alpha1.NodeConfirmed),
	}
	if found.provider == "" || found.location == "" {
		return nodeLabels{}, fault.New(fault.Waiting, fault.LocationUnknown,
			"it is not known where the operator stands: its Node %s has no labels of a place; its annotation %s says why",
			g.NodeName, v1alpha1.PlaceGroundsAnnotation)
	}
	return found, nil
}
