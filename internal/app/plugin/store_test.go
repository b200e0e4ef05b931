package plugin_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rempart/rempart/internal/app/plugin"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const sample = "../../../docs/evidence"

// Evidence is verified where it is stored, with the keys that all S3 tools take.
func TestEvidenceIsVerifiedAtItsStore(t *testing.T) {
	store := emulator.Start(t, emulator.Options{})
	store.CreateBucket("actes")
	for _, file := range []string{"evidence.json", "manifest-00001.jsonl"} {
		content, err := os.ReadFile(filepath.Join(sample, file))
		if err != nil {
			t.Fatal(err)
		}
		store.PutObjectDirect("actes", emulator.Object{Key: ".rempart/evidence/a/b/c/" + file, Body: content})
	}
	given := map[string]string{
		"AWS_ACCESS_KEY_ID": store.AccessKey, "AWS_SECRET_ACCESS_KEY": store.SecretKey,
		"AWS_ENDPOINT_URL_S3": store.URL, "AWS_REGION": store.Region,
	}
	for name, test := range map[string]struct {
		without string
		code    int
		says    string
	}{
		"with all that it takes": {"", 0, "VALID: s3://actes/"},
		"without a store":        {"AWS_ENDPOINT_URL_S3", 2, "--endpoint, or the environment variable AWS_ENDPOINT_URL_S3"},
		"without a key":          {"AWS_ACCESS_KEY_ID", 2, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must hold a key"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range given {
				if variable == test.without {
					value = ""
				}
				t.Setenv(variable, value)
			}
			streams, _, out, errOut := genericiooptions.NewTestIOStreams()
			code := plugin.ExecuteCLI(t.Context(), plugin.NewCLI(streams, "test"), errOut, []string{
				"verify", "s3://actes/.rempart/evidence/a/b/c/evidence.json", "--key", filepath.Join(sample, "keys.pem"),
			})
			said := out.String() + errOut.String()
			if code != test.code || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, says %q; want %d with %q", code, said, test.code, test.says)
			}
			if bytes.Contains(errOut.Bytes(), []byte(store.SecretKey)) {
				t.Error("it tells the key")
			}
		})
	}
}
