package s3

import (
	"slices"
	"time"
)

// Effect is one way to misbehave; make it with the functions of this file and
// arm it with Faults.Add.
type Effect struct {
	kind   kind
	scope  scope
	status int
	code   string
	delay  time.Duration
	count  int64
	gate   <-chan struct{}
	alter  func(*Object)
	keys   []string
}

type kind int

const (
	kindLatency kind = iota
	kindGate
	kindFail
	kindFailWith200
	kindResetBefore
	kindResetUpload
	kindResetBody
	kindResetAfter
	kindTruncate
	kindEmptyBody
	kindAlter
	kindLate
	kindPhantom
	kindRepeatPage
	kindSkipKeys
	kindStuckToken
	kindLoopPages
	kindUnordered
	kindEndEarly
	kindInclusiveMarker
	kindNoHashCheck
	kindNoMultipartETag
)

// scope limits an effect to the operations on which it has a meaning, so that
// a Match without an operation does not spend its count on others.
type scope int

const (
	scopeAny scope = iota
	scopeList
	scopeRead    // GetObject
	scopeUpload  // operations that carry an object's bytes
	scopeObjects // whatever shows objects: reads and listings
	scopeComplete
	scopeLate200
)

var (
	listOperations   = []string{"ListObjects", "ListObjectsV2", "ListObjectVersions"}
	readOperations   = []string{"GetObject", "HeadObject"}
	scopedOperations = map[scope][]string{
		scopeList:     listOperations,
		scopeRead:     {"GetObject"},
		scopeUpload:   {"PutObject", "UploadPart"},
		scopeObjects:  slices.Concat(listOperations, readOperations),
		scopeComplete: {"CompleteMultipartUpload"},
		scopeLate200:  {"CompleteMultipartUpload", "CopyObject", "UploadPartCopy"},
	}
)

func (s scope) covers(operation string) bool {
	return s == scopeAny || slices.Contains(scopedOperations[s], operation)
}

// Latency delays the answer in real time; the request is already read to the
// end of its headers.
func Latency(d time.Duration) Effect { return Effect{kind: kindLatency, delay: d} }

// Hold keeps requests waiting until gate is closed, the client leaves or the
// server closes: the way to have two requests in progress without sleeping.
func Hold(gate <-chan struct{}) Effect { return Effect{kind: kindGate, gate: gate} }

// Fail answers with an S3 error and does nothing else. With a key in its Match
// it refuses only those keys of a DeleteObjects.
func Fail(status int, code string) Effect {
	return Effect{kind: kindFail, status: status, code: code}
}

// SlowDown is Fail with S3's throttling answer.
func SlowDown() Effect { return Fail(503, "SlowDown") }

// SlowDownFor is SlowDown that names how long to stay away, in whole seconds.
func SlowDownFor(d time.Duration) Effect {
	return Effect{kind: kindFail, status: 503, code: "SlowDown", delay: d}
}

// FailWith200 answers 200 with an error document, as S3 may when a completion
// or a copy fails after the headers were sent. Nothing is carried out.
func FailWith200(code string) Effect {
	return Effect{kind: kindFailWith200, scope: scopeLate200, status: 200, code: code}
}

// ResetBefore resets the connection before anything is carried out.
func ResetBefore() Effect { return Effect{kind: kindResetBefore} }

// ResetUpload resets the connection once n bytes of the request body were
// read. Nothing is stored.
func ResetUpload(n int64) Effect {
	return Effect{kind: kindResetUpload, scope: scopeUpload, count: n}
}

// ResetBody resets the connection after n bytes of a GET's body were sent.
func ResetBody(n int64) Effect { return Effect{kind: kindResetBody, scope: scopeRead, count: n} }

// ResetAfter carries the operation out and resets the connection instead of
// answering: the client cannot know that it happened.
func ResetAfter() Effect { return Effect{kind: kindResetAfter} }

// Truncate announces the whole length of a GET's body, sends n bytes and closes
// the connection in good order.
func Truncate(n int64) Effect { return Effect{kind: kindTruncate, scope: scopeRead, count: n} }

// EmptyBody answers 200 with no body at all, and does nothing else.
func EmptyBody() Effect { return Effect{kind: kindEmptyBody} }

// Alter shows a changed copy of an object in the matched operations: GetObject,
// HeadObject and listings. With Match.Operation "HeadObject" it makes HEAD and
// listing disagree. The stored object stays as it is; fn may be called by
// several requests at a time.
func Alter(fn func(*Object)) Effect {
	return Effect{kind: kindAlter, scope: scopeObjects, alter: fn}
}

// CorruptBody inverts the byte at an offset of the object in what a GET sends.
func CorruptBody(offset int64) Effect {
	e := Alter(func(o *Object) {
		if offset < int64(len(o.Body)) {
			o.Body[offset] ^= 0xff
		}
	})
	e.scope = scopeRead
	return e
}

// LateBy hides keys from listings until they are d old by the server's clock.
func LateBy(d time.Duration) Effect { return Effect{kind: kindLate, scope: scopeList, delay: d} }

// Late hides keys from listings for as long as the fault is armed.
func Late() Effect { return LateBy(time.Duration(1<<63 - 1)) }

// Phantom lists keys that are not there, such as deleted ones: a GET of them
// answers 404.
func Phantom(keys ...string) Effect {
	return Effect{kind: kindPhantom, scope: scopeList, keys: keys}
}

// RepeatPage delivers the page before the requested one once more; the listing
// then goes on where it should. Without effect on a first page.
func RepeatPage() Effect { return Effect{kind: kindRepeatPage, scope: scopeList} }

// SkipKeys leaves out the first n keys of a page; later pages go on as if they
// had been delivered.
func SkipKeys(n int64) Effect { return Effect{kind: kindSkipKeys, scope: scopeList, count: n} }

// StuckToken says that there is more and hands back the very token or marker
// of the request.
func StuckToken() Effect { return Effect{kind: kindStuckToken, scope: scopeList} }

// LoopPages never ends: behind the last page comes the first, under tokens that
// are always new. For ListObjectsV2 and ListObjectVersions.
func LoopPages() Effect { return Effect{kind: kindLoopPages, scope: scopeList} }

// Unordered delivers the keys of a page in reverse.
func Unordered() Effect { return Effect{kind: kindUnordered, scope: scopeList} }

// EndEarly answers a well-formed page without keys that says it is the last;
// use Match.Skip to let pages through before it.
func EndEarly() Effect { return Effect{kind: kindEndEarly, scope: scopeList} }

// InclusiveMarker begins a page with the marker itself, as ListObjectVersions
// of Ceph does.
func InclusiveMarker() Effect { return Effect{kind: kindInclusiveMarker, scope: scopeList} }

// NoHashCheck accepts a wrong x-amz-content-sha256.
func NoHashCheck() Effect { return Effect{kind: kindNoHashCheck} }

// NoMultipartETag leaves the ETag out of the answer to a completion, as Ceph
// does; the object has it.
func NoMultipartETag() Effect { return Effect{kind: kindNoMultipartETag, scope: scopeComplete} }
