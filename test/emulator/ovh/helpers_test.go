package ovh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	goovh "github.com/ovh/go-ovh/ovh"

	"github.com/rempart/rempart/test/emulator/ovh"
)

// account is a server and the vendor's own client with a valid key.
type account struct {
	*ovh.Server
	*goovh.Client
	t *testing.T
}

func start(t *testing.T, o ovh.Options) account {
	t.Helper()
	s := ovh.Start(t, o)
	return account{Server: s, Client: client(t, s, s.ApplicationKey, s.ApplicationSecret, s.ConsumerKey), t: t}
}

func client(t *testing.T, s *ovh.Server, application, secret, consumer string) *goovh.Client {
	t.Helper()
	c, err := goovh.NewClient(s.URL, application, secret, consumer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Client.CloseIdleConnections)
	return c
}

// path is a path inside the project.
func (a account) path(format string, args ...any) string {
	return "/cloud/project/" + a.Project + fmt.Sprintf(format, args...)
}

func (a account) get(path string, into any) {
	a.t.Helper()
	if err := a.Get(a.path("%s", path), into); err != nil {
		a.t.Fatalf("GET %s: %v", path, err)
	}
}

func (a account) post(path string, body, into any) {
	a.t.Helper()
	if err := a.Post(a.path("%s", path), body, into); err != nil {
		a.t.Fatalf("POST %s: %v", path, err)
	}
}

func (a account) put(path string, body any) {
	a.t.Helper()
	if err := a.Put(a.path("%s", path), body, nil); err != nil {
		a.t.Fatalf("PUT %s: %v", path, err)
	}
}

func (a account) delete(path string) {
	a.t.Helper()
	if err := a.Delete(a.path("%s", path), nil); err != nil {
		a.t.Fatalf("DELETE %s: %v", path, err)
	}
}

// apiError returns what go-ovh made of an answer.
func apiError(t *testing.T, err error) *goovh.APIError {
	t.Helper()
	known, ok := errors.AsType[*goovh.APIError](err)
	if !ok {
		t.Fatalf("error is %v (%T), want an answer of the API", err, err)
	}
	return known
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	if err == nil {
		t.Fatalf("call succeeded, want status %d", want)
	}
	if got := apiError(t, err).Code; got != want {
		t.Fatalf("status is %d, want %d: %v", got, want, err)
	}
}

type userDocument struct {
	ID           int64     `json:"id"`
	Username     string    `json:"username"`
	Password     string    `json:"password"`
	Description  string    `json:"description"`
	Status       string    `json:"status"`
	CreationDate time.Time `json:"creationDate"`
	Roles        []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"roles"`
}

// user makes a user and waits until it is ready.
func (a account) user(description string, roles ...string) userDocument {
	a.t.Helper()
	if len(roles) == 0 {
		roles = []string{"objectstore_operator"}
	}
	var made userDocument
	a.post("/user", map[string]any{"description": description, "roles": roles}, &made)
	a.await(made.ID)
	return made
}

// await polls as clients of the vendor do.
func (a account) await(id int64) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 10*time.Second)
	defer cancel()
	for {
		var seen userDocument
		a.get(fmt.Sprintf("/user/%d", id), &seen)
		if seen.Status == "ok" {
			return
		}
		select {
		case <-ctx.Done():
			a.t.Fatalf("user %d is still %s", id, seen.Status)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

type keyDocument struct {
	Access   string `json:"access"`
	Secret   string `json:"secret"`
	TenantID string `json:"tenantId"`
	UserID   string `json:"userId"`
}

func (a account) key(userID int64) keyDocument {
	a.t.Helper()
	var made keyDocument
	a.post(fmt.Sprintf("/user/%d/s3Credentials", userID), nil, &made)
	return made
}

func (a account) policy(userID int64, document string) {
	a.t.Helper()
	a.post(fmt.Sprintf("/user/%d/policy", userID), map[string]any{"policy": document}, nil)
}

type document = map[string]any

// bucket makes a bucket.
func (a account) bucket(region, name string, owner int64, more document) document {
	a.t.Helper()
	body := document{"name": name, "ownerId": owner}
	maps.Copy(body, more)
	var made document
	a.post("/region/"+region+"/storage", body, &made)
	return made
}

// s3 is a client of the endpoint that the region's own document names.
func (a account) s3(region string, k keyDocument) *minio.Core {
	a.t.Helper()
	var seen struct {
		Services []struct{ Name, Endpoint string }
	}
	a.get("/region/"+region, &seen)
	for _, service := range seen.Services {
		if !strings.HasPrefix(service.Name, "storage-s3-") {
			continue
		}
		core, err := minio.NewCore(strings.TrimPrefix(service.Endpoint, "http://"), &minio.Options{
			Creds:        credentials.NewStaticV4(k.Access, k.Secret, ""),
			Region:       strings.ToLower(region),
			BucketLookup: minio.BucketLookupPath,
			MaxRetries:   1,
		})
		if err != nil {
			a.t.Fatal(err)
		}
		return core
	}
	a.t.Fatalf("region %s has no object storage", region)
	return nil
}

func write(t *testing.T, core *minio.Core, bucket, key, content string) error {
	t.Helper()
	_, err := core.Client.PutObject(t.Context(), bucket, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func read(t *testing.T, core *minio.Core, bucket, key string) (string, error) {
	t.Helper()
	body, _, _, err := core.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, body)
	return b.String(), err
}

func list(t *testing.T, core *minio.Core, bucket string) error {
	t.Helper()
	_, err := core.ListObjectsV2(bucket, "", "", "", "", 10)
	return err
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return minio.ToErrorResponse(err).Code
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// jsonNumber is how go-ovh decodes a number of an unknown type.
type jsonNumber = json.Number
