package dataplane

import "slices"

// ACL is a canned access control list, by the name that the x-amz-acl header has
// for it. The empty one is private.
type ACL string

// The canned lists.
const (
	Private           ACL = "private"
	PublicRead        ACL = "public-read"
	PublicReadWrite   ACL = "public-read-write"
	AuthenticatedRead ACL = "authenticated-read"
)

// ownerOnly are further names, of lists that grant nothing to anybody but owners;
// the owner of a bucket owns its objects here.
var ownerOnly = []ACL{"", Private, "bucket-owner-read", "bucket-owner-full-control"}

// Grant is a line of an access control list, beside the full control of the owner,
// which is not written down. Identity or Group is set.
type Grant struct {
	Identity string
	Group    Group
	// Permission is READ, WRITE, READ_ACP, WRITE_ACP or FULL_CONTROL.
	Permission string
}

// Group is a group of grantees that S3 knows, by its URI.
type Group string

// The groups.
const (
	AllUsers           Group = "http://acs.amazonaws.com/groups/global/AllUsers"
	AuthenticatedUsers Group = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
)

var permissions = []string{"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"}

func (a ACL) known() bool {
	return slices.Contains(ownerOnly, a) || len(a.Grants()) > 0
}

// Grants is what a canned list stands for.
func (a ACL) Grants() []Grant {
	switch a {
	case PublicRead:
		return []Grant{{Group: AllUsers, Permission: "READ"}}
	case PublicReadWrite:
		return []Grant{{Group: AllUsers, Permission: "READ"}, {Group: AllUsers, Permission: "WRITE"}}
	case AuthenticatedRead:
		return []Grant{{Group: AuthenticatedUsers, Permission: "READ"}}
	default:
		return nil
	}
}

func (g Grant) valid() bool {
	known := g.Group == AllUsers || g.Group == AuthenticatedUsers
	return slices.Contains(permissions, g.Permission) && (known && g.Identity == "" || g.Group == "" && g.Identity != "")
}

// gives tells whether the grant has a permission for an identity.
func (g Grant) gives(identity, permission string) bool {
	concerned := g.Group == AllUsers || g.Group == AuthenticatedUsers && identity != "" ||
		g.Identity != "" && g.Identity == identity
	return concerned && (g.Permission == permission || g.Permission == "FULL_CONTROL")
}

// What an action needs in the list of the bucket or, for those of
// the second map, of the object. Other actions are the owner's alone.
var (
	bucketPermissions = map[string]string{
		"s3:ListBucket": "READ", "s3:ListBucketVersions": "READ", "s3:ListBucketMultipartUploads": "READ",
		"s3:PutObject": "WRITE", "s3:DeleteObject": "WRITE", "s3:AbortMultipartUpload": "WRITE", "s3:ListMultipartUploadParts": "WRITE",
		"s3:GetBucketAcl": "READ_ACP", "s3:PutBucketAcl": "WRITE_ACP",
	}
	objectPermissions = map[string]string{
		"s3:GetObject": "READ", "s3:GetObjectVersion": "READ",
		"s3:GetObjectAcl": "READ_ACP", "s3:PutObjectAcl": "WRITE_ACP",
	}
)

// grantedByACL tells what the lists say: the owner has full control, others what
// they are granted.
func (c Call) grantedByACL() bool {
	if c.owns() {
		return true
	}
	grants, permission := c.BucketGrants, bucketPermissions[c.Action]
	if permission == "" {
		grants, permission = c.ObjectGrants, objectPermissions[c.Action]
	}
	return permission != "" && slices.ContainsFunc(grants, func(g Grant) bool { return g.gives(c.Identity, permission) })
}
