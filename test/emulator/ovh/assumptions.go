package ovh

import (
	"fmt"
	"net/http"
	"time"
)

// What is in this file the vendor documents nowhere, and no client's source or
// thread was found that shows it. Nothing may rest on a class or a text from here:
// a client has to decide by the status alone, and by what it can ask for itself.

// timestampWindow is how far a signature's time may be from the API's.
const timestampWindow = 5 * time.Minute

// wrongCreatedAt is the creation time in the answer to a POST of a bucket. That it
// is wrong is known, the value is not.
const wrongCreatedAt = "0001-01-01T00:00:00Z"

// statusExpired is the vendor's own status for a service that has ended. The status
// is known, class and text are not.
const statusExpired = 460

func errUnknownApplication() error {
	return &apiError{Status: http.StatusForbidden, Code: "INVALID_KEY", Message: "Invalid application key"}
}

func errOutOfTime() error {
	return &apiError{Status: http.StatusBadRequest, Code: "QUERY_TIME_OUT", Message: "Query out of time"}
}

func errInvalidToken() error {
	return &apiError{Status: http.StatusUnauthorized, Class: "Client::Unauthorized", Message: "Invalid or expired access token"}
}

func errNoSuchCall() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "Got an invalid (or empty) URL"}
}

func errWrongMethod() error {
	return &apiError{Status: http.StatusMethodNotAllowed, Class: "Client::MethodNotAllowed", Message: "Method not allowed"}
}

func errProjectNotFound() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "This service does not exist"}
}

func errServiceExpired() error {
	return &apiError{Status: statusExpired, Class: "Client::ServiceExpired", Message: "This service is expired"}
}

func errRegionNotFound(name string) error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: fmt.Sprintf("Region %s not found", name)}
}

func errRegionInMaintenance(name string) error {
	return &apiError{Status: http.StatusServiceUnavailable, Class: "Server::ServiceUnavailable", Message: fmt.Sprintf("Region %s is in maintenance", name)}
}

func errNoStorageHere(name string) error {
	return &apiError{Status: http.StatusBadRequest, Class: "Client::BadRequest", Message: fmt.Sprintf("No object storage in region %s", name)}
}

func errUserNotFound() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "User does not exist"}
}

func errUserNotReady() error {
	return &apiError{Status: http.StatusConflict, Class: "Client::Conflict", Message: "User is not ready"}
}

func errUserLimit() error {
	return &apiError{Status: http.StatusForbidden, Class: "Client::Forbidden::QuotaExceeded", Message: "User quota exceeded"}
}

func errKeyNotFound() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "S3 credentials do not exist"}
}

func errKeyLimit() error {
	return &apiError{Status: http.StatusForbidden, Class: "Client::Forbidden::QuotaExceeded", Message: "S3 credentials quota exceeded"}
}

func errBucketQuota() error {
	return &apiError{Status: http.StatusForbidden, Class: "Client::Forbidden::QuotaExceeded", Message: "Container quota exceeded"}
}

func errNameTaken() error {
	return &apiError{Status: http.StatusConflict, Class: "Client::Conflict", Message: "The requested container name is not available"}
}

func errBucketNotEmpty() error {
	return &apiError{Status: http.StatusConflict, Class: "Client::Conflict", Message: "The container is not empty"}
}

func errLockIsFixed() error {
	return &apiError{Status: http.StatusBadRequest, Class: "Client::BadRequest", Message: "Object lock can only be set when the container is created"}
}

func errObjectNotFound() error {
	return &apiError{Status: http.StatusNotFound, Class: "Client::NotFound", Message: "not found: NoSuchKey"}
}

func errNotArchived() error {
	return &apiError{Status: http.StatusForbidden, Class: "Client::Forbidden", Message: "The object is not archived"}
}

func errObjectLocked() error {
	return &apiError{Status: http.StatusForbidden, Class: "Client::Forbidden", Message: "The object is locked"}
}

// errNoOwnerKey is the answer where nobody can sign: by whose key the vendor signs
// URLs is not known.
func errNoOwnerKey() error {
	return &apiError{Status: http.StatusBadRequest, Class: "Client::BadRequest", Message: "The container's owner has no S3 credentials"}
}

func errPlane(err error) error {
	return &apiError{Status: http.StatusInternalServerError, Class: "Server::InternalServerError", Message: err.Error()}
}

// emptyPolicy is shown of a user who never had a policy. It is also what a client
// of the vendor sends to take a policy back.
const emptyPolicy = `{"Statement":[]}`

// roleStatement is what the short cut POST …/storage/{name}/policy/{userId} adds to
// a user's policy; one bucket and object key has one such statement.
func roleStatement(role, bucket, key string) (statement, error) {
	read := []string{"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads"}
	write := []string{"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:GetBucketLocation"}
	s := statement{Sid: "RW-" + bucket + "-" + key, Effect: "Allow", Resource: []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"}}
	if key != "" {
		s.Resource = []string{"arn:aws:s3:::" + bucket + "/" + key}
	}
	switch role {
	case "admin":
		s.Action = []string{"s3:*"}
	case "deny":
		s.Effect, s.Action = "Deny", []string{"s3:*"}
	case "readOnly":
		s.Action = read
	case "readWrite":
		s.Action = append(read, write...)
	default:
		return statement{}, errInvalidParameter("roleName is none of admin, deny, readOnly, readWrite")
	}
	return s, nil
}

// ownerWhenOmitted is whose a bucket is that was made without an ownerId: the
// oldest user that may use object storage, or nobody's. The caller holds mu.
func (s *Server) ownerWhenOmitted(now time.Time) int64 {
	for _, u := range s.sorted() {
		if s.status(u, now) == UserOK && mayStore(u) {
			return u.id
		}
	}
	return 0
}

// listsWholeProject tells that a list of buckets through S3 names all buckets of
// the project in that region, whoever owns them. It is the less convenient of the
// two things that the vendor may do.
const listsWholeProject = true
