package placement

import "github.com/rempart/rempart/api/v1alpha1"

// suspended refuses new copies at a suspended provider; what is there stays.
func suspended(in Request, c Candidate) *Objection {
	if !c.Suspended || in.holdsCopyAt(c.PlaceReference) {
		return nil
	}
	return object(RuleSuspended, v1alpha1.ReasonSuspended, "provider %s is suspended", c.ProviderName)
}
