// Package standing knows where the operator itself stands, because it may read
// data only in places that the data's policies allow.
//
// Its place is what the manager is told with --self, or else what the labels of
// its Node say, which kubelets cannot set on themselves. Not knowing is a place
// where nothing may be read.
//
// Start reading at Ground.MayRead.
package standing

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/placement"
)

// Ground is where the operator stands.
type Ground struct {
	// Self is the place that the manager was told, as provider/location; empty to
	// ask the Node.
	Self string
	// NodeName is the Node that the manager's pod runs on.
	NodeName string
	// Reader reads Nodes. It is not cached: one Node is read now and then.
	Reader client.Reader
	Clock  clock.PassiveClock

	mu   sync.Mutex
	node v1alpha1.PlaceReference
	read time.Time
}

// nodeInterval is how long the labels of the Node are remembered.
const nodeInterval = 5 * time.Minute

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
	place, err := g.place(ctx)
	if err != nil {
		return err
	}
	candidate, declared := facts.Candidate(place)
	if !declared {
		return fault.New(fault.Waiting, fault.LocationUnknown,
			"the operator stands at %s, which no SovereignProvider declares, so it may not read data there", place)
	}
	if objections := placement.JudgeProcessing(facts.Binding(), candidate); len(objections) > 0 {
		return fault.New(fault.Waiting, fault.Reason(objections[0].Reason),
			"the operator stands at %s and may not read data there: %s", place, objections[0].Message)
	}
	return nil
}

func (g *Ground) place(ctx context.Context) (v1alpha1.PlaceReference, error) {
	if g.Self != "" {
		return ParseSelf(g.Self)
	}
	if g.NodeName == "" {
		return v1alpha1.PlaceReference{}, fault.New(fault.Waiting, fault.LocationUnknown,
			"it is not known where the operator stands: it runs on no Node and was not told with --self")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.Clock.Now(); now.Sub(g.read) > nodeInterval {
		var node corev1.Node
		if err := g.Reader.Get(ctx, types.NamespacedName{Name: g.NodeName}, &node); err != nil {
			return v1alpha1.PlaceReference{}, fmt.Errorf("read the operator's Node: %w", err)
		}
		g.node = v1alpha1.PlaceReference{
			ProviderName: node.Labels[v1alpha1.NodeProviderLabel], Location: node.Labels[v1alpha1.NodeLocationLabel],
		}
		g.read = now
	}
	if g.node.ProviderName == "" || g.node.Location == "" {
		g.read = time.Time{} // somebody may label the Node at any moment
		return v1alpha1.PlaceReference{}, fault.New(fault.Waiting, fault.LocationUnknown,
			"it is not known where the operator stands: label Node %s with %s and %s",
			g.NodeName, v1alpha1.NodeProviderLabel, v1alpha1.NodeLocationLabel)
	}
	return g.node, nil
}
