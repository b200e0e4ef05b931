package dataplane

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// feature is a part of S3 that a vendor may lack.
type feature = string

const (
	everywhere         feature = ""
	bucketPolicies     feature = "bucket policy"
	bucketTagging      feature = "bucket tagging"
	publicAccessBlocks feature = "public access block"
	ownershipControls  feature = "ownership controls"
	notifications      feature = "notification"
	replication        feature = "replication"
	logging            feature = "access logging"
	legalHolds         feature = "legal hold"
	objectAttributes   feature = "object attributes"
)

// operation is one line of the S3 API.
type operation = s3api.Operation[*call]

// operations are all that is known; whatever else a request asks for is answered
// 501, and never carried out as the bare verb.
var operations = slices.Concat(bucketOperations, settingOperations, objectOperations)

var bucketOperations = []operation{
	{Name: "ListBuckets", Method: http.MethodGet, Level: s3api.Service, Action: "s3:ListAllMyBuckets", Handle: (*call).listBuckets},
	{Name: "CreateBucket", Method: http.MethodPut, Level: s3api.Bucket, Action: "s3:CreateBucket", Handle: (*call).createBucket},
	{Name: "HeadBucket", Method: http.MethodHead, Level: s3api.Bucket, Action: "s3:ListBucket", Handle: (*call).headBucket},
	{Name: "DeleteBucket", Method: http.MethodDelete, Level: s3api.Bucket, Action: "s3:DeleteBucket", Handle: (*call).deleteBucket},
	{Name: "GetBucketLocation", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"location"}, Action: "s3:GetBucketLocation", Handle: (*call).getLocation},

	{Name: "ListObjects", Method: http.MethodGet, Level: s3api.Bucket, Params: s3api.ListV1Params, Action: "s3:ListBucket", Handle: (*call).list},
	{Name: "ListObjectsV2", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"list-type"}, Params: s3api.ListV2Params, Action: "s3:ListBucket", Handle: (*call).list},
	{Name: "ListObjectVersions", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"versions"}, Params: s3api.ListVersionParams, Action: "s3:ListBucketVersions", Handle: (*call).list},
	{Name: "ListMultipartUploads", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"uploads"}, Params: s3api.ListUploadParams, Action: "s3:ListBucketMultipartUploads", Handle: (*call).list},
	{Name: "DeleteObjects", Method: http.MethodPost, Level: s3api.Bucket, Sub: []string{"delete"}, Handle: (*call).deleteObjects},
}

var settingOperations = slices.Concat(
	setting("tagging", "BucketTagging", bucketTagging, (*call).putTagging, (*call).getTagging, (*call).deleteTagging),
	setting("versioning", "BucketVersioning", everywhere, (*call).putVersioning, (*call).getVersioning, nil),
	setting("object-lock", "BucketObjectLockConfiguration", everywhere, (*call).putLock, (*call).getLock, nil),
	setting("encryption", "BucketEncryption", everywhere, (*call).putEncryption, (*call).getEncryption, (*call).deleteEncryption),
	setting("replication", "BucketReplication", replication, (*call).putReplication, (*call).getReplication, (*call).deleteReplication),
	setting("lifecycle", "BucketLifecycleConfiguration", everywhere, (*call).putLifecycle, (*call).getLifecycle, (*call).deleteLifecycle),
	setting("acl", "BucketAcl", everywhere, (*call).putACL, (*call).getACL, nil),
	setting("policy", "BucketPolicy", bucketPolicies, (*call).putPolicy, (*call).getPolicy, (*call).deletePolicy),
	setting("cors", "BucketCors", everywhere, (*call).putStored, (*call).getStored, (*call).deleteStored),
	setting("website", "BucketWebsite", everywhere, (*call).putStored, (*call).getStored, (*call).deleteStored),
	setting("logging", "BucketLogging", logging, (*call).putStored, (*call).getStored, nil),
	setting("notification", "BucketNotificationConfiguration", notifications, (*call).putStored, (*call).getStored, nil),
	setting("publicAccessBlock", "PublicAccessBlock", publicAccessBlocks, (*call).putStored, (*call).getStored, (*call).deleteStored),
	setting("ownershipControls", "BucketOwnershipControls", ownershipControls, (*call).putStored, (*call).getStored, (*call).deleteStored),
)

// actionNouns are where the permission has another noun than the operation.
var actionNouns = map[string]string{
	"BucketLifecycleConfiguration":    "LifecycleConfiguration",
	"BucketEncryption":                "EncryptionConfiguration",
	"BucketReplication":               "ReplicationConfiguration",
	"BucketNotificationConfiguration": "BucketNotification",
	"BucketCors":                      "BucketCORS",
	"PublicAccessBlock":               "BucketPublicAccessBlock",
}

// setting returns PUT, GET and DELETE of a bucket subresource. A deletion needs the
// permission to put, but for policies.
func setting(sub, noun string, f feature, put, get, remove func(*call) error) []operation {
	selected := []string{sub}
	actionNoun := noun
	if other, ok := actionNouns[noun]; ok {
		actionNoun = other
	}
	ops := []operation{
		{Name: "Put" + noun, Method: http.MethodPut, Level: s3api.Bucket, Sub: selected, Action: "s3:Put" + actionNoun, Feature: f, Handle: put},
		{Name: "Get" + noun, Method: http.MethodGet, Level: s3api.Bucket, Sub: selected, Action: "s3:Get" + actionNoun, Feature: f, Handle: get},
	}
	if remove == nil {
		return ops
	}
	action := "s3:Put" + actionNoun
	if f == bucketPolicies {
		action = "s3:DeleteBucketPolicy"
	}
	return append(ops, operation{
		Name: "Delete" + noun, Method: http.MethodDelete, Level: s3api.Bucket, Sub: selected, Action: action, Feature: f, Handle: remove,
	})
}

var objectOperations = []operation{
	{Name: "PutObject", Method: http.MethodPut, Level: s3api.Object, Action: "s3:PutObject", Handle: (*call).putObject},
	{Name: "CopyObject", Method: http.MethodPut, Level: s3api.Object, Header: s3api.CopySource, Action: "s3:PutObject", Handle: (*call).copyObject},
	{Name: "GetObject", Method: http.MethodGet, Level: s3api.Object, Params: s3api.GetParams, Action: "s3:GetObject", Handle: (*call).getObject},
	{Name: "HeadObject", Method: http.MethodHead, Level: s3api.Object, Params: s3api.GetParams, Action: "s3:GetObject", Handle: (*call).getObject},
	{Name: "DeleteObject", Method: http.MethodDelete, Level: s3api.Object, Params: s3api.VersionParam, Action: "s3:DeleteObject", Handle: (*call).deleteObject},
	{Name: "GetObjectAttributes", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"attributes"}, Params: s3api.VersionParam, Action: "s3:GetObject", Feature: objectAttributes, Handle: (*call).pass},

	{Name: "PutObjectTagging", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:PutObjectTagging", Handle: (*call).pass},
	{Name: "GetObjectTagging", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:GetObjectTagging", Handle: (*call).pass},
	{Name: "DeleteObjectTagging", Method: http.MethodDelete, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:DeleteObjectTagging", Handle: (*call).pass},
	{Name: "PutObjectAcl", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"acl"}, Params: s3api.VersionParam, Action: "s3:PutObjectAcl", Handle: (*call).putObjectACL},
	{Name: "GetObjectAcl", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"acl"}, Params: s3api.VersionParam, Action: "s3:GetObjectAcl", Handle: (*call).getObjectACL},
	{Name: "PutObjectRetention", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"retention"}, Params: s3api.VersionParam, Action: "s3:PutObjectRetention", Handle: (*call).putRetention},
	{Name: "GetObjectRetention", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"retention"}, Params: s3api.VersionParam, Action: "s3:GetObjectRetention", Handle: (*call).getProtection},
	{Name: "PutObjectLegalHold", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"legal-hold"}, Params: s3api.VersionParam, Action: "s3:PutObjectLegalHold", Feature: legalHolds, Handle: (*call).pass},
	{Name: "GetObjectLegalHold", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"legal-hold"}, Params: s3api.VersionParam, Action: "s3:GetObjectLegalHold", Feature: legalHolds, Handle: (*call).getProtection},

	{Name: "CreateMultipartUpload", Method: http.MethodPost, Level: s3api.Object, Sub: []string{"uploads"}, Action: "s3:PutObject", Handle: (*call).createUpload},
	{Name: "UploadPart", Method: http.MethodPut, Level: s3api.Object, Sub: s3api.UploadParams, Action: "s3:PutObject", Handle: (*call).uploadPart},
	{Name: "UploadPartCopy", Method: http.MethodPut, Level: s3api.Object, Sub: s3api.UploadParams, Header: s3api.CopySource, Action: "s3:PutObject", Handle: (*call).uploadPartCopy},
	{Name: "CompleteMultipartUpload", Method: http.MethodPost, Level: s3api.Object, Sub: []string{"uploadId"}, Action: "s3:PutObject", Handle: (*call).completeUpload},
	{Name: "AbortMultipartUpload", Method: http.MethodDelete, Level: s3api.Object, Sub: []string{"uploadId"}, Action: "s3:AbortMultipartUpload", Handle: (*call).abortUpload},
	{Name: "ListParts", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"uploadId"}, Params: s3api.ListPartParams, Action: "s3:ListMultipartUploadParts", Handle: (*call).list},
}

// versionActions are the permissions for one version of an object, named by its id.
var versionActions = map[string]string{
	"s3:GetObject":           "s3:GetObjectVersion",
	"s3:DeleteObject":        "s3:DeleteObjectVersion",
	"s3:GetObjectTagging":    "s3:GetObjectVersionTagging",
	"s3:PutObjectTagging":    "s3:PutObjectVersionTagging",
	"s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
	"s3:GetObjectAcl":        "s3:GetObjectVersionAcl",
	"s3:PutObjectAcl":        "s3:PutObjectVersionAcl",
}

// refused stands for requests that are no operation.
var refused = &operation{}

// choose finds the operation of a request with the most parameters and headers in
// common, and refuses what the operation or the vendor does not know.
func (c *call) choose() error {
	c.op = refused
	best, unknown := s3api.Select(operations, c.r, s3api.LevelOf(c.bucket, c.key), c.query)
	switch {
	case len(unknown) > 0:
		return s3error.NotImplemented("A header or query you provided implies functionality that is not implemented: %s", strings.Join(unknown, "&"))
	case best == nil:
		return s3error.ErrMethodNotAllowed
	}
	c.op = best
	if c.habit.without(best.Feature) {
		return s3error.NotImplemented("%s is not implemented", best.Feature)
	}
	return nil
}
