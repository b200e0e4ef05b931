package ovh

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// The API and S3 have different words for the same things.

// fromS3 turns a refusal of the data plane into one of the API.
func fromS3(err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*apiError](err); ok {
		return known
	}
	status, code, message := http.StatusInternalServerError, "", err.Error()
	if refused, ok := errors.AsType[*s3error.Error](err); ok {
		status, code, message = refused.Status, refused.Code, refused.Message
	} else if refused, ok := errors.AsType[minio.ErrorResponse](err); ok {
		status, code, message = refused.StatusCode, refused.Code, refused.Message
	}
	switch code {
	case "NoSuchBucket":
		return errContainerNotFound()
	case "NoSuchKey", "NoSuchVersion", "MethodNotAllowed":
		return errObjectNotFound()
	case "BucketNotEmpty":
		return errBucketNotEmpty()
	case "BucketAlreadyExists", "BucketAlreadyOwnedByYou":
		return errNameTaken()
	case "TooManyBuckets":
		return errBucketQuota()
	case "AccessDenied":
		return errObjectLocked()
	}
	if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
		return errInvalidParameter(message)
	}
	return errPlane(err)
}

// toContainer is a bucket's settings in the API's form.
func toContainer(b dataplane.Bucket) container {
	shown := container{
		Name:        b.Name,
		CreatedAt:   b.Created.UTC().Format(time.RFC3339),
		Versioning:  &versioning{Status: disabled},
		Encryption:  &encryption{SSEAlgorithm: plaintext},
		ObjectLock:  &objectLock{Status: disabled},
		Replication: &replication{Rules: toReplication(b.Replication)},
		Tags:        b.Tags,
	}
	switch b.Versioning {
	case dataplane.VersioningEnabled:
		shown.Versioning.Status = enabled
	case dataplane.VersioningSuspended:
		shown.Versioning.Status = suspended
	}
	if b.Encryption != "" {
		shown.Encryption.SSEAlgorithm = aes256
	}
	if b.ObjectLock {
		shown.ObjectLock.Status = enabled
		if rule := b.LockRule; rule != nil {
			shown.ObjectLock.Rule = &lockRule{Mode: strings.ToLower(rule.Mode), Period: period(rule.Days + daysOfYear*rule.Years)}
		}
	}
	if len(b.Lifecycle) > 0 {
		shown.Lifecycle = &lifecycle{Rules: toLifecycle(b.Lifecycle)}
	}
	return shown
}

// fromContainer is the reverse. What was not sent is zero.
func fromContainer(asked container) (dataplane.Bucket, error) {
	b := dataplane.Bucket{Name: asked.Name, Tags: asked.Tags}
	if asked.Versioning != nil {
		b.Versioning = map[string]string{enabled: dataplane.VersioningEnabled, suspended: dataplane.VersioningSuspended}[asked.Versioning.Status]
	}
	if asked.Encryption != nil && asked.Encryption.SSEAlgorithm == aes256 {
		b.Encryption = dataplane.AES256
	}
	if locked(asked.ObjectLock) {
		b.ObjectLock, b.Versioning = true, dataplane.VersioningEnabled
		if rule := asked.ObjectLock.Rule; rule != nil {
			days, err := periodDays(rule.Period)
			if err != nil {
				return b, err
			}
			b.LockRule = &dataplane.LockRule{Mode: strings.ToUpper(rule.Mode), Days: days}
		}
	}
	if asked.Replication != nil {
		b.Replication = fromReplication(asked.Replication.Rules)
	}
	if asked.Lifecycle == nil {
		return b, nil
	}
	var err error
	b.Lifecycle, err = fromLifecycle(asked.Lifecycle.Rules)
	return b, err
}

func toReplication(rules []dataplane.ReplicationRule) []replicationRule {
	shown := []replicationRule{}
	for _, r := range rules {
		rule := replicationRule{
			ID: r.ID, Priority: r.Priority, Status: onOff(r.Enabled), DeleteMarkerReplication: onOff(r.DeleteMarkers),
			Destination: destination{Name: r.Destination, Region: r.DestinationRegion, StorageClass: r.StorageClass},
		}
		if r.Filter.Prefix != "" || len(r.Filter.Tags) > 0 {
			rule.Filter = &replicationFilter{Prefix: r.Filter.Prefix, Tags: r.Filter.Tags}
		}
		shown = append(shown, rule)
	}
	return shown
}

func onOff(on bool) string {
	if on {
		return enabled
	}
	return disabled
}

func fromReplication(rules []replicationRule) []dataplane.ReplicationRule {
	var all []dataplane.ReplicationRule
	for _, r := range rules {
		rule := dataplane.ReplicationRule{
			ID: r.ID, Priority: r.Priority, Enabled: r.Status == enabled, DeleteMarkers: r.DeleteMarkerReplication == enabled,
			Destination: r.Destination.Name, DestinationRegion: r.Destination.Region, StorageClass: r.Destination.StorageClass,
		}
		if r.Filter != nil {
			rule.Filter = dataplane.Filter{Prefix: r.Filter.Prefix, Tags: r.Filter.Tags}
		}
		all = append(all, rule)
	}
	return all
}

func toLifecycle(rules []dataplane.LifecycleRule) []lifecycleRule {
	shown := []lifecycleRule{}
	for _, r := range rules {
		rule := lifecycleRule{ID: r.ID, Status: onOff(r.Enabled)}
		if f := r.Filter; f.Prefix != "" || len(f.Tags) > 0 || f.SizeOver > 0 || f.SizeUnder > 0 {
			rule.Filter = &lifecycleFilter{Prefix: f.Prefix, Tags: f.Tags, ObjectSizeGreaterThan: f.SizeOver, ObjectSizeLessThan: f.SizeUnder}
		}
		if r.ExpireDays > 0 || !r.ExpireDate.IsZero() || r.ExpireDeleteMarker {
			rule.Expiration = &expiration{Days: r.ExpireDays, Date: formatDate(r.ExpireDate), ExpiredObjectDeleteMarker: r.ExpireDeleteMarker}
		}
		if r.AbortUploadDays > 0 {
			rule.AbortIncompleteMultipartUpload = &abortUploads{r.AbortUploadDays}
		}
		if r.NoncurrentDays > 0 || r.NoncurrentKeep > 0 {
			rule.NoncurrentVersionExpiration = &noncurrentExpiration{r.NoncurrentDays, r.NoncurrentKeep}
		}
		for _, t := range r.Transitions {
			rule.Transitions = append(rule.Transitions, transition{t.Days, formatDate(t.Date), t.StorageClass})
		}
		for _, t := range r.NoncurrentTransitions {
			rule.NoncurrentVersionTransitions = append(rule.NoncurrentVersionTransitions, noncurrentTransition{t.Days, t.StorageClass})
		}
		shown = append(shown, rule)
	}
	return lifecycle{Rules: shown}.inOrder().Rules
}

func fromLifecycle(rules []lifecycleRule) ([]dataplane.LifecycleRule, error) {
	var all []dataplane.LifecycleRule
	for _, r := range rules {
		rule := dataplane.LifecycleRule{ID: r.ID, Enabled: r.Status == enabled}
		if f := r.Filter; f != nil {
			rule.Filter = dataplane.Filter{Prefix: f.Prefix, Tags: f.Tags, SizeOver: f.ObjectSizeGreaterThan, SizeUnder: f.ObjectSizeLessThan}
		}
		var err error
		if e := r.Expiration; e != nil {
			rule.ExpireDays, rule.ExpireDeleteMarker = e.Days, e.ExpiredObjectDeleteMarker
			if rule.ExpireDate, err = parseDate(e.Date); err != nil {
				return nil, err
			}
		}
		if r.AbortIncompleteMultipartUpload != nil {
			rule.AbortUploadDays = r.AbortIncompleteMultipartUpload.DaysAfterInitiation
		}
		if n := r.NoncurrentVersionExpiration; n != nil {
			rule.NoncurrentDays, rule.NoncurrentKeep = n.NoncurrentDays, n.NewerNoncurrentVersions
		}
		for _, t := range r.Transitions {
			date, err := parseDate(t.Date)
			if err != nil {
				return nil, err
			}
			rule.Transitions = append(rule.Transitions, dataplane.Transition{Days: t.Days, Date: date, StorageClass: t.StorageClass})
		}
		for _, t := range r.NoncurrentVersionTransitions {
			rule.NoncurrentTransitions = append(rule.NoncurrentTransitions, dataplane.Transition{Days: t.NoncurrentDays, StorageClass: t.StorageClass})
		}
		all = append(all, rule)
	}
	return all, nil
}

func formatDate(date time.Time) string {
	if date.IsZero() {
		return ""
	}
	return date.UTC().Format(time.RFC3339)
}

func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errInvalidParameter(text + " is no date")
	}
	return date, nil
}
