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

var (
	errSuspendedLifecycle = s3error.Conflict("InvalidBucketState", "A lifecycle and suspended versioning exclude each other")
	errNoLock             = s3error.Conflict("InvalidBucketState", "Object Lock configuration cannot be enabled on existing buckets")
	errLockNeedsVersions  = s3error.Conflict("InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	errUnversioned        = s3error.BadRequest("InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration")
)

// check holds everything that a bucket would be like against the vendor's rules.
func (r *Region) check(b Bucket) error {
	checks := []func(Bucket) error{
		checkTags, r.checkVersioning, checkLock, checkEncryption, checkReplication, r.checkLifecycle, func(b Bucket) error { return checkGrants(b.Grants) }, checkPolicy,
	}
	for _, check := range checks {
		if err := check(b); err != nil {
			return err
		}
	}
	return nil
}

func checkTags(b Bucket) error {
	if len(b.Tags) > maxBucketTags {
		return s3error.BadRequest("BadRequest", "Bucket tag count cannot be greater than %d", maxBucketTags)
	}
	for key, value := range b.Tags {
		if key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue {
			return s3error.BadRequest("InvalidTag", "The tag %q is not valid", key)
		}
	}
	return nil
}

func (r *Region) checkVersioning(b Bucket) error {
	switch {
	case b.Versioning != "" && b.Versioning != VersioningEnabled && b.Versioning != VersioningSuspended:
		return s3error.ErrMalformedXML
	case b.ObjectLock && b.Versioning != VersioningEnabled:
		return errLockNeedsVersions
	case r.habit.lifecycleWantsVersions && b.Versioning == VersioningSuspended && len(b.Lifecycle) > 0:
		return errSuspendedLifecycle
	}
	return nil
}

func checkLock(b Bucket) error {
	rule := b.LockRule
	if rule == nil {
		return nil
	}
	known := rule.Mode == "GOVERNANCE" || rule.Mode == "COMPLIANCE"
	switch {
	case !b.ObjectLock:
		return errNoLock
	case !known || rule.Days < 0 || rule.Years < 0 || (rule.Days > 0) == (rule.Years > 0):
		return s3error.ErrMalformedXML
	}
	return nil
}

func checkEncryption(b Bucket) error {
	if b.Encryption != "" && b.Encryption != AES256 {
		return s3error.NotImplemented("Server side encryption %q is not implemented", b.Encryption)
	}
	return nil
}

func checkReplication(b Bucket) error {
	switch {
	case len(b.Replication) > maxRules:
		return s3error.BadRequest("InvalidRequest", "There are more than %d rules", maxRules)
	case len(b.Replication) > 0 && b.Versioning != VersioningEnabled:
		return errUnversioned
	}
	for _, rule := range b.Replication {
		switch {
		case rule.Destination == "":
			return s3error.ErrMalformedXML
		case rule.DeleteMarkers && len(rule.Filter.Tags) > 0:
			return s3error.BadRequest("InvalidRequest", "Delete marker replication is not supported if any Tag filter is specified")
		}
	}
	return nil
}

func (r *Region) checkLifecycle(b Bucket) error {
	if len(b.Lifecycle) > maxRules {
		return s3error.BadRequest("InvalidRequest", "There are more than %d rules", maxRules)
	}
	for _, rule := range b.Lifecycle {
		if err := rule.check(r.habit.lifecycleNeedsID); err != nil {
			return err
		}
	}
	return r.checkVersioning(b)
}

func checkGrants(grants []Grant) error {
	if slices.ContainsFunc(grants, func(g Grant) bool { return !g.valid() }) {
		return s3error.ErrMalformedXML
	}
	return nil
}

func checkPolicy(b Bucket) error {
	parsed, err := parsePolicy(b.Policy)
	if err != nil || parsed == nil {
		return err
	}
	return parsed.CoversOnly(b.Name)
}

// parsePolicy reads the policy of a bucket, which is nil where there is none.
func parsePolicy(document string) (*policy.Policy, error) {
	if document == "" {
		return nil, nil
	}
	return policy.Parse([]byte(document), policy.OfBucket)
}

// set changes a bucket as fn says, unless check refuses what comes of it.
func (r *Region) set(name string, fn func(b *Bucket), check func(Bucket) error) error {
	return r.change(name, func(b *bucket) error {
		wanted := b.snapshot()
		fn(&wanted)
		if err := check(wanted); err != nil {
			return err
		}
		b.Bucket = wanted
		return nil
	})
}

// SetTags replaces the tags of a bucket; none takes them away.
func (r *Region) SetTags(name string, tags map[string]string) error {
	return r.set(name, func(b *Bucket) { b.Tags = maps.Clone(tags) }, checkTags)
}

// SetVersioning switches the versions of a bucket on or suspends them, at the
// backend as well. Object lock keeps them on.
func (r *Region) SetVersioning(ctx context.Context, name, state string) error {
	r.making.Lock()
	defer r.making.Unlock()
	wanted, ok := r.Bucket(name)
	if !ok {
		return s3error.ErrNoSuchBucket
	}
	if state == "" {
		// Versions once switched on are only suspended.
		return s3error.ErrMalformedXML
	}
	wanted.Versioning = state
	if err := r.checkVersioning(wanted); err != nil {
		return err
	}
	if err := r.versionBehind(ctx, name, state); err != nil {
		return err
	}
	return r.set(name, func(b *Bucket) { b.Versioning = state }, r.checkVersioning)
}

// SetLockRule replaces the default retention of a bucket made with object lock; nil
// means none. What is written from then on has it.
func (r *Region) SetLockRule(name string, rule *LockRule) error {
	return r.set(name, func(b *Bucket) { b.LockRule = rule.clone() }, func(b Bucket) error {
		if !b.ObjectLock {
			return errNoLock
		}
		return checkLock(b)
	})
}

// SetEncryption says how new objects are encrypted: AES256, or the empty string for
// plain ones.
func (r *Region) SetEncryption(name, algorithm string) error {
	return r.set(name, func(b *Bucket) { b.Encryption = algorithm }, checkEncryption)
}

// SetReplication replaces the rules of the vendor's own replication; none takes
// them away. A bucket needs versions for it.
func (r *Region) SetReplication(name string, rules []ReplicationRule) error {
	return r.set(name, func(b *Bucket) { b.Replication = cloneReplication(rules) }, checkReplication)
}

// SetLifecycle replaces the rules of a bucket's lifecycle; none takes them away.
func (r *Region) SetLifecycle(name string, rules []LifecycleRule) error {
	return r.set(name, func(b *Bucket) { b.Lifecycle = cloneLifecycle(rules) }, r.checkLifecycle)
}

// SetGrants replaces the access control list of a bucket; ACL.Grants has those of
// the canned ones.
func (r *Region) SetGrants(name string, grants []Grant) error {
	return r.set(name, func(b *Bucket) { b.Grants = slices.Clone(grants) }, func(b Bucket) error { return checkGrants(b.Grants) })
}

// SetPolicy replaces the policy document of a bucket; an empty one takes it away.
func (r *Region) SetPolicy(name, document string) error {
	parsed, err := parsePolicy(document)
	if err != nil {
		return err
	}
	return r.change(name, func(b *bucket) error {
		wanted := b.snapshot()
		wanted.Policy = document
		if err := checkPolicy(wanted); err != nil {
			return err
		}
		b.Policy, b.policy = document, parsed
		return nil
	})
}
