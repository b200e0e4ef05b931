package bucket

import (
	"slices"

	"github.com/rempart/rempart/internal/placement"
)

// excuse says because of which exception to one of some rules the copies may be where
// they are to be, or nothing.
func (s *scope) excuse(isAbout func(placement.Objection) bool) string {
	objections := s.decision.Excepted
	if index := slices.IndexFunc(objections, isAbout); index >= 0 {
		return objections[index].Message.String()
	}
	for _, copied := range s.decision.Copies {
		objections := s.decision.ObjectionsAt(copied.PlaceReference)
		index := slices.IndexFunc(objections, func(o placement.Objection) bool {
			return o.IsExcused() && o.Concerns(copied.Role) && isAbout(o)
		})
		if index >= 0 {
			return "the copy at " + copied.PlaceReference.String() + ": " + objections[index].Message.String()
		}
	}
	return ""
}

func isAnything(placement.Objection) bool { return true }

func isAboutResidency(o placement.Objection) bool { return slices.Contains(residencyRules, o.Rule) }
