package harness

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/harness/toolbox"
)

func s3Client(t *testing.T, client *minio.Client, err error) *minio.Client {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func makeBucket(t *testing.T, client *minio.Client) string {
	t.Helper()
	bucket := BucketName()
	if err := client.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return bucket
}

func put(ctx context.Context, client *minio.Client, bucket, key, content string) error {
	_, err := client.PutObject(ctx, bucket, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func get(ctx context.Context, client *minio.Client, bucket, key string) (string, error) {
	object, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	return string(content), err
}

func TestServerKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	server := Versity(t)
	root, err := server.Client()
	client := s3Client(t, root, err)
	bucket := makeBucket(t, client)
	if err := put(t.Context(), client, bucket, "folder/key", "content"); err != nil {
		t.Fatal(err)
	}
	got, err := get(t.Context(), client, bucket, "folder/key")
	if got != "content" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	onDisk, err := os.ReadFile(filepath.Join(server.DataDir, bucket, "folder/key"))
	if string(onDisk) != "content" || err != nil {
		t.Errorf("on disk is %q, %v", onDisk, err)
	}
	if !alive(server.PID) {
		t.Errorf("process %d does not run", server.PID)
	}
}

func TestVersionsAreKeptWhereAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{"a server with versioning": true, "a server without": false}
	for name, versioning := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := Versity(t, func(o *VersityOptions) { o.Versioning = versioning })
			root, err := server.Client()
			client := s3Client(t, root, err)
			bucket := makeBucket(t, client)
			if err := client.EnableVersioning(t.Context(), bucket); (err == nil) != versioning {
				t.Errorf("enabling versioning answers %v", err)
			}
			for _, content := range []string{"first", "second"} {
				if err := put(t.Context(), client, bucket, "key", content); err != nil {
					t.Fatal(err)
				}
			}
			versions := 0
			for object := range client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{WithVersions: versioning}) {
				if object.Err != nil {
					t.Fatal(object.Err)
				}
				versions++
			}
			if want := map[bool]int{true: 2, false: 1}[versioning]; versions != want {
				t.Errorf("%d versions are listed, want %d", versions, want)
			}
		})
	}
}

func TestUserMayWhatItsRoleAllows(t *testing.T) {
	t.Parallel()
	server := Versity(t)
	admin, err := server.Client()
	root := s3Client(t, admin, err)
	bucket := makeBucket(t, root)
	if err := server.CreateUser(t.Context(), "marie", "marie-secret", S3RoleUser); err != nil {
		t.Fatal(err)
	}
	if err := server.CreateUser(t.Context(), "marie", "other", S3RoleUser); err == nil {
		t.Error("a user can be created twice")
	}
	users, err := server.ClientFor("marie", "marie-secret")
	user := s3Client(t, users, err)

	codes := []string{minio.ToErrorResponse(put(t.Context(), user, bucket, "key", "before")).Code}
	if err := server.GiveBucket(t.Context(), bucket, "marie"); err != nil {
		t.Fatal(err)
	}
	codes = append(codes, minio.ToErrorResponse(put(t.Context(), user, bucket, "key", "owned")).Code)
	if err := server.DeleteUser(t.Context(), "marie"); err != nil {
		t.Fatal(err)
	}
	codes = append(codes, minio.ToErrorResponse(put(t.Context(), user, bucket, "key", "after")).Code)
	if diff := cmp.Diff([]string{"AccessDenied", "", "InvalidAccessKeyId"}, codes); diff != "" {
		t.Errorf("answers before owning, while owning and after deletion, -want +got:\n%s", diff)
	}
}

func TestServerSpeaksTLSWhereAskedFor(t *testing.T) {
	t.Parallel()
	server, err := StartVersity(t.Context(), VersityOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	root, err := server.Client()
	client := s3Client(t, root, err)
	bucket := makeBucket(t, client)
	if err := put(t.Context(), client, bucket, "key", "content"); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t.Context(), client, bucket, "key"); got != "content" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if !strings.HasPrefix(server.Endpoint, "https://") {
		t.Errorf("endpoint is %q", server.Endpoint)
	}
}

func TestServerKeepsAChosenFolder(t *testing.T) {
	t.Parallel()
	opts := VersityOptions{Dir: t.TempDir(), AccessKey: "root", SecretKey: "root-secret", Region: "fr-par"}
	var bucket string
	for _, first := range []bool{true, false} {
		server, err := StartVersity(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Stop)
		root, err := server.ClientFor("root", "root-secret")
		client := s3Client(t, root, err)
		if first {
			bucket = makeBucket(t, client)
			err = put(t.Context(), client, bucket, "key", "kept")
		} else {
			var got string
			if got, err = get(t.Context(), client, bucket, "key"); got != "kept" {
				t.Errorf("got %q", got)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		server.Stop()
		if alive(server.PID) {
			t.Error("the server still runs")
		}
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A file where the folder for users should be.
	if err := os.WriteFile(filepath.Join(dir, "iam"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := StartVersity(t.Context(), VersityOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "iam") {
		t.Errorf("error is %v, want one that names the folder", err)
	}
}

func TestMetadataGoesBesideTheFilesWithoutAttributes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := newVersity(VersityOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	binary, err := toolbox.Find(t.Context(), os.Stderr, toolbox.VersityGW)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.listen(t.Context(), binary, versityFolders{sidecar: true}); err != nil {
		t.Fatal(err)
	}
	root, err := server.Client()
	client := s3Client(t, root, err)
	bucket := makeBucket(t, client)
	options := minio.PutObjectOptions{UserMetadata: map[string]string{"colour": "blue"}}
	if _, err := client.PutObject(t.Context(), bucket, "key", strings.NewReader("x"), 1, options); err != nil {
		t.Fatal(err)
	}
	info, err := client.StatObject(t.Context(), bucket, "key", minio.StatObjectOptions{})
	if err != nil || info.UserMetadata["Colour"] != "blue" {
		t.Errorf("metadata is %v, %v", info.UserMetadata, err)
	}
}

func TestTakenPortIsRecognised(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	server, err := newVersity(VersityOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	posix, err := server.posixArgs(versityFolders{})
	if err != nil {
		t.Fatal(err)
	}
	binary, err := toolbox.Find(t.Context(), os.Stderr, toolbox.VersityGW)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.listenOn(t.Context(), binary, strings.TrimPrefix(stranger.URL, "http://"), posix); !errors.Is(err, errPortTaken) {
		t.Errorf("error is %v, want %v", err, errPortTaken)
	}
}
