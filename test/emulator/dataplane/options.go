package dataplane

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

// Options describe the S3 side of one region.
type Options struct {
	// Vendor says whose region it is.
	Vendor Vendor
	// Name is what the region is called in credential scopes and as a location
	// constraint: "gra", "eu-west-2".
	Name string
	// Backend keeps the objects.
	Backend Backend
	// Lookup finds the key pair of an access key. It is called for every request.
	Lookup func(accessKey string) (Key, bool)
	// Judge decides what the holder of a key may do; see JudgeOVHcloud and
	// JudgeOutscale.
	Judge func(Call) Verdict

	// Admit is asked before a bucket is made, by whichever side. ErrNameTaken and
	// ErrTooManyBuckets are what it says no with. Nil admits all.
	Admit func(bucket, owner string) error
	// Lists tells whether a list of buckets shows one to an identity. Nil shows
	// an owner its own.
	Lists func(identity string, b Bucket) bool

	// UploadLimit is how long one request that carries an object's bytes may take;
	// longer ones are cut off. Zero means what the vendor has, a negative value no
	// limit. It is measured in real time.
	UploadLimit time.Duration
	// Clock drives the validity of signatures and the times of buckets. Nil means
	// time.Now. The backend is spoken to by Backend.Clock.
	Clock func() time.Time
	// Listener is where to serve; nil means a free port of 127.0.0.1.
	Listener net.Listener
	// RequestLog bounds the remembered requests; 0 means 50 000.
	RequestLog int
}

// Backend is a real S3 server and the key of its root user. Its buckets are those
// of the region, by the same name, so regions whose names may collide need one
// each.
type Backend struct {
	Endpoint  string // URL without a path
	AccessKey string
	SecretKey string
	Region    string
	// Clock is the time by which requests to it are signed; nil means time.Now.
	Clock func() time.Time
}

func (b Backend) credentials() sigv4.Credentials {
	return sigv4.Credentials{AccessKey: b.AccessKey, SecretKey: b.SecretKey, Region: b.Region}
}

// Key is what an access key stands for.
type Key struct {
	Secret string
	// Identity is who holds it, as buckets name their owner.
	Identity string
}

// Verdict is what a judge says. The zero value refuses.
type Verdict int

// The verdicts.
const (
	Deny Verdict = iota
	Allow
)

// Call is one action that somebody wants to do.
type Call struct {
	// AccessKey and Identity are empty for an unsigned request.
	AccessKey string
	Identity  string
	// Action is as policies name it: s3:GetObject.
	Action string
	// Bucket and Key are what it is about; Bucket is empty for a list of buckets,
	// Key for what concerns a bucket.
	Bucket string
	Key    string
	// Source is where the request comes from.
	Source netip.Addr

	// Owner owns the bucket; empty where there is none yet.
	Owner string
	// BucketGrants and ObjectGrants are the access control lists of the two.
	BucketGrants []Grant
	ObjectGrants []Grant
	// Policy is the bucket's own, nil where it has none.
	Policy *policy.Policy
}

// What Options.Admit says no with.
var (
	ErrNameTaken      = errors.New("the name is taken by somebody else")
	ErrTooManyBuckets = errors.New("there are as many buckets as there may be")
)

const defaultRequestLog = 50_000

func (o Options) withDefaults() (Options, error) {
	switch {
	case habits[o.Vendor].name == "":
		return o, errors.New("options name no vendor")
	case o.Name == "" || o.Backend.Endpoint == "":
		return o, errors.New("options lack the region's name or its backend")
	case o.Lookup == nil || o.Judge == nil:
		return o, errors.New("options lack the keys or the judge")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Backend.Clock == nil {
		o.Backend.Clock = time.Now
	}
	if o.Admit == nil {
		o.Admit = func(string, string) error { return nil }
	}
	if o.Lists == nil {
		o.Lists = func(identity string, b Bucket) bool { return b.Owner == identity }
	}
	if o.UploadLimit == 0 {
		o.UploadLimit = habits[o.Vendor].uploadLimit
	}
	if o.RequestLog == 0 {
		o.RequestLog = defaultRequestLog
	}
	return o, nil
}
