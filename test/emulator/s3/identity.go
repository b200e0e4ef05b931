package s3

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rempart/rempart/test/emulator/policy"
)

// identity is who sends a request. Policies and ownership name it by id, which
// is its first access key.
type identity struct {
	id string
	// policy, when set, is what the user may do; a user without one is an
	// account of its own, which may create buckets and owns those.
	policy *policy.Policy
	// role is the Versity role of users made through the admin API.
	role string
	// admin may reach everything.
	admin bool
	// usersCap is Ceph's capability users=*; displayName and maxBuckets are of
	// users made through its admin operations, -1 for none at all.
	usersCap    bool
	displayName string
	maxBuckets  int
}

// credential is one key pair of an identity.
type credential struct {
	secret string
	who    *identity
}

// anonymous sends unsigned requests.
var anonymous = &identity{}

// AddUser adds an identity, or replaces the one of that access key. Without a
// policy document it is a separate account: it may create buckets and reaches
// only its own and those whose policy allows it. With one it may do what that
// document or a bucket's policy allows, and nothing either denies.
func (s *Server) AddUser(accessKey, secretKey, policyDocument string) error {
	p, err := parseIdentityPolicy(policyDocument)
	if err != nil {
		return fmt.Errorf("add user %q: %w", accessKey, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(accessKey, credential{secretKey, &identity{id: accessKey, policy: p}})
	return nil
}

// AddKey gives the user of an access key a second key pair, as during a
// rotation.
func (s *Server) AddKey(ofAccessKey, accessKey, secretKey string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	existing, ok := s.credentials[ofAccessKey]
	if !ok {
		return fmt.Errorf("add key %q: no user has the access key %q", accessKey, ofAccessKey)
	}
	s.learn(accessKey, credential{secretKey, existing.who})
	return nil
}

// learn makes a key pair known. The caller holds mu.
func (s *Server) learn(accessKey string, pair credential) {
	s.credentials[accessKey] = pair
	s.secrets[pair.secret] = true
}

// SecretKeys gives every secret key that the server ever knew, those of keys that
// are gone included.
func (s *Server) SecretKeys() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.secrets))
}

// RemoveKey makes an access key unknown; what its user owns stays.
func (s *Server) RemoveKey(accessKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.credentials, accessKey)
}

// knows tells whether a policy may name id. The caller holds mu.
func (s *Server) knows(id string) bool {
	_, ok := s.credentials[id]
	return ok
}

func parseIdentityPolicy(document string) (*policy.Policy, error) {
	if document == "" {
		return nil, nil
	}
	return policy.Parse([]byte(document), policy.OfUser)
}
