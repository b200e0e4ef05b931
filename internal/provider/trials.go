package provider

import "context"

// Trials are requests that only probes have a use for. They belong into scratch
// buckets, and change nothing but those.
type Trials interface {
	// TryConfiguration writes a harmless configuration to a bucket and reads it
	// back: Supported when it comes back, Unsupported when the store refuses it or
	// answers with something else than a configuration, Broken when another one
	// comes back, Unknown without an error when the store would have to be asked
	// with something that a probe does not have. It is never removed again, since a
	// store that does not know it may take that for an order to remove the bucket.
	TryConfiguration(ctx context.Context, bucket string, kind Configuration) (Support, error)
	// TryPut is Put with a condition or a checksum. A refusal because of them is
	// ErrChanged or ErrContentMismatch, and Terminal: it is what was asked for.
	TryPut(ctx context.Context, ref Ref, content Content, trial PutTrial) (Object, error)
}

// Configuration is a setting of a bucket that Rempart itself never makes.
type Configuration string

// Configurations that can be tried.
const (
	BucketPolicy       Configuration = "bucket policy"
	Lifecycle          Configuration = "lifecycle"
	EventNotifications Configuration = "event notifications"
)

// PutTrial is what a TryPut adds to a Put. The zero value adds nothing.
type PutTrial struct {
	// IfAbsent asks the store to refuse when the key is taken.
	IfAbsent bool
	// IfMatch asks the store to refuse unless the object has this ETag. It is sent
	// as it stands, with or without quotes.
	IfMatch string
	// Checksum is sent as x-amz-checksum-sha256.
	Checksum string
}
