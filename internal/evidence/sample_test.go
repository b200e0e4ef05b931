package evidence_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	attestation "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rempart/rempart/internal/evidence"
)

// sample is the evidence that is shown to people, with the key beside it.
const sample = "../../docs/evidence"

func read(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func sampleKeys(t testing.TB) []ed25519.PublicKey {
	t.Helper()
	keys, err := evidence.ParsePublicKeys(read(t, filepath.Join(sample, "keys.pem")))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTheSampleIsValid(t *testing.T) {
	result := evidence.Verify("sample", read(t, filepath.Join(sample, evidence.FileName)), sampleKeys(t), func(part string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(sample, part))
	})
	if len(result.Problems) > 0 || !result.IsTrusted {
		t.Fatalf("trusted %t, problems %+v", result.IsTrusted, result.Problems)
	}
	if said := result.Statement.Predicate; said.Verdict != evidence.Passed || said.Manifest.Tally.Match == 0 || len(said.Policies) == 0 || len(said.Facts) < 3 {
		t.Errorf("it says %+v", said)
	}
}

// envelope reads the sample as DSSE's own library does.
func envelope(t testing.TB) *dsse.Envelope {
	t.Helper()
	var made dsse.Envelope
	if err := json.Unmarshal(read(t, filepath.Join(sample, evidence.FileName)), &made); err != nil {
		t.Fatal(err)
	}
	return &made
}

// verifier is a key for DSSE's own verifier.
type verifier struct{ key ed25519.PublicKey }

func (v verifier) Verify(_ context.Context, data, signature []byte) error {
	if !ed25519.Verify(v.key, data, signature) {
		return errors.New("the signature does not fit")
	}
	return nil
}
func (v verifier) KeyID() (string, error)   { return evidence.KeyID(v.key), nil }
func (v verifier) Public() crypto.PublicKey { return v.key }

func TestTheSampleIsValidForTheVerifierOfDSSE(t *testing.T) {
	others, err := dsse.NewEnvelopeVerifier(verifier{sampleKeys(t)[0]})
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err := others.Verify(t.Context(), envelope(t)); err != nil || len(accepted) != 1 {
		t.Errorf("%d signatures are accepted: %v", len(accepted), err)
	}
	forged := envelope(t)
	forged.PayloadType += "x"
	if _, err := others.Verify(t.Context(), forged); err == nil {
		t.Error("it accepts a forgery, so this shows nothing")
	}
}

func TestTheSampleIsAStatementForInToto(t *testing.T) {
	payload, err := envelope(t).DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	var statement attestation.Statement
	if err := protojson.Unmarshal(payload, &statement); err != nil {
		t.Fatal(err)
	}
	if err := statement.Validate(); err != nil {
		t.Error(err)
	}
	if statement.GetPredicateType() != evidence.PredicateType || statement.GetPredicate().GetFields()["verdict"].GetStringValue() != "Passed" {
		t.Errorf("it reads %v", &statement)
	}
}

// The examples of DSSE's specification, protocol.md, for what is signed.
func TestWhatIsSignedIsWhatDSSESays(t *testing.T) {
	for _, test := range []struct{ kind, payload, want string }{
		{"http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world"},
		{"", "", "DSSEv1 0  0 "},
	} {
		if got := string(dsse.PAE(test.kind, []byte(test.payload))); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	made := envelope(t)
	payload, err := base64.StdEncoding.DecodeString(made.Payload)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(made.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	message := fmt.Appendf(nil, "DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
	if !ed25519.Verify(sampleKeys(t)[0], message, signature) {
		t.Error("the sample is signed in another way")
	}
}

// tool finds a program, or skips the test where it is not there.
func tool(t *testing.T, name string, try ...string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here", name)
	}
	if err := exec.CommandContext(t.Context(), program, try...).Run(); err != nil {
		t.Skipf("%s cannot do it: %v", name, err)
	}
	return program
}

// copySample gives a copy of the sample that a test may spoil.
func copySample(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestTheSampleIsValidForPython(t *testing.T) {
	python := tool(t, "python3", "-c", "import cryptography")
	for name, test := range map[string]struct {
		spoil func(t *testing.T, folder string)
		says  string
	}{
		"as it is": {func(*testing.T, string) {}, "VALID: drill demo of actes: Passed"},
		"another part": {func(t *testing.T, folder string) {
			t.Helper()
			flip(t, filepath.Join(folder, "manifest-00001.jsonl"), 10)
		}, "INVALID: manifest-00001.jsonl"},
		"another claim": {func(t *testing.T, folder string) { t.Helper(); reword(t, filepath.Join(folder, evidence.FileName)) }, "INVALID: no trusted key"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := copySample(t)
			test.spoil(t, folder)
			command := exec.CommandContext(t.Context(), python, "verify.py", evidence.FileName, "keys.pem")
			command.Dir = folder
			said, err := command.CombinedOutput()
			if !strings.HasPrefix(string(said), test.says) || (err == nil) != strings.HasPrefix(test.says, "VALID") {
				t.Errorf("it says %q, %v; want %q", said, err, test.says)
			}
		})
	}
}

func flip(t *testing.T, file string, at int) {
	t.Helper()
	content := read(t, file)
	content[at] ^= 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// reword has the evidence claim something else.
func reword(t *testing.T, file string) {
	t.Helper()
	changed := envelope(t)
	payload, err := changed.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	changed.Payload = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"objects": 9`, `"objects": 8`, 1)))
	encoded, err := evidence.Encode(changed)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What docs/drills.md tells a person to do with openssl.
func TestTheSampleIsValidForOpenSSL(t *testing.T) {
	openssl := tool(t, "openssl", "list", "-public-key-algorithms")
	made, folder := envelope(t), copySample(t)
	payload, err := made.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(made.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"message": dsse.PAE(made.PayloadType, payload), "signature": signature} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), openssl, args...)
		command.Dir = folder
		said, err := command.CombinedOutput()
		return string(said), err
	}
	verify := []string{"pkeyutl", "-verify", "-pubin", "-inkey", "keys.pem", "-rawin", "-in", "message", "-sigfile", "signature"}
	if said, err := run(verify...); err != nil {
		t.Errorf("it says %q: %v", said, err)
	}
	flip(t, filepath.Join(folder, "message"), 100)
	if said, err := run(verify...); err == nil {
		t.Errorf("it accepts a forgery: %q", said)
	}
	der, err := run("pkey", "-pubin", "-in", "keys.pem", "-outform", "DER")
	if err != nil || strings.TrimPrefix(evidence.Digest([]byte(der)), "sha256:") != made.Signatures[0].KeyID {
		t.Errorf("the id of the key is not the SHA-256 of what openssl writes: %v", err)
	}
}
