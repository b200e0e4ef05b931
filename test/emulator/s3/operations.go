package s3

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// level is what a path names.
type level int

const (
	serviceLevel level = iota
	bucketLevel
	objectLevel
	// adminLevel paths are matched as a whole.
	adminLevel
)

// operation is one line of the S3 API.
type operation struct {
	name   string
	method string
	level  level
	// sub are the query parameters that select the operation.
	sub []string
	// header, when set, must be present as well.
	header string
	// params are further query parameters it takes.
	params []string
	// action is the permission it needs on its bucket or object; operations
	// without one check for themselves.
	action string
	handle func(*call) error
}

var (
	listParams    = []string{"prefix", "delimiter", "encoding-type", "max-keys"}
	uploadParams  = []string{"partNumber", "uploadId"}
	versionParam  = []string{"versionId"}
	getParams     = []string{"versionId", "partNumber", "response-content-type", "response-content-language", "response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding"}
	listV1Params  = append([]string{"marker"}, listParams...)
	listV2Params  = append([]string{"continuation-token", "start-after", "fetch-owner"}, listParams...)
	versionParams = append([]string{"key-marker", "version-id-marker"}, listParams...)
	uploadsParams = []string{"prefix", "delimiter", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"}
)

// ignoredParams change nothing: markers of SDKs and MinIO's extensions, which
// every other store ignores.
var ignoredParams = []string{"x-id", "metadata", "unsorted", "withUpdatedAt"}

// allOperations returns the operations of a server with these options.
func allOperations(o Options) []operation {
	ops := slices.Concat(serviceOperations, bucketOperations, objectOperations)
	for _, name := range o.StoredConfigurations {
		ops = append(ops, configurationOperations(name)...)
	}
	if !o.NoObjectLock {
		ops = append(ops, lockOperations...)
	}
	if o.VersityAdmin {
		ops = append(ops, adminOperations...)
	}
	if o.CephAdmin {
		ops = append(ops, cephOperations...)
	}
	return ops
}

var serviceOperations = []operation{
	{name: "ListBuckets", method: http.MethodGet, level: serviceLevel, handle: (*call).listBuckets},
}

var bucketOperations = []operation{
	{name: "CreateBucket", method: http.MethodPut, level: bucketLevel, handle: (*call).createBucket},
	{name: "HeadBucket", method: http.MethodHead, level: bucketLevel, action: "s3:ListBucket", handle: (*call).headBucket},
	{name: "DeleteBucket", method: http.MethodDelete, level: bucketLevel, action: "s3:DeleteBucket", handle: (*call).deleteBucket},
	{name: "GetBucketLocation", method: http.MethodGet, level: bucketLevel, sub: []string{"location"}, action: "s3:GetBucketLocation", handle: (*call).getBucketLocation},

	{name: "PutBucketTagging", method: http.MethodPut, level: bucketLevel, sub: []string{"tagging"}, action: "s3:PutBucketTagging", handle: (*call).putBucketTagging},
	{name: "GetBucketTagging", method: http.MethodGet, level: bucketLevel, sub: []string{"tagging"}, action: "s3:GetBucketTagging", handle: (*call).getBucketTagging},
	{name: "DeleteBucketTagging", method: http.MethodDelete, level: bucketLevel, sub: []string{"tagging"}, action: "s3:PutBucketTagging", handle: (*call).deleteBucketTagging},
	{name: "PutBucketVersioning", method: http.MethodPut, level: bucketLevel, sub: []string{"versioning"}, action: "s3:PutBucketVersioning", handle: (*call).putBucketVersioning},
	{name: "GetBucketVersioning", method: http.MethodGet, level: bucketLevel, sub: []string{"versioning"}, action: "s3:GetBucketVersioning", handle: (*call).getBucketVersioning},
	{name: "PutBucketPolicy", method: http.MethodPut, level: bucketLevel, sub: []string{"policy"}, action: "s3:PutBucketPolicy", handle: (*call).putBucketPolicy},
	{name: "GetBucketPolicy", method: http.MethodGet, level: bucketLevel, sub: []string{"policy"}, action: "s3:GetBucketPolicy", handle: (*call).getBucketPolicy},
	{name: "DeleteBucketPolicy", method: http.MethodDelete, level: bucketLevel, sub: []string{"policy"}, action: "s3:DeleteBucketPolicy", handle: (*call).deleteBucketPolicy},

	{name: "ListObjects", method: http.MethodGet, level: bucketLevel, params: listV1Params, action: "s3:ListBucket", handle: (*call).listObjectsV1},
	{name: "ListObjectsV2", method: http.MethodGet, level: bucketLevel, sub: []string{"list-type"}, params: listV2Params, action: "s3:ListBucket", handle: (*call).listObjectsV2},
	{name: "ListObjectVersions", method: http.MethodGet, level: bucketLevel, sub: []string{"versions"}, params: versionParams, action: "s3:ListBucketVersions", handle: (*call).listObjectVersions},
	{name: "ListMultipartUploads", method: http.MethodGet, level: bucketLevel, sub: []string{"uploads"}, params: uploadsParams, action: "s3:ListBucketMultipartUploads", handle: (*call).listUploads},
	{name: "DeleteObjects", method: http.MethodPost, level: bucketLevel, sub: []string{"delete"}, handle: (*call).deleteObjects},
}

var lockOperations = []operation{
	{name: "PutObjectLockConfiguration", method: http.MethodPut, level: bucketLevel, sub: []string{"object-lock"}, action: "s3:PutBucketObjectLockConfiguration", handle: (*call).putLockConfiguration},
	{name: "GetObjectLockConfiguration", method: http.MethodGet, level: bucketLevel, sub: []string{"object-lock"}, action: "s3:GetBucketObjectLockConfiguration", handle: (*call).getLockConfiguration},
}

var objectOperations = []operation{
	{name: "PutObject", method: http.MethodPut, level: objectLevel, action: "s3:PutObject", handle: (*call).putObject},
	{name: "CopyObject", method: http.MethodPut, level: objectLevel, header: copySourceHeader, action: "s3:PutObject", handle: (*call).copyObject},
	{name: "GetObject", method: http.MethodGet, level: objectLevel, params: getParams, action: "s3:GetObject", handle: (*call).getObject},
	{name: "HeadObject", method: http.MethodHead, level: objectLevel, params: getParams, action: "s3:GetObject", handle: (*call).getObject},
	{name: "DeleteObject", method: http.MethodDelete, level: objectLevel, params: versionParam, action: "s3:DeleteObject", handle: (*call).deleteObject},

	{name: "PutObjectTagging", method: http.MethodPut, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:PutObjectTagging", handle: (*call).putObjectTagging},
	{name: "GetObjectTagging", method: http.MethodGet, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:GetObjectTagging", handle: (*call).getObjectTagging},
	{name: "DeleteObjectTagging", method: http.MethodDelete, level: objectLevel, sub: []string{"tagging"}, params: versionParam, action: "s3:DeleteObjectTagging", handle: (*call).deleteObjectTagging},
	{name: "PutObjectRetention", method: http.MethodPut, level: objectLevel, sub: []string{"retention"}, params: versionParam, action: "s3:PutObjectRetention", handle: (*call).putRetention},
	{name: "GetObjectRetention", method: http.MethodGet, level: objectLevel, sub: []string{"retention"}, params: versionParam, action: "s3:GetObjectRetention", handle: (*call).getRetention},
	{name: "PutObjectLegalHold", method: http.MethodPut, level: objectLevel, sub: []string{"legal-hold"}, params: versionParam, action: "s3:PutObjectLegalHold", handle: (*call).putLegalHold},
	{name: "GetObjectLegalHold", method: http.MethodGet, level: objectLevel, sub: []string{"legal-hold"}, params: versionParam, action: "s3:GetObjectLegalHold", handle: (*call).getLegalHold},

	{name: "CreateMultipartUpload", method: http.MethodPost, level: objectLevel, sub: []string{"uploads"}, action: "s3:PutObject", handle: (*call).createUpload},
	{name: "UploadPart", method: http.MethodPut, level: objectLevel, sub: uploadParams, action: "s3:PutObject", handle: (*call).uploadPart},
	{name: "UploadPartCopy", method: http.MethodPut, level: objectLevel, sub: uploadParams, header: copySourceHeader, action: "s3:PutObject", handle: (*call).uploadPartCopy},
	{name: "CompleteMultipartUpload", method: http.MethodPost, level: objectLevel, sub: []string{"uploadId"}, action: "s3:PutObject", handle: (*call).completeUpload},
	{name: "AbortMultipartUpload", method: http.MethodDelete, level: objectLevel, sub: []string{"uploadId"}, action: "s3:AbortMultipartUpload", handle: (*call).abortUpload},
	{name: "ListParts", method: http.MethodGet, level: objectLevel, sub: []string{"uploadId"}, params: []string{"max-parts", "part-number-marker", "encoding-type"}, action: "s3:ListMultipartUploadParts", handle: (*call).listParts},
}

// refused stands for requests that are no operation.
var refused = &operation{}

// route finds bucket, key and operation.
func (c *call) route() error {
	c.op = refused
	bucket, key, err := sigv4.Target(c.r)
	if err != nil {
		return err
	}
	c.bucket, c.key = bucket, key
	c.record.Key = key
	if c.routeAdmin() {
		return nil
	}
	if err := c.checkKey(); err != nil {
		return err
	}
	if c.routeBadAnswer() {
		return nil
	}
	op, unknown := c.selectOperation()
	c.record.Subresource = strings.Join(op.sub, "&")
	if len(unknown) > 0 {
		c.record.Subresource = strings.Join(unknown, "&")
		if !c.options.CarelessSubresources {
			return s3error.NotImplemented("A header or query you provided implies functionality that is not implemented: %s", c.record.Subresource)
		}
	}
	if op == refused {
		return s3error.ErrMethodNotAllowed
	}
	c.op = op
	c.record.Operation = op.name
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

// selectOperation returns the operation with the most parameters and headers
// in common with the request, and the query parameters it does not take.
func (c *call) selectOperation() (best *operation, unknown []string) {
	best = refused
	score := -1
	for i := range c.operations {
		op := &c.operations[i]
		if fit := c.fit(op); fit > score {
			best, score = op, fit
		}
	}
	for name := range c.query {
		if !best.takes(name) {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	return best, unknown
}

// fit is -1 when the request is not op, else greater the closer it is.
func (c *call) fit(op *operation) int {
	if op.method != c.r.Method || op.level != c.level() {
		return -1
	}
	for _, name := range op.sub {
		if !c.query.Has(name) {
			return -1
		}
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
