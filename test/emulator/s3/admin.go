package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// Roles of a Versity gateway's users.
const (
	roleAdmin    = "admin"
	roleUser     = "user"
	roleUserPlus = "userplus"
)

var (
	errAdminDenied     = s3error.Forbidden("XAdminAccessDenied", "Only admin users have access to this resource.")
	errAdminNoUser     = s3error.NotFound("XAdminUserNotFound", "No user exists with the provided access key ID.")
	errAdminUserExists = s3error.Conflict("XAdminUserExists", "A user with the provided access key ID already exists.")
	errAdminRole       = s3error.BadRequest("XAdminInvalidArgument", "User role has to be one of the following: 'user', 'admin', 'userplus'.")
	// A Versity gateway 1.8.0 answers a missing key with status 404.
	errAdminMissing = s3error.NotFound("XAdminInvalidArgument", "User access key ID is missing.")
)

// adminOperations are Versity's calls as of version 1.8.0. They sit at paths
// that would else be buckets.
var adminOperations = []operation{
	{Name: "AdminCreateUser", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"create-user"}, Handle: (*call).adminCreateUser},
	{Name: "AdminUpdateUser", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"update-user"}, Handle: (*call).adminUpdateUser},
	{Name: "AdminDeleteUser", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"delete-user"}, Handle: (*call).adminDeleteUser},
	{Name: "AdminListUsers", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"list-users"}, Handle: (*call).adminListUsers},
	{Name: "AdminChangeBucketOwner", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"change-bucket-owner"}, Handle: (*call).adminChangeOwner},
	{Name: "AdminListBuckets", Method: http.MethodPatch, Level: s3api.WholePath, Sub: []string{"list-buckets"}, Handle: (*call).adminListBuckets},
}

// routeAdmin recognises an admin call by its path.
func (c *call) routeAdmin() bool {
	for i := range c.operations {
		op := &c.operations[i]
		if op.Level != s3api.WholePath || op.Method != c.r.Method || sigv4.RawPath(c.r) != "/"+op.Sub[0] {
			continue
		}
		c.op = op
		c.bucket, c.key = "", ""
		c.record.Operation = op.Name
		return true
	}
	return false
}

// accountXML is Versity's account document.
type accountXML struct {
	XMLName   xml.Name
	Access    string
	Secret    string
	Role      string
	UserID    int
	GroupID   int
	ProjectID int
}

func (c *call) requireAdmin() error {
	if !c.who.admin {
		return errAdminDenied
	}
	return nil
}

func validRole(role string) bool {
	return role == roleAdmin || role == roleUser || role == roleUserPlus
}

func (c *call) adminCreateUser() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	var account accountXML
	if err := s3api.Decode(c.body, &account); err != nil {
		return err
	}
	if !validRole(account.Role) {
		return errAdminRole
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.knows(account.Access) {
		return errAdminUserExists
	}
	c.learn(account.Access, credential{account.Secret, &identity{
		id: account.Access, role: account.Role, admin: account.Role == roleAdmin,
	}})
	return c.done(http.StatusCreated)
}

func (c *call) adminUpdateUser() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	access := c.query.Get("access")
	if access == "" {
		return errAdminMissing
	}
	var change struct {
		XMLName xml.Name
		Secret  *string
		Role    string
	}
	if err := s3api.Decode(c.body, &change); err != nil {
		return err
	}
	if change.Role != "" && !validRole(change.Role) {
		return errAdminRole
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	existing, ok := c.credentials[access]
	if !ok || existing.who.role == "" {
		return errAdminNoUser
	}
	if change.Secret != nil {
		existing.secret = *change.Secret
	}
	if change.Role != "" {
		// Requests in progress keep the identity they began with.
		who := *existing.who
		who.role, who.admin = change.Role, change.Role == roleAdmin
		existing.who = &who
	}
	c.learn(access, existing)
	return c.done(http.StatusOK)
}

// adminDeleteUser deletes a user; that there is none is no error, as at
// Versity.
func (c *call) adminDeleteUser() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	access := c.query.Get("access")
	if access == "" {
		return errAdminMissing
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if existing, ok := c.credentials[access]; ok && existing.who.role != "" {
		delete(c.credentials, access)
	}
	return c.done(http.StatusOK)
}

// adminListUsers lists the users of the admin API with their secrets, as
// Versity does.
func (c *call) adminListUsers() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	var accounts []accountXML
	for _, access := range slices.Sorted(maps.Keys(c.credentials)) {
		known := c.credentials[access]
		if known.who.role == "" {
			continue
		}
		accounts = append(accounts, accountXML{
			XMLName: xml.Name{Local: "Accounts"}, Access: access, Secret: known.secret, Role: known.who.role,
		})
	}
	return c.ok(struct {
		XMLName  struct{} `xml:"ListUserAccountsResult"`
		Accounts []accountXML
	}{Accounts: accounts})
}

func (c *call) adminChangeOwner() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	owner := c.query.Get("owner")
	if !c.knows(owner) {
		return errAdminNoUser
	}
	b := c.buckets[c.query.Get("bucket")]
	if b == nil {
		return s3error.ErrNoSuchBucket
	}
	b.owner = owner
	return c.done(http.StatusOK)
}

func (c *call) adminListBuckets() error {
	if err := c.requireAdmin(); err != nil {
		return err
	}
	type owned struct {
		Name  string
		Owner string
	}
	var shown []owned
	c.mu.RLock()
	for _, b := range c.buckets {
		shown = append(shown, owned{b.name, b.owner})
	}
	c.mu.RUnlock()
	slices.SortFunc(shown, func(a, b owned) int { return strings.Compare(a.Name, b.Name) })
	return c.ok(struct {
		XMLName struct{} `xml:"ListBucketsResult"`
		Buckets []owned
	}{Buckets: shown})
}
