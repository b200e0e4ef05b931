package placement

import "github.com/rempart/rempart/api/v1alpha1"

// versioning refuses stores that cannot keep versions where the policy asks for
// them. What was not tried is not known, and unknown does not satisfy; but a copy
// that is there does not leave because trying again did not come to an end.
func versioning(in Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Protection.Versioning != v1alpha1.Required {
		return nil
	}
	switch support := c.Capabilities.Versioning; support {
	case v1alpha1.CapabilitySupported:
		return nil
	case v1alpha1.CapabilityUnsupported, v1alpha1.CapabilityBroken:
		return object(RuleCapability, v1alpha1.ReasonCapabilityMissing, "versioning is %s there", support)
	default:
		if in.holdsCopyAt(c.PlaceReference) {
			return nil
		}
		return object(RuleCapability, v1alpha1.ReasonCapabilityMissing, "it is not known yet whether versioning works there")
	}
}
