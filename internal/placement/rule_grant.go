package placement

import "github.com/rempart/rempart/api/v1alpha1"

// keyless refuses a primary where applications get no key, whatever policies say.
// Replicas issue no keys to applications.
func keyless(_ Request, c Candidate) *Objection {
	if c.Grant != "" {
		return nil
	}
	return object(RuleGrant, v1alpha1.ReasonGrantTooWide,
		"provider %s gives applications no key, because any would reach its whole account; applicationKeys there can allow that", c.ProviderName).
		againstPrimary()
}

// grant refuses a primary where the key of an application would reach further than
// the policy allows.
func grant(_ Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Access.MinimumGrant != v1alpha1.GrantScoped || c.Grant != v1alpha1.GrantAccountWide {
		return nil
	}
	return object(RuleGrant, v1alpha1.ReasonGrantTooWide,
		"keys of provider %s reach its whole account, and the policy asks for keys to one bucket", c.ProviderName).
		againstPrimary()
}
