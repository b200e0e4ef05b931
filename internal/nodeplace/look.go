package nodeplace

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/catalogue"
	"github.com/rempart/rempart/internal/provider"
)

// claim is one signal's word for a site.
type claim struct {
	site site
	// ground says what the signal is.
	ground string
	// isListed tells that the provider's API lists the machine.
	isListed bool
}

// findings are what was found out about a Node.
type findings struct {
	claims []claim
	// disputes say what does not fit together, whatever the claims.
	disputes []string
	// notes say what else there is to know.
	notes []string
}

// look gathers every signal there is for a Node.
func look(node *corev1.Node, world World) findings {
	its := whatItSays(node)
	found := findings{disputes: its.objections}
	found.matchVendor(its, world)
	found.matchMachines(node, its, world)
	found.matchSelectors(node, world)
	if len(found.claims) > 0 {
		found.matchTwins(node, world)
	} else if len(found.notes) == 0 {
		found.notes = append(found.notes, "nothing says where it stands: select it with spec.locations[].nodes of a SovereignProvider")
	}
	return found
}

// matchVendor claims the region that the Node names, at each account there.
func (f *findings) matchVendor(its said, world World) {
	if its.vendor == "" {
		return
	}
	if its.region == "" {
		f.notes = append(f.notes, fmt.Sprintf("it runs at %s, and nothing says in which region", its.vendor))
		return
	}
	isThere := false
	for i := range world.Providers {
		p := &world.Providers[i]
		if catalogue.Vendor(p.Spec.Type) != its.vendor {
			continue
		}
		if s, has := siteOf(p, its.region); has {
			isThere = true
			f.claims = append(f.claims, claim{site: s, ground: fmt.Sprintf("its provider id and labels say %s of %s", its.named, its.vendor)})
		}
	}
	if !isThere {
		f.notes = append(f.notes, fmt.Sprintf("its provider id and labels say %s of %s, and no SovereignProvider is an account that can be there", its.named, its.vendor))
	}
}

// schemes of the provider ids of Nodes on a vendor's machines.
var schemes = map[v1alpha1.ProviderType][]string{
	v1alpha1.ProviderTypeOVHcloud: {"openstack"}, v1alpha1.ProviderTypeOutscale: {"aws", "osc"},
}

// matchMachines claims the region of the machine that the Node runs on, at each
// account whose API lists it. That one is missing says nothing: the cluster may be
// of another account than the buckets.
func (f *findings) matchMachines(node *corev1.Node, its said, world World) {
	scheme, _ := providerID(node)
	id := machineID(node)
	for i := range world.Providers {
		p := &world.Providers[i]
		at := slices.IndexFunc(world.Machines[p.Name], func(m provider.Machine) bool { return m.ID == id })
		if at < 0 || id == "" || !slices.Contains(schemes[p.Spec.Type], scheme) {
			continue
		}
		named := world.Machines[p.Name][at].Region
		region := storageRegion(catalogue.Vendor(p.Spec.Type), named)
		ground := fmt.Sprintf("the API of SovereignProvider %s lists its machine in %s", p.Name, named)
		if its.region != "" && !strings.EqualFold(region, its.region) {
			f.disputes = append(f.disputes, fmt.Sprintf("its provider id and labels say %s of %s, and %s", its.named, its.vendor, ground))
		}
		if s, has := siteOf(p, region); has {
			f.claims = append(f.claims, claim{site: s, ground: ground, isListed: true})
		} else {
			f.notes = append(f.notes, ground+", where it can have no buckets")
		}
	}
}

// matchSelectors claims the locations whose owners select the Node.
func (f *findings) matchSelectors(node *corev1.Node, world World) {
	for i := range world.Providers {
		p := &world.Providers[i]
		for _, l := range p.Spec.Locations {
			if l.Nodes == nil {
				continue
			}
			where := fmt.Sprintf("spec.locations[%s].nodes of SovereignProvider %s", l.Name, p.Name)
			selects, err := isSelected(node, l.Nodes)
			if err != nil {
				f.notes = append(f.notes, fmt.Sprintf("%s is no selector: %v", where, err))
				continue
			}
			if s, has := siteOf(p, l.Name); has && selects {
				f.claims = append(f.claims, claim{site: s, ground: where + " selects it"})
			}
		}
	}
}

func isSelected(node *corev1.Node, by *v1alpha1.NodeSelector) (bool, error) {
	selector, err := metav1.LabelSelectorAsSelector(&by.LabelSelector)
	if err != nil {
		return false, err
	}
	return selector.Matches(labels.Set(node.Labels)) && strings.HasPrefix(node.Spec.ProviderID, by.ProviderIDPrefix), nil
}

// matchTwins disputes a provider id that several Nodes have: a kubelet chooses its
// own when it registers, and one of them lies.
func (f *findings) matchTwins(node *corev1.Node, world World) {
	if id := node.Spec.ProviderID; id != "" {
		twins := slices.Sorted(slices.Values(world.Twins[id]))
		if more := len(twins) - mostNamed; more > 0 {
			twins = append(twins[:mostNamed], fmt.Sprintf("%d more", more))
		}
		if len(twins) > 1 {
			f.disputes = append(f.disputes, fmt.Sprintf("Nodes %s have one provider id", strings.Join(twins, " and ")))
		}
	}
}

// objections say what of the findings does not fit together.
func (f findings) objections() []string {
	objections := slices.Clone(f.disputes)
	for _, c := range f.claims {
		if c.site.contradiction != "" {
			objections = append(objections, c.site.dispute())
		}
	}
	for _, c := range f.claims {
		if !c.site.agrees(f.claims[0].site) {
			return append(objections, f.listed()...)
		}
	}
	return objections
}

// listed says of every claim what it is and where it would have the Node.
func (f findings) listed() []string {
	var all []string
	for _, c := range f.claims {
		all = append(all, fmt.Sprintf("%s: %s", c.ground, c.site))
	}
	slices.Sort(all)
	return all
}
