package outscale

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	s3policy "github.com/rempart/rempart/test/emulator/policy"
)

// States of access keys and subregions.
const (
	active    = "ACTIVE"
	inactive  = "INACTIVE"
	available = "available"
)

// account is what the region keeps of the account. The server's mu guards it.
type account struct {
	keys  []*accessKey
	users []*user
	// secrets are those of all keys there ever were.
	secrets []string
}

// accessKey is a key of the root user, or of an EIM user.
type accessKey struct {
	id, secret, state, tag     string
	created, modified, expires time.Time
	// user is nil for the root user.
	user *user
}

// isUsable tells whether requests signed with it are taken.
func (k *accessKey) isUsable(now time.Time) bool {
	return k.state == active && (k.expires.IsZero() || now.Before(k.expires))
}

// user is an EIM user.
type user struct {
	id, name, path, email string
	created, modified     time.Time
	policies              map[string]*policy
}

// key finds a key by its id, or gives nil.
func (a *account) key(id string) *accessKey {
	for _, key := range a.keys {
		if key.id == id {
			return key
		}
	}
	return nil
}

// keysOf are the keys of a user, or those of the root user.
func (a *account) keysOf(owner *user) []*accessKey {
	return slices.DeleteFunc(slices.Clone(a.keys), func(k *accessKey) bool { return k.user != owner })
}

func (a *account) addKey(key *accessKey) *accessKey {
	a.keys = append(a.keys, key)
	a.secrets = append(a.secrets, key.secret)
	return key
}

func (a *account) removeKey(id string) {
	a.keys = slices.DeleteFunc(a.keys, func(k *accessKey) bool { return k.id == id })
}

// user finds a user by its name, or gives nil.
func (a *account) user(name string) *user {
	for _, user := range a.users {
		if user.name == name {
			return user
		}
	}
	return nil
}

// newKey makes a key with the lengths and letters of the vendor's.
func newKey(now time.Time, owner *user) *accessKey {
	return &accessKey{id: letters(20), secret: letters(40), state: active, created: now, modified: now, user: owner}
}

// letters gives random capital letters and digits.
func letters(count int) string {
	var b strings.Builder
	for b.Len() < count {
		b.WriteString(rand.Text())
	}
	return b.String()[:count]
}

// requestID is a random UUID.
func requestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	text := hex.EncodeToString(id[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// policy is an inline policy of a user. A change takes a while to count.
type policy struct {
	// revisions are in the order in which they count; a nil document is none.
	revisions []revision
}

type revision struct {
	from     time.Time
	text     string
	document *document
}

// latest is what was written last, whether it counts already or not.
func (p *policy) latest() revision { return p.revisions[len(p.revisions)-1] }

// inForce is the document that counts at a time, or nil.
func (p *policy) inForce(now time.Time) *document {
	var current *document
	for _, r := range p.revisions {
		if !r.from.After(now) {
			current = r.document
		}
	}
	return current
}

// document is a policy of EIM.
type document struct {
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Action      s3policy.OneOrMany
	NotAction   s3policy.OneOrMany
	Resource    s3policy.OneOrMany
}

func parseDocument(text string) (*document, error) {
	var d document
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, err
	}
	return &d, nil
}

// allows tells whether an EIM user may do something: no policy in force denies
// it, and one of them allows it.
func (u *user) allows(action string, now time.Time) bool {
	allowed := false
	for _, name := range slices.Sorted(maps.Keys(u.policies)) {
		document := u.policies[name].inForce(now)
		if document == nil {
			continue
		}
		for _, s := range document.Statement {
			if !s.covers("api:" + action) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			allowed = allowed || s.Effect == "Allow"
		}
	}
	return allowed
}

func (s statement) covers(action string) bool {
	matches := func(pattern string) bool { return s3policy.Matches(pattern, action) }
	if len(s.NotAction) > 0 {
		return !slices.ContainsFunc(s.NotAction, matches)
	}
	return slices.ContainsFunc(s.Action, matches)
}
