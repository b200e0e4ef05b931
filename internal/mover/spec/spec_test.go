package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
)

const smallest = `
source: {endpoint: "https://s3.dc1.example.fr", bucket: actes, credentials: {accessKeyEnv: SRC_KEY, secretKeyEnv: SRC_SECRET}}
target: {endpoint: "https://s3.gra.example.net", bucket: actes-copy, credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}}
`

const full = `
source:
  endpoint: http://127.0.0.1:9000
  region: us-east-1
  bucket: actes
  prefix: data/
  addressingStyle: Path
  caFile: ca.pem
  credentials: {accessKeyEnv: SRC_KEY, secretKeyEnv: SRC_SECRET}
target: {endpoint: "https://s3.gra.example.net", bucket: actes, addressingStyle: Virtual, credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}}
versions: Current
deletes: Ignore
fidelity: Report
deletionGuard: {maximumObjects: 0, maximumPercent: 5, approved: "sha256:ab"}
verification: Full
keyRange: {after: a, until: m}
limits: {workers: 8, bytesInFlight: 256Mi, bytesPerSecond: 1.5M, requestsPerSecond: 200}
checkpoint: run.checkpoint
manifest: run.jsonl
`

func TestASpecIsReadFieldByField(t *testing.T) {
	got, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	zero, five := int64(0), int64(5)
	want := Spec{
		Source: End{
			Endpoint: "http://127.0.0.1:9000", Region: "us-east-1", Bucket: "actes", Prefix: "data/", AddressingStyle: "Path", CAFile: "ca.pem",
			Credentials: Credentials{"SRC_KEY", "SRC_SECRET"},
		},
		Target:   End{Endpoint: "https://s3.gra.example.net", Bucket: "actes", AddressingStyle: "Virtual", Credentials: Credentials{"DST_KEY", "DST_SECRET"}},
		Versions: "Current", Deletes: "Ignore", Fidelity: "Report", Verification: "Full",
		DeletionGuard: DeletionGuard{MaximumObjects: &zero, MaximumPercent: &five, Approved: "sha256:ab"},
		KeyRange:      KeyRange{After: "a", Until: "m"},
		Limits:        Limits{Workers: 8, BytesInFlight: 256 << 20, BytesPerSecond: 1_500_000, RequestsPerSecond: 200},
		Checkpoint:    "run.checkpoint", Manifest: "run.jsonl",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	options := mover.Options{
		Deletes: mover.IgnoreDeletes, Guard: mover.Guard{MaximumObjects: 0, MaximumPercent: 5, Approved: "sha256:ab"}, Verification: mover.VerifyFull,
		Range: manifest.Range{After: "a", Until: "m"}, Workers: 8, BytesInFlight: 256 << 20,
	}
	if diff := cmp.Diff(options, got.Options()); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestWhatIsLeftOutIsSafe(t *testing.T) {
	got, err := Parse([]byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	want := mover.Options{
		Guard:      mover.Guard{MaximumObjects: mover.DefaultMaximumObjects, MaximumPercent: mover.DefaultMaximumPercent},
		OwnsTarget: true,
	}
	if diff := cmp.Diff(want, got.Options()); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	with := func(old, other string) string { return strings.Replace(smallest, old, other, 1) }
	tests := map[string]struct {
		document string
		want     []string // a part of each line
	}{
		"nothing at all":                   {"", []string{"the spec is empty"}},
		"a comment":                        {"# nothing\n", []string{"the spec is empty"}},
		"no YAML":                          {"source: {", []string{"line 1: did not find expected node content"}},
		"two documents":                    {smallest + "---\n" + smallest, []string{"one YAML document"}},
		"a list":                           {"[]", []string{"line 1: cannot unmarshal"}},
		"an unknown field":                 {smallest + "speed: high\n", []string{"line 4: unknown field speed"}},
		"an unknown field of an end":       {with("bucket: actes,", "bucket: actes, secretKey: s3cr3t,"), []string{"line 2: unknown field secretKey"}},
		"a field twice":                    {smallest + "deletes: Ignore\ndeletes: Ignore\n", []string{"already defined"}},
		"a wrong size":                     {smallest + "limits: {bytesInFlight: 256 potatoes}\n", []string{`line 4: "256 potatoes" is not a number of bytes`}},
		"a negative size":                  {smallest + "limits: {bytesPerSecond: -1}\n", []string{`"-1" is not a number of bytes`}},
		"an absurd size":                   {smallest + "limits: {bytesPerSecond: 15E}\n", []string{`"15E" is not a number of bytes`}},
		"a size that is a list":            {smallest + "limits: {bytesPerSecond: [1]}\n", []string{"is not a number of bytes"}},
		"a number that is none":            {smallest + "limits: {workers: many}\n", []string{"line 4: cannot unmarshal"}},
		"too many workers":                 {smallest + "limits: {workers: 5000, requestsPerSecond: -1}\n", []string{"limits.workers: must be from 0 to 4096", "limits.requestsPerSecond: must not be negative"}},
		"no endpoint":                      {with(`endpoint: "https://s3.dc1.example.fr", `, ""), []string{"source: the endpoint is missing"}},
		"an endpoint with a path":          {with("example.fr", "example.fr/actes"), []string{"source: the endpoint \"https://s3.dc1.example.fr/actes\" must have no path"}},
		"an endpoint with a user":          {with("https://s3.dc1", "https://me:s3cr3t@s3.dc1"), []string{"source: the endpoint must have no user name or password"}},
		"an endpoint that is no URL":       {with("https://s3.dc1.example.fr", "s3.dc1.example.fr"), []string{"must begin with https:// or http://"}},
		"a link-local endpoint":            {with("https://s3.dc1.example.fr", "http://169.254.169.254"), []string{"link-local"}},
		"no bucket":                        {with("bucket: actes-copy, ", ""), []string{"target.bucket: is missing"}},
		"a bucket with a folder":           {with("actes-copy", "actes/copy"), []string{`target.bucket: "actes/copy" cannot be a bucket's name`}},
		"a reserved prefix":                {with("bucket: actes-copy,", "bucket: actes-copy, prefix: .rempart/x/,"), []string{`target.prefix: ".rempart/x/" is under ".rempart/"`}},
		"the same bucket twice":            {strings.ReplaceAll(with("actes-copy", "actes"), "s3.gra.example.net", "s3.dc1.example.fr"), []string{`target: is the bucket "actes" of the source`}},
		"the same bucket, written anew":    {strings.ReplaceAll(with("actes-copy", "actes"), "s3.gra.example.net", "S3.dc1.example.FR:443"), []string{`target: is the bucket "actes" of the source`}},
		"no credentials":                   {with("credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}", "credentials: {accessKeyEnv: DST_KEY}"), []string{"target.credentials: accessKeyEnv and secretKeyEnv name the environment variables"}},
		"an addressing style of its own":   {with("bucket: actes,", "bucket: actes, addressingStyle: path,"), []string{`source.addressingStyle: "path" is not supported, only Path, Virtual`}},
		"older versions":                   {smallest + "versions: All\n", []string{`versions: "All" is not supported, only Current`}},
		"words that are none":              {smallest + "deletes: Yes please\nfidelity: Require\nverification: Some\n", []string{"deletes:", "fidelity:", "verification:"}},
		"a guard that is none":             {smallest + "deletionGuard: {maximumObjects: -1, maximumPercent: 101}\n", []string{"deletionGuard.maximumObjects: must not be negative", "deletionGuard.maximumPercent: must be from 0 to 100"}},
		"a range without keys":             {smallest + "keyRange: {after: m, until: a}\n", []string{`keyRange: no key is after "m" and not after "a"`}},
		"one file for two things":          {smallest + "checkpoint: x\nmanifest: x\n", []string{`manifest: "x" is the file of the checkpoint`}},
		"mistakes of every kind, together": {with("bucket: actes,", "bucket: a,") + "speed: high\nlimits: {bytesInFlight: x, workers: -1}\n", []string{"unknown field speed", `"x" is not a number of bytes`, "source.bucket:", "limits.workers:"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.document))
			if err == nil {
				t.Fatal("no mistake was found")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("%d mistakes, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, part := range test.want {
				if !strings.Contains(lines[i], part) {
					t.Errorf("mistake %q, want %q", lines[i], part)
				}
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a secret that was put into the spec is told: %v", err)
			}
		})
	}
}

// FuzzParse looks for documents on which parsing fails otherwise than by saying
// why, or which make a job that cannot be one.
func FuzzParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte(full))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("source: !!binary x\n<<: {target: {}}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		spec, err := Parse(document)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || errors.Unwrap(err) == err {
				t.Errorf("refused without a reason: %#v", err)
			}
			return
		}
		options := spec.Options()
		if options.Workers < 0 || options.BytesInFlight < 0 || options.Guard.MaximumObjects < 0 || options.Guard.MaximumPercent > 100 ||
			spec.Limits.BytesPerSecond < 0 || spec.Source.Bucket == "" || spec.Target.Endpoint == "" ||
			options.Range.Until != "" && options.Range.After >= options.Range.Until {
			t.Errorf("accepted %+v", spec)
		}
	})
}
