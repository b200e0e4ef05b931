package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/provider"
)

const sample = "../../../docs/evidence"

var keys = filepath.Join(sample, "keys.pem")

// run runs the verb without a store.
func run(t *testing.T, args ...string) clitest.Outcome {
	t.Helper()
	return clitest.Run(t, "", func(e *env.Environment) *cobra.Command {
		return NewCommand(e, func(Store) (provider.Objects, error) { return nil, errors.New("no store is asked for") })
	}, args...)
}

// spoiled gives a copy of the sample in which a file is changed.
func spoiled(t *testing.T, file string, change func([]byte) []byte) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(sample)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, file)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func flip(at int) func([]byte) []byte {
	return func(content []byte) []byte {
		content = bytes.Clone(content)
		content[at] ^= 1
		return content
	}
}

// another is the public key of somebody else.
func another(t *testing.T) string {
	t.Helper()
	key, err := evidence.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := evidence.EncodePublicKey(key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "another.pem")
	if err := os.WriteFile(file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExitCodes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		args []string
		code env.ExitCode
		says string
	}{
		"valid":                               {[]string{sample, "--key", keys}, 0, "VALID: "},
		"valid, with the file":                {[]string{filepath.Join(sample, "evidence.json"), "--key", keys}, 0, "VALID: "},
		"valid, with several keys":            {[]string{sample, "--key", another(t), "--key", keys}, 0, "VALID: "},
		"valid, two times":                    {[]string{sample, sample, "--key", keys}, 0, "VALID: "},
		"without a key":                       {[]string{sample}, 3, "UNTRUSTED: "},
		"with somebody else's key":            {[]string{sample, "--key", another(t)}, 3, "anybody can have made this"},
		"a byte of the envelope":              {[]string{spoiled(t, "evidence.json", flip(2000)), "--key", keys}, 1, "INVALID: "},
		"a byte of the envelope, without key": {[]string{spoiled(t, "evidence.json", flip(2000))}, 1, "INVALID: "},
		"a byte of the manifest":              {[]string{spoiled(t, "manifest-00001.jsonl", flip(12)), "--key", keys}, 1, "manifest-00001.jsonl: its SHA-256 is"},
		"one of two":                          {[]string{sample, spoiled(t, "evidence.json", flip(9)), "--key", keys}, 1, "INVALID: "},
		"no evidence":                         {[]string{keys, "--key", keys}, 1, "it is no DSSE envelope"},
		"nothing":                             {nil, 2, "requires at least 1 arg"},
		"a file that is not there":            {[]string{missing, "--key", keys}, 2, "no such file"},
		"a folder without evidence":           {[]string{t.TempDir(), "--key", keys}, 2, "there is no evidence.json in"},
		"a key that is none":                  {[]string{sample, "--key", filepath.Join(sample, "evidence.json")}, 2, "there is no PUBLIC KEY in PEM"},
		"a key that is not there":             {[]string{sample, "--key", missing}, 2, "no such file"},
		"no key in an address":                {[]string{"s3://bucket/", "--key", keys}, 2, "is not s3://BUCKET/KEY"},
		"a store that nobody named":           {[]string{"s3://bucket/evidence.json", "--key", keys}, 2, "no store is asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, test.args...)
			if got.Code != test.code || !strings.Contains(got.Out+got.ErrOut, test.says) {
				t.Errorf("exit code %d, output\n%s\nmessages %q; want %d with %q", got.Code, got.Out, got.ErrOut, test.code, test.says)
			}
		})
	}
}

func TestWhatIsSaid(t *testing.T) {
	var said string
	t.Run("beside the files", func(t *testing.T) {
		t.Chdir(sample)
		said = run(t, "evidence.json", "--key", "keys.pem").Out
	})
	clitest.Golden(t, "valid.txt", said)
}

func TestTheAnswerForPrograms(t *testing.T) {
	got := run(t, sample, "-o", "json")
	var report Report
	if err := json.Unmarshal([]byte(got.Out), &report); err != nil {
		t.Fatalf("%v in %s", err, got.Out)
	}
	if len(report.Evidence) != 1 || report.Chain == nil {
		t.Fatalf("the answer is %+v", report)
	}
	entry := report.Evidence[0]
	if entry.Outcome != Untrusted || entry.Bucket != "etat-civil/actes" || entry.Verdict != evidence.Passed || len(entry.KeyID) != 64 || entry.Problems == nil {
		t.Errorf("the answer is %+v", entry)
	}
}

// One that was taken out between two is missed, though each is valid.
func TestABrokenChainIsNamed(t *testing.T) {
	folder := t.TempDir()
	key, err := evidence.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := evidence.EncodePublicKey(key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "keys.pem")
	if err := os.WriteFile(file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	sampled, err := os.ReadFile(filepath.Join(sample, "evidence.json"))
	if err != nil {
		t.Fatal(err)
	}
	statement, err := evidence.Read(sampled)
	if err != nil {
		t.Fatal(err)
	}
	part, err := os.ReadFile(filepath.Join(sample, "manifest-00001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1", "2", "3"} {
		envelope, err := evidence.Sign(t.Context(), statement, key)
		if err != nil {
			t.Fatal(err)
		}
		statement.Predicate.Previous = &evidence.Link{Name: name, Digest: evidence.Digest(envelope)}
		below := filepath.Join(folder, name)
		if err := errors.Join(os.Mkdir(below, 0o700), os.WriteFile(filepath.Join(below, "evidence.json"), envelope, 0o600),
			os.WriteFile(filepath.Join(below, "manifest-00001.jsonl"), part, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, folder, "--key", file); got.Code != 0 || strings.Count(got.Out, "VALID: ") != 3 {
		t.Errorf("whole: exit code %d, output\n%s", got.Code, got.Out)
	}
	if err := os.RemoveAll(filepath.Join(folder, "2")); err != nil {
		t.Fatal(err)
	}
	got := run(t, folder, "--key", file)
	if want := filepath.Join(folder, "3", "evidence.json") + ": the chain is broken: "; got.Code != 1 || !strings.Contains(got.Out, want) {
		t.Errorf("exit code %d, output\n%s\nwant %q", got.Code, got.Out, want)
	}
}

// objects is a store in memory.
type objects struct {
	provider.Objects
	files map[string][]byte
	err   error
	// onlyFirst has it answer for envelopes alone.
	onlyFirst bool
}

func (o objects) Get(_ context.Context, ref provider.Ref, _ provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	content, isThere := o.files[ref.Bucket+"/"+ref.Key]
	switch {
	case o.err != nil:
		return nil, provider.Object{}, o.err
	case o.onlyFirst && !strings.HasSuffix(ref.Key, evidence.FileName):
		return nil, provider.Object{}, errors.New("no answer")
	case !isThere:
		return nil, provider.Object{}, provider.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(content)), provider.Object{}, nil
}

func TestEvidenceAtAStore(t *testing.T) {
	const uri, folder = "s3://actes/.rempart/evidence/etat-civil/actes/x/evidence.json", "actes/.rempart/evidence/etat-civil/actes/x/"
	whole := map[string][]byte{}
	for _, file := range []string{"evidence.json", "manifest-00001.jsonl"} {
		content, err := os.ReadFile(filepath.Join(sample, file))
		if err != nil {
			t.Fatal(err)
		}
		whole[folder+file] = content
	}
	without := map[string][]byte{folder + "evidence.json": whole[folder+"evidence.json"]}
	for name, test := range map[string]struct {
		store objects
		code  env.ExitCode
		says  string
	}{
		"valid":                         {objects{files: whole}, 0, "VALID: " + uri},
		"without its manifest":          {objects{files: without}, 1, "manifest-00001.jsonl: it is named by the evidence, and is not there"},
		"none of the name":              {objects{}, 2, "file does not exist"},
		"a store that does not answer":  {objects{err: errors.New("no answer")}, 4, "no answer"},
		"a manifest that is not served": {objects{files: whole, onlyFirst: true}, 4, "read s3://" + folder + "manifest-00001.jsonl: no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked Store
			got := clitest.Run(t, "", func(e *env.Environment) *cobra.Command {
				return NewCommand(e, func(at Store) (provider.Objects, error) { asked = at; return test.store, nil })
			}, uri, "--key", keys, "--endpoint", "https://s3.example", "--region", "gra")
			if got.Code != test.code || !strings.Contains(got.Out+got.ErrOut, test.says) {
				t.Errorf("exit code %d, output\n%s\nmessages %q; want %d with %q", got.Code, got.Out, got.ErrOut, test.code, test.says)
			}
			if want := (Store{Endpoint: "https://s3.example", Region: "gra"}); asked != want {
				t.Errorf("the store is %+v", asked)
			}
		})
	}
}
