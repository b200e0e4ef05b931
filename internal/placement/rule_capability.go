package placement

import (
	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// versioning refuses stores that cannot keep versions where the policy asks for
// them.
func versioning(in Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Protection.Versioning != v1alpha1.Required {
		return nil
	}
	return capability(in, c, message.Of("versioning"), c.Capabilities.Versioning)
}

// objectLock refuses stores that cannot put what is written under lock.
func objectLock(in Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Protection.ObjectLock == nil {
		return nil
	}
	return capability(in, c, message.Of("object lock"), c.Capabilities.ObjectLock)
}

// encryption refuses stores that cannot encrypt what is written.
func encryption(in Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Protection.Encryption != v1alpha1.EncryptionProviderManaged {
		return nil
	}
	return capability(in, c, message.Of("encryption"), c.Capabilities.Encryption)
}

// capability objects to a store that cannot do something. What was not tried is
// not known, and unknown does not satisfy; but a copy that is there does not leave
// because trying again did not come to an end.
func capability(in Request, c Candidate, what message.Text, support v1alpha1.CapabilitySupport) *Objection {
	switch support {
	case v1alpha1.CapabilitySupported:
		return nil
	case v1alpha1.CapabilityUnsupported, v1alpha1.CapabilityBroken:
		return object(RuleCapability, v1alpha1.ReasonCapabilityMissing, "%s is %s there", what, support)
	default:
		if in.holdsCopyAt(c.PlaceReference) {
			return nil
		}
		return object(RuleCapability, v1alpha1.ReasonCapabilityMissing, "it is not known yet whether %s works there", what)
	}
}
