package s3

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3api"
	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// operation is one line of the S3 API.
type operation = s3api.Operation[*call]

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
	{Name: "ListBuckets", Method: http.MethodGet, Level: s3api.Service, Handle: (*call).listBuckets},
}

var bucketOperations = []operation{
	{Name: "CreateBucket", Method: http.MethodPut, Level: s3api.Bucket, Handle: (*call).createBucket},
	{Name: "HeadBucket", Method: http.MethodHead, Level: s3api.Bucket, Action: "s3:ListBucket", Handle: (*call).headBucket},
	{Name: "DeleteBucket", Method: http.MethodDelete, Level: s3api.Bucket, Action: "s3:DeleteBucket", Handle: (*call).deleteBucket},
	{Name: "GetBucketLocation", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"location"}, Action: "s3:GetBucketLocation", Handle: (*call).getBucketLocation},

	{Name: "PutBucketTagging", Method: http.MethodPut, Level: s3api.Bucket, Sub: []string{"tagging"}, Action: "s3:PutBucketTagging", Handle: (*call).putBucketTagging},
	{Name: "GetBucketTagging", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"tagging"}, Action: "s3:GetBucketTagging", Handle: (*call).getBucketTagging},
	{Name: "DeleteBucketTagging", Method: http.MethodDelete, Level: s3api.Bucket, Sub: []string{"tagging"}, Action: "s3:PutBucketTagging", Handle: (*call).deleteBucketTagging},
	{Name: "PutBucketVersioning", Method: http.MethodPut, Level: s3api.Bucket, Sub: []string{"versioning"}, Action: "s3:PutBucketVersioning", Handle: (*call).putBucketVersioning},
	{Name: "GetBucketVersioning", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"versioning"}, Action: "s3:GetBucketVersioning", Handle: (*call).getBucketVersioning},
	{Name: "PutBucketPolicy", Method: http.MethodPut, Level: s3api.Bucket, Sub: []string{"policy"}, Action: "s3:PutBucketPolicy", Handle: (*call).putBucketPolicy},
	{Name: "GetBucketPolicy", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"policy"}, Action: "s3:GetBucketPolicy", Handle: (*call).getBucketPolicy},
	{Name: "DeleteBucketPolicy", Method: http.MethodDelete, Level: s3api.Bucket, Sub: []string{"policy"}, Action: "s3:DeleteBucketPolicy", Handle: (*call).deleteBucketPolicy},

	{Name: "ListObjects", Method: http.MethodGet, Level: s3api.Bucket, Params: s3api.ListV1Params, Action: "s3:ListBucket", Handle: (*call).listObjectsV1},
	{Name: "ListObjectsV2", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"list-type"}, Params: s3api.ListV2Params, Action: "s3:ListBucket", Handle: (*call).listObjectsV2},
	{Name: "ListObjectVersions", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"versions"}, Params: s3api.ListVersionParams, Action: "s3:ListBucketVersions", Handle: (*call).listObjectVersions},
	{Name: "ListMultipartUploads", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"uploads"}, Params: s3api.ListUploadParams, Action: "s3:ListBucketMultipartUploads", Handle: (*call).listUploads},
	{Name: "DeleteObjects", Method: http.MethodPost, Level: s3api.Bucket, Sub: []string{"delete"}, Handle: (*call).deleteObjects},
}

var lockOperations = []operation{
	{Name: "PutObjectLockConfiguration", Method: http.MethodPut, Level: s3api.Bucket, Sub: []string{"object-lock"}, Action: "s3:PutBucketObjectLockConfiguration", Handle: (*call).putLockConfiguration},
	{Name: "GetObjectLockConfiguration", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"object-lock"}, Action: "s3:GetBucketObjectLockConfiguration", Handle: (*call).getLockConfiguration},
}

var objectOperations = []operation{
	{Name: "PutObject", Method: http.MethodPut, Level: s3api.Object, Action: "s3:PutObject", Handle: (*call).putObject},
	{Name: "CopyObject", Method: http.MethodPut, Level: s3api.Object, Header: s3api.CopySource, Action: "s3:PutObject", Handle: (*call).copyObject},
	{Name: "GetObject", Method: http.MethodGet, Level: s3api.Object, Params: s3api.GetParams, Action: "s3:GetObject", Handle: (*call).getObject},
	{Name: "HeadObject", Method: http.MethodHead, Level: s3api.Object, Params: s3api.GetParams, Action: "s3:GetObject", Handle: (*call).getObject},
	{Name: "DeleteObject", Method: http.MethodDelete, Level: s3api.Object, Params: s3api.VersionParam, Action: "s3:DeleteObject", Handle: (*call).deleteObject},

	{Name: "PutObjectTagging", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:PutObjectTagging", Handle: (*call).putObjectTagging},
	{Name: "GetObjectTagging", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:GetObjectTagging", Handle: (*call).getObjectTagging},
	{Name: "DeleteObjectTagging", Method: http.MethodDelete, Level: s3api.Object, Sub: []string{"tagging"}, Params: s3api.VersionParam, Action: "s3:DeleteObjectTagging", Handle: (*call).deleteObjectTagging},
	{Name: "PutObjectRetention", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"retention"}, Params: s3api.VersionParam, Action: "s3:PutObjectRetention", Handle: (*call).putRetention},
	{Name: "GetObjectRetention", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"retention"}, Params: s3api.VersionParam, Action: "s3:GetObjectRetention", Handle: (*call).getRetention},
	{Name: "PutObjectLegalHold", Method: http.MethodPut, Level: s3api.Object, Sub: []string{"legal-hold"}, Params: s3api.VersionParam, Action: "s3:PutObjectLegalHold", Handle: (*call).putLegalHold},
	{Name: "GetObjectLegalHold", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"legal-hold"}, Params: s3api.VersionParam, Action: "s3:GetObjectLegalHold", Handle: (*call).getLegalHold},

	{Name: "CreateMultipartUpload", Method: http.MethodPost, Level: s3api.Object, Sub: []string{"uploads"}, Action: "s3:PutObject", Handle: (*call).createUpload},
	{Name: "UploadPart", Method: http.MethodPut, Level: s3api.Object, Sub: s3api.UploadParams, Action: "s3:PutObject", Handle: (*call).uploadPart},
	{Name: "UploadPartCopy", Method: http.MethodPut, Level: s3api.Object, Sub: s3api.UploadParams, Header: s3api.CopySource, Action: "s3:PutObject", Handle: (*call).uploadPartCopy},
	{Name: "CompleteMultipartUpload", Method: http.MethodPost, Level: s3api.Object, Sub: []string{"uploadId"}, Action: "s3:PutObject", Handle: (*call).completeUpload},
	{Name: "AbortMultipartUpload", Method: http.MethodDelete, Level: s3api.Object, Sub: []string{"uploadId"}, Action: "s3:AbortMultipartUpload", Handle: (*call).abortUpload},
	{Name: "ListParts", Method: http.MethodGet, Level: s3api.Object, Sub: []string{"uploadId"}, Params: s3api.ListPartParams, Action: "s3:ListMultipartUploadParts", Handle: (*call).listParts},
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
	op, unknown := s3api.Select(c.operations, c.r, c.level(), c.query)
	if op == nil {
		op = refused
	}
	c.record.Subresource = strings.Join(op.Sub, "&")
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
	c.record.Operation = op.Name
	return nil
}

func (c *call) level() s3api.Level { return s3api.LevelOf(c.bucket, c.key) }
