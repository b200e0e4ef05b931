package placement

import "github.com/rempart/rempart/api/v1alpha1"

// providerNamespace refuses places of a provider that does not admit the
// bucket's namespace.
func providerNamespace(in Request, c Candidate) *Objection {
	if Selects(c.AllowedNamespaces, in.Namespace) {
		return nil
	}
	return object(RuleNamespace, v1alpha1.ReasonNamespaceNotAllowed,
		"provider %s does not admit namespace %s: see its allowedNamespaces", c.ProviderName, in.Namespace.Name)
}

// policyNamespace refuses every place to a bucket whose namespace may not name
// the policy. Baselines bind buckets that do not name them.
func policyNamespace(in Request, policy Policy, _ Candidate) *Objection {
	if policy.IsBaseline || Selects(policy.Spec.AllowedNamespaces, in.Namespace) {
		return nil
	}
	return object(RuleNamespace, v1alpha1.ReasonNamespaceNotAllowed,
		"policy %s does not admit namespace %s: see its allowedNamespaces", policy.Name, in.Namespace.Name)
}
