package ovh

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	goovh "github.com/ovh/go-ovh/ovh"

	"github.com/rempart/rempart/internal/provider"
)

// loginKind is one of the ways to be known to OVHcloud.
type loginKind int

const (
	applicationKey loginKind = iota
	serviceAccount
	userKey
)

// loginKeys are what each of them takes of a Secret.
var loginKeys = [...][]string{
	applicationKey: {provider.ApplicationKey, provider.ApplicationSecret, provider.ConsumerKey},
	serviceAccount: {provider.ClientID, provider.ClientSecret},
	userKey:        {provider.AccessKey, provider.SecretKey},
}

func namesOf(kind loginKind) string { return listed(loginKeys[kind]) }

// listed joins names as a sentence does: a, b and c.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// login is who asks, and where.
type login struct {
	// base is the URL of the API.
	base        string
	kind        loginKind
	credentials provider.Credentials
}

func (l login) equal(other login) bool {
	return l.base == other.base && l.kind == other.kind && maps.Equal(l.credentials, other.credentials)
}

func (l login) reveal(key string) string { return l.credentials[key].Reveal() }

// kindOf tells what credentials are. Parts of two kinds are refused: nobody could
// tell which one is meant.
func kindOf(keys provider.Credentials) (loginKind, error) {
	var found []loginKind
	for kind, names := range loginKeys {
		if len(given(keys, names)) > 0 {
			found = append(found, loginKind(kind))
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("credentials need %s, or %s of a service account", namesOf(applicationKey), namesOf(serviceAccount))
	case 1:
	default:
		var there []string
		for _, kind := range found {
			there = append(there, given(keys, loginKeys[kind])...)
		}
		return 0, fmt.Errorf("credentials have %s: keep either %s, or %s", listed(there), namesOf(applicationKey), namesOf(serviceAccount))
	}
	names := loginKeys[found[0]]
	there := given(keys, names)
	if len(there) < len(names) {
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(there, name) })
		return 0, fmt.Errorf("credentials have %s and lack %s", listed(there), listed(missing))
	}
	return found[0], nil
}

// given are those of the names that the credentials have.
func given(keys provider.Credentials, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return keys[name].IsEmpty() })
}

// apiURLs are the APIs that have names, as in the vendor's client; its other names
// are of brands without Public Cloud.
var apiURLs = map[string]string{"ovh-eu": goovh.OvhEU, "ovh-ca": goovh.OvhCA, "ovh-us": goovh.OvhUS}

// tokenURLs are where the service accounts of each API get their tokens, as in the
// vendor's client (go-ovh 1.9.0, ovh.go).
var tokenURLs = map[string]string{
	goovh.OvhEU: "https://www.ovh.com/auth/oauth2/token",
	goovh.OvhCA: "https://ca.ovh.com/auth/oauth2/token",
	goovh.OvhUS: "https://us.ovhcloud.com/auth/oauth2/token",
}

// baseOf gives the URL of an API by its name, or checks one.
func baseOf(name string) (string, error) {
	if name == "" {
		name = "ovh-eu"
	}
	if base, named := apiURLs[name]; named {
		return base, nil
	}
	parsed, err := url.Parse(name)
	if err != nil || parsed.Host == "" || strings.HasSuffix(name, "/") || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", fmt.Errorf("the API must be one of %s, or a URL such as %s", strings.Join(slices.Sorted(maps.Keys(apiURLs)), ", "), goovh.OvhEU)
	}
	parsed.Path, parsed.RawPath = "", ""
	if err := provider.CheckEndpoint(parsed.String()); err != nil {
		return "", fmt.Errorf("API: %w", err)
	}
	return name, nil
}
