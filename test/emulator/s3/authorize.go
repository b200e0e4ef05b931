package s3

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// facts are what conditions may ask of this request.
func (c *call) facts() map[string]string {
	facts := map[string]string{"aws:SecureTransport": "false"}
	if c.r.TLS != nil {
		facts["aws:SecureTransport"] = "true"
	}
	for _, name := range []string{"prefix", "delimiter"} {
		if c.query.Has(name) {
			facts["s3:"+name] = c.query.Get(name)
		}
	}
	return facts
}

// authorize checks the operation's own permission and that its bucket exists.
func (c *call) authorize() error {
	if c.op.Action == "" {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.buckets[c.bucket] == nil {
		return s3error.ErrNoSuchBucket
	}
	action := c.op.Action
	if c.query.Get("versionId") != "" && c.op.Level == s3api.Object {
		action = versionActions[action]
	}
	return c.require(action, c.bucket, c.key)
}

// versionActions are the permissions for an older version of an object.
var versionActions = map[string]string{
	"s3:GetObject":           "s3:GetObjectVersion",
	"s3:DeleteObject":        "s3:DeleteObjectVersion",
	"s3:GetObjectTagging":    "s3:GetObjectVersionTagging",
	"s3:PutObjectTagging":    "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
	"s3:PutObjectRetention":  "s3:PutObjectRetention",
	"s3:GetObjectRetention":  "s3:GetObjectRetention",
	"s3:PutObjectLegalHold":  "s3:PutObjectLegalHold",
	"s3:GetObjectLegalHold":  "s3:GetObjectLegalHold",
}

// require is permits as an error. The caller holds mu.
func (c *call) require(action, bucket, key string) error {
	if !c.permits(action, bucket, key) {
		return s3error.ErrAccessDenied
	}
	return nil
}

// permits decides: a denial, then an allowance, then ownership. The owner keeps
// the bucket policy's own operations, or a careless denial could never be
// undone. The caller holds mu.
func (c *call) permits(action, bucket, key string) bool {
	if c.who.admin {
		return true
	}
	resource := bucket
	if key != "" {
		resource += "/" + key
	}
	a := policy.Access{Who: c.who.id, Action: action, Resource: resource, Facts: c.facts()}
	b := c.buckets[bucket]
	owns := b != nil && b.owner == c.who.id && c.who != anonymous
	if owns && strings.HasSuffix(action, "BucketPolicy") {
		return true
	}
	verdicts := []policy.Verdict{c.who.policy.Evaluate(a)}
	if b != nil {
		verdicts = append(verdicts, b.policy.Evaluate(a))
	}
	if slices.Contains(verdicts, policy.Denied) {
		return false
	}
	return owns || slices.Contains(verdicts, policy.Allowed)
}

// mayOpen decides operations that name no existing bucket: a user's own policy
// must allow them when he has one, and Versity's plain users may not create.
func (c *call) mayOpen(action, resource string) bool {
	switch {
	case c.who.admin:
		return true
	case c.who == anonymous, c.who.maxBuckets < 0 && action == "s3:CreateBucket":
		return false
	case c.who.role == roleUser:
		return c.op.Method == http.MethodGet
	case c.who.policy == nil:
		return true
	}
	return c.who.policy.Evaluate(policy.Access{Who: c.who.id, Action: action, Resource: resource, Facts: c.facts()}) == policy.Allowed
}
