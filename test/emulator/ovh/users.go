package ovh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/test/emulator/policy"
)

// Statuses of a user.
const (
	UserCreating = "creating"
	UserOK       = "ok"
	UserDeleting = "deleting"
)

// firstUser is below the id of the first user.
const firstUser = 400_000

// user is an OpenStack user of the project, which S3 credentials belong to.
type user struct {
	id          int64
	name        string
	password    string
	description string
	created     time.Time
	readyAt     time.Time
	visibleAt   time.Time
	// goneAt is set once the user is deleted.
	goneAt time.Time
	roles  []role
	policy string
	parsed *policy.Policy
	keys   []*key
}

// status is the user's at a moment.
func (s *Server) status(u *user, now time.Time) string {
	switch {
	case !u.goneAt.IsZero():
		return UserDeleting
	case u.readyAt.IsZero(), now.Before(u.readyAt):
		return UserCreating
	default:
		return UserOK
	}
}

// settle lets time pass: users become ready unless they are stuck, and those that
// were deleted go. The caller holds mu.
func (s *Server) settle(now time.Time) {
	for id, u := range s.users {
		if !u.goneAt.IsZero() && !now.Before(u.goneAt) {
			delete(s.users, id)
			continue
		}
		if s.knobs.stuck && (u.readyAt.IsZero() || now.Before(u.readyAt)) {
			u.readyAt = time.Time{}
		}
	}
}

// sorted returns the users by id. The caller holds mu.
func (s *Server) sorted() []*user {
	return slices.SortedFunc(maps.Values(s.users), func(a, b *user) int { return cmp.Compare(a.id, b.id) })
}

// document is a user as the API shows him. The password is never in it.
func (c *call) document(u *user) map[string]any {
	return map[string]any{
		"id":           u.id,
		"username":     u.name,
		"description":  u.description,
		"creationDate": u.created.Format(time.RFC3339),
		"status":       c.status(u, c.now),
		"roles":        u.roles,
		"openstackId":  strings.Repeat(fmt.Sprintf("%08x", u.id), 4),
	}
}

// visible tells whether answers show what was made a moment ago.
func (c *call) visible(at time.Time) bool { return !c.now.Before(at) }

func listUsers(c *call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now)
	all := []map[string]any{}
	for _, u := range c.sorted() {
		if c.visible(u.visibleAt) {
			all = append(all, c.document(u))
		}
	}
	return all, nil
}

func createUser(c *call) (any, error) {
	var asked struct {
		Description string   `json:"description"`
		Role        string   `json:"role"`
		Roles       []string `json:"roles"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if asked.Role != "" {
		asked.Roles = append(asked.Roles, asked.Role)
	}
	roles := []role{}
	for _, name := range asked.Roles {
		found, ok := findRole(func(r role) bool { return r.Name == name })
		if !ok {
			return nil, errInvalidParameter(fmt.Sprintf("Role %s does not exist", name))
		}
		roles = append(roles, found)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now)
	if len(c.users) >= c.knobs.userLimit {
		return nil, errUserLimit()
	}
	c.lastUser++
	u := &user{
		id: c.lastUser, name: "user-" + randomHex(6), password: c.newSecret(), description: asked.Description,
		created: c.now, readyAt: c.now.Add(c.knobs.userDelay), visibleAt: c.now.Add(c.knobs.visibleIn), roles: roles,
	}
	if c.knobs.stuck {
		u.readyAt = time.Time{}
	}
	c.users[u.id] = u
	c.identities[c.identity(u)] = u.id
	return c.withPassword(u), nil
}

// withPassword is the only document that has it.
func (c *call) withPassword(u *user) map[string]any {
	d := c.document(u)
	d["password"] = u.password
	return d
}

// inUser carries out something with the user of the path. The caller does not hold
// mu.
func (c *call) inUser(do func(*user) (any, error)) (any, error) {
	id, err := c.id("userId")
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(c.now)
	u, ok := c.users[id]
	if !ok || !c.visible(u.visibleAt) {
		return nil, errUserNotFound()
	}
	return do(u)
}

// inReadyUser is inUser for what a user can only do once he is there.
func (c *call) inReadyUser(do func(*user) (any, error)) (any, error) {
	return c.inUser(func(u *user) (any, error) {
		if c.status(u, c.now) != UserOK {
			return nil, errUserNotReady()
		}
		return do(u)
	})
}

func getUser(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) { return c.document(u), nil })
}

// deleteUser only begins: the user is gone a while later. His keys are refused from
// now on.
func deleteUser(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) {
		if u.goneAt.IsZero() {
			u.goneAt = c.now.Add(c.knobs.userDelay)
			u.keys = nil
		}
		return nil, nil
	})
}

func getUserRoles(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) { return u.roles, nil })
}

func roleByID(id string) (role, error) {
	found, ok := findRole(func(r role) bool { return r.ID == id })
	if !ok {
		return role{}, errInvalidParameter(fmt.Sprintf("Role %s does not exist", id))
	}
	return found, nil
}

func replaceUserRoles(c *call) (any, error) {
	var asked struct {
		RolesIDs []string `json:"rolesIds"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	roles := []role{}
	for _, id := range asked.RolesIDs {
		found, err := roleByID(id)
		if err != nil {
			return nil, err
		}
		roles = append(roles, found)
	}
	return c.inReadyUser(func(u *user) (any, error) {
		u.roles = roles
		return c.document(u), nil
	})
}

func addUserRole(c *call) (any, error) {
	var asked struct {
		RoleID string `json:"roleId"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	found, err := roleByID(asked.RoleID)
	if err != nil {
		return nil, err
	}
	return c.inReadyUser(func(u *user) (any, error) {
		if !slices.ContainsFunc(u.roles, func(r role) bool { return r.ID == found.ID }) {
			u.roles = append(slices.Clone(u.roles), found)
		}
		return c.document(u), nil
	})
}

func regeneratePassword(c *call) (any, error) {
	return c.inReadyUser(func(u *user) (any, error) {
		u.password = c.newSecret()
		return c.withPassword(u), nil
	})
}

func getOpenRC(c *call) (any, error) {
	return c.inUser(func(u *user) (any, error) {
		content := fmt.Sprintf("#!/bin/bash\nexport OS_AUTH_URL=https://auth.cloud.ovh.invalid/v3\nexport OS_TENANT_ID=%s\nexport OS_TENANT_NAME=\"0123456789\"\nexport OS_USERNAME=\"%s\"\n", c.Project, u.name)
		return map[string]any{"content": content}, nil
	})
}

// User is what a test may look at.
type User struct {
	ID          int64
	Username    string
	Description string
	Status      string
	Roles       []string
	// Policy is the document that holds, empty if there was never one.
	Policy string
	Keys   []Key
}

// Key is one S3 credential.
type Key struct{ Access, Secret string }

// Users returns the project's users by id, those that are being made or deleted
// included.
func (s *Server) Users() []User {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	var all []User
	for _, u := range s.sorted() {
		seen := User{ID: u.id, Username: u.name, Description: u.description, Status: s.status(u, now), Policy: u.policy}
		for _, r := range u.roles {
			seen.Roles = append(seen.Roles, r.Name)
		}
		for _, k := range u.keys {
			seen.Keys = append(seen.Keys, Key{Access: k.access, Secret: k.secret})
		}
		all = append(all, seen)
	}
	return all
}

// Secrets returns everything that must not be seen anywhere: secrets of the
// application and the service account, consumer keys, access tokens, passwords and
// S3 secrets, those of users and keys that are gone included.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append([]string{s.ApplicationSecret, s.ClientSecret}, slices.Collect(maps.Keys(s.consumers))...)
	all = append(all, slices.Collect(maps.Keys(s.tokens))...)
	return append(all, s.secrets...)
}

// newSecret makes one that Secrets remembers. The caller holds mu.
func (s *Server) newSecret() string {
	secret := randomHex(16)
	s.secrets = append(s.secrets, secret)
	return secret
}
