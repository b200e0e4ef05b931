package provider

import (
	"context"

	"github.com/rempart/rempart/internal/secret"
)

// KeyIssuer makes keys that reach one bucket and nothing else.
type KeyIssuer interface {
	// IssueKey gives a key for the grant. Called again for the same consumer it
	// replaces the secret of the key issued before, so that a crash between
	// issuing and remembering leaves nothing behind.
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

// AccessMode is what a consumer may do with objects. No mode reaches the
// reserved prefix or the bucket's configuration.
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

// Key is an S3 key pair.
type Key struct {
	AccessKey string
	SecretKey secret.Text
}
