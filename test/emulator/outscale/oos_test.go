package outscale_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/outscale"
)

// store is minio-go at OOS with a key.
func store(t *testing.T, server *outscale.Server, accessKey, secretKey string) *minio.Client {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(server.OOS, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: server.Region,
		BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestOOSKnowsRootKeysOnly(t *testing.T) {
	clock := newClock()
	server := start(t, outscale.Options{Clock: clock.Now})
	eim, eimSecret, err := server.AddUser("all", `{"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	expiring, expiringSecret := server.AddKey(clock.Now().Add(time.Minute))
	idle, idleSecret := server.AddKey(time.Time{})
	server.Deactivate(idle)
	other, otherSecret := server.AddStranger()
	list := func(accessKey, secretKey string) string {
		t.Helper()
		_, err := store(t, server, accessKey, secretKey).ListBuckets(t.Context())
		return minio.ToErrorResponse(err).Code
	}
	if got := request(t, http.MethodPost, server.URL+"/ReadAccounts", "", aws4(eim, eimSecret, "oapi", server.Region)); got.status != 200 {
		t.Fatalf("the API refuses the key of an EIM user who may do everything: %d %q", got.status, got.code)
	}
	for name, test := range map[string]struct{ accessKey, secretKey, want string }{
		"the first key of the root user": {server.AccessKey, server.SecretKey, ""},
		"another one":                    {expiring, expiringSecret, ""},
		"of another account":             {other, otherSecret, ""},
		"of an EIM user":                 {eim, eimSecret, "InvalidAccessKeyId"},
		"one that is inactive":           {idle, idleSecret, "InvalidAccessKeyId"},
		"one that nobody has":            {"NOBODYSKEY0123456789", "x", "InvalidAccessKeyId"},
		"with a wrong secret":            {server.AccessKey, "wrong", "SignatureDoesNotMatch"},
	} {
		if got := list(test.accessKey, test.secretKey); got != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if err := store(t, server, server.AccessKey, server.SecretKey).MakeBucket(t.Context(), "ours", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	for reached, err := range map[string]error{
		"ours":      ignore(store(t, server, expiring, expiringSecret).GetBucketVersioning(t.Context(), "ours")),
		"another's": ignore(store(t, server, other, otherSecret).GetBucketVersioning(t.Context(), "ours")),
	} {
		if (err == nil) != (reached == "ours") {
			t.Errorf("%s: %v", reached, err)
		}
	}
	clock.advance(2 * time.Minute)
	if got := list(expiring, expiringSecret); got != "InvalidAccessKeyId" {
		t.Errorf("after it expired: got %q", got)
	}
}

func ignore[T any](_ T, err error) error { return err }

func TestOOSRefusesWhatItDoesNotKnow(t *testing.T) {
	server := start(t, outscale.Options{})
	client, ctx := store(t, server, server.AccessKey, server.SecretKey), t.Context()
	if err := client.MakeBucket(ctx, "actes", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutObject(ctx, "actes", "k", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, subresource := range []string{"tagging", "replication", "notification", "logging", "publicAccessBlock"} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			if status, code := subresourceOf(t, server, method, "actes", subresource); status != 501 || code != "NotImplemented" {
				t.Errorf("%s ?%s: %d %s", method, subresource, status, code)
			}
		}
	}
	if status, code := subresourceOf(t, server, http.MethodGet, "actes/k", "legal-hold"); status != 501 || code != "NotImplemented" {
		t.Errorf("legal hold: %d %s", status, code)
	}
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{{ID: "r", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 30}}}
	policy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::actes/*"]}]}`
	if err := errors.Join(
		client.EnableVersioning(ctx, "actes"), client.SetBucketLifecycle(ctx, "actes", rules), client.SetBucketPolicy(ctx, "actes", policy),
	); err != nil {
		t.Errorf("what it knows: %v", err)
	}
}

// subresourceOf asks for one as any client could.
func subresourceOf(t *testing.T, server *outscale.Server, method, path, name string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.OOS+"/"+path+"?"+name+"=", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	answer, err := http.DefaultClient.Do(signer.SignV4(*r, server.AccessKey, server.SecretKey, "", server.Region))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(text), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return answer.StatusCode, code
}

func TestOOSHoldsTheAccountToItsBuckets(t *testing.T) {
	server := start(t, outscale.Options{BucketLimit: 2})
	client := store(t, server, server.AccessKey, server.SecretKey)
	for i, want := range []string{"", "", "TooManyBuckets"} {
		err := client.MakeBucket(t.Context(), fmt.Sprintf("bucket-%d", i), minio.MakeBucketOptions{})
		if got := minio.ToErrorResponse(err).Code; got != want {
			t.Errorf("bucket %d: got %q", i, got)
		}
	}
	accessKey, secretKey := server.AddStranger()
	if err := store(t, server, accessKey, secretKey).MakeBucket(t.Context(), "another-one", minio.MakeBucketOptions{}); err != nil {
		t.Errorf("another account: %v", err)
	}
}

func TestOOSEndsUploadsThatLastTooLong(t *testing.T) {
	server := start(t, outscale.Options{UploadLimit: 100 * time.Millisecond})
	client := store(t, server, server.AccessKey, server.SecretKey)
	if err := client.MakeBucket(t.Context(), "actes", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	slow := &slowReader{Reader: bytes.NewReader(make([]byte, 1<<20)), pause: 20 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := client.PutObject(ctx, "actes", "slow", slow, 1<<20, minio.PutObjectOptions{}); err == nil || ctx.Err() != nil {
		t.Errorf("an upload of two seconds ended with %v", err)
	}
	if _, err := client.PutObject(ctx, "actes", "quick", strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
		t.Errorf("a quick one ended with %v", err)
	}
}

// slowReader reads ten kilobytes at a time.
type slowReader struct {
	io.Reader
	pause time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	time.Sleep(r.pause)
	return r.Reader.Read(p[:min(len(p), 10<<10)])
}

func TestTheAPIAndOOSFailApart(t *testing.T) {
	server := start(t, outscale.Options{})
	client := store(t, server, server.AccessKey, server.SecretKey)
	apiUp := func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/ReadRegions", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	}
	oosUp := func() bool { _, err := client.ListBuckets(t.Context()); return err == nil }
	states := func() [2]bool { return [2]bool{apiUp(), oosUp()} }
	for _, step := range []struct {
		name string
		do   func()
		want [2]bool
	}{
		{"at first", func() {}, [2]bool{true, true}},
		{"the API is down", server.Down, [2]bool{false, true}},
		{"both are down", server.Store.Faults().Down, [2]bool{false, false}},
		{"OOS is down", server.Recover, [2]bool{true, false}},
		{"at last", server.Store.Faults().Clear, [2]bool{true, true}},
	} {
		step.do()
		if got := states(); got != step.want {
			t.Errorf("%s: got %v", step.name, got)
		}
	}
}
