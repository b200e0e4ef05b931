package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// bundle is an envelope with the parts of its manifest.
type bundle struct {
	envelope []byte
	parts    map[string][]byte
}

func (b bundle) open(name string) (io.ReadCloser, error) {
	content, isThere := b.parts[name]
	if !isThere {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (b bundle) verify(trusted ...ed25519.PublicKey) Result {
	return Verify("bundle", b.envelope, trusted, b.open)
}

func newKey(t testing.TB) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, key.Public().(ed25519.PublicKey)
}

// objects are lines of a manifest that has one of each kind but those that fail.
func objects(n int) []Object {
	var made []Object
	for i := range n {
		made = append(made, Object{
			Key: fmt.Sprintf("actes/été <%04d>", i), Size: int64(i), SHA256: hexSum([]byte{byte(i)}), MetadataDigest: hexSum(nil), Verdict: Match,
		})
	}
	return made
}

// drilled is a drill of these objects, and the parts of its manifest.
func drilled(t testing.TB, made []Object, limit int) (Drill, map[string][]byte) {
	t.Helper()
	parts := map[string][]byte{}
	w := NewWriter(limit, func(_ context.Context, p Part, content []byte) error {
		parts[p.Name] = bytes.Clone(content)
		return nil
	})
	for _, o := range made {
		if err := w.Add(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	manifest := w.Finish(true)
	parts[manifest.Parts[len(manifest.Parts)-1].Name] = w.Tail()
	policy, err := NewDocument("SovereigntyPolicy", "p", map[string]any{"copies": 3, "note": "<é>", "big": int64(9007199254740993)})
	if err != nil {
		t.Fatal(err)
	}
	d := Drill{
		Names: Names{Installation: "i", Namespace: "ns", Drill: "d", UID: "u", Bucket: "actes"}, Scenario: "Restore",
		Decided: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Ended: time.Date(2026, 11, 24, 10, 1, 0, 0, time.UTC),
		Verdict: Passed, Checks: []Check{{"Integrity", Pass, "all match"}}, NotTested: []string{"object ACLs"}, Findings: []Finding{},
		Measured: Measured{Objects: manifest.Tally.Match + manifest.Tally.Newer, Bytes: manifest.Tally.MatchBytes},
		Snapshot: Snapshot{Digest: manifest.Digest, Objects: int64(len(made))}, Manifest: manifest,
		Policies: []Document{policy}, Facts: []Document{},
	}
	return d, parts
}

func sign(t testing.TB, d Drill, parts map[string][]byte, key ed25519.PrivateKey) bundle {
	t.Helper()
	envelope, err := Sign(t.Context(), Statement{Predicate: d}, key)
	if err != nil {
		t.Fatal(err)
	}
	return bundle{envelope, parts}
}

func TestEvidenceThatIsAsItWasSignedIsValid(t *testing.T) {
	key, public := newKey(t)
	_, other := newKey(t)
	for name, made := range map[string][]Object{"of many objects": objects(100), "of none": nil} {
		t.Run(name, func(t *testing.T) {
			d, parts := drilled(t, made, 1000)
			if len(made) == 0 {
				d.Verdict, d.Reason = Inconclusive, "the copy holds no object"
			}
			result := sign(t, d, parts, key).verify(other, public)
			if len(result.Problems) > 0 || !result.IsTrusted || result.KeyID != KeyID(public) {
				t.Errorf("result %+v", result)
			}
		})
	}
}

func TestWhoSignedIsSaidAndNotAssumed(t *testing.T) {
	key, public := newKey(t)
	_, stranger := newKey(t)
	d, parts := drilled(t, objects(3), 0)
	b := sign(t, d, parts, key)
	for name, test := range map[string]struct {
		trusted []ed25519.PublicKey
		want    bool
	}{
		"without a key":               {nil, false},
		"with somebody else's key":    {[]ed25519.PublicKey{stranger}, false},
		"with the key":                {[]ed25519.PublicKey{public}, true},
		"with the key among others":   {[]ed25519.PublicKey{stranger, public}, true},
		"with the same key two times": {[]ed25519.PublicKey{public, public}, true},
	} {
		if result := b.verify(test.trusted...); result.IsTrusted != test.want || len(result.Problems) > 0 {
			t.Errorf("%s: trusted %t, problems %+v", name, result.IsTrusted, result.Problems)
		}
	}
}

// Whatever byte is changed, and to whatever: it is found, with the key and without,
// and the file is named.
func TestEveryChangedByteIsFound(t *testing.T) {
	key, public := newKey(t)
	d, parts := drilled(t, objects(12), 1000)
	whole := sign(t, d, parts, key)
	if len(whole.parts) < 2 {
		t.Fatal("there is one part only")
	}
	changes := map[string]func(b byte) byte{
		"the lowest bit": func(b byte) byte { return b ^ 1 }, "the case": func(b byte) byte { return b ^ 0x20 },
		"the highest bit": func(b byte) byte { return b ^ 0x80 }, "to a blank": func(byte) byte { return ' ' },
	}
	for what, change := range changes {
		for i, was := range whole.envelope {
			if change(was) == was {
				continue
			}
			b := bundle{bytes.Clone(whole.envelope), whole.parts}
			b.envelope[i] = change(was)
			for _, trusted := range [][]ed25519.PublicKey{{public}, nil} {
				if result := b.verify(trusted...); len(result.Problems) == 0 {
					t.Fatalf("%s of byte %d, %q, of the envelope is not found with %d keys", what, i, was, len(trusted))
				}
			}
		}
		for name, content := range whole.parts {
			for i, was := range content {
				if change(was) == was {
					continue
				}
				b := bundle{whole.envelope, map[string][]byte{}}
				for other, is := range whole.parts {
					b.parts[other] = bytes.Clone(is)
				}
				b.parts[name][i] = change(was)
				result := b.verify(public)
				if len(result.Problems) == 0 || result.Problems[0].Where != name {
					t.Fatalf("%s of byte %d of %s: %+v", what, i, name, result.Problems)
				}
			}
		}
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	key, public := newKey(t)
	d, parts := drilled(t, objects(12), 1000)
	first, second := d.Manifest.Parts[0].Name, d.Manifest.Parts[1].Name
	for name, test := range map[string]struct {
		harm        func(b *bundle)
		where, what string
	}{
		"a part that is missing":     {func(b *bundle) { delete(b.parts, second) }, second, "is not there"},
		"a part that is cut":         {func(b *bundle) { b.parts[second] = b.parts[second][:10] }, second, "it has 10 bytes"},
		"a part with a line more":    {func(b *bundle) { b.parts[first] = append(b.parts[first], b.parts[second]...) }, first, "lines"},
		"two parts that are swapped": {func(b *bundle) { b.parts[first], b.parts[second] = b.parts[second], b.parts[first] }, first, "SHA-256"},
		"a line without end": {
			func(b *bundle) { b.parts[first] = bytes.Repeat([]byte("x"), 2*lineLimit) }, first, "a line has more than",
		},
		"an envelope that is cut":       {func(b *bundle) { b.envelope = b.envelope[:len(b.envelope)/2] }, "envelope", "it is no DSSE envelope"},
		"nothing at all":                {func(b *bundle) { b.envelope = nil }, "envelope", "it is no DSSE envelope"},
		"another file":                  {func(b *bundle) { b.envelope = []byte(`{"kind": "Secret"}`) }, "envelope", "it is no DSSE envelope"},
		"a line feed more":              {func(b *bundle) { b.envelope = append(b.envelope, '\n') }, "envelope", "canonical form"},
		"something behind the envelope": {func(b *bundle) { b.envelope = append(b.envelope, "{}"...) }, "envelope", "canonical form"},
		"without signatures": {
			func(b *bundle) { b.envelope = resign(b.envelope, func(e *dsse.Envelope) { e.Signatures = nil }) }, "envelope", "0 signatures",
		},
		"with one signature more": {
			func(b *bundle) {
				b.envelope = resign(b.envelope, func(e *dsse.Envelope) { e.Signatures = append(e.Signatures, e.Signatures...) })
			}, "envelope", "2 signatures",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := sign(t, d, nil, key)
			b.parts = map[string][]byte{}
			for part, content := range parts {
				b.parts[part] = bytes.Clone(content)
			}
			test.harm(&b)
			result := b.verify(public)
			if !slices.ContainsFunc(result.Problems, func(p Problem) bool { return p.Where == test.where && strings.Contains(p.What, test.what) }) {
				t.Errorf("problems %+v, want one of %s with %q", result.Problems, test.where, test.what)
			}
		})
	}
}

// resign changes an envelope without a key.
func resign(encoded []byte, change func(*dsse.Envelope)) []byte {
	var envelope dsse.Envelope
	if err := decode(encoded, &envelope); err != nil {
		panic(err)
	}
	change(&envelope)
	again, err := Encode(envelope)
	if err != nil {
		panic(err)
	}
	return again
}

// signed signs any payload with a key, as whoever holds it may.
func signed(t testing.TB, payload []byte, key ed25519.PrivateKey) []byte {
	t.Helper()
	signature := ed25519.Sign(key, dsse.PAE(PayloadType, payload))
	encoded, err := Encode(dsse.Envelope{
		PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []dsse.Signature{{KeyID: KeyID(key.Public().(ed25519.PublicKey)), Sig: base64.StdEncoding.EncodeToString(signature)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// What contradicts itself is found although it is signed well.
func TestASignatureDoesNotMakeAContradictionTrue(t *testing.T) {
	key, public := newKey(t)
	for name, test := range map[string]struct {
		change func(s *Statement)
		says   string
	}{
		"another policy":                {func(s *Statement) { s.Predicate.Policies[0].Content = map[string]any{"copies": 1} }, "SovereigntyPolicy p has the digest"},
		"passed with a failed check":    {func(s *Statement) { s.Predicate.Checks[0].Result = Fail }, "the verdict is Passed"},
		"passed and not complete":       {func(s *Statement) { s.Predicate.Manifest.IsComplete = false }, "the verdict is Passed"},
		"failed without a reason":       {func(s *Statement) { s.Predicate.Verdict = Failed }, "no check failed"},
		"inconclusive without one":      {func(s *Statement) { s.Predicate.Verdict = Inconclusive }, "does not say why"},
		"a verdict that is none":        {func(s *Statement) { s.Predicate.Verdict = "Excellent" }, "is no verdict"},
		"more objects than there are":   {func(s *Statement) { s.Predicate.Measured.Objects++ }, "it measured"},
		"other counts":                  {func(s *Statement) { s.Predicate.Manifest.Tally.Newer++ }, "it sums up to"},
		"another digest":                {func(s *Statement) { s.Predicate.Manifest.Digest = Digest(nil) }, "it sums up to"},
		"another snapshot":              {func(s *Statement) { s.Predicate.Snapshot.Digest = Digest(nil) }, "not against the snapshot"},
		"another subject":               {func(s *Statement) { s.Subject[0].Name = "x" }, "its subjects are not"},
		"no subject":                    {func(s *Statement) { s.Subject, s.Predicate.Manifest.Parts = []Subject{}, []Part{} }, "its subjects are not"},
		"a part elsewhere":              {func(s *Statement) { s.Subject[0].Name, s.Predicate.Manifest.Parts[0].Name = "../x", "../x" }, "is called"},
		"another kind of statement":     {func(s *Statement) { s.PredicateType = "https://slsa.dev/provenance/v1" }, "it says a"},
		"an older kind of statement":    {func(s *Statement) { s.Type = "https://in-toto.io/Statement/v0.1" }, "it is of type"},
		"signed by another, as it says": {func(s *Statement) { s.Predicate.Signer.KeyID = "x" }, "it is signed with the key"},
		"no key":                        {func(s *Statement) { s.Predicate.Signer.PublicKey = "" }, "its signer"},
	} {
		t.Run(name, func(t *testing.T) {
			d, parts := drilled(t, objects(3), 0)
			d.Signer = signerOf(public)
			s := Statement{Type: StatementType, PredicateType: PredicateType, Subject: subjects(d.Manifest), Predicate: d}
			test.change(&s)
			payload, err := Encode(s)
			if err != nil {
				t.Fatal(err)
			}
			result := bundle{signed(t, payload, key), parts}.verify(public)
			if !slices.ContainsFunc(result.Problems, func(p Problem) bool { return strings.Contains(p.What, test.says) }) {
				t.Errorf("problems %+v, want %q", result.Problems, test.says)
			}
		})
	}
}

func TestAManifestThatContradictsItselfIsFound(t *testing.T) {
	good := objects(3)
	for name, test := range map[string]struct {
		lines []Object
		says  string
	}{
		"keys that do not ascend":        {[]Object{good[1], good[0]}, "does not come after"},
		"a key two times":                {[]Object{good[0], good[0]}, "does not come after"},
		"a verdict that is none":         {[]Object{{Key: "a", Verdict: "fine"}}, "is no verdict on an object"},
		"different, and nothing said":    {[]Object{{Key: "a", Verdict: Different}}, "says wrongly what was found"},
		"different, and nothing differs": {[]Object{{Key: "a", Verdict: Different, Found: &Content{}}}, "nothing differs"},
		"a match that is another":        {[]Object{{Key: "a", Verdict: Match, Found: &Content{Size: 1}}}, "says wrongly what was found"},
	} {
		t.Run(name, func(t *testing.T) {
			var content []byte
			for _, o := range test.lines {
				line, err := encode(o, "")
				if err != nil {
					t.Fatal(err)
				}
				content = append(content, line...)
			}
			problems := readPart(bytes.NewReader(content), Part{
				Size: int64(len(content)), Objects: int64(len(test.lines)), SHA256: hexSum(content),
			}, newSum())
			if len(problems) != 1 || !strings.Contains(problems[0], test.says) {
				t.Errorf("problems %q, want %q", problems, test.says)
			}
			w := NewWriter(0, nil)
			var err error
			for _, o := range test.lines {
				err = errors.Join(err, w.Add(t.Context(), o))
			}
			if err == nil {
				t.Error("a writer takes it")
			}
		})
	}
}

// chain makes evidence of a bucket in a row.
func chain(t *testing.T, n int, key ed25519.PrivateKey, public ed25519.PublicKey) []Result {
	t.Helper()
	var results []Result
	var previous *Link
	for i := range n {
		d, parts := drilled(t, objects(2), 0)
		d.Previous, d.Ended = previous, d.Ended.Add(time.Duration(i)*time.Hour)
		b := sign(t, d, parts, key)
		result := Verify(fmt.Sprintf("evidence %d", i), b.envelope, []ed25519.PublicKey{public}, b.open)
		if len(result.Problems) > 0 {
			t.Fatalf("problems %+v", result.Problems)
		}
		results = append(results, result)
		previous = &Link{Name: result.Name, Digest: result.Digest}
	}
	return results
}

func TestABrokenChainIsNamed(t *testing.T) {
	key, public := newKey(t)
	whole, stranger := chain(t, 5, key, public), chain(t, 1, key, public)
	again := chain(t, 2, key, public)
	fork := whole[2]
	fork.Name, fork.Digest = "fork", "sha256:of another file"
	elsewhere := stranger[0]
	elsewhere.Name, elsewhere.Digest = "of another bucket", "sha256:elsewhere"
	said := *elsewhere.Statement
	said.Predicate.Names.Bucket = "photos"
	elsewhere.Statement = &said
	reversed := slices.Clone(whole)
	slices.Reverse(reversed)
	for name, test := range map[string]struct {
		given []Result
		want  []string
	}{
		"whole":                            {whole, nil},
		"in another order":                 {reversed, nil},
		"its end alone":                    {whole[2:], nil},
		"one alone":                        {whole[3:4], nil},
		"with copies from another store":   {slices.Concat(whole, whole), nil},
		"beside that of another bucket":    {append(slices.Clone(whole), elsewhere), nil},
		"beside what cannot be read":       {append(slices.Clone(whole), Result{Name: "x"}), nil},
		"without one in the middle":        {slices.Concat(whole[:2], whole[3:]), []string{"evidence 3"}},
		"without two, at different places": {[]Result{whole[0], whole[2], whole[4]}, []string{"evidence 2", "evidence 4"}},
		"with a fork":                      {append(slices.Clone(whole), fork), []string{"fork"}},
		"with another beginning": {
			slices.Concat(whole[:1], []Result{{Name: "again", Digest: "sha256:again", Statement: again[0].Statement}}), []string{"again"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, problem := range VerifyChain(test.given) {
				got = append(got, problem.Where)
				if !strings.Contains(problem.What, "the chain is broken") {
					t.Errorf("it says %q", problem.What)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDocumentsKeepNumbersAsTheyAre(t *testing.T) {
	d, err := NewDocument("K", "n", struct {
		B int64   `json:"b"`
		A float64 `json:"a"`
	}{9007199254740993, 1e21})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := Encode(d.Content)
	if err != nil || string(encoded) != "{\n  \"a\": 1e+21,\n  \"b\": 9007199254740993\n}\n" {
		t.Errorf("%s, %v", encoded, err)
	}
}

// The writer holds one part, however many objects there are.
func TestAWriterHoldsOnePart(t *testing.T) {
	const limit = 4000
	largest, handed := 0, 0
	w := NewWriter(limit, func(_ context.Context, p Part, content []byte) error {
		handed++
		largest = max(largest, cap(content))
		return nil
	})
	for _, o := range objects(5000) {
		if err := w.Add(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if w.open.Len() > limit {
			t.Fatalf("it holds %d bytes", w.open.Len())
		}
	}
	manifest := w.Finish(true)
	if handed != len(manifest.Parts)-1 || handed < 100 || largest > 4*limit {
		t.Errorf("%d of %d parts were handed on, the largest of %d bytes", handed, len(manifest.Parts), largest)
	}
}

// A part that nobody takes stays the last one, so that the manifest is right as far
// as it goes.
func TestAPartThatIsNotTakenIsNotLost(t *testing.T) {
	refused := errors.New("refused")
	w := NewWriter(1000, func(context.Context, Part, []byte) error { return refused })
	added := 0
	for _, o := range objects(100) {
		if err := w.Add(t.Context(), o); err != nil {
			if !errors.Is(err, refused) {
				t.Fatal(err)
			}
			break
		}
		added++
	}
	manifest := w.Finish(false)
	if len(manifest.Parts) != 1 {
		t.Fatalf("parts %+v", manifest.Parts)
	}
	total := newSum()
	if problems := readPart(bytes.NewReader(w.Tail()), manifest.Parts[0], total); len(problems) > 0 || total.tally.Match != int64(added) {
		t.Errorf("%d of %d lines, problems %q", total.tally.Match, added, problems)
	}
}

func FuzzVerify(f *testing.F) {
	key, public := newKey(f)
	d, parts := drilled(f, objects(2), 0)
	b := sign(f, d, parts, key)
	f.Add(b.envelope)
	f.Add([]byte(`{"payloadType":"","payload":"","signatures":[{}]}`))
	f.Fuzz(func(t *testing.T, envelope []byte) {
		result := bundle{envelope, parts}.verify(public)
		if len(result.Problems) == 0 && !bytes.Equal(envelope, b.envelope) && result.IsTrusted {
			t.Errorf("a forgery is valid:\n%s", envelope)
		}
	})
}
