package s3_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const bucket = "actes"

// start gives an emulator, a session on it, and the bucket in it. At the end no
// request may have been a DELETE of a bucket's subresource.
func start(t *testing.T, options emulator.Options) (*emulator.Server, provider.Session) {
	t.Helper()
	server := emulator.Start(t, options)
	server.CreateBucket(bucket)
	forbidSubresourceDeletes(t, server)
	return server, open(t, server.URL, server)
}

func forbidSubresourceDeletes(t *testing.T, server *emulator.Server) {
	t.Helper()
	t.Cleanup(func() {
		for _, request := range server.Requests(func(r emulator.Request) bool { return r.Method == http.MethodDelete && r.Key == "" && r.Query != "" }) {
			t.Errorf("sent DELETE /%s?%s, which deletes the bucket of a store that does not know the subresource", request.Bucket, request.Query)
		}
	})
}

// open gives a session with the emulator's keys, to any endpoint.
func open(t *testing.T, endpoint string, server *emulator.Server) provider.Session {
	t.Helper()
	place := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: endpoint, Region: server.Region, CredentialAPI: provider.VersityCredentialAPI}
	return openAs(t, place, server.AccessKey, server.SecretKey)
}

func openAs(t testing.TB, place provider.Place, accessKey, secretKey string) provider.Session {
	t.Helper()
	return openWith(t, place, accessKey, secretKey, "")
}

// adminToken is that of the emulated Garage.
const adminToken = "emulator-admin-token"

func openWith(t testing.TB, place provider.Place, accessKey, secretKey, token string) provider.Session {
	t.Helper()
	session, err := s3.Driver{}.Open(place, provider.Credentials{
		provider.AccessKey:  secret.New(accessKey),
		provider.SecretKey:  secret.New(secretKey),
		provider.AdminToken: secret.New(token),
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// behind puts a handler in front of the emulator. It returns true when it has
// answered itself.
func behind(t *testing.T, server *emulator.Server, front func(http.ResponseWriter, *http.Request) bool) provider.Session {
	t.Helper()
	forbidSubresourceDeletes(t, server)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !front(w, r) {
			server.Handler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	return open(t, listener.URL, server)
}

// answering gives a session on a server that answers everything alike.
func answering(t *testing.T, handler http.HandlerFunc) provider.Session {
	t.Helper()
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	return openAs(t, provider.Place{Provider: "onprem", Location: "dc1", Endpoint: listener.URL}, "key-id", "s3cr3t-value")
}

func document(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html><body><h1>Log in</h1></body></html>")
	}
}

func s3Error(status int, code string) http.HandlerFunc {
	return document(status, fmt.Sprintf("<Error><Code>%s</Code><Message>in words</Message></Error>", code))
}

func content(text string) provider.Content {
	digest := sha256.Sum256([]byte(text))
	return provider.Content{Reader: bytes.NewReader([]byte(text)), Size: int64(len(text)), SHA256: hex.EncodeToString(digest[:])}
}

func ref(key string) provider.Ref { return provider.Ref{Bucket: bucket, Key: key} }

func put(t *testing.T, session provider.Session, key, text string, attributes provider.Attributes) provider.Object {
	t.Helper()
	object, err := session.Put(t.Context(), ref(key), content(text), attributes)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func get(t *testing.T, session provider.Session, ref provider.Ref, options provider.GetOptions) (string, provider.Object, error) {
	t.Helper()
	body, object, err := session.Get(t.Context(), ref, options)
	if err != nil {
		return "", object, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), object, err
}

// putBucketTags tags the bucket as another client would.
func putBucketTags(server *emulator.Server, tags string) error {
	body := "<Tagging><TagSet>" + tags + "</TagSet></Tagging>"
	request, err := http.NewRequest(http.MethodPut, server.URL+"/"+bucket+"?tagging=", strings.NewReader(body))
	if err != nil {
		return err
	}
	digest, sum := sha256.Sum256([]byte(body)), md5.Sum([]byte(body))
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	request.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	response, err := server.HTTPClient().Do(signer.SignV4(*request, server.AccessKey, server.SecretKey, "", server.Region))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("tag bucket: %s", response.Status)
	}
	return nil
}

// putPolicy writes the bucket's policy as another client would.
func putPolicy(t *testing.T, session provider.Session, server *emulator.Server, text string) {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(session.Place().Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""), Region: server.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetBucketPolicy(t.Context(), bucket, text); err != nil {
		t.Fatal(err)
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}
