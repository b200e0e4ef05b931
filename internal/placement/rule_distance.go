package placement

import (
	"math"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/geo"
	"github.com/rempart/rempart/internal/message"
)

// distance refuses new copies at places of which nobody knows where they are, and
// replicas nearer to the primary than the policy asks: the primary does not move.
// How far replicas are from each other is asked of the whole set, see setRules.
//
// It is a rule about choosing places and says nothing about what is there: data may
// stand at a place that is too close, and is kept up there until it is replaced.
func distance(in Request, policy Policy, c Candidate) *Objection {
	asked := int(policy.Spec.Copies.MinimumDistanceKm)
	if asked == 0 || in.holdsCopyAt(c.PlaceReference) {
		return nil
	}
	if c.Point == nil {
		return object(RuleDistance, v1alpha1.ReasonLocationUnknown,
			"the policy asks for %d km between copies, and the coordinates of this place are not known: %s", asked, declareAt(&c))
	}
	primary := in.primary()
	if primary == nil || primary.PlaceReference == c.PlaceReference || primary.Point == nil ||
		isApart(&c, primary, geo.ReachKm(float64(asked))) {
		return nil
	}
	return object(RuleDistance, v1alpha1.ReasonTooClose, "it is %s from the primary at %s, and the policy asks for %d km between copies",
		kilometres(&c, primary), primary.PlaceReference, asked).againstReplica()
}

// declareAt says where coordinates are declared.
func declareAt(c *Candidate) message.Text {
	return message.Of("declare latitude and longitude of %s in spec.locations of SovereignProvider %s", c.Location, c.ProviderName)
}

// kilometres between two places whose coordinates are known, rounded down so that
// what is too close does not read as if it were not.
func kilometres(a, b *Candidate) message.Text {
	return message.Of("%d km", int(math.Floor(a.Point.DistanceKm(*b.Point))))
}

// primary is the candidate that the primary is at, or that the bucket asks for it;
// nil while that is open.
func (in Request) primary() *Candidate {
	place, _ := in.wantedPrimary()
	for i := range in.Placed {
		if in.Placed[i].Role == v1alpha1.RolePrimary {
			place = &in.Placed[i].PlaceReference
		}
	}
	return in.candidate(place)
}

func (in Request) candidate(place *v1alpha1.PlaceReference) *Candidate {
	for i := range in.Candidates {
		if place != nil && in.Candidates[i].PlaceReference == *place {
			return &in.Candidates[i]
		}
	}
	return nil
}

// TooClose tells why a replica may not go on standing where it is beside the other
// copies that are placed and may stay, or gives nil. Copies that were placed before it
// stay.
func TooClose(in Request, place v1alpha1.PlaceReference) *Objection {
	required := requiredSet(in)
	var placed []member
	isPlaced := false
	for _, copied := range in.Placed {
		candidate := in.candidate(&copied.PlaceReference)
		if candidate != nil && Against(in, *candidate, copied.Role) == nil {
			placed = append(placed, member{Judged: &Judged{Candidate: *candidate}, role: copied.Role})
			isPlaced = isPlaced || copied.PlaceReference == place
		}
	}
	if candidate := in.candidate(&place); candidate != nil && !isPlaced {
		placed = append(placed, member{Judged: &Judged{Candidate: *candidate}, role: v1alpha1.RoleReplica})
	}
	stay, leave := required.apart(placed)
	for _, m := range leave {
		if m.PlaceReference == place {
			return required.closeness(stay, &m.Candidate)
		}
	}
	return nil
}

// closeness is the objection against a placed copy that cannot stay beside others.
func (r setRules) closeness(stay []member, c *Candidate) *Objection {
	objection := object(RuleDistance, v1alpha1.ReasonLocationUnknown,
		"policy %s asks for %d km between copies, and the coordinates of this place are not known: %s",
		r.distance.policy, r.distance.value, declareAt(c))
	for _, m := range stay {
		if c.Point != nil && r.tooClose(&m.Candidate, c) {
			objection = object(RuleDistance, v1alpha1.ReasonTooClose, "it is %s from the copy at %s, and policy %s asks for %d km between copies",
				kilometres(&m.Candidate, c), m.PlaceReference, r.distance.policy, r.distance.value)
			break
		}
	}
	objection.Policy = r.distance.policy
	return objection.againstReplica()
}

// againstReplica narrows an objection to copies other than the primary.
func (o *Objection) againstReplica() *Objection {
	o.Role = v1alpha1.RoleReplica
	return o
}
