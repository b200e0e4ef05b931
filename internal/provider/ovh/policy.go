package ovh

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rempart/rempart/internal/provider"
)

// policy is what a user may do. OVHcloud looks for an explicit Deny, then for an
// explicit Allow, and where there is neither at who owns the bucket or the object.
type policy struct {
	Statement []statement
}

type statement struct {
	ID       string `json:"Sid"`
	Effect   string
	Action   []string
	Resource []string
}

const (
	allow = "Allow"
	deny  = "Deny"

	all = "s3:*"
)

func (p policy) encode() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encode a policy: %v", err)) // it has nothing but strings
	}
	return string(text)
}

// everything is the policy of the operator's user. It adds nothing to what the
// login can do, which may give any user any policy.
func everything() policy {
	return policy{Statement: []statement{{ID: "RempartOperator", Effect: allow, Action: []string{all}, Resource: []string{"*"}}}}
}

// The actions that OVHcloud lists as known to its policies (guide "Object Storage -
// Identity and access management", of 2026-06-01). There are none for versions: it
// is not documented whether those of objects hold for them.
var (
	bucketReads = []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"}
	bucketRest  = []string{
		"s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketTagging", "s3:DeleteBucketWebsite",
		"s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketTagging",
		"s3:GetBucketVersioning", "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetIntelligentTieringConfiguration",
		"s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
		"s3:PutBucketAcl", "s3:PutBucketCORS", "s3:PutBucketLogging", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketTagging",
		"s3:PutBucketVersioning", "s3:PutBucketWebsite", "s3:PutEncryptionConfiguration", "s3:PutIntelligentTieringConfiguration",
		"s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
	}
	listUploads = "s3:ListBucketMultipartUploads"

	objectReads     = []string{"s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectTagging", "s3:GetObjectVersionAttributes"}
	objectWrites    = []string{"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"}
	objectRemovals  = []string{"s3:DeleteObject", "s3:DeleteObjectTagging", "s3:ListMultipartUploadParts"}
	objectRest      = []string{"s3:BypassGovernanceRetention", "s3:GetObjectAcl", "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:PutObjectAcl", "s3:PutObjectLegalHold", "s3:PutObjectRetention"}
	documentedOnes  = slices.Concat(bucketReads, bucketRest, []string{listUploads}, objectReads, objectWrites, objectRemovals, objectRest)
	listEveryBucket = "s3:ListAllMyBuckets"
)

// allowed gives what a mode lets an application do with its bucket and with the
// objects in it. Who may only write does not find out what is there: no listing of
// uploads, whose keys it would tell.
func allowed(mode provider.AccessMode) (onBucket, onObjects []string) {
	switch mode {
	case provider.ReadWrite:
		return slices.Concat(bucketReads, []string{listUploads}), slices.Concat(objectReads, objectWrites, objectRemovals)
	case provider.WriteOnly:
		return bucketReads[:1], objectWrites
	default:
		return bucketReads, objectReads
	}
}

// rightsFor gives the policy of a consumer. What its mode does not allow is denied
// and not only left out: an object belongs to who wrote it, so that a consumer that
// may only write would read what it wrote. Buckets of its own it would own, so it
// makes none. The Deny of the reserved prefix covers reads too, and the prefix as
// an object.
func rightsFor(grant provider.Grant) policy {
	arn := "arn:aws:s3:::" + grant.Bucket
	objects := arn + "/*"
	outside := statement{ID: "RempartNoOtherBucket", Effect: deny, Action: []string{listEveryBucket, "s3:CreateBucket"}, Resource: []string{"*"}}
	if grant.Mode == provider.FullControl {
		return policy{Statement: []statement{
			{ID: "RempartFullControl", Effect: allow, Action: []string{all}, Resource: []string{arn, objects}}, outside,
		}}
	}
	onBucket, onObjects := allowed(grant.Mode)
	rest := slices.DeleteFunc(slices.Clone(documentedOnes), func(action string) bool {
		return slices.Contains(onBucket, action) || slices.Contains(onObjects, action)
	})
	folder := arn + "/" + provider.ReservedPrefix
	return policy{Statement: []statement{
		{ID: "RempartBucket", Effect: allow, Action: onBucket, Resource: []string{arn}},
		{ID: "RempartObjects", Effect: allow, Action: onObjects, Resource: []string{objects}},
		{ID: "RempartNothingElse", Effect: deny, Action: rest, Resource: []string{arn, objects}},
		{ID: "RempartReserved", Effect: deny, Action: []string{all}, Resource: []string{folder + "*", folder[:len(folder)-1]}},
		outside,
	}}
}
