package nodeplace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/nodeplace"
	"github.com/rempart/rempart/internal/provider"
)

// What the Nodes of the table below say.
const (
	region, zone = corev1.LabelTopologyRegion, corev1.LabelTopologyZone
	machineType  = corev1.LabelInstanceTypeStable
	ovhType      = "node.k8s.ovh/type"
	oscNet       = "topology.outscale.com/net"
	instance     = "openstack:///5c2f6d0a"
	vm           = "aws:///eu-west-2a/i-0a1b2c3d"
)

// mks is a Node of OVHcloud's Managed Kubernetes.
func mks(named string, labels ...string) *corev1.Node {
	return node(instance, append([]string{ovhType, "standard", region, named}, labels...)...)
}

// lists is a world in which the API of one provider lists one machine.
func lists(name, id, in string, providers ...v1alpha1.SovereignProvider) nodeplace.World {
	return nodeplace.World{Providers: providers, Machines: map[string][]provider.Machine{name: {
		{ID: "another", Region: "BHS5"}, {ID: id, Region: in},
	}}}
}

func among(providers ...v1alpha1.SovereignProvider) nodeplace.World {
	return nodeplace.World{Providers: providers}
}

func narrowedTo(names ...string) func(*v1alpha1.SovereignProvider) {
	return func(p *v1alpha1.SovereignProvider) {
		for _, name := range names {
			p.Spec.Locations = append(p.Spec.Locations, v1alpha1.Location{Name: name})
		}
	}
}

func atLocation(name, country string, nodes *v1alpha1.NodeSelector) func(*v1alpha1.SovereignProvider) {
	return func(p *v1alpha1.SovereignProvider) {
		p.Spec.Locations = []v1alpha1.Location{{Name: name, Country: country, Nodes: nodes}}
	}
}

func runBy(entity string) func(*v1alpha1.SovereignProvider) {
	return func(p *v1alpha1.SovereignProvider) { p.Spec.Operator = v1alpha1.Operator{LegalEntity: entity} }
}

// onlyDeclared is a provider whose API does not tell in which country it is.
func onlyDeclared(p v1alpha1.SovereignProvider) v1alpha1.SovereignProvider {
	for i := range p.Status.Locations {
		p.Status.Locations[i].Verification = v1alpha1.VerificationDeclared
	}
	return p
}

var everyNode = &v1alpha1.NodeSelector{}

func TestWhereANodeStands(t *testing.T) {
	const confirmed, declared, unknown = v1alpha1.NodeConfirmed, v1alpha1.NodeDeclared, v1alpha1.NodeUnknown
	american := func(p *v1alpha1.SovereignProvider) { p.Spec.OVHcloud.Endpoint = "ovh-us" }
	for name, test := range map[string]struct {
		node    *corev1.Node
		world   nodeplace.World
		want    string // place country perimeter; - is none
		sure    v1alpha1.NodeVerification
		grounds string
	}{
		"labels of Managed Kubernetes are declared": {
			mks("GRA11"), among(ovhcloud("ovh")), "ovh/GRA FR FR", declared, "its provider id and labels say GRA11 of OVHcloud",
		},
		"and confirmed where the API lists the machine": {
			mks("GRA11"), lists("ovh", "5c2f6d0a", "GRA11", ovhcloud("ovh")), "ovh/GRA FR FR", confirmed,
			"the API of SovereignProvider ovh lists its machine in GRA11",
		},
		"an API that does not list the machine leaves it declared": {
			mks("GRA11"), lists("ovh", "77777777", "GRA11", ovhcloud("ovh")), "ovh/GRA FR FR", declared, "",
		},
		"the account that lists the machine is the Node's": {
			mks("GRA11"), lists("b", "5c2f6d0a", "GRA11", ovhcloud("a"), ovhcloud("b")), "b/GRA FR FR", confirmed, "",
		},
		"two accounts at one place agree, and the first by name is taken": {
			mks("GRA11"), among(ovhcloud("b"), ovhcloud("a")), "a/GRA FR FR", declared, "",
		},
		"the API's word is enough where the labels do not name the vendor": {
			node(instance), lists("ovh", "5c2f6d0a", "SBG5", ovhcloud("ovh")), "ovh/SBG FR FR", confirmed, "",
		},
		"a machine in a place whose country is only declared is declared": {
			node(vm), lists("osc", "i-0a1b2c3d", "eu-west-2a", onlyDeclared(outscale("osc"))), "osc/eu-west-2 FR FR", declared,
			"the API of SovereignProvider osc lists its machine in eu-west-2a",
		},
		"a machine in a local zone is nowhere": {
			node(instance), lists("ovh", "5c2f6d0a", "EU-WEST-LZ-BRU-A", ovhcloud("ovh")), "- - -", unknown,
			"lists its machine in EU-WEST-LZ-BRU-A, where it can have no buckets",
		},
		"an id of another scheme is not the vendor's": {
			node("k3s://5c2f6d0a"), lists("ovh", "5c2f6d0a", "GRA11", ovhcloud("ovh")), "- - -", unknown, "nothing says where it stands",
		},
		"a Node without a provider id matches no machine without an id": {
			node("openstack:///"), lists("ovh", "", "GRA11", ovhcloud("ovh")), "- - -", unknown, "",
		},
		"outside the EU it is outside": {
			mks("BHS5"), among(ovhcloud("ovh")), "ovh/BHS CA None", declared, "",
		},
		"a region that the spec leaves to others is one all the same": {
			mks("BHS5"), among(ovhcloud("ovh", narrowedTo("GRA"))), "ovh/BHS CA None", declared, "",
		},
		"and so is one where the account has no buckets": {
			mks("WAW1"), among(ovhcloud("ovh")), "ovh/WAW PL EU", declared, "",
		},
		"regions in the US are of other accounts": {
			mks("US-EAST-VA-1"), among(ovhcloud("ovh")), "- - -", unknown, "no SovereignProvider is an account that can be there",
		},
		"of those": {
			mks("US-EAST-VA-1"), among(ovhcloud("ovh", american)), "ovh/US-EAST-VA US None", declared, "",
		},
		"a local zone is nowhere": {
			mks("EU-WEST-LZ-BRU-A"), among(ovhcloud("ovh")), "- - -", unknown, "say EU-WEST-LZ-BRU-A of OVHcloud",
		},
		"a vendor of which there is no account": {
			mks("GRA11"), among(outscale("osc")), "- - -", unknown, "no SovereignProvider is an account that can be there",
		},
		"a vendor without a region": {
			node(instance, ovhType, "standard"), among(ovhcloud("ovh")), "- - -", unknown, "it runs at OVHcloud, and nothing says in which region",
		},
		"OpenStack alone is anybody's": {
			node(instance, region, "GRA11"), among(ovhcloud("ovh")), "- - -", unknown, "",
		},
		"OVHcloud's label alone is anybody's": {
			node("", ovhType, "standard", region, "GRA11"), among(ovhcloud("ovh")), "- - -", unknown, "",
		},
		"Outscale's eu-west-2 is Paris": {
			node(vm, oscNet, "vpc-1"), among(outscale("osc")), "osc/eu-west-2 FR FR", declared, "say eu-west-2a of Outscale",
		},
		"by the type of the machine too": {
			node(vm, machineType, "tinav5.c2r4p1"), among(outscale("osc")), "osc/eu-west-2 FR FR", declared, "",
		},
		"by its own scheme alone": {
			node("osc:///eu-west-2a/i-0a1b2c3d"), among(outscale("osc")), "osc/eu-west-2 FR FR", declared, "",
		},
		"confirmed by its API": {
			node(vm, oscNet, "vpc-1", zone, "eu-west-2a"), lists("osc", "i-0a1b2c3d", "eu-west-2a", outscale("osc")), "osc/eu-west-2 FR FR", confirmed, "",
		},
		"AWS in London is not Outscale in Paris": {
			node(vm, region, "eu-west-2", zone, "eu-west-2a", machineType, "m6i.large"), among(outscale("osc")), "- - -", unknown, "",
		},
		"a region of Outscale that the catalogue does not know is the account's": {
			node("osc:///eu-north-9b/i-1", region, "eu-north-9"), among(outscale("osc", func(p *v1alpha1.SovereignProvider) {
				p.Spec.Outscale.Region = "eu-north-9"
				p.Spec.Locations = []v1alpha1.Location{{Name: "eu-north-9", Country: "SE"}}
			})), "osc/eu-north-9 SE EU", declared, "",
		},
		"on premises it is what the owner selects": {
			node("", roomLabel, "hall-b"), among(onprem("onprem")), "onprem/hall-b FR FR", declared,
			"spec.locations[hall-b].nodes of SovereignProvider onprem selects it",
		},
		"by the beginning of the provider id": {
			node("vsphere://4230e1f4"), among(onprem("onprem")), "onprem/hall-a FR FR", declared, "",
		},
		"an empty selector selects all": {
			node("k3s://server1"), among(onprem("onprem", atLocation("dc", "FR", everyNode))), "onprem/dc FR FR", declared, "",
		},
		"none selects none": {
			node("k3s://server1"), among(onprem("onprem", atLocation("dc", "FR", nil))), "- - -", unknown, "nothing says where it stands",
		},
		"all that a selector says must hold": {
			node("k3s://server1", roomLabel, "hall-b"), among(onprem("onprem", atLocation("dc", "FR", &v1alpha1.NodeSelector{
				LabelSelector: selecting(roomLabel, "hall-b").LabelSelector, ProviderIDPrefix: "vsphere://",
			}))), "- - -", unknown, "",
		},
		"expressions count": {
			node("", roomLabel, "hall-c"), among(onprem("onprem", atLocation("dc", "FR", &v1alpha1.NodeSelector{LabelSelector: metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: roomLabel, Operator: metav1.LabelSelectorOpIn, Values: []string{"hall-b", "hall-c"}}},
			}}))), "onprem/dc FR FR", declared, "",
		},
		"a selector that is none selects nothing, and is named": {
			node(""), among(onprem("onprem", atLocation("dc", "FR", &v1alpha1.NodeSelector{LabelSelector: metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: roomLabel, Operator: "Resembles"}},
			}}))), "- - -", unknown, "spec.locations[dc].nodes of SovereignProvider onprem is no selector",
		},
		"machines of a vendor without its labels can be selected": {
			node(instance, roomLabel, "gra"), among(ovhcloud("ovh", func(p *v1alpha1.SovereignProvider) {
				p.Spec.Locations = []v1alpha1.Location{{Name: "GRA", Nodes: selecting(roomLabel, "gra")}}
			})), "ovh/GRA FR FR", declared, "",
		},
		"a place without a known country is outside": {
			node("k3s://server1"), among(onprem("onprem", atLocation("dc", "", everyNode))), "onprem/dc - None", declared, "",
		},
		"two stores of one's own in one room agree, whatever they call it": {
			node(""), among(onprem("b", atLocation("room", "FR", everyNode)), onprem("a", atLocation("dc1", "FR", everyNode))), "a/dc1 FR FR", declared,
			"spec.locations[dc1].nodes of SovereignProvider a selects it; spec.locations[room].nodes of SovereignProvider b selects it",
		},
		"nothing is known in an empty world": {mks("GRA11"), nodeplace.World{}, "- - -", unknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			place := nodeplace.Of(test.node, test.world)
			if got := inWords(place); got != test.want || place.Verification != test.sure {
				t.Errorf("it stands at %s (%s), want %s (%s); because %s", got, place.Verification, test.want, test.sure, place.Grounds)
			}
			if !strings.Contains(place.Grounds, test.grounds) || place.Grounds == "" {
				t.Errorf("the grounds are %q, want %q in it", place.Grounds, test.grounds)
			}
		})
	}
}

// inWords gives place, country and perimeter, with - for each that is not known.
func inWords(place nodeplace.Place) string {
	words := []string{"-", "-", "-"}
	if place.ProviderName != "" {
		words[0] = place.PlaceReference.String()
	}
	if place.Country != "" {
		words[1] = place.Country
	}
	if place.Perimeter != "" {
		words[2] = string(place.Perimeter)
	}
	return strings.Join(words, " ")
}

func TestSignalsThatDisagreeLeaveANodeNowhere(t *testing.T) {
	for name, test := range map[string]struct {
		node  *corev1.Node
		world nodeplace.World
		want  []string // what is named
	}{
		"labels of two vendors": {
			mks("GRA11", oscNet, "vpc-1"), among(ovhcloud("ovh"), outscale("osc")),
			[]string{"label node.k8s.ovh/type is OVHcloud's and label topology.outscale.com/net is Outscale's"},
		},
		"a provider id of another cloud than the labels": {
			node(vm, ovhType, "standard", region, "GRA11"), among(ovhcloud("ovh")),
			[]string{"label node.k8s.ovh/type is OVHcloud's and the provider id begins with aws://"},
		},
		"Outscale's type of machine on another cloud": {
			node(instance, machineType, "tinav5.c2r4p1"), among(outscale("osc")),
			[]string{"machine type tinav5.c2r4p1 is Outscale's and the provider id begins with openstack://"},
		},
		"OVHcloud's label with Outscale's scheme": {
			node("osc:///eu-west-2a/i-1", ovhType, "standard"), among(ovhcloud("ovh"), outscale("osc")),
			[]string{"node.k8s.ovh/type", "osc://"},
		},
		"two labels of regions": {
			mks("GRA11", corev1.LabelFailureDomainBetaRegion, "BHS5"), among(ovhcloud("ovh")),
			[]string{"label topology.kubernetes.io/region says GRA11 and label failure-domain.beta.kubernetes.io/region says BHS5"},
		},
		"a zone of another region": {
			mks("GRA11", zone, "eu-west-par-a"), among(ovhcloud("ovh")), []string{"GRA11", "eu-west-par-a"},
		},
		"a subregion of another region": {
			node(vm, oscNet, "vpc-1", region, "us-east-2"), among(outscale("osc")), []string{"the provider id says eu-west-2a", "us-east-2"},
		},
		"a zone of another region at Outscale": {
			node(vm, oscNet, "vpc-1", zone, "cloudgouv-eu-west-1a"), among(outscale("osc")), []string{"eu-west-2a", "cloudgouv-eu-west-1a"},
		},
		"the API and the labels": {
			mks("GRA11"), lists("ovh", "5c2f6d0a", "BHS5", ovhcloud("ovh")),
			[]string{"its provider id and labels say GRA11 of OVHcloud, and the API of SovereignProvider ovh lists its machine in BHS5"},
		},
		"the API, with a place that cannot have buckets": {
			mks("GRA11"), lists("ovh", "5c2f6d0a", "EU-WEST-LZ-BRU-A", ovhcloud("ovh")), []string{"GRA11", "EU-WEST-LZ-BRU-A"},
		},
		"two regions of one country": {
			mks("GRA11"), lists("b", "5c2f6d0a", "SBG5", ovhcloud("a"), ovhcloud("b")), []string{"GRA11", "SBG5"},
		},
		"two accounts of which both list the machine, in different regions": {
			node(instance), nodeplace.World{
				Providers: []v1alpha1.SovereignProvider{ovhcloud("a"), ovhcloud("b")},
				Machines:  map[string][]provider.Machine{"a": {{ID: "5c2f6d0a", Region: "GRA11"}}, "b": {{ID: "5c2f6d0a", Region: "SBG5"}}},
			}, []string{"a/GRA (FR", "b/SBG (FR"},
		},
		"an owner's selector and a vendor": {
			mks("BHS5"), among(ovhcloud("ovh"), onprem("onprem", atLocation("dc", "FR", everyNode))),
			[]string{"BHS5 of OVHcloud: ovh/BHS (CA, run by 537407926)", "selects it: onprem/dc (FR, run by communauté d'agglomération d'exemple)"},
		},
		"an owner's selector and the API of a vendor, with the provider id of a machine that is another": {
			node(instance), lists("ovh", "5c2f6d0a", "GRA11", ovhcloud("ovh"), onprem("onprem", atLocation("dc", "CH", everyNode))),
			[]string{"the API of SovereignProvider ovh lists its machine in GRA11: ovh/GRA (FR", "selects it: onprem/dc (CH"},
		},
		"two owners with different countries": {
			node(""), among(onprem("a", atLocation("dc", "FR", everyNode)), onprem("b", atLocation("dc", "CH", everyNode))), []string{"a/dc (FR", "b/dc (CH"},
		},
		"two owners with different countries of one perimeter": {
			node(""), among(onprem("a", atLocation("dc", "DE", everyNode)), onprem("b", atLocation("dc", "IT", everyNode))), []string{"a/dc (DE", "b/dc (IT"},
		},
		"two owners who are not the same": {
			node(""), among(onprem("a", atLocation("dc", "FR", everyNode)), onprem("b", atLocation("dc", "FR", everyNode), runBy("SITIV"))),
			[]string{"run by sitiv"},
		},
		"two locations of one owner": {
			node("vsphere://1", roomLabel, "hall-b"), among(onprem("onprem")), []string{"onprem/hall-a", "onprem/hall-b"},
		},
		"a location of which the vendor says another country than its owner": {
			mks("BHS5"), among(ovhcloud("ovh", func(p *v1alpha1.SovereignProvider) {
				p.Spec.Locations = []v1alpha1.Location{{Name: "BHS", Country: "FR"}}
			})), []string{"of location ovh/BHS spec.locations says FR, and the provider's own API says CA"},
		},
		"two Nodes with one provider id": {
			mks("GRA11"), nodeplace.World{
				Providers: []v1alpha1.SovereignProvider{ovhcloud("ovh")}, Twins: map[string][]string{instance: {"n", "m"}},
			}, []string{"Nodes m and n have one provider id"},
		},
		"an administrator's word that is none": {
			overridden(mks("GRA11"), "GRA"), among(ovhcloud("ovh")), []string{`the annotation rempart.dev/place-override is "GRA"`},
		},
		"an administrator's word for a place that nobody has": {
			overridden(mks("GRA11"), "onprem/dc9"), among(ovhcloud("ovh"), onprem("onprem")), []string{"onprem/dc9"},
		},
		"an administrator's word for a place that is in dispute": {
			overridden(mks("GRA11"), "ovh/BHS"), among(ovhcloud("ovh", func(p *v1alpha1.SovereignProvider) {
				p.Spec.Locations = []v1alpha1.Location{{Name: "BHS", Country: "FR"}, {Name: "GRA"}}
			})), []string{"spec.locations says FR"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			place := nodeplace.Of(test.node, test.world)
			if place.Verification != v1alpha1.NodeContradicted {
				t.Fatalf("it is %s", place)
			}
			if diff := cmp.Diff(map[string]string{v1alpha1.NodePerimeterLabel: "None"}, place.Labels()); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			for _, piece := range test.want {
				if !strings.Contains(place.Grounds, piece) {
					t.Errorf("the grounds are %q, want %q in it", place.Grounds, piece)
				}
			}
		})
	}
}

func TestAnAdministratorsWordGoesBeforeSignals(t *testing.T) {
	for name, test := range map[string]struct {
		node    *corev1.Node
		instead string
	}{
		"where nothing is known":    {node("k3s://server1"), "without it: Unknown (nothing says where it stands"},
		"where labels say else":     {mks("BHS5"), "without it: Declared at ovh/BHS"},
		"where signals disagree":    {mks("GRA11", oscNet, "vpc-1"), "without it: Contradicted (label node.k8s.ovh/type"},
		"where the word is not new": {node("", roomLabel, "hall-b"), "without it: Declared at onprem/hall-b"},
	} {
		t.Run(name, func(t *testing.T) {
			place := nodeplace.Of(overridden(test.node, "onprem/hall-b"), among(ovhcloud("ovh"), outscale("osc"), onprem("onprem")))
			if inWords(place) != "onprem/hall-b FR FR" || place.Verification != v1alpha1.NodeOverridden {
				t.Errorf("it is %s", place)
			}
			if !strings.Contains(place.Grounds, "an administrator says so") || !strings.Contains(place.Grounds, test.instead) {
				t.Errorf("the grounds are %q", place.Grounds)
			}
		})
	}
}

// A Node whose signals stay the same is never written again.
func TestTheGroundsDoNotDependOnTheOrderOfProviders(t *testing.T) {
	a, b, c := onprem("a", atLocation("dc", "FR", everyNode)), onprem("b", atLocation("dc", "CH", everyNode)), ovhcloud("c")
	unreadable := &v1alpha1.NodeSelector{LabelSelector: metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: roomLabel, Operator: "Resembles"}},
	}}
	d, e := onprem("d", atLocation("dc", "FR", unreadable)), onprem("e", atLocation("dc", "FR", unreadable))
	for name, providers := range map[string][]v1alpha1.SovereignProvider{"that disagree": {a, b, c}, "that say nothing": {c, d, e}, "of which one selects": {a, d, e}} {
		for _, n := range []*corev1.Node{mks("GRA11"), node("")} {
			p := providers
			want := nodeplace.Of(n, among(p...))
			for _, world := range []nodeplace.World{among(p[1], p[0], p[2]), among(p[2], p[1], p[0]), among(p[2], p[0], p[1])} {
				if diff := cmp.Diff(want, nodeplace.Of(n, world)); diff != "" {
					t.Errorf("providers %s (-want +got):\n%s", name, diff)
				}
			}
		}
	}
}

func TestGroundsStayShort(t *testing.T) {
	var providers []v1alpha1.SovereignProvider
	for name := range strings.FieldsSeq("a b c d e f g h i j k l") {
		providers = append(providers, onprem(name, atLocation("dc", "FR", everyNode), runBy(name)))
	}
	place := nodeplace.Of(overridden(node("", roomLabel, "x"), strings.Repeat("é", 4000)), among(providers...))
	if len(place.Grounds) > 1000 {
		t.Errorf("the grounds have %d bytes: %s", len(place.Grounds), place.Grounds)
	}
	if place := nodeplace.Of(node(""), among(providers...)); !strings.HasSuffix(place.Grounds, "; and 4 more") {
		t.Errorf("the grounds are %q", place.Grounds)
	}

	// Nor do many Nodes with one provider id.
	var twins []string
	for i := range 5000 {
		twins = append(twins, fmt.Sprintf("worker-%04d", i))
	}
	crowd := among(onprem("onprem"))
	crowd.Twins = map[string][]string{"vsphere://1": twins}
	if place := nodeplace.Of(node("vsphere://1"), crowd); !strings.HasSuffix(place.Grounds, "worker-0006 and worker-0007 and 4992 more have one provider id") {
		t.Errorf("%d bytes of grounds", len(place.Grounds))
	}
}

func TestLabelValues(t *testing.T) {
	long := strings.Repeat("a", 60) + "-mairie"
	for text, want := range map[string]string{
		"537407926":                           "537407926",
		"96950065LBWY0APQIM86":                "96950065LBWY0APQIM86",
		"ovh.eu_1":                            "ovh.eu_1",
		"communauté d'agglomération de l'est": "communaute-d-agglomeration-de-l-est-",
		"ovh groupe sa":                       "ovh-groupe-sa-",
		"-a-":                                 "a-",
		"東京都":                                 "",
		long:                                  strings.Repeat("a", 54) + "-",
	} {
		got := nodeplace.LabelValue(text)
		if problems := validation.IsValidLabelValue(got); len(problems) > 0 {
			t.Errorf("%q becomes %q: %v", text, got, problems)
		}
		if !strings.HasPrefix(got, want) || got == "" {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		if again := nodeplace.LabelValue(text); again != got {
			t.Errorf("%q becomes %q, and then %q", text, got, again)
		}
	}
	if nodeplace.LabelValue("a b") == nodeplace.LabelValue("a+b") || nodeplace.LabelValue(long) == nodeplace.LabelValue(long+"s") {
		t.Error("different texts become the same")
	}
	if nodeplace.LabelValue("régie") == nodeplace.LabelValue("regie") {
		t.Error("an accent makes no difference")
	}
}

func FuzzLabelValue(f *testing.F) {
	for _, text := range []string{"", "a", "É", "\xff", "a" + strings.Repeat(".", 70), strings.Repeat("ﬃ", 40)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := nodeplace.LabelValue(text)
		if problems := validation.IsValidLabelValue(got); len(problems) > 0 {
			t.Errorf("%q becomes %q: %v", text, got, problems)
		}
	})
}
