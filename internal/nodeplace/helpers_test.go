package nodeplace_test

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/location"
	"github.com/rempart/rempart/internal/provider"
)

// ovhcloud is an account at OVHcloud whose regions were discovered.
func ovhcloud(name string, change ...func(*v1alpha1.SovereignProvider)) v1alpha1.SovereignProvider {
	p := v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOVHcloud, OVHcloud: &v1alpha1.OVHcloudAccount{Endpoint: "ovh-eu"},
		},
	}
	return discovered(p, change, []provider.Region{
		{Name: "BHS", Country: "CA"}, {Name: "EU-WEST-PAR", Country: "FR"}, {Name: "GRA", Country: "FR"}, {Name: "SBG", Country: "FR"},
	})
}

// outscale is an account at Outscale in Paris.
func outscale(name string, change ...func(*v1alpha1.SovereignProvider)) v1alpha1.SovereignProvider {
	p := v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOutscale, Outscale: &v1alpha1.OutscaleAccount{Region: "eu-west-2"},
		},
	}
	return discovered(p, change, []provider.Region{{Name: "eu-west-2", LocationCodes: []string{"PAR1"}}})
}

func discovered(p v1alpha1.SovereignProvider, change []func(*v1alpha1.SovereignProvider), regions []provider.Region) v1alpha1.SovereignProvider {
	for _, f := range change {
		f(&p)
	}
	p.Status.Locations = location.Merge(&p, regions)
	return p
}

// onprem is a store of one's own with two halls.
func onprem(name string, change ...func(*v1alpha1.SovereignProvider)) v1alpha1.SovereignProvider {
	p := v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{Endpoint: "https://s3.example.fr"},
			Operator: v1alpha1.Operator{LegalEntity: "Communauté d'agglomération d'Exemple", ControlCountry: "FR"},
			Locations: []v1alpha1.Location{
				{Name: "hall-a", Country: "FR", OnPremise: true, Nodes: &v1alpha1.NodeSelector{ProviderIDPrefix: "vsphere://"}},
				{Name: "hall-b", Country: "FR", OnPremise: true, Nodes: selecting(roomLabel, "hall-b")},
			},
		},
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

const roomLabel = "site.node-restriction.kubernetes.io/room"

func selecting(key, value string) *v1alpha1.NodeSelector {
	return &v1alpha1.NodeSelector{LabelSelector: metav1.LabelSelector{MatchLabels: map[string]string{key: value}}}
}

// node is a Node with a provider id and labels, given as key and value in turns.
func node(providerID string, labels ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{}}, Spec: corev1.NodeSpec{ProviderID: providerID}}
	for i := 0; i < len(labels); i += 2 {
		n.Labels[labels[i]] = labels[i+1]
	}
	return n
}

// overridden gives a Node an administrator's word.
func overridden(n *corev1.Node, word string) *corev1.Node {
	n.Annotations = map[string]string{v1alpha1.PlaceOverrideAnnotation: word}
	return n
}
