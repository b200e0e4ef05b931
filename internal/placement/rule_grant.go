package placement

import "github.com/rempart/rempart/api/v1alpha1"

// grant refuses a primary where the application's key would reach further than
// the policy allows. Replicas issue no keys to applications.
func grant(_ Request, policy Policy, c Candidate) *Objection {
	if policy.Spec.Access.MinimumGrant != v1alpha1.GrantScoped || c.Grant == v1alpha1.GrantScoped {
		return nil
	}
	return object(RuleGrant, v1alpha1.ReasonGrantTooWide,
		"keys of provider %s reach its whole account, and the policy asks for keys to one bucket", c.ProviderName).
		against(v1alpha1.RolePrimary)
}
