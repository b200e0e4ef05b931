package placement

import "github.com/rempart/rempart/api/v1alpha1"

// available refuses new copies where the vendor's API says that the account has no
// store, or that it is not to be used right now. What is there stays.
func available(in Request, c Candidate) *Objection {
	if in.holdsCopyAt(c.PlaceReference) {
		return nil
	}
	switch c.Availability { //nolint:exhaustive // the others can be used
	case v1alpha1.LocationMaintenance:
		return object(RuleAvailability, v1alpha1.ReasonProviderMaintenance, "%s is under maintenance, says the provider", c.Location)
	case v1alpha1.LocationNotActivated:
		return object(RuleAvailability, v1alpha1.ReasonRegionNotActivated, "the account has no object storage in region %s", c.Location)
	}
	return nil
}
