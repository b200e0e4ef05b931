package ovh

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// route is one call of the API.
type route struct {
	method   string
	template string
	// action is the IAM action that a service account needs for it, where the
	// vendor's schema names one.
	action string
	// open calls need nobody; ungranted ones need a key but no rule of it; and
	// anyState takes keys that are not valid.
	open, ungranted, anyState bool
	handle                    func(*call) (any, error)
}

func (r *route) name() string { return r.template }

// vars fits the segments of a path, still escaped, to the template.
func (r *route) vars(segments []string) (map[string]string, bool) {
	parts := strings.Split(strings.TrimPrefix(r.template, "/"), "/")
	if len(parts) != len(segments) {
		return nil, false
	}
	vars := map[string]string{}
	for i, part := range parts {
		if !strings.HasPrefix(part, "{") {
			if part != segments[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		vars[strings.Trim(part, "{}")] = value
	}
	return vars, true
}

// routes is the table of all calls, in the vendor's own notation.
var routes = sync.OnceValue(func() []route {
	const (
		get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

		iam     = "publicCloudProject:apiovh:"
		project = "/cloud/project/{serviceName}"
		user    = project + "/user/{userId}"
		region  = project + "/region/{regionName}"
		storage = region + "/storage"
		bucket  = storage + "/{name}"
		object  = bucket + "/object/{key}"
		version = object + "/version/{versionId}"
		keys    = user + "/s3Credentials"
		v2      = "/v2/publicCloud/project/{serviceName}"
	)
	return []route{
		{method: get, template: "/auth/time", open: true, handle: authTime},
		{method: post, template: "/auth/credential", open: true, handle: requestCredential},
		{method: get, template: "/auth/details", ungranted: true, handle: authDetails},
		{method: get, template: "/auth/currentCredential", ungranted: true, anyState: true, handle: currentCredential},
		{method: post, template: tokenPath, open: true, handle: oauth2Token},
		{method: get, template: "/me", handle: me},

		{method: get, template: "/cloud/project", handle: listProjects},
		{method: get, template: project, action: iam + "get", handle: getProject},
		{method: get, template: project + "/instance", action: iam + "instance/get", handle: listInstances},
		{method: get, template: project + "/role", action: iam + "role/get", handle: listRoles},
		{method: get, template: project + "/region", action: iam + "region/get", handle: listRegions},
		{method: post, template: project + "/region", action: iam + "region/create", handle: activateRegion},
		{method: get, template: region, action: iam + "region/get", handle: getRegion},
		{method: get, template: region + "/quota/storage", action: iam + "region/quota/storage/get", handle: getStorageQuota},
		{method: get, template: v2 + "/reference/region", handle: listReferenceRegions},
		{method: get, template: v2 + "/reference/region/{regionName}", handle: getReferenceRegion},

		{method: get, template: project + "/user", action: iam + "user/get", handle: listUsers},
		{method: post, template: project + "/user", action: iam + "user/create", handle: createUser},
		{method: get, template: user, action: iam + "user/get", handle: getUser},
		{method: del, template: user, action: iam + "user/delete", handle: deleteUser},
		{method: get, template: user + "/role", action: iam + "user/role/get", handle: getUserRoles},
		{method: put, template: user + "/role", action: iam + "user/role/edit", handle: replaceUserRoles},
		{method: post, template: user + "/role", action: iam + "user/role/create", handle: addUserRole},
		{method: post, template: user + "/regeneratePassword", action: iam + "user/regeneratePassword", handle: regeneratePassword},
		{method: get, template: user + "/openrc", action: iam + "user/openrc/get", handle: getOpenRC},
		{method: get, template: user + "/policy", action: iam + "user/policy/get", handle: getPolicy},
		{method: post, template: user + "/policy", action: iam + "user/policy/create", handle: replacePolicy},
		{method: get, template: keys, action: iam + "user/s3Credentials/get", handle: listKeys},
		{method: post, template: keys, action: iam + "user/s3Credentials/create", handle: createKey},
		{method: get, template: keys + "/{access}", action: iam + "user/s3Credentials/get", handle: getKey},
		{method: del, template: keys + "/{access}", action: iam + "user/s3Credentials/delete", handle: deleteKey},
		{method: post, template: keys + "/{access}/secret", action: iam + "user/s3Credentials/secret/display", handle: showSecret},

		{method: get, template: storage, action: iam + "region/storage/get", handle: listBuckets},
		{method: post, template: storage, action: iam + "region/storage/create", handle: createBucket},
		{method: get, template: bucket, action: iam + "region/storage/get", handle: getBucket},
		{method: put, template: bucket, action: iam + "region/storage/edit", handle: editBucket},
		{method: del, template: bucket, action: iam + "region/storage/delete", handle: deleteBucket},
		{method: get, template: bucket + "/lifecycle", action: iam + "region/storage/lifecycle/get", handle: getLifecycle},
		{method: put, template: bucket + "/lifecycle", action: iam + "region/storage/lifecycle/edit", handle: replaceLifecycle},
		{method: del, template: bucket + "/lifecycle", action: iam + "region/storage/lifecycle/delete", handle: deleteLifecycle},
		{method: post, template: bucket + "/policy/{userId}", action: iam + "region/storage/policy/create", handle: addBucketPolicy},
		{method: get, template: bucket + "/job/replication", action: iam + "region/storage/job/replication/get", handle: listReplicationJobs},
		{method: post, template: bucket + "/job/replication", action: iam + "region/storage/job/replication/create", handle: createReplicationJob},
		{method: post, template: bucket + "/presign", action: iam + "region/storage/presign", handle: presign},
		{method: post, template: bucket + "/bulkDeleteObjects", action: iam + "region/storage/bulkDeleteObjects", handle: bulkDelete},
		{method: get, template: bucket + "/object", action: iam + "region/storage/object/get", handle: listObjects},
		{method: get, template: object, action: iam + "region/storage/object/get", handle: getObject},
		{method: put, template: object, action: iam + "region/storage/object/edit", handle: editObject},
		{method: del, template: object, action: iam + "region/storage/object/delete", handle: deleteObject},
		{method: get, template: version, action: iam + "region/storage/object/version/get", handle: getObject},
		{method: put, template: version, action: iam + "region/storage/object/version/edit", handle: editObject},
		{method: del, template: version, action: iam + "region/storage/object/version/delete", handle: deleteObject},
		{method: post, template: object + "/copy", action: iam + "region/storage/object/copy", handle: copyObject},
		{method: post, template: version + "/copy", action: iam + "region/storage/object/version/copy", handle: copyObject},
		{method: post, template: object + "/restore", action: iam + "region/storage/object/restore", handle: restoreObject},
		{method: post, template: version + "/restore", action: iam + "region/storage/object/version/restore", handle: restoreObject},
	}
})
