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
}

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
	group.SetLimit(a.Workers)
	err := a.each(ctx, func(s step) {
		group.Go(func() error { return e.examine(ctx, s) })
	}, e)
	if groupErr := group.Wait(); groupErr != nil && (err == nil || ctx.Err() != nil) {
		err = groupErr
	}
	return e.report, err
}

// each walks the listing beside the expected entries; read is called for what is
// in both.
func (a Audit) each(ctx context.Context, read func(step), e *examiner) error {
	listing := provider.List(ctx, a.End.Session, a.End.Bucket, provider.ListOptions{Prefix: a.End.Prefix})
	none := func(func(provider.Object, error) bool) {}
	for s, err := range join(ahead(ctx, relative(listing, a.End.Prefix, true)), none, ahead(ctx, a.Expected)) {
		if err != nil {
			return err
		}
		if s.known != nil {
			e.report.Digest.Add(*s.known)
		}
		switch {
		case s.source == nil:
			e.find(s, "missing", manifest.Entry{}, "the object is not there")
		case s.known == nil && a.AllowExtra:
		case s.known == nil:
			e.find(s, "extra", manifest.Entry{}, "the object is there and nobody expects it")
		default:
			read(s)
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

func (e *examiner) examine(ctx context.Context, s step) error {
	got, err := e.read(ctx, s.key)
	switch {
	case errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing):
		e.find(s, "missing", manifest.Entry{}, "the object is listed and cannot be read: it is not there")
	case err != nil:
		return fmt.Errorf("read %q: %w", s.key, err)
	case got.Size != s.known.Size || got.SHA256 != s.known.SHA256:
		e.find(s, "different", got, fmt.Sprintf("the content is another: %d bytes instead of %d", got.Size, s.known.Size))
	case got.MetadataDigest != s.known.MetadataDigest:
		e.find(s, "different", got, "the content is right, its headers, metadata or tags are others")
	default:
		e.mu.Lock()
		e.report.Matched++
		e.report.MatchedBytes += got.Size
		e.mu.Unlock()
		e.transfer.observer.Observe(Event{Kind: EventCopied, Key: s.key, Bytes: got.Size})
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

func (e *examiner) find(s step, kind string, got manifest.Entry, message string) {
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
