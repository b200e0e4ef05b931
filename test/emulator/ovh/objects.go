package ovh

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// objectEntry is one object, or one version of it, in the API's form.
type objectEntry struct {
	Key            string     `json:"key"`
	Size           int64      `json:"size"`
	ETag           string     `json:"etag"`
	LastModified   string     `json:"lastModified"`
	StorageClass   string     `json:"storageClass"`
	VersionID      string     `json:"versionId,omitempty"`
	IsLatest       bool       `json:"isLatest"`
	IsDeleteMarker bool       `json:"isDeleteMarker"`
	LegalHold      string     `json:"legalHold,omitempty"`
	Lock           *retention `json:"lock,omitempty"`
}

type retention struct {
	Mode        string `json:"mode"`
	RetainUntil string `json:"retainUntil"`
}

// listing says which objects are wanted.
type listing struct {
	prefix, delimiter string
	versions          bool
	// after and afterVersion are the last ones of the page before.
	after, afterVersion string
	// limit is 0 for all.
	limit int
}

// objects lists a bucket in order. Prefixes that a delimiter makes are entries with
// a key only.
func (r *region) objects(ctx context.Context, bucket string, want listing) ([]objectEntry, error) {
	plane, err := r.start(ctx)
	if err != nil {
		return nil, errPlane(err)
	}
	client, err := plane.Client()
	if err != nil {
		return nil, errPlane(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: want.prefix, Recursive: want.delimiter == "", WithVersions: want.versions}
	entries := []objectEntry{}
	passed := want.after == ""
	for o := range client.Client.ListObjects(ctx, bucket, options) {
		if o.Err != nil {
			return nil, fromS3(o.Err)
		}
		if !passed {
			passed = o.Key > want.after || o.Key == want.after && want.afterVersion != "" && o.VersionID == want.afterVersion
			if !passed || o.Key == want.after {
				continue
			}
		}
		if want.limit > 0 && len(entries) == want.limit {
			break
		}
		entries = append(entries, toEntry(o, want.versions))
	}
	return entries, nil
}

func toEntry(o minio.ObjectInfo, versions bool) objectEntry {
	e := objectEntry{
		Key: o.Key, Size: o.Size, ETag: strings.Trim(o.ETag, `"`), StorageClass: cmp.Or(o.StorageClass, "STANDARD"),
		IsLatest: true,
	}
	if !o.LastModified.IsZero() {
		e.LastModified = o.LastModified.UTC().Format(time.RFC3339)
	}
	if versions {
		e.VersionID, e.IsLatest, e.IsDeleteMarker = o.VersionID, o.IsLatest, o.IsDeleteMarker
	}
	return e
}

func listObjects(c *call) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	delimiter := c.query.Get("delimiter")
	if delimiter != "" && delimiter != "/" {
		return nil, errInvalidParameter("the only delimiter is /")
	}
	return r.objects(c.r.Context(), b.Name, listing{
		prefix: c.query.Get("prefix"), delimiter: delimiter, versions: c.query.Get("withVersions") == "true",
		after: c.query.Get("keyMarker"), afterVersion: c.query.Get("versionIdMarker"), limit: limit,
	})
}

// object is a bucket, and a client of its backend.
type object struct {
	bucket       dataplane.Bucket
	client       *minio.Core
	key, version string
}

// inObject carries out something with the object of the path.
func (c *call) inObject(do func(object) (any, error)) (any, error) {
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	plane, err := r.start(c.r.Context())
	if err != nil {
		return nil, errPlane(err)
	}
	client, err := plane.Client()
	if err != nil {
		return nil, errPlane(err)
	}
	result, err := do(object{bucket: b, client: client, key: c.vars["key"], version: c.vars["versionId"]})
	return result, fromS3(err)
}

func (c *call) stat(o object) (minio.ObjectInfo, error) {
	return o.client.Client.StatObject(c.r.Context(), o.bucket.Name, o.key, minio.StatObjectOptions{VersionID: o.version})
}

func getObject(c *call) (any, error) {
	return c.inObject(func(o object) (any, error) {
		info, err := c.stat(o)
		if err != nil {
			return nil, err
		}
		e := toEntry(info, false)
		e.VersionID = info.VersionID
		if !o.bucket.ObjectLock {
			return e, nil
		}
		mode, until, err := o.client.GetObjectRetention(c.r.Context(), o.bucket.Name, o.key, o.version)
		if err == nil && mode != nil && until != nil {
			e.Lock = &retention{strings.ToLower(mode.String()), until.UTC().Format(time.RFC3339)}
		}
		hold, err := o.client.GetObjectLegalHold(c.r.Context(), o.bucket.Name, o.key, minio.GetObjectLegalHoldOptions{VersionID: o.version})
		if err == nil && hold != nil {
			e.LegalHold = strings.ToLower(hold.String())
		}
		return e, nil
	})
}

func editObject(c *call) (any, error) {
	var asked struct {
		LegalHold string     `json:"legalHold"`
		Lock      *retention `json:"lock"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	return c.inObject(func(o object) (any, error) {
		if asked.LegalHold != "" {
			status := minio.LegalHoldStatus(strings.ToUpper(asked.LegalHold))
			if !status.IsValid() {
				return nil, errInvalidParameter("legalHold is none of on, off")
			}
			err := o.client.PutObjectLegalHold(c.r.Context(), o.bucket.Name, o.key, minio.PutObjectLegalHoldOptions{VersionID: o.version, Status: &status})
			if err != nil {
				return nil, err
			}
		}
		if asked.Lock == nil {
			return nil, nil
		}
		mode := minio.RetentionMode(strings.ToUpper(asked.Lock.Mode))
		until, err := time.Parse(time.RFC3339, asked.Lock.RetainUntil)
		if err != nil || !mode.IsValid() {
			return nil, errInvalidParameter("lock needs a mode and a date")
		}
		return nil, o.client.PutObjectRetention(c.r.Context(), o.bucket.Name, o.key, minio.PutObjectRetentionOptions{
			VersionID: o.version, Mode: &mode, RetainUntilDate: &until,
		})
	})
}

// deleteObject answers 404 for what is not there, unlike S3.
func deleteObject(c *call) (any, error) {
	return c.inObject(func(o object) (any, error) {
		if _, err := c.stat(o); err != nil && o.version == "" {
			return nil, err
		}
		return nil, o.client.RemoveObject(c.r.Context(), o.bucket.Name, o.key, minio.RemoveObjectOptions{VersionID: o.version})
	})
}

func copyObject(c *call) (any, error) {
	var asked struct {
		TargetBucket string `json:"targetBucket"`
		TargetKey    string `json:"targetKey"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	return c.inObject(func(o object) (any, error) {
		target := minio.CopyDestOptions{Bucket: cmp.Or(asked.TargetBucket, o.bucket.Name), Object: cmp.Or(asked.TargetKey, o.key)}
		info, err := o.client.Client.CopyObject(c.r.Context(), target, minio.CopySrcOptions{Bucket: o.bucket.Name, Object: o.key, VersionID: o.version})
		if err != nil {
			return nil, err
		}
		return map[string]any{"etag": strings.Trim(info.ETag, `"`), "versionId": orNil(info.VersionID)}, nil
	})
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

type bulkObject struct {
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
}

type bulkError struct {
	Code      string `json:"code"`
	Error     string `json:"error"`
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
}

// bulkDelete answers 200 also when some objects stay.
func bulkDelete(c *call) (any, error) {
	var asked struct {
		Objects []bulkObject `json:"objects"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if len(asked.Objects) > maxObjects {
		return nil, errInvalidParameter("there are more than 1000 objects")
	}
	return c.inObject(func(o object) (any, error) {
		deleted, refused := []bulkObject{}, []bulkError{}
		for _, each := range asked.Objects {
			err := o.client.RemoveObject(c.r.Context(), o.bucket.Name, each.Key, minio.RemoveObjectOptions{VersionID: each.VersionID})
			if err != nil {
				known := minio.ToErrorResponse(err)
				refused = append(refused, bulkError{Code: known.Code, Error: known.Message, Key: each.Key, VersionID: each.VersionID})
				continue
			}
			deleted = append(deleted, each)
		}
		return map[string]any{"deleted": deleted, "errors": refused}, nil
	})
}

// presign signs with a key of the bucket's owner, which the data plane judges as it
// judges every other request of his.
func presign(c *call) (any, error) {
	var asked struct {
		Method    string `json:"method"`
		Object    string `json:"object"`
		Expire    int    `json:"expire"`
		VersionID string `json:"versionId"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if !oneOf(asked.Method, http.MethodGet, http.MethodPut, http.MethodDelete) || asked.Object == "" || asked.Expire < 1 {
		return nil, errInvalidParameter("presign needs method, object and expire")
	}
	r, b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	client, err := c.ownerClient(r, b)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	if asked.VersionID != "" {
		query.Set("versionId", asked.VersionID)
	}
	signed, err := client.Presign(c.r.Context(), asked.Method, b.Name, asked.Object, time.Duration(asked.Expire)*time.Second, query)
	if err != nil {
		return nil, errPlane(err)
	}
	return map[string]any{"url": signed.String(), "method": asked.Method, "signedHeaders": map[string]string{"host": signed.Host}}, nil
}

// restoreObject is for objects in an archive, of which there are none here.
func restoreObject(c *call) (any, error) {
	return c.inObject(func(o object) (any, error) {
		if _, err := c.stat(o); err != nil {
			return nil, err
		}
		return nil, errNotArchived()
	})
}
