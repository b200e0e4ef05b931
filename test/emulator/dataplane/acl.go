package dataplane

import "slices"

// ACL is a canned access control list, by the name that the x-amz-acl header has
// for it. The empty one is private.
type ACL string

// The canned lists that are told apart here.
const (
	Private           ACL = "private"
	PublicRead        ACL = "public-read"
	PublicReadWrite   ACL = "public-read-write"
	AuthenticatedRead ACL = "authenticated-read"
)

// ownerOnly are further names, of lists that grant nothing to anybody but owners;
// the owner of a bucket owns its objects here.
var ownerOnly = []ACL{"", Private, "bucket-owner-read", "bucket-owner-full-control"}

func (a ACL) known() bool {
	return a == PublicRead || a == PublicReadWrite || a == AuthenticatedRead || slices.Contains(ownerOnly, a)
}

func (a ACL) reads(identity string) bool {
	return a == PublicRead || a == PublicReadWrite || a == AuthenticatedRead && identity != ""
}

// What the permissions READ and WRITE of a list stand for, on a bucket and on an
// object.
var (
	readsBucket  = []string{"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}
	writesBucket = []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
	readsObject  = []string{"s3:GetObject", "s3:GetObjectVersion"}
)

// grantedByACL tells what the lists say: the owner has full control, others what
// the canned lists give everybody.
func (c Call) grantedByACL() bool {
	switch {
	case c.owns():
		return true
	case slices.Contains(readsBucket, c.Action):
		return c.BucketACL.reads(c.Identity)
	case slices.Contains(writesBucket, c.Action):
		return c.BucketACL == PublicReadWrite
	case slices.Contains(readsObject, c.Action):
		return c.ObjectACL.reads(c.Identity)
	}
	return false
}
