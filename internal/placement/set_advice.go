package placement

import (
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
)

// advise shows at the places of the copies what policies that do not deny have against
// all copies together. It keeps nothing away: what is chosen is chosen without it.
func (d *Decision) advise(in Request) {
	set := d.members()
	for _, policy := range in.Policies {
		if policy.Denies() || len(set) == 0 {
			continue
		}
		var asked setRules
		asked.raise(in, policy, func(Rule) bool { return true })
		distance := setRules{distance: asked.distance}
		asked.distance.value = 0
		missed := asked.missedBy(set)
		for _, m := range set {
			for i := range missed {
				m.Objections = in.keep(m.Objections, policy, new(missed[i]))
			}
			if !m.isToldOf(RuleDistance, policy) {
				m.Objections = in.keep(m.Objections, policy, distance.nearness(set, m))
			}
		}
	}
}

// members are the copies that are to be at places that exist.
func (d *Decision) members() []member {
	var set []member
	for _, copied := range d.Copies {
		index := slices.IndexFunc(d.Candidates, func(j Judged) bool { return j.PlaceReference == copied.PlaceReference })
		if index >= 0 {
			set = append(set, member{Judged: &d.Candidates[index], role: copied.Role})
		}
	}
	return set
}

// isToldOf tells whether a policy objects to the place by a rule already.
func (m member) isToldOf(rule Rule, policy Policy) bool {
	return slices.ContainsFunc(m.Objections, func(o Objection) bool { return o.Rule == rule && o.Policy == policy.Name })
}

// nearness says that a replica is too close to another one of a set, or that it is not
// known where a copy is, or nothing. The primary is not too close to replicas: they are
// to it.
func (r setRules) nearness(set []member, m member) *Objection {
	if r.distance.value == 0 || len(set) < 2 {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(set), func(other member) bool {
		return other.PlaceReference == m.PlaceReference || other.Point == nil
	})
	switch {
	case m.Point == nil:
		objection := r.closeness(nil, &m.Candidate)
		objection.Role = m.role
		return objection
	case m.role == v1alpha1.RolePrimary || r.fits(others, m):
		return nil
	}
	return r.closeness(others, &m.Candidate)
}
