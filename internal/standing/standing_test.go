package standing_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/placement"
	"github.com/rempart/rempart/internal/standing"
)

// facts are about data that stays in FR, with places in France and Canada.
func facts() gather.Facts {
	p := v1alpha1.SovereignProvider{ObjectMeta: metav1.ObjectMeta{Name: "ovh"}}
	p.Spec.Locations = []v1alpha1.Location{{Name: "GRA", Country: "FR"}, {Name: "BHS", Country: "CA"}, {Name: "?"}}
	return gather.Facts{
		Providers: []v1alpha1.SovereignProvider{p},
		Policies: []placement.Policy{{Name: "p", Spec: v1alpha1.SovereigntyPolicySpec{
			Residency: v1alpha1.Residency{Perimeter: v1alpha1.PerimeterFR},
		}}},
	}
}

func TestMayRead(t *testing.T) {
	node := func(labels map[string]string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: labels}}
	}
	at := func(location string) map[string]string {
		return map[string]string{v1alpha1.NodeProviderLabel: "ovh", v1alpha1.NodeLocationLabel: location}
	}
	for name, test := range map[string]struct {
		self, node string
		labels     map[string]string
		reason     fault.Reason // empty: it may
		message    string
	}{
		"told that it stands in France":         {self: "ovh/GRA"},
		"told that it stands in Canada":         {self: "ovh/BHS", reason: "OutsidePerimeter", message: "stands at ovh/BHS and may not read data there: CA is outside FR"},
		"told a place of no known country":      {self: "ovh/?", reason: fault.LocationUnknown},
		"told a place that nobody declares":     {self: "ovh/XXX", reason: fault.LocationUnknown, message: "which no SovereignProvider declares"},
		"told nothing, on no Node":              {reason: fault.LocationUnknown, message: "--self"},
		"told nothing, on a Node in France":     {node: "n", labels: at("GRA")},
		"told nothing, on a Node in Canada":     {node: "n", labels: at("BHS"), reason: "OutsidePerimeter"},
		"told nothing, on a Node without label": {node: "n", reason: fault.LocationUnknown, message: "its Node n has no labels of a place; its annotation rempart.dev/place-grounds says why"},
		"what it is told goes before the Node":  {self: "ovh/GRA", node: "n", labels: at("BHS")},
	} {
		t.Run(name, func(t *testing.T) {
			ground := &standing.Ground{
				Self: test.self, NodeName: test.node,
				Reader: fake.NewClientBuilder().WithObjects(node(test.labels)).Build(),
			}
			err := ground.MayRead(t.Context(), facts())
			if test.reason == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if classified := fault.Of(err); classified == nil || classified.Reason != test.reason || classified.Class != fault.Waiting {
				t.Fatalf("MayRead gives %+v", classified)
			}
			if !strings.Contains(err.Error(), test.message) {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestWhatTheNodeSaysCountsAtOnce(t *testing.T) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
	cluster := fake.NewClientBuilder().WithObjects(node).Build()
	ground := &standing.Ground{NodeName: "n", Reader: cluster}
	label := func(location string) {
		t.Helper()
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(node), node); err != nil {
			t.Fatal(err)
		}
		node.Labels = map[string]string{v1alpha1.NodeProviderLabel: "ovh", v1alpha1.NodeLocationLabel: location}
		if err := cluster.Update(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	if err := ground.MayRead(t.Context(), facts()); err == nil {
		t.Fatal("it may read on a Node without labels")
	}
	label("GRA")
	if err := ground.MayRead(t.Context(), facts()); err != nil {
		t.Fatalf("a label that was missing is not seen at once: %v", err)
	}
	label("BHS")
	if err := ground.MayRead(t.Context(), facts()); err == nil {
		t.Error("a label that changed is not seen")
	}
}

// A name that is too long for a label is found by what the label has instead.
func TestAProviderIsFoundByItsLabel(t *testing.T) {
	known := facts()
	known.Providers[0].Name = strings.Repeat("ovh.", 20) + "fr"
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{
		v1alpha1.NodeProviderLabel: nodeplace.LabelValue(known.Providers[0].Name), v1alpha1.NodeLocationLabel: "GRA",
	}}}
	ground := &standing.Ground{NodeName: "n", Reader: fake.NewClientBuilder().WithObjects(node).Build()}
	if err := ground.MayRead(t.Context(), known); err != nil {
		t.Error(err)
	}
}

func TestParseSelf(t *testing.T) {
	for _, wrong := range []string{"", "ovh", "ovh/", "/GRA"} {
		if _, err := standing.ParseSelf(wrong); err == nil {
			t.Errorf("%q is taken for a place", wrong)
		}
	}
	if place, err := standing.ParseSelf("ovh/GRA"); err != nil || place.String() != "ovh/GRA" {
		t.Errorf("%v, %v", place, err)
	}
}
