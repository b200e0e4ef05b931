package dataplane_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/policy"
	"github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

const bucket = "first-bucket"

// world is a region with its keys: alice owns what is made, bob is a neighbour.
type world struct {
	*dataplane.Server
	options  dataplane.Options
	mu       sync.Mutex
	keys     map[string]dataplane.Key
	policies map[string]*policy.Policy
	eim      map[string]bool
}

// start serves a region of a vendor over the in-process server, with an empty
// bucket of alice.
func start(t testing.TB, vendor dataplane.Vendor, adjust ...func(*dataplane.Options)) *world {
	t.Helper()
	behind := s3.Start(t, s3.Options{})
	return startOver(t, vendor, dataplane.Backend{
		Endpoint: behind.URL, AccessKey: behind.AccessKey, SecretKey: behind.SecretKey, Region: behind.Region,
	}, adjust...)
}

// startOverVersity is start over a real server.
func startOverVersity(t testing.TB, vendor dataplane.Vendor, adjust ...func(*dataplane.Options)) *world {
	t.Helper()
	behind := harness.Versity(t)
	return startOver(t, vendor, dataplane.Backend{
		Endpoint: behind.Endpoint, AccessKey: behind.AccessKey, SecretKey: behind.SecretKey, Region: behind.Region,
	}, adjust...)
}

func startOver(t testing.TB, vendor dataplane.Vendor, backend dataplane.Backend, adjust ...func(*dataplane.Options)) *world {
	t.Helper()
	w := &world{
		keys: map[string]dataplane.Key{
			"alice-key": {Secret: "alice-secret", Identity: "alice"},
			"bob-key":   {Secret: "bob-secret", Identity: "bob"},
		},
		policies: map[string]*policy.Policy{},
		eim:      map[string]bool{},
	}
	judges := map[dataplane.Vendor]func(dataplane.Call) dataplane.Verdict{
		dataplane.OVHcloud: dataplane.JudgeOVHcloud(func(identity string) *policy.Policy {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.policies[identity]
		}),
		dataplane.Outscale: dataplane.JudgeOutscale(func(accessKey string) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return !w.eim[accessKey]
		}),
	}
	o := dataplane.Options{
		Vendor: vendor, Name: "gra", Backend: backend, Judge: judges[vendor],
		Lookup: func(accessKey string) (dataplane.Key, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			key, ok := w.keys[accessKey]
			return key, ok
		},
	}
	for _, change := range adjust {
		change(&o)
	}
	w.options = o
	w.Server = dataplane.ForTest(t, o)
	w.make(t, dataplane.Bucket{Name: bucket, Owner: "alice"})
	return w
}

func (w *world) make(t testing.TB, wanted dataplane.Bucket) {
	t.Helper()
	if _, err := w.Region.MakeBucket(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
}

// may gives an identity a policy.
func (w *world) may(t testing.TB, identity, document string) {
	t.Helper()
	parsed, err := dataplane.ParseUserPolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.policies[identity] = parsed
}

// client returns minio-go's low-level client, which retries nothing.
func (w *world) client(t testing.TB, identity string, adjust ...func(*minio.Options)) *minio.Core {
	t.Helper()
	o := &minio.Options{
		Creds:  credentials.NewStaticV4(identity+"-key", identity+"-secret", ""),
		Region: w.Region.Name, BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	}
	for _, change := range adjust {
		change(o)
	}
	core, err := minio.NewCore(w.Host(), o)
	if err != nil {
		t.Fatal(err)
	}
	return core
}

func put(core *minio.Core, name, key, content string) error {
	_, err := core.Client.PutObject(context.Background(), name, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func mustPut(t testing.TB, core *minio.Core, key, content string) {
	t.Helper()
	if err := put(core, bucket, key, content); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func get(core *minio.Core, name, key string) (string, error) {
	body, _, _, err := core.GetObject(context.Background(), name, key, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	return string(content), err
}

func mustGet(t testing.TB, core *minio.Core, key string) string {
	t.Helper()
	content, err := get(core, bucket, key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return content
}

// codeOf returns the S3 code of an error, or "" for nil.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return minio.ToErrorResponse(err).Code
}

func listKeys(t testing.TB, core *minio.Core, name string) []string {
	t.Helper()
	var keys []string
	for o := range core.Client.ListObjects(context.Background(), name, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatalf("list: %v", o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}
