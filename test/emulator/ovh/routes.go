package ovh

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
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

const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

// noAction is that of calls for which the vendor's schema names none.
const noAction = ""

// granted is a call that needs a rule of the key, or an IAM action of the service
// account, whose name is without what all of them begin with.
func granted(method, template, action string, handle func(*call) (any, error)) route {
	if action != noAction {
		action = "publicCloudProject:apiovh:" + action
	}
	return route{method: method, template: template, action: action, handle: handle}
}

// Templates that others begin with.
const (
	project   = "/cloud/project/{serviceName}"
	ofUser    = project + "/user/{userId}"
	ofKeys    = ofUser + "/s3Credentials"
	ofRegion  = project + "/region/{regionName}"
	ofStorage = ofRegion + "/storage"
	ofBucket  = ofStorage + "/{name}"
	ofObject  = ofBucket + "/object/{key}"
	ofVersion = ofObject + "/version/{versionId}"
	v2        = "/v2/publicCloud/project/{serviceName}"
)

// routes is the table of all calls, in the vendor's own notation.
var routes = slices.Concat(accountRoutes, projectRoutes, userRoutes, storageRoutes)

var accountRoutes = []route{
	{method: get, template: "/auth/time", open: true, handle: authTime},
	{method: post, template: "/auth/credential", open: true, handle: requestCredential},
	{method: get, template: "/auth/details", ungranted: true, handle: authDetails},
	{method: get, template: "/auth/currentCredential", ungranted: true, anyState: true, handle: currentCredential},
	{method: post, template: tokenPath, open: true, handle: oauth2Token},
	granted(get, "/me", noAction, me),
}

var projectRoutes = []route{
	granted(get, "/cloud/project", noAction, listProjects),
	granted(get, project, "get", getProject),
	granted(get, project+"/instance", "instance/get", listInstances),
	granted(get, project+"/role", "role/get", listRoles),
	granted(get, project+"/region", "region/get", listRegions),
	granted(post, project+"/region", "region/create", activateRegion),
	granted(get, ofRegion, "region/get", getRegion),
	granted(get, ofRegion+"/quota/storage", "region/quota/storage/get", getStorageQuota),
	granted(get, v2+"/reference/region", noAction, listReferenceRegions),
	granted(get, v2+"/reference/region/{regionName}", noAction, getReferenceRegion),
}

var userRoutes = []route{
	granted(get, project+"/user", "user/get", listUsers),
	granted(post, project+"/user", "user/create", createUser),
	granted(get, ofUser, "user/get", getUser),
	granted(del, ofUser, "user/delete", deleteUser),
	granted(get, ofUser+"/role", "user/role/get", getUserRoles),
	granted(put, ofUser+"/role", "user/role/edit", replaceUserRoles),
	granted(post, ofUser+"/role", "user/role/create", addUserRole),
	granted(post, ofUser+"/regeneratePassword", "user/regeneratePassword", regeneratePassword),
	granted(get, ofUser+"/openrc", "user/openrc/get", getOpenRC),
	granted(get, ofUser+"/policy", "user/policy/get", getPolicy),
	granted(post, ofUser+"/policy", "user/policy/create", replacePolicy),
	granted(get, ofKeys, "user/s3Credentials/get", listKeys),
	granted(post, ofKeys, "user/s3Credentials/create", createKey),
	granted(get, ofKeys+"/{access}", "user/s3Credentials/get", getKey),
	granted(del, ofKeys+"/{access}", "user/s3Credentials/delete", deleteKey),
	granted(post, ofKeys+"/{access}/secret", "user/s3Credentials/secret/display", showSecret),
}

var storageRoutes = []route{
	granted(get, ofStorage, "region/storage/get", listBuckets),
	granted(post, ofStorage, "region/storage/create", createBucket),
	granted(get, ofBucket, "region/storage/get", getBucket),
	granted(put, ofBucket, "region/storage/edit", editBucket),
	granted(del, ofBucket, "region/storage/delete", deleteBucket),
	granted(get, ofBucket+"/lifecycle", "region/storage/lifecycle/get", getLifecycle),
	granted(put, ofBucket+"/lifecycle", "region/storage/lifecycle/edit", replaceLifecycle),
	granted(del, ofBucket+"/lifecycle", "region/storage/lifecycle/delete", deleteLifecycle),
	granted(post, ofBucket+"/policy/{userId}", "region/storage/policy/create", addBucketPolicy),
	granted(get, ofBucket+"/job/replication", "region/storage/job/replication/get", listReplicationJobs),
	granted(post, ofBucket+"/job/replication", "region/storage/job/replication/create", createReplicationJob),
	granted(post, ofBucket+"/presign", "region/storage/presign", presign),
	granted(post, ofBucket+"/bulkDeleteObjects", "region/storage/bulkDeleteObjects", bulkDelete),
	granted(get, ofBucket+"/object", "region/storage/object/get", listObjects),
	granted(get, ofObject, "region/storage/object/get", getObject),
	granted(put, ofObject, "region/storage/object/edit", editObject),
	granted(del, ofObject, "region/storage/object/delete", deleteObject),
	granted(get, ofVersion, "region/storage/object/version/get", getObject),
	granted(put, ofVersion, "region/storage/object/version/edit", editObject),
	granted(del, ofVersion, "region/storage/object/version/delete", deleteObject),
	granted(post, ofObject+"/copy", "region/storage/object/copy", copyObject),
	granted(post, ofVersion+"/copy", "region/storage/object/version/copy", copyObject),
	granted(post, ofObject+"/restore", "region/storage/object/restore", restoreObject),
	granted(post, ofVersion+"/restore", "region/storage/object/version/restore", restoreObject),
}
