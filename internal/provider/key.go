package provider

import (
	"context"

	"github.com/rempart/rempart/internal/secret"
)

// KeyIssuer makes keys that reach one bucket and nothing else.
type KeyIssuer interface {
	// IssueKey gives a key for the grant. Called again for the same consumer it
	// gives another secret, perhaps under another access key, and ends the key
	// issued before, so that a crash between issuing and remembering leaves
	// nothing behind.
	IssueKey(ctx context.Context, grant Grant) (Key, error)
	// RevokeKey ends every key of the consumer and withdraws its rights on the
	// bucket. An unknown consumer or an absent bucket is no error.
	RevokeKey(ctx context.Context, grant Grant) error
}

// Grant says who may do what with a bucket.
type Grant struct {
	// Consumer is a stable name, unique in the account: 3 to 63 lower-case
	// letters, digits and hyphens.
	Consumer string
	Bucket   string
	Mode     AccessMode
}

// AccessMode is what a consumer may do with objects. No mode reaches the bucket's
// configuration, and none but FullControl the reserved prefix, unless KeyTraits
// says so.
type AccessMode string

// Access modes.
const (
	ReadWrite AccessMode = "ReadWrite"
	ReadOnly  AccessMode = "ReadOnly"
	// WriteOnly can store objects, over others too, and can neither read, list nor
	// delete any.
	WriteOnly AccessMode = "WriteOnly"
	// FullControl also reaches the reserved prefix; it is for the operator's own
	// work in a bucket of its own, and never given to an application.
	FullControl AccessMode = "FullControl"
)

// KeyTraits says where keys can do more than their mode: the store has no finer
// rights. The zero value keeps what the modes promise. Whatever the traits, a key
// reaches its own bucket and no other.
type KeyTraits struct {
	// ReachReserved: keys of every mode reach objects under the reserved prefix as
	// they do others, so an application could damage the mark of its own bucket.
	ReachReserved bool
	// WritersDelete: WriteOnly keys may delete objects too.
	WritersDelete bool
}

// Key is an S3 key pair.
type Key struct {
	AccessKey string
	SecretKey secret.Text
}
