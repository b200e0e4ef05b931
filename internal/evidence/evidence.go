// Package evidence is what a drill leaves behind for a stranger to check: a
// statement of what was done and found, and a manifest with a verdict on every
// object.
//
// The statement is one of in-toto, signed with Ed25519 in an envelope of DSSE, so
// that other people's tools can read and verify it. Its subjects are the parts of
// the manifest, by their digests. Each names the evidence before it of the same
// bucket, so that none can be taken out of the row unseen.
//
// Everything has one form only, see Encode, and a reader holds what it reads
// against that. The package does no I/O and knows no cluster.
//
// Start reading at Statement, Sign and Verify.
package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Types of what is signed.
const (
	// StatementType is that of an in-toto statement, version 1.
	StatementType = "https://in-toto.io/Statement/v1"
	// PayloadType is what DSSE calls such a statement.
	PayloadType = "application/vnd.in-toto+json"
	// PredicateType is what the statement says: Drill.
	PredicateType = "https://rempart.dev/evidence/drill/v1alpha1"
)

// FileName is the envelope's in the folder of a drill. The parts of the manifest
// are beside it, under the names that it gives.
const FileName = "evidence.json"

// Statement is what is signed: an in-toto statement about a drill. Fields are
// written in this order.
type Statement struct {
	Type string `json:"_type"`
	// Subject are the parts of the manifest, one at least.
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Drill     `json:"predicate"`
}

// Subject is a file that the statement is about.
type Subject struct {
	Name   string  `json:"name"`
	Digest Digests `json:"digest"`
}

// Digests of a file, in hex.
type Digests struct {
	SHA256 string `json:"sha256"`
}

// Drill says what a drill did, measured and found.
type Drill struct {
	Software Software `json:"software"`
	Signer   Signer   `json:"signer"`
	Names    Names    `json:"names"`
	// Previous is the evidence before this one of the same bucket; null when it is
	// the first.
	Previous *Link  `json:"previous"`
	Scenario string `json:"scenario"`
	// Source is the primary, of which only listings were read, From the copy that
	// was restored, To the sandbox.
	Source Place `json:"source"`
	From   Place `json:"from"`
	To     Place `json:"to"`
	// Decided and Ended are on the operator's clock.
	Decided    time.Time  `json:"decided"`
	Ended      time.Time  `json:"ended"`
	Objectives Objectives `json:"objectives"`
	Measured   Measured   `json:"measured"`
	Verdict    Verdict    `json:"verdict"`
	// Reason is why it proves nothing, or why one that failed already was stopped.
	Reason    string    `json:"reason,omitempty"`
	Checks    []Check   `json:"checks"`
	NotTested []string  `json:"notTested"`
	Findings  []Finding `json:"findings"`
	// Snapshot is what the copy held at the moment of loss.
	Snapshot Snapshot `json:"snapshot"`
	// Changes are what the replication did meanwhile, and no findings.
	Changes Changes `json:"changes"`
	// Manifest sums up what was found of each object.
	Manifest Manifest `json:"manifest"`
	// Policies and Facts are those by which it was decided what may be where.
	Policies    []Document  `json:"policies"`
	Facts       []Document  `json:"facts"`
	Environment Environment `json:"environment"`
}

// Software is what made the evidence.
type Software struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Signer is the key that signed, as the signer says. Whose it is, it cannot say.
type Signer struct {
	KeyID string `json:"keyID"`
	// PublicKey is the SubjectPublicKeyInfo in DER, in base64.
	PublicKey string `json:"publicKey"`
}

// Names identify a drill.
type Names struct {
	Installation string `json:"installation"`
	Namespace    string `json:"namespace"`
	Drill        string `json:"drill"`
	// UID tells drills of the same name apart.
	UID        string `json:"uid"`
	Bucket     string `json:"bucket"`
	Dataset    string `json:"dataset"`
	PolicyName string `json:"policy"`
}

// Link names the evidence before.
type Link struct {
	// Name is its folder, below that of all evidence in a bucket.
	Name string `json:"name"`
	// Digest is sha256:hex of its envelope.
	Digest string `json:"digest"`
}

// Place is where a bucket is that took part.
type Place struct {
	Provider string `json:"provider"`
	Location string `json:"location"`
	Operator string `json:"operator"`
	Country  string `json:"country"`
	Bucket   string `json:"bucket"`
}

// Objectives are in seconds; 0 asked for nothing.
type Objectives struct {
	RPOSeconds float64 `json:"rpoSeconds"`
	RTOSeconds float64 `json:"rtoSeconds"`
}

// Measured is what was measured; null was not.
type Measured struct {
	RTOSeconds     *float64 `json:"rtoSeconds"`
	RPOSeconds     *float64 `json:"rpoSeconds"`
	RestoreSeconds float64  `json:"restoreSeconds"`
	VerifySeconds  float64  `json:"verifySeconds"`
	// Objects and Bytes were restored and are as a manifest says.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// BytesPerSecond is the throughput, verification included, and FullExitSeconds
	// how long all of the data would take at that rate.
	BytesPerSecond  int64    `json:"bytesPerSecond"`
	FullExitSeconds *float64 `json:"fullExitSeconds"`
	// ClockSkewSeconds is how far the source's clock was ahead of the operator's.
	ClockSkewSeconds float64 `json:"clockSkewSeconds"`
}

// Verdict is what a drill came to.
type Verdict string

// Verdicts. Inconclusive drills prove nothing, neither way.
const (
	Passed       Verdict = "Passed"
	Failed       Verdict = "Failed"
	Inconclusive Verdict = "Inconclusive"
)

// Check is one question and its answer.
type Check struct {
	Name    string      `json:"name"`
	Result  CheckResult `json:"result"`
	Message string      `json:"message"`
}

// CheckResult is the answer of a check, in the words of OpenReports.
type CheckResult string

// Answers.
const (
	Pass CheckResult = "pass"
	Fail CheckResult = "fail"
	Skip CheckResult = "skip"
)

// Finding is an object that is not as it should be. The first thousand are in the
// statement, all of them in the manifest.
type Finding struct {
	Key string `json:"key"`
	// Kind is missing, extra or different.
	Kind string `json:"kind"`
	// Expected and Found are SHA-256 of content, as far as there is any.
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
	Message  string `json:"message"`
}

// Snapshot names what a copy held: Digest is that of every key, size, SHA-256 and
// metadata digest, as read from the source when it was copied.
type Snapshot struct {
	Digest  string `json:"digest"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	// AsOf is the time on the source's clock when the run that wrote it began.
	AsOf time.Time `json:"asOf"`
}

// Changes counts what the replication, which goes on during a drill, did to the
// copy between the moment of loss and the restore of each key. None of it is
// corruption.
type Changes struct {
	// Newer objects were restored in a later state than that at the moment of loss,
	// and are held against the manifest of that later state.
	Newer int64 `json:"newer"`
	// Between objects were restored in a state that no manifest describes: they
	// changed once more since, or the run that wrote them is still under way. That
	// the sandbox holds what was read of them is verified, and no more.
	Between      int64 `json:"between"`
	BetweenBytes int64 `json:"betweenBytes"`
	// Gone objects were deleted before they were restored.
	Gone int64 `json:"gone"`
}

// IsNone tells whether nothing changed.
func (c Changes) IsNone() bool { return c == Changes{} }

// Environment is where and with what the drill was played.
type Environment struct {
	// Runtime is the version of Go, System the operating system and architecture.
	Runtime string `json:"runtime"`
	System  string `json:"system"`
}

// Document is something that was in force, with the digest of its content.
type Document struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Digest is sha256:hex of Content in its canonical form.
	Digest string `json:"digest"`
	// Content is what JSON gives when numbers are kept as they are written.
	Content any `json:"content"`
}

// NewDocument takes a value that has a form in JSON.
func NewDocument(kind, name string, value any) (Document, error) {
	encoded, err := Encode(value)
	if err != nil {
		return Document{}, fmt.Errorf("encode %s %s: %w", kind, name, err)
	}
	d := Document{Kind: kind, Name: name}
	if err := decode(encoded, &d.Content); err != nil {
		return Document{}, fmt.Errorf("encode %s %s: %w", kind, name, err)
	}
	d.Digest, err = d.sum()
	return d, err
}

func (d Document) sum() (string, error) {
	encoded, err := Encode(d.Content)
	return Digest(encoded), err
}

// Encode gives the canonical form of a value: JSON with the fields of a structure in
// their order and those of others sorted, two spaces of indentation, only those
// characters escaped that must be, and a line feed at the end.
func Encode(value any) ([]byte, error) { return encode(value, "  ") }

func encode(value any, indent string) ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode the evidence: %w", err)
	}
	return encoded.Bytes(), nil
}

// decode reads one value, of which it knows every field.
func decode(encoded []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	return decoder.Decode(into)
}
