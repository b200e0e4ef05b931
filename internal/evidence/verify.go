package evidence

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Problem is something that is not as it should be.
type Problem struct {
	// Where is the file or the part of one.
	Where string `json:"where"`
	What  string `json:"what"`
}

// Result is what the verification of one evidence came to.
type Result struct {
	// Name is that under which it was given.
	Name string
	// Digest is sha256:hex of the envelope.
	Digest string
	// Statement is what it says; nil when it cannot be read. It is worth nothing as
	// long as there are problems, or the signer is not trusted.
	Statement *Statement
	// KeyID is that of the key that it says to be signed with, and IsTrusted tells
	// that one of the trusted keys signed it.
	KeyID     string
	IsTrusted bool
	Problems  []Problem
}

func (r *Result) object(where, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{Where: where, What: fmt.Sprintf(format, args...)})
}

// Open gives a part of the manifest, by its name.
type Open func(part string) (io.ReadCloser, error)

// Verify holds an envelope, and the manifest that it names, against everything that
// can be known without asking anybody: the form of every byte, the signature, the
// digests, and that what it says does not contradict itself. It names all that it
// finds. Without a trusted key, the signature is held against the key that the
// evidence itself names: that shows damage and no more.
func Verify(name string, envelope []byte, trusted []ed25519.PublicKey, open Open) Result {
	r := &Result{Name: name, Digest: Digest(envelope)}
	payload, signed := r.readEnvelope(envelope)
	if payload == nil {
		return *r
	}
	r.readStatement(payload)
	r.checkSignature(signed, payload, trusted)
	if r.Statement == nil {
		return *r
	}
	r.checkDocuments()
	r.checkVerdict()
	r.checkManifest(open)
	return *r
}

// readEnvelope gives the payload, or nil where there is none to speak of.
func (r *Result) readEnvelope(encoded []byte) ([]byte, *dsse.Envelope) {
	var envelope dsse.Envelope
	if err := decode(encoded, &envelope); err != nil {
		r.object("envelope", "it is no DSSE envelope: %v", err)
		return nil, nil
	}
	again, err := Encode(envelope)
	if err != nil {
		r.object("envelope", "%v", err)
		return nil, nil
	}
	if at := differsAt(encoded, again); at >= 0 {
		r.object("envelope", "it is not in its canonical form, from byte %d on", at)
	}
	if envelope.PayloadType != PayloadType {
		r.object("envelope", "the payload is of type %q, and not of %s", envelope.PayloadType, PayloadType)
	}
	if len(envelope.Signatures) != 1 {
		r.object("envelope", "it has %d signatures, and not one", len(envelope.Signatures))
		return nil, nil
	}
	r.KeyID = envelope.Signatures[0].KeyID
	payload, err := base64.StdEncoding.Strict().DecodeString(envelope.Payload)
	if err != nil {
		r.object("payload", "it is not in base64: %v", err)
		return nil, nil
	}
	return payload, &envelope
}

func (r *Result) readStatement(payload []byte) {
	var statement Statement
	if err := decode(payload, &statement); err != nil {
		r.object("statement", "it cannot be read: %v", err)
		return
	}
	again, err := Encode(statement)
	if err != nil {
		r.object("statement", "%v", err)
		return
	}
	if at := differsAt(payload, again); at >= 0 {
		r.object("statement", "it is not in its canonical form, from byte %d of the payload on", at)
	}
	if statement.Type != StatementType {
		r.object("statement", "it is of type %q, and not of %s", statement.Type, StatementType)
	}
	if statement.PredicateType != PredicateType {
		r.object("statement", "it says a %q, and not a %s", statement.PredicateType, PredicateType)
		return
	}
	r.Statement = &statement
}

// checkSignature holds the signature against the trusted keys, or without any
// against the one that the statement names.
func (r *Result) checkSignature(envelope *dsse.Envelope, payload []byte, trusted []ed25519.PublicKey) {
	signature, err := base64.StdEncoding.Strict().DecodeString(envelope.Signatures[0].Sig)
	if err != nil {
		r.object("signature", "it is not in base64: %v", err)
		return
	}
	signed := dsse.PAE(envelope.PayloadType, payload)
	signedBy := slices.IndexFunc(trusted, func(key ed25519.PublicKey) bool { return ed25519.Verify(key, signed, signature) })
	isNamed := slices.ContainsFunc(trusted, func(key ed25519.PublicKey) bool { return KeyID(key) == r.KeyID })
	switch {
	case signedBy >= 0:
		if by := KeyID(trusted[signedBy]); by != r.KeyID {
			r.object("envelope", "the key id is %q, and the key that signed it is %s", r.KeyID, by)
		}
		r.IsTrusted = true
	case isNamed:
		r.object("signature", "it does not fit what is signed, under the key %s that it names", r.KeyID)
	}
	if r.Statement != nil {
		r.checkSigner(signed, signature)
	}
}

// checkSigner holds the signature against the key that the statement names.
func (r *Result) checkSigner(signed, signature []byte) {
	signer := r.Statement.Predicate.Signer
	key, err := signer.publicKey()
	if err != nil {
		r.object("statement", "its signer: %v", err)
		return
	}
	if id := KeyID(key); id != signer.KeyID || id != r.KeyID {
		r.object("statement", "it is signed with the key %q as the envelope says, and %q as it says itself; the key that it holds is %s",
			r.KeyID, signer.KeyID, id)
	}
	if !ed25519.Verify(key, signed, signature) {
		r.object("signature", "it does not fit what is signed, under the key that the statement holds")
	}
}

// checkDocuments holds policies and facts against their digests.
func (r *Result) checkDocuments() {
	for _, document := range slices.Concat(r.Statement.Predicate.Policies, r.Statement.Predicate.Facts) {
		sum, err := document.sum()
		if err != nil || sum != document.Digest {
			r.object("statement", "%s %s has the digest %s, and not %s as it says", document.Kind, document.Name, sum, document.Digest)
		}
	}
}

// checkVerdict makes sure that the verdict is what the checks and the manifest make
// of it.
func (r *Result) checkVerdict() {
	said := r.Statement.Predicate
	fails := slices.ContainsFunc(said.Checks, func(c Check) bool { return c.Result == Fail })
	switch said.Verdict {
	case Passed:
		if fails || !said.Manifest.IsComplete || !said.Manifest.Tally.IsClean() {
			r.object("statement", "the verdict is Passed, and a check failed or not every object was as it should be")
		}
	case Failed:
		if !fails {
			r.object("statement", "the verdict is Failed, and no check failed")
		}
	case Inconclusive:
		if said.Reason == "" {
			r.object("statement", "the verdict is Inconclusive, and it does not say why")
		}
	default:
		r.object("statement", "%q is no verdict", said.Verdict)
	}
}

// checkManifest reads every part and holds what it sums up to against what the
// statement says.
func (r *Result) checkManifest(open Open) {
	said := r.Statement.Predicate
	if !reflect.DeepEqual(subjects(said.Manifest), r.Statement.Subject) || len(r.Statement.Subject) == 0 {
		r.object("statement", "its subjects are not the parts of its manifest")
		return
	}
	total, before := newSum(), len(r.Problems)
	for i, part := range said.Manifest.Parts {
		if want := partName(i); part.Name != want {
			r.object("statement", "part %d of the manifest is called %q, and not %s", i+1, part.Name, want)
			return
		}
		r.checkPart(part, total, open)
	}
	if len(r.Problems) > before {
		return // what they sum up to says nothing
	}
	got := Manifest{IsComplete: said.Manifest.IsComplete, Digest: total.sum(), Tally: total.tally, Parts: said.Manifest.Parts}
	if !reflect.DeepEqual(got, said.Manifest) {
		r.object("manifest", "it sums up to %+v with the digest %s, and the statement says %+v with %s",
			got.Tally, got.Digest, said.Manifest.Tally, said.Manifest.Digest)
	}
	r.checkSums(total.tally)
}

func (r *Result) checkPart(part Part, into *sum, open Open) {
	file, err := open(part.Name)
	if err != nil {
		r.object(part.Name, "it is named by the evidence, and is not there: %v", err)
		return
	}
	defer file.Close()
	for _, problem := range readPart(file, part, into) {
		r.object(part.Name, "%s", problem)
	}
}

// checkSums holds figures of the statement against the manifest, as far as it tells.
// Of a drill that was stopped it does not.
func (r *Result) checkSums(tally Tally) {
	said := r.Statement.Predicate
	if !said.Manifest.IsComplete {
		return
	}
	if m := said.Measured; m.Objects != tally.Match+tally.Newer || m.Bytes != tally.MatchBytes {
		r.object("statement", "it measured %d objects of %d bytes, and the manifest has %d of %d bytes",
			m.Objects, m.Bytes, tally.Match+tally.Newer, tally.MatchBytes)
	}
	if said.Changes.IsNone() && said.Manifest.Digest != said.Snapshot.Digest {
		r.object("statement", "nothing changed meanwhile, and what was restored is held against %s, not against the snapshot %s",
			said.Manifest.Digest, said.Snapshot.Digest)
	}
}

// VerifyChain tells what is wrong with the rows in which evidence of the same bucket
// stands. Each names the one before it; that before the first of them need not be
// among them.
func VerifyChain(results []Result) []Problem {
	rows := map[[3]string][]Result{}
	seen := map[string]bool{}
	var order [][3]string
	for _, r := range results {
		if r.Statement == nil || seen[r.Digest] {
			continue // the same file from another operator
		}
		seen[r.Digest] = true
		names := r.Statement.Predicate.Names
		bucket := [3]string{names.Installation, names.Namespace, names.Bucket}
		if rows[bucket] == nil {
			order = append(order, bucket)
		}
		rows[bucket] = append(rows[bucket], r)
	}
	var problems []Problem
	for _, bucket := range order {
		problems = append(problems, checkRow(rows[bucket])...)
	}
	return problems
}

// checkRow looks at the evidence of one bucket.
func checkRow(row []Result) []Problem {
	byDigest := map[string]string{}
	for _, r := range row {
		byDigest[r.Digest] = r.Name
	}
	slices.SortStableFunc(row, func(a, b Result) int { return a.Statement.Predicate.Ended.Compare(b.Statement.Predicate.Ended) })
	var problems []Problem
	followed, hasBegun := map[string]string{}, false
	for _, r := range row {
		previous := r.Statement.Predicate.Previous
		object := func(format string, args ...any) {
			problems = append(problems, Problem{Where: r.Name, What: "the chain is broken: " + fmt.Sprintf(format, args...)})
		}
		if previous != nil && followed[previous.Digest] != "" {
			object("it follows the same evidence as %s does", followed[previous.Digest])
		}
		if previous != nil && byDigest[previous.Digest] != "" {
			followed[previous.Digest] = r.Name
			continue
		}
		switch {
		case !hasBegun:
		case previous == nil:
			object("it says to be the first of its bucket, and evidence before it is given")
		default:
			object("the evidence before it, %s with the digest %s, is not given, or was changed", previous.Name, previous.Digest)
		}
		hasBegun = true
	}
	return problems
}

// Read gives what an envelope says. Nothing of it is verified: see Verify.
func Read(envelope []byte) (Statement, error) {
	r := &Result{}
	if payload, _ := r.readEnvelope(envelope); payload != nil {
		r.readStatement(payload)
	}
	if r.Statement == nil {
		return Statement{}, fmt.Errorf("read the evidence: %s", r.Problems[len(r.Problems)-1].What)
	}
	return *r.Statement, nil
}
