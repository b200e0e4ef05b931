package s3

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// cephEntry is where a Ceph Object Gateway serves its admin operations.
const cephEntry = "admin/user"

var (
	errCephNoUser     = s3error.NotFound("NoSuchUser", "")
	errCephUserExists = s3error.Conflict("UserAlreadyExists", "")
	errCephOwns       = s3error.Conflict("BucketNotEmpty", "")
	errCephArgument   = s3error.BadRequest("InvalidArgument", "")
)

// cephOperations are the admin operations on users, in the shapes that "Admin
// Operations" (docs.ceph.com/en/latest/radosgw/adminops, read November 2026)
// gives. They were not held against a gateway.
var cephOperations = []operation{
	{Name: "CephGetUser", Method: http.MethodGet, Level: s3api.WholePath, Sub: []string{cephEntry}, Handle: (*call).cephGetUser},
	{Name: "CephCreateUser", Method: http.MethodPut, Level: s3api.WholePath, Sub: []string{cephEntry}, Handle: (*call).cephCreateUser},
	{Name: "CephRemoveUser", Method: http.MethodDelete, Level: s3api.WholePath, Sub: []string{cephEntry}, Handle: (*call).cephRemoveUser},
}

// isCeph tells whether a request is an admin operation, which speaks JSON.
func (c *call) isCeph() bool { return c.op != nil && strings.HasPrefix(c.op.Name, "Ceph") }

type cephKeyJSON struct {
	User      string `json:"user"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

type cephUserJSON struct {
	Tenant      string        `json:"tenant"`
	UserID      string        `json:"user_id"`
	DisplayName string        `json:"display_name"`
	Email       string        `json:"email"`
	Suspended   int           `json:"suspended"`
	MaxBuckets  int           `json:"max_buckets"`
	Subusers    []string      `json:"subusers"`
	Keys        []cephKeyJSON `json:"keys"`
	SwiftKeys   []string      `json:"swift_keys"`
	Caps        []string      `json:"caps"`
}

// requireCaps is whether the sender has users=*.
func (c *call) requireCaps() error {
	if !c.who.usersCap {
		return s3error.ErrAccessDenied
	}
	if c.query.Get("uid") == "" {
		return errCephArgument
	}
	return nil
}

func (c *call) cephGetUser() error {
	if err := c.requireCaps(); err != nil {
		return err
	}
	c.mu.RLock()
	user, found := c.cephUser(c.query.Get("uid"))
	c.mu.RUnlock()
	if !found {
		return errCephNoUser
	}
	return c.answerJSON(http.StatusOK, user)
}

// cephUser gives a user that admin operations made. The caller holds mu.
func (c *call) cephUser(uid string) (cephUserJSON, bool) {
	user := cephUserJSON{UserID: uid, Subusers: []string{}, Keys: []cephKeyJSON{}, SwiftKeys: []string{}, Caps: []string{}}
	found := false
	for access, known := range c.credentials {
		if known.who.id != uid || known.who.displayName == "" {
			continue
		}
		found = true
		user.DisplayName, user.MaxBuckets = known.who.displayName, known.who.maxBuckets
		user.Keys = append(user.Keys, cephKeyJSON{User: uid, AccessKey: access, SecretKey: known.secret})
	}
	return user, found
}

func (c *call) cephCreateUser() error {
	if err := c.requireCaps(); err != nil {
		return err
	}
	uid, displayName := c.query.Get("uid"), c.query.Get("display-name")
	if displayName == "" {
		return errCephArgument
	}
	maxBuckets := 1000
	if given := c.query.Get("max-buckets"); given != "" {
		number, err := strconv.Atoi(given)
		if err != nil {
			return errCephArgument
		}
		maxBuckets = number
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, found := c.cephUser(uid); found || c.knows(uid) {
		return errCephUserExists
	}
	access := strings.ToUpper(c.newID()[:20])
	c.learn(access, credential{
		secret: (c.newID() + c.newID())[:40],
		who:    &identity{id: uid, displayName: displayName, maxBuckets: maxBuckets},
	})
	user, _ := c.cephUser(uid)
	return c.answerJSON(http.StatusOK, user)
}

// cephRemoveUser removes a user that owns nothing; its data are never purged here.
func (c *call) cephRemoveUser() error {
	if err := c.requireCaps(); err != nil {
		return err
	}
	uid := c.query.Get("uid")
	c.mu.Lock()
	defer c.mu.Unlock()
	user, found := c.cephUser(uid)
	if !found {
		return errCephNoUser
	}
	for _, b := range c.buckets {
		if b.owner == uid {
			return errCephOwns
		}
	}
	for _, key := range user.Keys {
		delete(c.credentials, key.AccessKey)
	}
	return c.done(http.StatusOK)
}

// failJSON answers with the error document of admin operations.
func (c *call) failJSON(e *s3error.Error) {
	e.SetHeader(c.w.Header())
	_ = c.answerJSON(e.Status, struct {
		Code      string
		RequestID string `json:"RequestId"`
		HostID    string `json:"HostId"`
	}{e.Code, c.w.Header().Get(s3api.RequestIDHeader), "emulator"})
}

func (c *call) answerJSON(status int, document any) error {
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	c.reply().Send(status, "application/json", text)
	return nil
}
