// Package nodeplace tells where a Node of the cluster stands: from what the Node
// says of itself, what SovereignProviders declare, and which machines the APIs of
// their vendors list.
//
// A signal counts only together with one that says whose it is, because vendors
// share names: eu-west-2 is Paris at Outscale and London elsewhere. Signals that
// disagree are not weighed against each other: the Node is then nowhere until a
// person decides. What nothing tells stays unknown.
//
// It is pure. Start reading at Of.
package nodeplace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
)

// World is what Nodes are matched against.
type World struct {
	Providers []v1alpha1.SovereignProvider
	// Machines are those that a provider's API lists, by the provider's name. A
	// provider that is missing did not tell.
	Machines map[string][]provider.Machine
	// Twins are the names of the Nodes with a provider id, by that id.
	Twins map[string][]string
}

// Place is where a Node stands. A Node whose signals disagree has the perimeter
// None and no other fact, one of which nothing is known has none at all.
type Place struct {
	v1alpha1.PlaceReference
	// Country is an ISO 3166-1 code; empty is unknown.
	Country   string
	Perimeter v1alpha1.Perimeter
	// Operator is the group that runs the provider, as it is counted.
	Operator     string
	Verification v1alpha1.NodeVerification
	// Grounds say in words what the rest follows from. They are the same as long as
	// the signals are.
	Grounds string
}

// Of tells where a Node stands. An administrator's word, the override annotation,
// goes before every signal.
func Of(node *corev1.Node, world World) Place {
	world.Providers = slices.SortedFunc(slices.Values(world.Providers), func(a, b v1alpha1.SovereignProvider) int { return cmp.Compare(a.Name, b.Name) })
	place := settle(look(node, world))
	if word, isSet := node.Annotations[v1alpha1.PlaceOverrideAnnotation]; isSet {
		return override(word, place, world)
	}
	return place
}

// override gives the place that an administrator names instead of another one.
func override(word string, instead Place, world World) Place {
	s, isDeclared := world.named(word)
	switch {
	case !isDeclared:
		return contradicted(fmt.Sprintf("the annotation %s is %q, and must be provider/location of a location that a SovereignProvider has",
			v1alpha1.PlaceOverrideAnnotation, shortened(word)))
	case s.contradiction != "":
		return contradicted(s.dispute())
	}
	place := s.place()
	place.Verification = v1alpha1.NodeOverridden
	place.Grounds = fmt.Sprintf("an administrator says so with the annotation %s; without it: %s", v1alpha1.PlaceOverrideAnnotation, instead)
	return place
}

// settle gives the place that the signals agree on.
func settle(found findings) Place {
	if objections := found.objections(); len(objections) > 0 {
		return contradicted(objections...)
	}
	if len(found.claims) == 0 {
		return Place{Verification: v1alpha1.NodeUnknown, Grounds: sentence(found.notes)}
	}
	best := slices.MinFunc(found.claims, byWeight)
	place := best.site.place()
	place.Verification = v1alpha1.NodeDeclared
	if best.isListed && best.site.verification == v1alpha1.VerificationConfirmed {
		place.Verification = v1alpha1.NodeConfirmed
	}
	slices.SortFunc(found.claims, byWeight)
	var grounds []string
	for _, c := range found.claims {
		grounds = append(grounds, c.ground)
	}
	place.Grounds = sentence(append(grounds, found.notes...))
	return place
}

// byWeight puts what an API lists first, and then orders by name.
func byWeight(a, b claim) int {
	switch {
	case a.isListed && !b.isListed:
		return -1
	case !a.isListed && b.isListed:
		return 1
	}
	return cmp.Or(
		cmp.Compare(a.site.ProviderName, b.site.ProviderName), cmp.Compare(a.site.Location, b.site.Location), cmp.Compare(a.ground, b.ground),
	)
}

func contradicted(objections ...string) Place {
	return Place{
		Perimeter: v1alpha1.PerimeterNone, Verification: v1alpha1.NodeContradicted, Grounds: sentence(objections),
	}
}

// String says where the Node is and how sure that is, or why it is nowhere.
func (p Place) String() string {
	switch p.Verification {
	case v1alpha1.NodeConfirmed, v1alpha1.NodeDeclared, v1alpha1.NodeOverridden:
		return fmt.Sprintf("%s at %s", p.Verification, p.PlaceReference)
	default:
		return fmt.Sprintf("%s (%s)", p.Verification, p.Grounds)
	}
}

// mostNamed bounds what is named in one sentence; an annotation is read by people.
const mostNamed = 8

// sentence joins what is to be said, once each.
func sentence(parts []string) string {
	var said []string
	for _, part := range parts {
		if !slices.Contains(said, part) {
			said = append(said, part)
		}
	}
	if more := len(said) - mostNamed; more > 0 {
		said = append(said[:mostNamed], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}

// shortened keeps what somebody else wrote from filling an annotation.
func shortened(text string) string {
	const most = 128
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
