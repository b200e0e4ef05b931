package dataplane

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3error"
)

const (
	maxBucketTags = 50
	maxTagKey     = 128
	maxTagValue   = 256
	maxRules      = 1000
)

// SetTags replaces the tags of a bucket; none takes them away.
func (r *Region) SetTags(name string, tags map[string]string) error {
	if len(tags) > maxBucketTags {
		return s3error.BadRequest("BadRequest", "Bucket tag count cannot be greater than %d", maxBucketTags)
	}
	for key, value := range tags {
		if key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue {
			return s3error.BadRequest("InvalidTag", "The tag %q is not valid", key)
		}
	}
	return r.change(name, func(b *bucket) error {
		b.Tags = maps.Clone(tags)
		return nil
	})
}

// SetVersioning switches the versions of a bucket on or suspends them. Object lock
// keeps them on.
func (r *Region) SetVersioning(ctx context.Context, name, state string) error {
	if state != VersioningEnabled && state != VersioningSuspended {
		return s3error.ErrMalformedXML
	}
	r.making.Lock()
	defer r.making.Unlock()
	b, ok := r.Bucket(name)
	switch {
	case !ok:
		return s3error.ErrNoSuchBucket
	case b.ObjectLock && state == VersioningSuspended:
		return s3error.Conflict("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	case r.habit.lifecycleWantsVersions && state == VersioningSuspended && len(b.Lifecycle) > 0:
		return errSuspendedLifecycle
	}
	if err := r.versionBehind(ctx, name, state); err != nil {
		return err
	}
	return r.change(name, func(b *bucket) error {
		b.Versioning = state
		return nil
	})
}

var (
	errSuspendedLifecycle = s3error.Conflict("InvalidBucketState", "A lifecycle and suspended versioning exclude each other")
	errNoLock             = s3error.Conflict("InvalidBucketState", "Object Lock configuration cannot be enabled on existing buckets")
	errUnversioned        = s3error.BadRequest("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
)

// SetLockRule replaces the default retention of a bucket made with object lock; nil
// means none. What is written from then on has it.
func (r *Region) SetLockRule(name string, rule *LockRule) error {
	if rule != nil {
		copied := *rule
		rule = &copied
		known := rule.Mode == "GOVERNANCE" || rule.Mode == "COMPLIANCE"
		if !known || rule.Days < 0 || rule.Years < 0 || (rule.Days > 0) == (rule.Years > 0) {
			return s3error.ErrMalformedXML
		}
	}
	return r.change(name, func(b *bucket) error {
		if !b.ObjectLock {
			return errNoLock
		}
		b.LockRule = rule
		return nil
	})
}

// SetEncryption says how new objects are encrypted: AES256, or the empty string for
// plain ones.
func (r *Region) SetEncryption(name, algorithm string) error {
	if algorithm != "" && algorithm != AES256 {
		return s3error.NotImplemented("Server side encryption %q is not implemented", algorithm)
	}
	return r.change(name, func(b *bucket) error {
		b.Encryption = algorithm
		return nil
	})
}

// SetReplication replaces the rules of the vendor's own replication; none takes
// them away. A bucket needs versions for it.
func (r *Region) SetReplication(name string, rules []ReplicationRule) error {
	if len(rules) > maxRules {
		return s3error.BadRequest("InvalidRequest", "There are more than %d rules", maxRules)
	}
	for _, rule := range rules {
		switch {
		case rule.Destination == "":
			return s3error.ErrMalformedXML
		case rule.DeleteMarkers && len(rule.Filter.Tags) > 0:
			return s3error.BadRequest("InvalidRequest", "Delete marker replication is not supported if any Tag filter is specified")
		}
	}
	return r.change(name, func(b *bucket) error {
		if len(rules) > 0 && b.Versioning != VersioningEnabled {
			return errUnversioned
		}
		b.Replication = slices.Clone(rules)
		return nil
	})
}

// SetLifecycle replaces the rules of a bucket's lifecycle; none takes them away.
func (r *Region) SetLifecycle(name string, rules []LifecycleRule) error {
	if len(rules) > maxRules {
		return s3error.BadRequest("InvalidRequest", "There are more than %d rules", maxRules)
	}
	for _, rule := range rules {
		if err := rule.check(r.habit.lifecycleNeedsID); err != nil {
			return err
		}
	}
	return r.change(name, func(b *bucket) error {
		if r.habit.lifecycleWantsVersions && len(rules) > 0 && b.Versioning == VersioningSuspended {
			return errSuspendedLifecycle
		}
		b.Lifecycle = slices.Clone(rules)
		return nil
	})
}

// SetACL replaces the canned access control list of a bucket.
func (r *Region) SetACL(name string, acl ACL) error {
	if !acl.known() {
		return s3error.InvalidArgument("The canned ACL %q is not known", acl)
	}
	return r.change(name, func(b *bucket) error {
		b.ACL = acl
		return nil
	})
}

// SetPolicy replaces the policy document of a bucket; an empty one takes it away.
func (r *Region) SetPolicy(name, document string) error {
	var parsed *policy.Policy
	if document != "" {
		var err error
		if parsed, err = policy.Parse([]byte(document), policy.OfBucket); err != nil {
			return err
		}
		if err := parsed.CoversOnly(name); err != nil {
			return err
		}
	}
	return r.change(name, func(b *bucket) error {
		b.Policy, b.policy = document, parsed
		return nil
	})
}
