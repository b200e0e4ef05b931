package dataplane

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

// feature is a part of S3 that a vendor may lack.
type feature string

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

// level is what a path names.
type level int

const (
	serviceLevel level = iota
	bucketLevel
	objectLevel
)

// operation is one line of the S3 API.
type operation struct {
	name   string
	method string
	level  level
	// sub are the query parameters that select the operation, header one that must
	// be present as well.
	sub    []string
	header string
	// params are further query parameters it takes.
	params []string
	// action is the permission it needs; operations without one ask for themselves.
	action  string
	feature feature
	handle  func(*call) error
}

const copySourceHeader = "X-Amz-Copy-Source"

var (
	listParams    = []string{"prefix", "delimiter", "encoding-type", "max-keys"}
	uploadParams  = []string{"partNumber", "uploadId"}
	versionParam  = []string{"versionId"}
	getParams     = []string{"versionId", "partNumber", "response-content-type", "response-content-language", "response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding"}
	listV1Params  = append([]string{"marker"}, listParams...)
	listV2Params  = append([]string{"continuation-token", "start-after", "fetch-owner"}, listParams...)
	versionParams = append([]string{"key-marker", "version-id-marker"}, listParams...)
	uploadsParams = []string{"prefix", "delimiter", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"}
	partsParams   = []string{"max-parts", "part-number-marker", "encoding-type"}
)

// ignoredParams change nothing: markers of SDKs and extensions of MinIO, which every
// other store ignores.
var ignoredParams = []string{"x-id", "metadata", "unsorted", "withUpdatedAt"}

// operations are all that is known; whatever else a request asks for is answered
// 501, and never carried out as the bare verb.
var operations = slices.Concat(bucketOperations, settingOperations, objectOperations)

var bucketOperations = []operation{
	{name: "ListBuckets", method: http.MethodGet, level: serviceLevel, action: "s3:ListAllMyBuckets", handle: (*call).listBuckets},
	{name: "CreateBucket", method: http.MethodPut, level: bucketLevel, action: "s3:CreateBucket", handle: (*call).createBucket},
	{name: "HeadBucket", method: http.MethodHead, level: bucketLevel, action: "s3:ListBucket", handle: (*call).headBucket},
	{name: "DeleteBucket", method: http.MethodDelete, level: bucketLevel, action: "s3:DeleteBucket", handle: (*call).deleteBucket},
	{name: "GetBucketLocation", method: http.MethodGet, level: bucketLevel, sub: []string{"location"}, action: "s3:GetBucketLocation", handle: (*call).getLocation},

	{name: "ListObjects", method: http.MethodGet, level: bucketLevel, params: listV1Params, action: "s3:ListBucket", handle: (*call).list},
	{name: "ListObjectsV2", method: http.MethodGet, level: bucketLevel, sub: []string{"list-type"}, params: listV2Params, action: "s3:ListBucket", handle: (*call).list},
	{name: "ListObjectVersions", method: http.MethodGet, level: bucketLevel, sub: []string{"versions"}, params: versionParams, action: "s3:ListBucketVersions", handle: (*call).list},
	{name: "ListMultipartUploads", method: http.MethodGet, level: bucketLevel, sub: []string{"uploads"}, params: uploadsParams, action: "s3:ListBucketMultipartUploads", handle: (*call).list},
	{name: "DeleteObjects", method: http.MethodPost, level: bucketLevel, sub: []string{"delete"}, handle: (*call).deleteObjects},
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
		{name: "Put" + noun, method: http.MethodPut, level: bucketLevel, sub: selected, action: "s3:Put" + actionNoun, feature: f, handle: put},
		{name: "Get" + noun, method: http.MethodGet, level: bucketLevel, sub: selected, action: "s3:Get" + actionNoun, feature: f, handle: get},
	}
	if remove == nil {
		return ops
	}
	action := "s3:Put" + actionNoun
	if f == bucketPolicies {
		action = "s3:DeleteBucketPolicy"
	}
	return append(ops, operation{
		name: "Delete" + noun, method: http.MethodDelete, level: bucketLevel, sub: selected, action: action, feature: f, handle: remove,
	})
}

var objectOperations = []operation{
	{name: "PutObject", method: http.MethodPut, level: objectLevel, action: "s3:PutObject", handle: (*call).putObject},
	{name: "CopyObject", method: http.MethodPut, level: objectLevel, header: copySourceHeader, action: "s3:PutObject", handle: (*call).copyObject},
	{name: "GetObject", method: http.MethodGet, level: objectLevel, params: getParams, action: "s3:GetObject", handle: (*call).getObject},
	{name: "HeadObject", method: http.MethodHead, level: objectLevel, params: getParams, action: "s3:GetObject", handle: (*call).getObject},
	{name: "DeleteObject", method: http.MethodDelete, level: objectLevel, params: versionParam, action: "s3:DeleteObject", handle: (*call).deleteObject},
	{name: "GetObjectAttributes", method: http.MethodGet, level: objectLevel, sub: []string{"attributes"}, params: versionParam, action: "s3:GetObject", feature: objectAttributes, handle: (*call).pass},

	{name: "PutObjectTagging", method: http.MethodPut, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:PutObjectTagging", handle: (*call).pass},
	{name: "GetObjectTagging", method: http.MethodGet, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:GetObjectTagging", handle: (*call).pass},
	{name: "DeleteObjectTagging", method: http.MethodDelete, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:DeleteObjectTagging", handle: (*call).pass},
	{name: "PutObjectAcl", method: http.MethodPut, level: objectLevel, sub: []string{"acl"}, params: versionParam, action: "s3:PutObjectAcl", handle: (*call).putObjectACL},
	{name: "GetObjectAcl", method: http.MethodGet, level: objectLevel, sub: []string{"acl"}, params: versionParam, action: "s3:GetObjectAcl", handle: (*call).getObjectACL},
	{name: "PutObjectRetention", method: http.MethodPut, level: objectLevel, sub: []string{"retention"}, params: versionParam, action: "s3:PutObjectRetention", handle: (*call).putRetention},
	{name: "GetObjectRetention", method: http.MethodGet, level: objectLevel, sub: []string{"retention"}, params: versionParam, action: "s3:GetObjectRetention", handle: (*call).getProtection},
	{name: "PutObjectLegalHold", method: http.MethodPut, level: objectLevel, sub: []string{"legal-hold"}, params: versionParam, action: "s3:PutObjectLegalHold", feature: legalHolds, handle: (*call).pass},
	{name: "GetObjectLegalHold", method: http.MethodGet, level: objectLevel, sub: []string{"legal-hold"}, params: versionParam, action: "s3:GetObjectLegalHold", feature: legalHolds, handle: (*call).getProtection},

	{name: "CreateMultipartUpload", method: http.MethodPost, level: objectLevel, sub: []string{"uploads"}, action: "s3:PutObject", handle: (*call).createUpload},
	{name: "UploadPart", method: http.MethodPut, level: objectLevel, sub: uploadParams, action: "s3:PutObject", handle: (*call).uploadPart},
	{name: "UploadPartCopy", method: http.MethodPut, level: objectLevel, sub: uploadParams, header: copySourceHeader, action: "s3:PutObject", handle: (*call).uploadPartCopy},
	{name: "CompleteMultipartUpload", method: http.MethodPost, level: objectLevel, sub: []string{"uploadId"}, action: "s3:PutObject", handle: (*call).completeUpload},
	{name: "AbortMultipartUpload", method: http.MethodDelete, level: objectLevel, sub: []string{"uploadId"}, action: "s3:AbortMultipartUpload", handle: (*call).abortUpload},
	{name: "ListParts", method: http.MethodGet, level: objectLevel, sub: []string{"uploadId"}, params: partsParams, action: "s3:ListMultipartUploadParts", handle: (*call).list},
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
	best, score := refused, -1
	for i := range operations {
		if fit := c.fit(&operations[i]); fit > score {
			best, score = &operations[i], fit
		}
	}
	var unknown []string
	for name := range c.query {
		if !best.takes(name) {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	switch {
	case len(unknown) > 0:
		return s3error.NotImplemented("A header or query you provided implies functionality that is not implemented: %s", strings.Join(unknown, "&"))
	case best == refused:
		return s3error.ErrMethodNotAllowed
	}
	c.op = best
	if c.habit.without(best.feature) {
		return s3error.NotImplemented("%s is not implemented", best.feature)
	}
	return nil
}

func (c *call) level() level {
	switch {
	case c.key != "":
		return objectLevel
	case c.bucket != "":
		return bucketLevel
	}
	return serviceLevel
}

// fit is -1 when the request is not op, else greater the closer it is.
func (c *call) fit(op *operation) int {
	if op.method != c.r.Method || op.level != c.level() {
		return -1
	}
	if slices.ContainsFunc(op.sub, func(name string) bool { return !c.query.Has(name) }) {
		return -1
	}
	if op.header == "" {
		return 2 * len(op.sub)
	}
	if c.r.Header.Get(op.header) == "" {
		return -1
	}
	return 2*len(op.sub) + 1
}

func (op *operation) takes(param string) bool {
	return slices.Contains(op.sub, param) || slices.Contains(op.params, param) ||
		slices.Contains(ignoredParams, param) || strings.HasPrefix(strings.ToLower(param), "x-amz-")
}
