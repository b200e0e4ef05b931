package provider

import (
	"context"
	"fmt"
)

// ReservedPrefix holds Rempart's own objects in a bucket: the owner mark, the
// manifest, drill evidence. User keys under it are never copied, nor deleted.
const ReservedPrefix = ".rempart/"

// Buckets is the life cycle of a bucket. Every method is idempotent.
type Buckets interface {
	// ListBuckets gives the names of all buckets of the account at this place, with
	// one request. A key that may not ask fails with ErrDenied. A bucket that the
	// account may use and does not own may be missing in it.
	ListBuckets(ctx context.Context) (BucketList, error)
	// ObserveBucket reports what exists. It never writes. An absent bucket is a
	// state, not an error.
	ObserveBucket(ctx context.Context, name string) (BucketState, error)
	// ObserveProtection reports how an existing bucket protects its content, which
	// ObserveBucket does not look at. It never writes. A store that knows neither
	// object lock nor encryption protects nothing.
	ObserveProtection(ctx context.Context, name string) (Protection, error)
	// CreateBucket is called only after ObserveBucket found nothing. It makes the
	// bucket without a mark: UpdateBucket writes that. It fails with
	// ErrOwnedByOther when the name is taken by another account, and succeeds
	// when this account has it already.
	CreateBucket(ctx context.Context, want Bucket) error
	// UpdateBucket brings mark, versioning and protection to what is wanted and
	// leaves everything else, such as foreign tags, as it is. Protection is read
	// back: it fails with ErrUnsupported when the store refuses it, such as object
	// lock for a bucket made without, and with ErrNotKept when it does not keep it.
	UpdateBucket(ctx context.Context, want Bucket) error
	// DeleteBucket returns nil once the bucket is gone, ErrNotEmpty while it
	// holds any version of any object.
	DeleteBucket(ctx context.Context, name string) error
}

// BucketList is what an account has at a place.
type BucketList struct {
	Names []string
	// Health is what the answer tells about the place, filled as far as an answer
	// came, also on error.
	Health Health
}

// Bucket is a bucket as it should be.
type Bucket struct {
	Name string
	// Versioning is Enabled, or empty to leave it as the store makes it.
	Versioning Versioning
	Mark       Mark
	// Protection is what is asked for; its zero fields leave what is there.
	Protection
}

// BucketState is a bucket as it is.
type BucketState struct {
	Exists     bool
	Versioning Versioning
	// Mark is nil when the bucket carries none.
	Mark *Mark
	// Protection is filled by whoever asks ObserveProtection.
	Protection
}

// Versioning is the state of a bucket's version history.
type Versioning string

// Versioning states. A store that does not know versioning reports Disabled.
const (
	VersioningDisabled  Versioning = "Disabled"
	VersioningEnabled   Versioning = "Enabled"
	VersioningSuspended Versioning = "Suspended"
)

// Mark says whose bucket it is: a bucket tag where the store has tags, else the
// object MarkKey. It is signed by the installation, see package ownership.
type Mark struct {
	// Owner is installation/namespace/name.
	Owner string
	// Signature is the hex HMAC of owner and bucket name.
	Signature string
}

// Where the mark is kept.
const (
	MarkKey          = ReservedPrefix + "owner"
	MarkOwnerTag     = "rempart.dev/owner"
	MarkSignatureTag = "rempart.dev/signature"
)

// Drift is one property of a bucket that is not as it should be.
type Drift struct {
	Property, Want, Got string
}

// String reads as a sentence: versioning is Suspended, should be Enabled.
func (d Drift) String() string {
	return fmt.Sprintf("%s is %s, should be %s", d.Property, d.Got, d.Want)
}

// MarkProperty is the property of a bucket whose mark was removed.
const MarkProperty = "mark"

// Drift lists in a fixed order how an existing bucket differs from what is wanted.
func (b Bucket) Drift(state BucketState) []Drift {
	var drift []Drift
	if b.Versioning != "" && state.Versioning != b.Versioning {
		drift = append(drift, Drift{"versioning", string(b.Versioning), string(state.Versioning)})
	}
	if state.Mark == nil {
		drift = append(drift, Drift{MarkProperty, "present", "missing"})
	}
	return append(drift, b.Protection.drift(state.Protection)...)
}
