package dataplane

import (
	"strings"

	"github.com/rempart/rempart/test/emulator/policy"
)

// ParseUserPolicy reads the policy document of an OVHcloud user. One without
// statements takes the policy back.
func ParseUserPolicy(document string) (*policy.Policy, error) {
	return policy.Parse([]byte(document), policy.OfOVHcloudUser)
}

// JudgeOVHcloud returns the judge of OVHcloud's object storage, where policyOf
// finds the policy of a user, nil if there is none. As the guide of identity and
// access management of 1 June 2026 says: an explicit denial, then an explicit
// allowance, then the access control lists, in which the owner of a bucket has
// full control. So a policy that only allows does not confine the bucket's owner.
// A list of buckets is allowed unless denied.
//
// ASSUMPTION: making a bucket is allowed to every user unless denied, as the list
// is; and an object belongs to the owner of its bucket, whoever wrote it.
func JudgeOVHcloud(policyOf func(identity string) *policy.Policy) func(Call) Verdict {
	return func(c Call) Verdict {
		said := policy.Silent
		if c.Identity != "" {
			said = policyOf(c.Identity).Evaluate(c.access())
		}
		return verdict(said != policy.Denied && (said == policy.Allowed || c.isOpenToUsers() || c.grantedByACL()))
	}
}

// JudgeOutscale returns the judge of Outscale's object storage, which knows only
// root keys of accounts: isRoot tells them from keys of EIM users, who may do
// nothing there whatever their policies. The owner may do everything; others what
// the bucket's policy or its access control list grants and the policy does not
// deny.
//
// A key of an EIM user was measured to be answered 403 InvalidAccessKeyId, which is
// what Options.Lookup says of a key that it does not know; the judge refuses one that
// Lookup lets through. ASSUMPTION: the owner keeps the operations on a policy that
// denies them.
func JudgeOutscale(isRoot func(accessKey string) bool) func(Call) Verdict {
	return func(c Call) Verdict {
		if c.AccessKey != "" && !isRoot(c.AccessKey) {
			return Deny
		}
		said := c.Policy.Evaluate(c.access())
		switch {
		case c.owns() && strings.HasSuffix(c.Action, "BucketPolicy"):
			return Allow
		case said == policy.Denied:
			return Deny
		}
		return verdict(said == policy.Allowed || c.isOpenToUsers() || c.grantedByACL())
	}
}

func verdict(allowed bool) Verdict {
	if allowed {
		return Allow
	}
	return Deny
}

// isOpenToUsers tells that the action concerns no bucket that somebody owns, and
// that somebody asks for it.
func (c Call) isOpenToUsers() bool {
	return c.Identity != "" && (c.Action == "s3:ListAllMyBuckets" || c.Action == "s3:CreateBucket")
}

func (c Call) owns() bool { return c.Identity != "" && c.Identity == c.Owner }

// access is the call as a question to policies.
func (c Call) access() policy.Access {
	resource := c.Bucket
	if c.Key != "" {
		resource += "/" + c.Key
	}
	if resource == "" {
		resource = "*"
	}
	return policy.Access{
		Who: c.Identity, Action: c.Action, Resource: resource,
		Facts: map[string]string{"aws:SourceIp": c.Source.String()},
	}
}
