package placement

import "github.com/rempart/rempart/api/v1alpha1"

// grant refuses a primary where applications get no key, or one that would reach
// further than the policy allows. Replicas issue no keys to applications.
func grant(_ Request, policy Policy, c Candidate) *Objection {
	switch {
	case c.Grant == "":
		return object(RuleGrant, v1alpha1.ReasonGrantTooWide,
			"provider %s gives applications no key, because any would reach its whole account; applicationKeys there can allow that", c.ProviderName).
			againstPrimary()
	case policy.Spec.Access.MinimumGrant == v1alpha1.GrantScoped && c.Grant != v1alpha1.GrantScoped:
		return object(RuleGrant, v1alpha1.ReasonGrantTooWide,
			"keys of provider %s reach its whole account, and the policy asks for keys to one bucket", c.ProviderName).
			againstPrimary()
	}
	return nil
}
