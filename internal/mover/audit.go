package mover

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// Audit holds what a bucket really gives back against what a manifest says that
// it must hold. It reads every object and writes nothing.
type Audit struct {
	// End is the bucket that is read.
	End End
	// Expected are the entries that it must hold, in order of their keys.
	Expected iter.Seq2[manifest.Entry, error]
	// AllowExtra lets objects be there that nobody expects, as in a copy that keeps
	// what its source deleted.
	AllowExtra bool
	// Workers is how many objects are read at once; 0 is 32.
	Workers int
	// Observer is told of the bytes that are read; nil tells nobody.
	Observer Observer
	// Told is told of every key, one at a time and in order; nil tells nobody. An
	// error from it ends the audit. Of one that is stopped, it is told the first keys
	// and no others.
	Told func(ctx context.Context, examined Examined) error
}

// Examined is what an audit has to say of one key.
type Examined struct {
	Key string
	// Expected is nil for an object that nobody expects.
	Expected *manifest.Entry
	// Found is what was read; zero for an object that is missing. Of one that nobody
	// expects, only the size is known.
	Found manifest.Entry
	// Kind is match, or that of the finding.
	Kind string
}

// Match is the Kind of an object that is as expected.
const Match = "match"

// AuditReport is what an audit found.
type AuditReport struct {
	// Matched objects have the expected content, size and attributes, and
	// MatchedBytes is what they hold.
	Matched, MatchedBytes int64
	// Missing are expected and not there, Extra are there and not expected,
	// Different have other content, size or attributes. Each names its first
	// objects in Findings.
	Missing, Extra, Different int64
	Findings                  []Finding
	// Digest is that of the expected entries.
	Digest *manifest.Digest
}

// IsClean tells whether everything that was expected is there, and nothing else.
func (r AuditReport) IsClean() bool { return r.Missing+r.Extra+r.Different == 0 }

// Finding is an object that is not as expected.
type Finding struct {
	Key string `json:"key"`
	// Kind is missing, extra or different.
	Kind string `json:"kind"`
	// Expected and Found are SHA-256 of content, as far as there is any.
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
	Message  string `json:"message"`
}

// findingLimit bounds how many findings a report names.
const findingLimit = 1000

// Run carries out the audit. An object that cannot be read is an error, not a
// finding: it says nothing about the content.
func (a Audit) Run(ctx context.Context) (AuditReport, error) {
	if a.Workers <= 0 {
		a.Workers = defaultWorkers
	}
	if a.Observer == nil {
		a.Observer = silent{}
	}
	e := &examiner{transfer: &transfer{sizes: usualSizes, observer: a.Observer, pause: pause}, end: a.End}
	e.report.Digest = manifest.NewDigest()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(a.Workers + 1)
	line := newQueue[Examined]()
	group.Go(func() error { return line.serve(ctx, a.tell) })
	err := a.each(ctx, line, func(s step, tell func(Examined)) {
		group.Go(func() error { return e.examine(ctx, s, tell) })
	}, e)
	line.close()
	if groupErr := group.Wait(); groupErr != nil && (err == nil || ctx.Err() != nil) {
		err = groupErr
	}
	return e.report, err
}

func (a Audit) tell(ctx context.Context, examined Examined) error {
	if a.Told == nil {
		return nil
	}
	return a.Told(ctx, examined)
}

// each walks the listing beside the expected entries; read is called for what is
// in both. Every key takes its place in the line before anybody looks at it.
func (a Audit) each(ctx context.Context, line *queue[Examined], read func(step, func(Examined)), e *examiner) error {
	listing := provider.List(ctx, a.End.Session, a.End.Bucket, provider.ListOptions{Prefix: a.End.Prefix})
	none := func(func(provider.Object, error) bool) {}
	for s, err := range join(ahead(ctx, relative(listing, a.End.Prefix, true)), none, ahead(ctx, a.Expected)) {
		if err != nil {
			return err
		}
		if s.known != nil {
			e.report.Digest.Add(*s.known)
		}
		if s.known == nil && a.AllowExtra {
			continue
		}
		tell, err := line.place(ctx)
		if err != nil {
			return err
		}
		switch {
		case s.source == nil:
			tell(e.find(s, "missing", manifest.Entry{}, "the object is not there"))
		case s.known == nil:
			tell(e.find(s, "extra", manifest.Entry{Size: s.source.Size}, "the object is there and nobody expects it"))
		default:
			read(s, tell)
		}
	}
	return ctx.Err()
}

// examiner gathers what the workers find.
type examiner struct {
	transfer *transfer
	end      End

	mu     sync.Mutex
	report AuditReport
}

func (e *examiner) examine(ctx context.Context, s step, tell func(Examined)) error {
	got, err := e.read(ctx, s.key)
	switch {
	case errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing):
		tell(e.find(s, "missing", manifest.Entry{}, "the object is listed and cannot be read: it is not there"))
	case err != nil:
		return fmt.Errorf("read %q: %w", s.key, err)
	case got.Size != s.known.Size || got.SHA256 != s.known.SHA256:
		tell(e.find(s, "different", got, fmt.Sprintf("the content is another: %d bytes instead of %d", got.Size, s.known.Size)))
	case got.MetadataDigest != s.known.MetadataDigest:
		tell(e.find(s, "different", got, "the content is right, its headers, metadata or tags are others"))
	default:
		e.mu.Lock()
		e.report.Matched++
		e.report.MatchedBytes += got.Size
		e.mu.Unlock()
		e.transfer.observer.Observe(Event{Kind: EventCopied, Key: s.key, Bytes: got.Size})
		tell(Examined{Key: s.key, Expected: s.known, Found: got, Kind: Match})
	}
	return nil
}

// read reads an object, more than once when its body breaks off.
func (e *examiner) read(ctx context.Context, key string) (entry manifest.Entry, err error) {
	err = e.transfer.again(ctx, key, func() (err error) {
		entry, err = e.transfer.read(ctx, e.end, key, "")
		return err
	})
	return entry, err
}

func (e *examiner) find(s step, kind string, got manifest.Entry, message string) Examined {
	finding := Finding{Key: s.key, Kind: kind, Found: got.SHA256, Message: message}
	if s.known != nil {
		finding.Expected = s.known.SHA256
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch kind {
	case "missing":
		e.report.Missing++
	case "extra":
		e.report.Extra++
	default:
		e.report.Different++
	}
	if len(e.report.Findings) < findingLimit {
		e.report.Findings = append(e.report.Findings, finding)
	}
	return Examined{Key: s.key, Expected: s.known, Found: got, Kind: kind}
}

// Difference is a key at which a source and a manifest are not the same.
type Difference struct {
	Key string
	// Source is nil when the source lacks the object, Known when the manifest does.
	Source *provider.Object
	Known  *manifest.Entry
}

// Differences yields every key at which what an end lists is not what entries
// describe, or one error and then nothing. It reads listings only.
func Differences(ctx context.Context, end End, entries iter.Seq2[manifest.Entry, error]) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		listing := provider.List(ctx, end.Session, end.Bucket, provider.ListOptions{Prefix: end.Prefix})
		none := func(func(provider.Object, error) bool) {}
		for s, err := range join(ahead(ctx, relative(listing, end.Prefix, true)), none, ahead(ctx, entries)) {
			if err == nil && s.source != nil && s.known != nil && s.known.Describes(*s.source) {
				continue
			}
			if !yield(Difference{Key: s.key, Source: s.source, Known: s.known}, err) || err != nil {
				return
			}
		}
	}
}
