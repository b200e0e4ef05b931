package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
)

// Object is a line of a manifest: what should have been restored of one object, and
// the verdict on what was.
type Object struct {
	Key string `json:"key"`
	// VersionID, Size, SHA256 and MetadataDigest are those of the source when the
	// object was copied. Of an object that nobody expects, only the size is known.
	VersionID      string `json:"versionID,omitempty"`
	Size           int64  `json:"size"`
	SHA256         string `json:"sha256,omitempty"`
	MetadataDigest string `json:"metadataDigest,omitempty"`
	// Verdict is on what was read back from the sandbox.
	Verdict ObjectVerdict `json:"verdict"`
	// Found is what was read instead, of one that is Different.
	Found *Content `json:"found,omitempty"`
}

// Content is what an object holds.
type Content struct {
	Size           int64  `json:"size"`
	SHA256         string `json:"sha256"`
	MetadataDigest string `json:"metadataDigest,omitempty"`
}

// ObjectVerdict is the verdict on one object.
type ObjectVerdict string

// Verdicts on objects.
const (
	// Match is as it was at the moment of loss, Newer as a later manifest says.
	Match ObjectVerdict = "match"
	Newer ObjectVerdict = "newer"
	// Between is in a state that no manifest describes: what was read of the copy is
	// what the sandbox holds, and no more is shown.
	Between ObjectVerdict = "between"
	// Different has other content or attributes than it should, Missing is not there,
	// Extra is there and nobody expects it.
	Different ObjectVerdict = "different"
	Missing   ObjectVerdict = "missing"
	Extra     ObjectVerdict = "extra"
)

// Manifest sums up the lines of all parts.
type Manifest struct {
	// IsComplete tells that every object was looked at. Otherwise the lines are those
	// of the first keys in order.
	IsComplete bool `json:"complete"`
	// Digest is that of what should have been restored, made as that of a Snapshot.
	Digest string `json:"digest"`
	Tally  Tally  `json:"verdicts"`
	Parts  []Part `json:"parts"`
}

// Part is a file with lines. Keys ascend from part to part.
type Part struct {
	Name    string `json:"name"`
	Size    int64  `json:"size"`
	Objects int64  `json:"objects"`
	SHA256  string `json:"sha256"`
}

// Tally counts the objects of each verdict. MatchBytes is what those hold that match
// or are newer.
type Tally struct {
	Match      int64 `json:"match"`
	Newer      int64 `json:"newer"`
	Between    int64 `json:"between"`
	Different  int64 `json:"different"`
	Missing    int64 `json:"missing"`
	Extra      int64 `json:"extra"`
	MatchBytes int64 `json:"matchBytes"`
}

// IsClean tells whether no object is as it should not be.
func (t Tally) IsClean() bool { return t.Different+t.Missing+t.Extra == 0 }

// add counts an object; false is a verdict that does not exist.
func (t *Tally) add(o Object) bool {
	switch o.Verdict {
	case Match:
		t.Match++
		t.MatchBytes += o.Size
	case Newer:
		t.Newer++
		t.MatchBytes += o.Size
	case Between:
		t.Between++
	case Different:
		t.Different++
	case Missing:
		t.Missing++
	case Extra:
		t.Extra++
	default:
		return false
	}
	return true
}

// sum takes in objects in order of their keys.
type sum struct {
	tally  Tally
	digest hash.Hash
	last   string
	any    bool
}

func newSum() *sum { return &sum{digest: sha256.New()} }

// add takes in the next object, or says what is wrong with it.
func (s *sum) add(o Object) error {
	switch {
	case s.any && o.Key <= s.last:
		return fmt.Errorf("the key %q does not come after %q", o.Key, s.last)
	case !s.tally.add(o):
		return fmt.Errorf("%q is no verdict on an object", o.Verdict)
	case (o.Found != nil) != (o.Verdict == Different):
		return fmt.Errorf("the object %q is %s, and says wrongly what was found", o.Key, o.Verdict)
	case o.Found != nil && *o.Found == Content{o.Size, o.SHA256, o.MetadataDigest}:
		return fmt.Errorf("the object %q is %s, and nothing differs", o.Key, o.Verdict)
	}
	s.last, s.any = o.Key, true
	if o.Verdict != Extra {
		line, err := json.Marshal([]any{o.Key, o.Size, o.SHA256, o.MetadataDigest})
		if err != nil {
			return err
		}
		_, _ = s.digest.Write(append(line, '\n'))
	}
	return nil
}

func (s *sum) sum() string { return "sha256:" + hex.EncodeToString(s.digest.Sum(nil)) }

// Digest gives the digest of a file, as sha256:hex.
func Digest(content []byte) string { return "sha256:" + hexSum(content) }

func hexSum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}

// PartBytes is how long a part of a manifest may become.
const PartBytes = 8 << 20

// Writer writes the manifest of a drill: a line of JSON for each object, in parts
// that it hands on when they are full. It holds one part at a time. The zero value
// is not ready, see NewWriter.
type Writer struct {
	limit int
	put   func(context.Context, Part, []byte) error
	open  bytes.Buffer
	lines int64
	sum   *sum
	parts []Part
	// tail is the last part, which is not handed on.
	tail []byte
}

// NewWriter makes a writer that hands each full part to put. Limit is how long a
// part may become; 0 is PartBytes. The last part is never handed on: see Tail.
func NewWriter(limit int, put func(context.Context, Part, []byte) error) *Writer {
	if limit <= 0 {
		limit = PartBytes
	}
	return &Writer{limit: limit, put: put, sum: newSum()}
}

// Add takes the next object. Keys ascend.
func (w *Writer) Add(ctx context.Context, o Object) error {
	line, err := encode(o, "")
	if err != nil {
		return err
	}
	if w.open.Len() > 0 && w.open.Len()+len(line) > w.limit {
		if err := w.put(ctx, w.part(), w.open.Bytes()); err != nil {
			return err // it stays the last part
		}
		w.close()
	}
	if err := w.sum.add(o); err != nil {
		return err
	}
	w.open.Write(line)
	w.lines++
	return nil
}

// part describes the open part.
func (w *Writer) part() Part {
	return Part{Name: partName(len(w.parts)), Size: int64(w.open.Len()), Objects: w.lines, SHA256: hexSum(w.open.Bytes())}
}

func (w *Writer) close() {
	w.parts = append(w.parts, w.part())
	w.open.Reset()
	w.lines = 0
}

// Finish gives the manifest with all its parts, one at least. It is to be called
// once, after which nothing is added.
func (w *Writer) Finish(isComplete bool) Manifest {
	w.tail = bytes.Clone(w.open.Bytes())
	w.close()
	return Manifest{IsComplete: isComplete, Digest: w.sum.sum(), Tally: w.sum.tally, Parts: w.parts}
}

// Tail gives what the last part holds, after Finish.
func (w *Writer) Tail() []byte { return w.tail }

// lineLimit bounds a line: a key has 1024 bytes at most, and each may be escaped.
const lineLimit = 64 << 10

// readPart reads a part and takes its objects in. It names everything that is not as
// it should be, and stops at the first line that cannot be read.
func readPart(from io.Reader, part Part, into *sum) (problems []string) {
	hash := sha256.New()
	lines := newLines(io.TeeReader(from, hash))
	var objects, size int64
	var bad error
	for line := range lines.all {
		size += int64(len(line))
		if bad != nil {
			continue // only for the digest
		}
		objects++
		if err := readLine(line, into); err != nil {
			bad = fmt.Errorf("line %d: %w", objects, err)
		}
	}
	if lines.err != nil {
		return []string{"it cannot be read: " + lines.err.Error()}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != part.SHA256 {
		problems = append(problems, fmt.Sprintf("its SHA-256 is %s, the evidence says %s", got, part.SHA256))
	}
	if size != part.Size {
		problems = append(problems, fmt.Sprintf("it has %d bytes, the evidence says %d", size, part.Size))
	}
	switch {
	case bad != nil:
		problems = append(problems, bad.Error())
	case objects != part.Objects:
		problems = append(problems, fmt.Sprintf("it has %d lines, the evidence says %d", objects, part.Objects))
	}
	return problems
}

func readLine(line []byte, into *sum) error {
	var object Object
	if err := decode(line, &object); err != nil {
		return fmt.Errorf("it is no object of a manifest: %w", err)
	}
	again, err := encode(object, "")
	if err != nil {
		return err
	}
	if at := differsAt(line, again); at >= 0 {
		return fmt.Errorf("it is not in its canonical form, from byte %d of the line on", at)
	}
	return into.add(object)
}

// differsAt gives the first byte at which two texts differ, or -1.
func differsAt(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// partName gives the name of the file of a part, counted from 0.
func partName(index int) string { return fmt.Sprintf("manifest-%05d.jsonl", index+1) }
