package session

import (
	"slices"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
)

// keySets are the sets of keys one of which a provider's Secret must have.
func keySets(p *v1alpha1.SovereignProvider) [][]string {
	if p.Spec.OVHcloud != nil {
		return [][]string{
			{provider.ApplicationKey, provider.ApplicationSecret, provider.ConsumerKey},
			{provider.ClientID, provider.ClientSecret},
		}
	}
	keys := []string{provider.AccessKey, provider.SecretKey}
	if s3 := p.Spec.S3; s3 != nil && provider.CredentialAPI(s3.CredentialAPI).NeedsAdminToken() {
		keys = append(keys, provider.AdminToken)
	}
	return [][]string{keys}
}

// missingKey names what a Secret lacks: nothing if it has one set whole, the rest
// of the set that it has a part of, or else all that it could have.
func missingKey(credentials provider.Credentials, sets [][]string) string {
	lacks := func(key string) bool { return credentials[key].IsEmpty() }
	for _, keys := range sets {
		if !slices.ContainsFunc(keys, lacks) {
			return ""
		}
	}
	for _, keys := range sets {
		absent := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !lacks(key) })
		if len(absent) < len(keys) {
			return absent[0]
		}
	}
	if len(sets) == 1 {
		return sets[0][0]
	}
	return describeKeySets(sets)
}

func describeKeySets(sets [][]string) string {
	described := make([]string, 0, len(sets))
	for _, keys := range sets {
		described = append(described, strings.Join(keys, ", "))
	}
	return strings.Join(described, ", or ")
}
