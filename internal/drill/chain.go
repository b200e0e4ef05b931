package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/provider"
)

// Chain keeps the evidence of each bucket in one row: while a drill stores its own,
// no other drill of that bucket does. The zero value is ready, and one is enough for
// all drills of a process.
type Chain struct {
	mu   sync.Mutex
	rows map[string]*row
}

// row is the evidence of one bucket.
type row struct {
	mu   sync.Mutex
	last *evidence.Link
}

// of gives the row of a bucket.
func (c *Chain) of(names Names) *row {
	c.mu.Lock()
	defer c.mu.Unlock()
	bucket := names.Namespace + "/" + names.Bucket
	if c.rows == nil {
		c.rows = map[string]*row{}
	}
	if c.rows[bucket] == nil {
		c.rows[bucket] = &row{}
	}
	return c.rows[bucket]
}

// evidenceRoot is where evidence is kept in a bucket.
const evidenceRoot = provider.ReservedPrefix + "evidence/"

// timeInName tells when evidence was made. Names of the same bucket are in order of
// that.
const timeInName = "20060102T150405.000Z"

// nameOf gives the folder of a drill's evidence, which comes after that of the
// evidence before it whatever the clock says. No two drills share one, nor do two
// attempts at one.
func nameOf(names Names, now time.Time, previous *evidence.Link) string {
	bucket := rowOf(names)
	now = now.UTC().Truncate(time.Millisecond)
	if previous != nil {
		if before, ok := timeOf(bucket, previous.Name); ok && !now.After(before) {
			now = before.Add(time.Millisecond)
		}
	}
	return bucket + now.Format(timeInName) + "-" + names.Drill + "-" + names.UID
}

// rowOf gives the folder of all evidence of a bucket.
func rowOf(names Names) string { return names.Namespace + "/" + names.Bucket + "/" }

func timeOf(bucket, name string) (time.Time, bool) {
	rest, isOfBucket := strings.CutPrefix(name, bucket)
	if !isOfBucket || len(rest) < len(timeInName) {
		return time.Time{}, false
	}
	at, err := time.Parse(timeInName, rest[:len(timeInName)])
	return at, err == nil
}

// LinkTo gives the link to evidence that is stored at a URI; false if none can be.
func LinkTo(uri, digest string) (evidence.Link, bool) {
	_, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	name, isOne := nameIn(key)
	return evidence.Link{Name: name, Digest: digest}, isOne && digest != ""
}

func nameIn(key string) (string, bool) {
	name, isBelow := strings.CutPrefix(key, evidenceRoot)
	name, isEnvelope := strings.CutSuffix(name, "/"+evidence.FileName)
	return name, isBelow && isEnvelope
}

// latest gives the last evidence of the bucket, as far as the process, the cluster
// and the stores know; nil is none. What was remembered of one counts, not what a
// store holds under its name: that is what shows a change.
func (w *row) latest(ctx context.Context, names Names, known []evidence.Link, stores []Copy) (*evidence.Link, error) {
	last := w.last
	for _, link := range known {
		if _, isOne := timeOf(rowOf(names), link.Name); isOne && (last == nil || link.Name > last.Name) {
			last = &evidence.Link{Name: link.Name, Digest: link.Digest}
		}
	}
	var errs []error
	for _, store := range stores {
		found, err := latestIn(ctx, store, names, last)
		if err != nil {
			errs = append(errs, fmt.Errorf("look for earlier evidence at %s: %w", store.Session.Place(), err))
			continue
		}
		last = found
	}
	if len(errs) == len(stores) {
		return nil, errors.Join(errs...)
	}
	return last, nil
}

// latestIn gives the last evidence of a bucket that a store holds, or last if that
// is later. A store that does not answer is not waited for long: other drills of the
// bucket wait meanwhile.
func latestIn(ctx context.Context, store Copy, names Names, last *evidence.Link) (*evidence.Link, error) {
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	options := provider.ListOptions{Prefix: evidenceRoot + rowOf(names)}
	newest := ""
	for object, err := range provider.List(ctx, store.Session, store.Bucket, options) {
		if err != nil {
			return nil, err
		}
		if name, isOne := nameIn(object.Key); isOne {
			if _, isOne = timeOf(rowOf(names), name); isOne {
				newest = name
			}
		}
	}
	if newest == "" || last != nil && newest <= last.Name {
		return last, nil
	}
	body, _, err := store.Session.Get(ctx, provider.Ref{Bucket: store.Bucket, Key: keyOf(newest, evidence.FileName)}, provider.GetOptions{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, envelopeLimit))
	if err != nil {
		return nil, err
	}
	return &evidence.Link{Name: newest, Digest: evidence.Digest(content)}, nil
}

// envelopeLimit bounds what is read of an envelope: it holds a thousand findings, the
// policies and the facts, and no manifest.
const envelopeLimit = 64 << 20

// keyOf gives the key of a file of evidence.
func keyOf(name, file string) string { return evidenceRoot + name + "/" + file }
