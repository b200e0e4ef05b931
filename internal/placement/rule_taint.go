package placement

import (
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
)

// taint refuses new copies at a tainted provider; what is there stays. Taints that
// only ask to prefer other places rank: see unmetPreferences.
func taint(in Request, c Candidate) *Objection {
	var keys []string
	for _, taint := range c.Taints {
		if taint.Effect == v1alpha1.TaintNoSchedule {
			keys = append(keys, taint.Key)
		}
	}
	if len(keys) == 0 || in.holdsCopyAt(c.PlaceReference) {
		return nil
	}
	return object(RuleTaint, v1alpha1.ReasonTainted, "provider %s takes no new copies: %s", c.ProviderName, strings.Join(keys, ", "))
}
