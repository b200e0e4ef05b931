package placement

import (
	"cmp"
	"slices"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// Decision says where the copies are to be, and what was found about every
// candidate.
type Decision struct {
	// Satisfied tells whether Copies satisfies every policy.
	Satisfied bool
	// Reason and Message say what is missing when it does not.
	Reason  string
	Message message.Text
	// Copies are what is to be there, the primary first. It holds every placed
	// copy that may stay. Nothing is added to an unsatisfied decision.
	Copies []Copy
	// Illegal are placed copies that a rule forbids where they are, and those that are
	// too close to others and have found a replacement.
	Illegal []IllegalCopy
	// Excepted are the objections against all copies together that exceptions keep from
	// counting; those against one place are with its candidate.
	Excepted []Objection
	// Candidates are all of them, the best first.
	Candidates []Judged
}

// IllegalCopy is a placed copy with the objections that keep it away from where it
// is.
type IllegalCopy struct {
	Copy
	Objections []Objection
}

// Decide judges every candidate and chooses. What is placed stays unless a rule
// forbids it, and the primary never moves by itself.
func Decide(in Request) Decision {
	decision := decide(in)
	decision.advise(in)
	return decision
}

func decide(in Request) Decision {
	decision := Decision{Candidates: judgeAll(in)}
	legal, illegal := decision.sortPlaced(in.Placed)
	decision.Illegal = illegal
	if lost := primaryOf(illegal); lost != nil {
		decision.Copies = in.Placed
		decision.Reason = v1alpha1.ReasonPrimaryRelocationRequired
		decision.Message = message.Of("the primary at %s may not stay there and does not move by itself: %s", lost, lost.Objections[0].Message)
		return decision
	}
	required := requiredSet(in)
	stay, leave := required.apart(legal)
	chosen := chooseWithout(in, required, stay, decision.Candidates)
	if chosen == nil {
		decision.Copies = copiesOf(legal)
		decision.Reason, decision.Message = decision.explain(in, *required.shortage(legal, decision.Candidates))
		return decision
	}
	decision.Satisfied = true
	decision.Copies = copiesOf(chosen)
	decision.Excepted = excepted(in, chosen)
	for _, m := range leave {
		decision.refuse(m, *required.closeness(stay, &m.Candidate))
	}
	return decision
}

// ObjectionsAt gives everything that was found against a place.
func (d *Decision) ObjectionsAt(place v1alpha1.PlaceReference) []Objection {
	for i := range d.Candidates {
		if d.Candidates[i].PlaceReference == place {
			return d.Candidates[i].Objections
		}
	}
	return nil
}

// refuse says of a placed copy that may be where it is that others take its place.
func (d *Decision) refuse(m member, objection Objection) {
	m.Objections = append(m.Objections, objection)
	d.Illegal = append(d.Illegal, IllegalCopy{Copy: Copy{PlaceReference: m.PlaceReference, Role: m.role}, Objections: excluding(m.Objections, m.role)})
}

// judgeAll judges the candidates and sorts them: those that hold the dataset
// already, then those that need no exception, then by points, then by name.
func judgeAll(in Request) []Judged {
	found, order := make([]Judged, len(in.Candidates)), make([]*Judged, len(in.Candidates))
	scale := newScale(in)
	for i, candidate := range in.Candidates {
		j := &found[i]
		j.Candidate, j.Objections = candidate, judgeForChoice(in, candidate)
		if j.Eligible() {
			j.Points, j.SpreadPoints = scale.points(candidate)
			j.Score = shown(j.Points)
		}
		for _, placed := range in.Placed {
			if placed.PlaceReference == candidate.PlaceReference {
				j.Placed = placed.Role
			}
		}
		order[i] = j
	}
	slices.SortFunc(order, func(a, b *Judged) int {
		return cmp.Or(holding(b)-holding(a), excused(a)-excused(b), cmp.Compare(b.Points, a.Points), cmp.Compare(a.ProviderName, b.ProviderName),
			cmp.Compare(a.Location, b.Location))
	})
	judged := make([]Judged, 0, len(order))
	for _, j := range order {
		judged = append(judged, *j)
	}
	return judged
}

func holding(j *Judged) int {
	if j.Holds {
		return 1
	}
	return 0
}

func excused(j *Judged) int {
	if j.IsExcepted() {
		return 1
	}
	return 0
}

// sortPlaced separates the placed copies that may stay from the others.
func (d Decision) sortPlaced(placed []Copy) (legal []member, illegal []IllegalCopy) {
	for _, c := range placed {
		index := slices.IndexFunc(d.Candidates, func(j Judged) bool { return j.PlaceReference == c.PlaceReference })
		if index < 0 {
			illegal = append(illegal, IllegalCopy{Copy: c, Objections: []Objection{*gone(c)}})
			continue
		}
		candidate := &d.Candidates[index]
		if candidate.EligibleAs(c.Role) {
			legal = append(legal, member{Judged: candidate, role: c.Role})
			continue
		}
		illegal = append(illegal, IllegalCopy{Copy: c, Objections: excluding(candidate.Objections, c.Role)})
	}
	return legal, illegal
}

// excluding are the objections that keep a copy of the role away.
func excluding(objections []Objection, role v1alpha1.CopyRole) []Objection {
	return slices.DeleteFunc(slices.Clone(objections), func(o Objection) bool { return !o.Excludes(role) })
}

func gone(c Copy) *Objection {
	return object(RuleResidency, v1alpha1.ReasonLocationUnknown, "no SovereignProvider declares %s any more", c)
}

func primaryOf(copies []IllegalCopy) *IllegalCopy {
	index := slices.IndexFunc(copies, func(c IllegalCopy) bool { return c.Role == v1alpha1.RolePrimary })
	if index < 0 {
		return nil
	}
	return &copies[index]
}

// explain says why no set of places will do: by what every candidate is refused
// for, by what is wrong with the primary that the bucket asks for, or by what the
// set lacks.
func (d Decision) explain(in Request, missing Objection) (reason string, said message.Text) {
	if len(d.Candidates) == 0 {
		return v1alpha1.ReasonNotEnoughCopies, message.Of("there is no SovereignProvider with a location")
	}
	if shared := d.sharedObjection(); shared != nil {
		return shared.Reason, shared.Message
	}
	if refused := d.refusedPrimary(in); refused != nil {
		return refused.Reason, refused.Message
	}
	return missing.Reason, missing.Message
}

// refusedPrimary says why the place that the bucket asks for its primary is
// refused, or nil.
func (d Decision) refusedPrimary(in Request) *Objection {
	wanted, field := in.wantedPrimary()
	if wanted == nil {
		return nil
	}
	for _, candidate := range d.Candidates {
		if candidate.PlaceReference != *wanted {
			continue
		}
		for _, objection := range candidate.Objections {
			if objection.Excludes(v1alpha1.RolePrimary) {
				objection.Message = message.Of("the bucket's %s %s is refused: %s", field, wanted, objection.Message)
				return &objection
			}
		}
		return nil
	}
	return object(RuleSelection, v1alpha1.ReasonProviderNotFound, "the bucket's %s asks for %s, which no SovereignProvider declares", field, wanted)
}

// sharedObjection is one that every candidate meets in the same words.
func (d Decision) sharedObjection() *Objection {
	for _, objection := range d.Candidates[0].Objections {
		isShared := func(j Judged) bool { return slices.ContainsFunc(j.Objections, objection.Equal) }
		if objection.Role == "" && objection.Denies() && !slices.ContainsFunc(d.Candidates, func(j Judged) bool { return !isShared(j) }) {
			return &objection
		}
	}
	return nil
}
