package s3_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func addUser(t *testing.T, srv *s3.Server, name, policy string) *minio.Core {
	t.Helper()
	if err := srv.AddUser(name, name+"-secret", policy); err != nil {
		t.Fatal(err)
	}
	return clientFor(t, srv, name, name+"-secret")
}

// reach tells what a client may do to the object "k" of a bucket.
func reach(t *testing.T, core *minio.Core, name string) string {
	t.Helper()
	ctx := context.Background()
	var can []string
	attempts := map[string]func() error{
		"list": func() error { _, err := core.ListObjectsV2(name, "", "", "", "", 1); return err },
		"get":  func() error { _, err := core.StatObject(ctx, name, "k", minio.StatObjectOptions{}); return err },
		"put": func() error {
			_, err := core.Client.PutObject(ctx, name, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{})
			return err
		},
		"delete": func() error {
			return core.RemoveObject(ctx, name, "missing", minio.RemoveObjectOptions{})
		},
	}
	for what, attempt := range attempts {
		err := attempt()
		if err == nil {
			can = append(can, what)
		} else if codeOf(err) != "AccessDenied" {
			t.Errorf("%s: %v", what, err)
		}
	}
	slices.Sort(can)
	return strings.Join(can, " ")
}

const all = "delete get list put"

func TestScopedUsersStayWhereTheyBelong(t *testing.T) {
	own := func(name string) string {
		return `{"Effect":"Allow","Principal":{"AWS":["alice"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::` + name + `","arn:aws:s3:::` + name + `/*"]}`
	}
	cases := map[string]struct {
		user, bucketPolicy string // the user's own policy, and the bucket's
		want, neighbour    string
	}{
		"a stranger": {"", "", "", ""},
		"one the bucket's policy allows": {
			"", own(bucket), all, "",
		},
		"one whose own policy allows one bucket": {
			`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`, "", all, "",
		},
		"one who may only read": {
			"", `{"Effect":"Allow","Principal":{"AWS":"alice"},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}`, "get list", "",
		},
		"one allowed here and denied by himself": {
			`{"Statement":[{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`, own(bucket), "get list put", "",
		},
		"one allowed everywhere and denied here": {
			`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
			`{"Effect":"Deny","Principal":{"AWS":"alice"},"Action":"s3:*","Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}`, "", all,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, owner := start(t, s3.Options{})
			srv.PutObjectDirect(bucket, s3.Object{Key: "k"})
			srv.PutObjectDirect("neighbour", s3.Object{Key: "k"})
			alice := addUser(t, srv, "alice", tc.user)
			if tc.bucketPolicy != "" {
				if err := owner.SetBucketPolicy(context.Background(), bucket, `{"Statement":[`+tc.bucketPolicy+`]}`); err != nil {
					t.Fatal(err)
				}
			}
			if got := reach(t, alice, bucket); got != tc.want {
				t.Errorf("may %q, want %q", got, tc.want)
			}
			if got := reach(t, alice, "neighbour"); got != tc.neighbour {
				t.Errorf("may %q to the neighbour's, want %q", got, tc.neighbour)
			}
			if got := reach(t, owner, "neighbour"); got != all {
				t.Errorf("the owner may %q", got)
			}
		})
	}
}

func TestBucketPolicyIsManaged(t *testing.T) {
	srv, owner := start(t, s3.Options{})
	ctx := context.Background()
	put(t, owner, "k", "x")
	if _, err := owner.GetBucketPolicy(ctx, bucket); codeOf(err) != "NoSuchBucketPolicy" {
		t.Errorf("before put: %v", err)
	}
	refused := map[string]string{
		"of another bucket":  `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}]}`,
		"of a longer name":   `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::` + bucket + `2/*"}]}`,
		"of an unknown user": `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"nobody"},"Action":"s3:*","Resource":"arn:aws:s3:::` + bucket + `"}]}`,
	}
	for name, document := range refused {
		if got := codeOf(owner.SetBucketPolicy(ctx, bucket, document)); got != "MalformedPolicy" {
			t.Errorf("a policy %s: %q", name, got)
		}
	}
	locksOut := `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
	if err := owner.SetBucketPolicy(ctx, bucket, locksOut); err != nil {
		t.Fatal(err)
	}
	if got := reach(t, owner, bucket); got != "" {
		t.Errorf("the owner denied himself and may %q", got)
	}
	if got, err := owner.GetBucketPolicy(ctx, bucket); err != nil || got != locksOut || srv.Buckets()[bucket].Policy != locksOut {
		t.Errorf("the document came back as %q, %v", got, err)
	}
	if err := owner.SetBucketPolicy(ctx, bucket, ""); err != nil {
		t.Errorf("the owner cannot undo it: %v", err)
	}
	if got := reach(t, owner, bucket); got == "" {
		t.Error("the owner is still locked out")
	}
}

func TestUnknownPrincipalsPassOnWish(t *testing.T) {
	_, owner := start(t, s3.Options{AnyPrincipal: true})
	document := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"nobody"},"Action":"s3:*","Resource":"arn:aws:s3:::` + bucket + `"}]}`
	if err := owner.SetBucketPolicy(context.Background(), bucket, document); err != nil {
		t.Error(err)
	}
}

func TestAnonymousReadsWhatIsPublic(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	anonymous := request{method: "GET", key: "k", unsigned: true}
	if got := anonymous.must(t, srv); got.Code != "AccessDenied" {
		t.Errorf("before: %d %s", got.Status, got.Code)
	}
	allowEverybody(t, srv)
	if got := anonymous.must(t, srv); got.Body != "x" {
		t.Errorf("after: %d %s", got.Status, got.Body)
	}
	if got := (request{method: "PUT", bucket: "new", unsigned: true}).must(t, srv); got.Code != "AccessDenied" {
		t.Errorf("create a bucket: %d %s", got.Status, got.Code)
	}
}

func TestMissingKeysAreHiddenFromThoseWhoMayNotList(t *testing.T) {
	srv, owner := start(t, s3.Options{})
	alice := addUser(t, srv, "alice", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	if _, err := alice.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); codeOf(err) != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	if _, err := owner.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); codeOf(err) != "NoSuchKey" {
		t.Errorf("the owner: %v", err)
	}
}

func TestOlderVersionsNeedTheirOwnPermission(t *testing.T) {
	srv, owner := start(t, s3.Options{})
	if err := owner.EnableVersioning(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
	id := put(t, owner, "k", "x").VersionID
	alice := addUser(t, srv, "alice", `{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:DeleteObject"],"Resource":"*"}]}`)
	if _, err := alice.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{VersionID: id}); codeOf(err) != "AccessDenied" {
		t.Errorf("read: %v", err)
	}
	if err := alice.RemoveObject(context.Background(), bucket, "k", minio.RemoveObjectOptions{VersionID: id}); codeOf(err) != "AccessDenied" {
		t.Errorf("delete: %v", err)
	}
	if _, err := alice.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); err != nil {
		t.Errorf("read of the current version: %v", err)
	}
}

func TestCopyNeedsToReadItsSource(t *testing.T) {
	srv, owner := start(t, s3.Options{})
	put(t, owner, "k", "x")
	alice := addUser(t, srv, "alice", "")
	if err := alice.MakeBucket(context.Background(), "alices", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := alice.CopyObject(context.Background(), bucket, "k", "alices", "k", nil, minio.CopySrcOptions{}, minio.PutObjectOptions{})
	if codeOf(err) != "AccessDenied" {
		t.Errorf("got %v", err)
	}
}

func TestMultiDeleteAsksForEveryKey(t *testing.T) {
	srv, owner := start(t, s3.Options{})
	put(t, owner, "mine/k", "x")
	put(t, owner, "other", "x")
	alice := addUser(t, srv, "alice", `{"Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::`+bucket+`/mine/*"}]}`)
	feed := make(chan minio.ObjectInfo, 2)
	feed <- minio.ObjectInfo{Key: "mine/k"}
	feed <- minio.ObjectInfo{Key: "other"}
	close(feed)
	var failed []string
	for e := range alice.RemoveObjects(context.Background(), bucket, feed, minio.RemoveObjectsOptions{}) {
		failed = append(failed, e.ObjectName+" "+codeOf(e.Err))
	}
	if diff := cmp.Diff([]string{"other AccessDenied"}, failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other"}, srv.Keys(bucket)); diff != "" {
		t.Errorf("keys left (-want +got):\n%s", diff)
	}
}

func TestUsersOwnTheirBuckets(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	ctx := context.Background()
	alice := addUser(t, srv, "alice", "")
	scoped := addUser(t, srv, "scoped", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)
	if err := alice.MakeBucket(ctx, "alices", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	all, err := alice.ListBuckets(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "alices" {
		t.Errorf("alice lists %v, %v", all, err)
	}
	if got := codeOf(scoped.MakeBucket(ctx, "new", minio.MakeBucketOptions{})); got != "AccessDenied" {
		t.Errorf("a scoped user creates: %q", got)
	}
	if _, err := scoped.ListBuckets(ctx); codeOf(err) != "AccessDenied" {
		t.Errorf("a scoped user lists: %v", err)
	}
	if got := srv.Buckets()["alices"].Owner; got != "alice" {
		t.Errorf("owner is %q", got)
	}
}

func TestKeysAreRotated(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	if err := srv.AddKey(srv.AccessKey, "second", "second-secret"); err != nil {
		t.Fatal(err)
	}
	second := clientFor(t, srv, "second", "second-secret")
	put(t, second, "k", "x")
	srv.RemoveKey("second")
	if _, err := second.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); err == nil {
		t.Error("a removed key still works")
	}
	if got := (request{method: "GET", key: "k", access: "second", secret: "second-secret"}).must(t, srv); got.Code != "InvalidAccessKeyId" {
		t.Errorf("a removed key: %d %s", got.Status, got.Code)
	}
	if err := srv.AddKey("nobody", "third", "x"); err == nil {
		t.Error("a second key for nobody was accepted")
	}
	if err := srv.AddUser("broken", "x", "{"); err == nil {
		t.Error("a broken policy was accepted")
	}
	if diff := cmp.Diff([]string{srv.AccessKey}, srv.AccessKeys()); diff != "" {
		t.Errorf("access keys (-want +got):\n%s", diff)
	}
}
