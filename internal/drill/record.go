package drill

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

// marks are keys, in order, with what is special about the state that is expected of
// them. One side adds, the other takes, both in the order of the keys.
type marks struct {
	mu   sync.Mutex
	left []mark
}

type mark struct {
	key   string
	state evidence.ObjectVerdict
}

func (m *marks) add(key string, state evidence.ObjectVerdict) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = append(m.left, mark{key, state})
}

// take gives the mark of a key, or nothing. What was marked before it is let go.
func (m *marks) take(key string) evidence.ObjectVerdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.left) > 0 && m.left[0].key < key {
		m.left = m.left[1:]
	}
	if len(m.left) == 0 || m.left[0].key != key {
		return ""
	}
	return m.left[0].state
}

// record writes the manifest of a drill as the verification goes on. It holds one
// part of it; those before wait in the sandbox.
type record struct {
	sandbox  mover.End
	marked   *marks
	writer   *evidence.Writer
	manifest evidence.Manifest
}

func newRecord(sandbox mover.End, marked *marks, partBytes int) *record {
	r := &record{sandbox: sandbox, marked: marked}
	r.writer = evidence.NewWriter(partBytes, r.put)
	return r
}

// take writes down what was found of a key.
func (r *record) take(ctx context.Context, e mover.Examined) error {
	object := evidence.Object{Key: e.Key, Size: e.Found.Size, Verdict: evidence.ObjectVerdict(e.Kind)}
	if want := e.Expected; want != nil {
		object.VersionID, object.Size, object.SHA256, object.MetadataDigest = want.VersionID, want.Size, want.SHA256, want.MetadataDigest
	}
	switch e.Kind {
	case mover.Match:
		object.Verdict = cmp.Or(r.marked.take(e.Key), evidence.Match)
	case string(evidence.Different):
		object.Found = contentOf(e.Found)
	}
	if err := r.writer.Add(ctx, object); err != nil {
		return fmt.Errorf("write down what was found of %q: %w", e.Key, err)
	}
	return nil
}

func contentOf(found manifest.Entry) *evidence.Content {
	return &evidence.Content{Size: found.Size, SHA256: found.SHA256, MetadataDigest: found.MetadataDigest}
}

// finish ends the manifest.
func (r *record) finish(isComplete bool) { r.manifest = r.writer.Finish(isComplete) }

// check tells why the parts of a drill that was stopped cannot be read back, or nil.
// Then the sandbox's provider is likely to be what stopped it.
func (r *record) check(ctx context.Context) error {
	parts := r.manifest.Parts
	if r.manifest.IsComplete || len(parts) < 2 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	_, err := r.read(ctx, parts[0])
	return err
}

// forget makes the manifest one that says nothing.
func (r *record) forget() {
	r.writer = evidence.NewWriter(0, r.put)
	r.finish(false)
}

func (r *record) ref(part evidence.Part) provider.Ref {
	return provider.Ref{Bucket: r.sandbox.Bucket, Key: evidenceRoot + part.Name}
}

// put has a part wait in the sandbox.
func (r *record) put(ctx context.Context, part evidence.Part, content []byte) error {
	return put(ctx, r.sandbox.Session, r.ref(part), content, manifestType)
}

// read gives a part back.
func (r *record) read(ctx context.Context, part evidence.Part) ([]byte, error) {
	if parts := r.manifest.Parts; part == parts[len(parts)-1] {
		return r.writer.Tail(), nil
	}
	body, _, err := r.sandbox.Session.Get(ctx, r.ref(part), provider.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read %s back from the sandbox: %w", part.Name, err)
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, part.Size+1))
	if err != nil {
		return nil, fmt.Errorf("read %s back from the sandbox: %w", part.Name, err)
	}
	if evidence.Digest(content) != "sha256:"+part.SHA256 {
		return nil, fmt.Errorf("%s is not in the sandbox as it was written there", part.Name)
	}
	return content, nil
}

// Types of the files of evidence.
const (
	manifestType = "application/jsonl"
	envelopeType = "application/vnd.dsse+json"
)

// put stores a small file.
func put(ctx context.Context, objects provider.Objects, ref provider.Ref, content []byte, contentType string) error {
	digest := sha256.Sum256(content)
	_, err := objects.Put(ctx, ref, provider.Content{
		Reader: bytes.NewReader(content), Size: int64(len(content)), SHA256: hex.EncodeToString(digest[:]),
	}, provider.Attributes{ContentType: contentType})
	return err
}
