package nodeplace

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/rempart/rempart/internal/catalogue"
)

// What the vendors put on Nodes. OVHcloud's is on those of its Managed Kubernetes,
// Outscale's are set by its cloud controller manager and labeller: as read in their
// sources and in a Node of Managed Kubernetes that somebody published in April 2026.
const (
	ovhLabels      = "node.k8s.ovh/"
	outscaleLabels = "topology.outscale.com/"
	// outscaleTypes begin the names of Outscale's types of machines.
	outscaleTypes = "tinav"
)

// Labels of the region and zone of a Node, today's and those from before.
var (
	regionLabels = []string{corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion}
	zoneLabels   = []string{corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone, "topology.cinder.csi.openstack.org/zone"}
)

// said is what a Node says about the vendor that it runs at.
type said struct {
	// vendor is empty unless the provider id and the labels say which it is.
	vendor catalogue.Vendor
	// region is that of object storage which belongs to where the Node is; named is
	// how the Node puts it.
	region, named string
	// objections say what does not fit together.
	objections []string
}

// whatItSays reads a Node's own signals.
func whatItSays(node *corev1.Node) said {
	vendor, objection := vendorOf(node)
	s := said{vendor: vendor}
	if objection != "" {
		s.objections = append(s.objections, objection)
	}
	if vendor == "" {
		return s
	}
	var first regionSignal
	for _, signal := range regionSignals(vendor, node) {
		switch {
		case first.region == "":
			first = signal
		case !strings.EqualFold(signal.region, first.region):
			s.objections = append(s.objections, fmt.Sprintf("%s says %s and %s says %s", first.where, first.named, signal.where, signal.named))
		}
	}
	s.region, s.named = first.region, first.named
	return s
}

// vendorOf gives the vendor that both the provider id and the labels speak of. The
// provider ids alone do not tell: OpenStack is run by many, and Outscale's cloud
// controller manager writes aws:// as others do.
func vendorOf(node *corev1.Node) (vendor catalogue.Vendor, objection string) {
	scheme, _ := providerID(node)
	ofOVHcloud, ofOutscale := labelWith(node, ovhLabels), outscaleMark(node)
	switch {
	case ofOVHcloud != "" && ofOutscale != "":
		return "", fmt.Sprintf("label %s is OVHcloud's and %s is Outscale's", ofOVHcloud, ofOutscale)
	case ofOVHcloud != "":
		return claimed(catalogue.OVHcloud, "label "+ofOVHcloud, scheme, "openstack")
	case ofOutscale != "":
		return claimed(catalogue.Outscale, ofOutscale, scheme, "aws", "osc")
	case scheme == "osc":
		return catalogue.Outscale, ""
	}
	return "", ""
}

// claimed holds a vendor's mark against the provider id. A Node without one has not
// been looked at by its cloud yet, and says nothing.
func claimed(vendor catalogue.Vendor, mark, scheme string, its ...string) (catalogue.Vendor, string) {
	switch {
	case slices.Contains(its, scheme):
		return vendor, ""
	case scheme == "":
		return "", ""
	}
	return "", fmt.Sprintf("%s is %s's and the provider id begins with %s://", mark, vendor, shortened(scheme))
}

// providerID splits a Node's provider id into its scheme and what follows.
func providerID(node *corev1.Node) (scheme, rest string) {
	scheme, rest, isWhole := strings.Cut(node.Spec.ProviderID, "://")
	if !isWhole {
		return "", ""
	}
	return scheme, rest
}

// machineID is what a provider id ends with.
func machineID(node *corev1.Node) string {
	_, rest := providerID(node)
	return rest[strings.LastIndex(rest, "/")+1:]
}

// labelWith gives the first label, by name, that begins with a prefix.
func labelWith(node *corev1.Node, prefix string) string {
	for _, key := range slices.Sorted(maps.Keys(node.Labels)) {
		if strings.HasPrefix(key, prefix) {
			return key
		}
	}
	return ""
}

// outscaleMark says what marks a Node as Outscale's.
func outscaleMark(node *corev1.Node) string {
	if label := labelWith(node, outscaleLabels); label != "" {
		return "label " + label
	}
	for _, key := range []string{corev1.LabelInstanceTypeStable, corev1.LabelInstanceType} {
		if instance := node.Labels[key]; strings.HasPrefix(instance, outscaleTypes) {
			return "machine type " + instance
		}
	}
	return ""
}

// regionSignal is one thing that names a region.
type regionSignal struct {
	// where it stands, and what it says in the vendor's words.
	where, named string
	// region is that of object storage.
	region string
}

// regionSignals are those of a Node at a vendor. A zone that belongs to no region
// that is known, such as nova, says nothing.
func regionSignals(vendor catalogue.Vendor, node *corev1.Node) []regionSignal {
	var signals []regionSignal
	if vendor == catalogue.Outscale {
		_, rest := providerID(node)
		if subregion, _, hasMachine := strings.Cut(strings.TrimPrefix(rest, "/"), "/"); hasMachine && subregion != "" {
			signals = append(signals, regionSignal{"the provider id", subregion, storageRegion(vendor, subregion)})
		}
	}
	for _, key := range regionLabels {
		if named := node.Labels[key]; named != "" {
			signals = append(signals, regionSignal{"label " + key, named, storageRegion(vendor, named)})
		}
	}
	for _, key := range zoneLabels {
		if region, isKnown := regionOfZone(vendor, node.Labels[key]); isKnown {
			signals = append(signals, regionSignal{"label " + key, node.Labels[key], region})
		}
	}
	return signals
}

// storageRegion gives the region whose object storage belongs to a region or
// subregion of compute. One that the catalogue does not know is its own: a
// SovereignProvider may know it.
func storageRegion(vendor catalogue.Vendor, named string) string {
	if region, isKnown := catalogue.StorageRegion(vendor, named); isKnown {
		return region
	}
	if vendor == catalogue.Outscale {
		return withoutLetter(named)
	}
	return named
}

// withoutLetter gives the region of a subregion of Outscale: eu-west-2 of
// eu-west-2a.
func withoutLetter(subregion string) string {
	region := strings.TrimRight(subregion, "abcdefghijklmnopqrstuvwxyz")
	if len(region) != len(subregion)-1 || region == "" {
		return subregion
	}
	return region
}

// regionOfZone gives the region that a zone names: eu-west-par-a is in EU-WEST-PAR,
// and eu-west-2a in eu-west-2.
func regionOfZone(vendor catalogue.Vendor, zone string) (string, bool) {
	if vendor == catalogue.OVHcloud {
		last := strings.LastIndex(zone, "-")
		if last < 0 || last != len(zone)-2 {
			return "", false
		}
		zone = zone[:last]
	}
	return catalogue.StorageRegion(vendor, zone)
}
