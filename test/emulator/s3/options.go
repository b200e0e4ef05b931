package s3

import (
	"cmp"
	"time"
)

// Options describe one server. The zero value is a usable AWS-like store with
// default credentials in region us-east-1.
type Options struct {
	// AccessKey and SecretKey belong to the account that owns what it creates.
	AccessKey string
	SecretKey string

	// Region must be named in every credential scope. It is also the only
	// LocationConstraint accepted, unless LocationConstraints says otherwise.
	Region              string
	LocationConstraints []string

	// Clock drives signatures' validity, the Date header, LastModified,
	// retention and presigned expiry. Nil means time.Now.
	Clock func() time.Time

	// TLS makes Listen serve https with a certificate made for the occasion;
	// Server.HTTPClient trusts it.
	TLS bool
	// CertificateEnds is when that certificate ends, by the real clock: TLS is not
	// what Clock moves. Zero means a day from now.
	CertificateEnds time.Time

	// MinPartSize is the smallest part but the last that may be completed;
	// 0 means S3's 5 MiB, a negative value means no minimum.
	MinPartSize int64
	// MaxPutSize bounds one PUT or one part; 0 means S3's 5 GiB.
	MaxPutSize int64
	// MaxBuckets bounds the buckets of one owner; 0 means 100.
	MaxBuckets int
	// RequestLog bounds the remembered requests (counters are never dropped);
	// 0 means 50 000.
	RequestLog int

	// StoredConfigurations names the bucket subresources (acl, lifecycle,
	// replication, cors, encryption, notification …) that are stored and returned,
	// but have no effect, save that objects say that they are encrypted where a
	// bucket's encryption asks for it. The others answer 501 NotImplemented.
	StoredConfigurations []string
	// BadAnswers answers the GET of a bucket subresource with a text, by its name,
	// whatever is stored: an empty one, as some gateways do, or another document.
	BadAnswers map[string]string
	// EncryptNothing keeps a bucket's encryption, takes the header that asks for
	// it, and stores objects as they are, as RGW without a key store does with
	// the header.
	EncryptNothing bool
	// LockNewBuckets makes every bucket with object lock, and COMPLIANCE for that
	// many days as its default, whatever is asked: what an administrator may have
	// arranged.
	LockNewBuckets int
	// NoObjectLock refuses buckets with object lock, and the subresource, with
	// 501 NotImplemented.
	NoObjectLock bool
	// CarelessSubresources ignores unknown subresources and carries out the
	// bare verb, as Ceph RGW 16.2, MinIO and versitygw do for some: DELETE
	// /bucket?anything deletes an empty bucket.
	CarelessSubresources bool

	// AllowTrailers accepts the two payload kinds that end in trailing
	// checksums; without it they are refused as Ceph RGW 16.2 refuses them.
	AllowTrailers bool
	// RefuseEmptyStreaming refuses a zero-byte upload sent with a streaming
	// signature, as Ceph RGW 16.2 does.
	RefuseEmptyStreaming bool
	// IgnoreChecksums accepts a wrong x-amz-checksum-* header, as RGW does.
	IgnoreChecksums bool
	// KeepChunkedEncoding stores "aws-chunked" as part of Content-Encoding,
	// as RGW does.
	KeepChunkedEncoding bool
	// RecreateOK answers 200 when the owner creates its bucket again, as RGW
	// does, instead of 409 BucketAlreadyOwnedByYou.
	RecreateOK bool
	// AnyPrincipal accepts bucket policies that name unknown users, as RGW
	// does, instead of 400 MalformedPolicy.
	AnyPrincipal bool
	// RewriteKeys maps keys to cleaned paths without an error, as posix
	// gateways do: "a//b" becomes "a/b", "./c" becomes "c", "d/../e" becomes
	// "e", a leading "/" is dropped. A file cannot then be a folder as well.
	RewriteKeys bool
	// CoarseTimes gives LastModified whole seconds in listings.
	CoarseTimes bool

	// VersityAdmin serves the admin calls of a Versity gateway (PATCH
	// /create-user and its neighbours) to the root account and to users of
	// role admin, who then may reach every bucket.
	VersityAdmin bool
	// CephAdmin serves the admin operations of a Ceph Object Gateway on users
	// (/admin/user), to the root account.
	CephAdmin bool
}

const (
	defaultAccessKey   = "emulator-access"
	defaultSecretKey   = "emulator-secret"
	defaultRegion      = "us-east-1"
	defaultMinPartSize = 5 << 20
	defaultMaxPutSize  = 5 << 30
	defaultMaxBuckets  = 100
	defaultRequestLog  = 50_000
)

func (o Options) withDefaults() Options {
	o.AccessKey = cmp.Or(o.AccessKey, defaultAccessKey)
	o.SecretKey = cmp.Or(o.SecretKey, defaultSecretKey)
	o.Region = cmp.Or(o.Region, defaultRegion)
	o.MinPartSize = cmp.Or(o.MinPartSize, defaultMinPartSize)
	o.MaxPutSize = cmp.Or(o.MaxPutSize, defaultMaxPutSize)
	o.MaxBuckets = cmp.Or(o.MaxBuckets, defaultMaxBuckets)
	o.RequestLog = cmp.Or(o.RequestLog, defaultRequestLog)
	if o.CertificateEnds.IsZero() {
		o.CertificateEnds = time.Now().Add(24 * time.Hour)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if len(o.LocationConstraints) == 0 {
		o.LocationConstraints = []string{o.Region}
	}
	return o
}
