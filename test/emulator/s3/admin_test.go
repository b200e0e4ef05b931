package s3_test

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

// adminCall sends one call of Versity's admin API.
func adminCall(t *testing.T, srv *s3.Server, path string, query url.Values, body, access, secret string) response {
	t.Helper()
	return request{method: http.MethodPatch, bucket: "-", query: query, body: body, unsigned: true, tamper: func(r *http.Request) {
		r.URL.Path, r.URL.RawPath = path, ""
		signed := signAs(r, access, secret, srv.Region)
		r.Header = signed.Header
	}}.must(t, srv)
}

func TestVersityAdmin(t *testing.T) {
	srv, root := start(t, s3.Options{VersityAdmin: true})
	put(t, root, "k", "x")
	asRoot := func(path string, query url.Values, body string) response {
		return adminCall(t, srv, path, query, body, srv.AccessKey, srv.SecretKey)
	}
	account := func(access, role string) string {
		return "<Account><Access>" + access + "</Access><Secret>s-" + access + "</Secret><Role>" + role + "</Role></Account>"
	}
	steps := []struct {
		what   string
		got    response
		status int
		code   string
	}{
		{"create", asRoot("/create-user", nil, account("alice", "user")), 201, ""},
		{"create again", asRoot("/create-user", nil, account("alice", "user")), 409, "XAdminUserExists"},
		{"create a role that is none", asRoot("/create-user", nil, account("bob", "king")), 400, "XAdminInvalidArgument"},
		{"create from no XML", asRoot("/create-user", nil, "x"), 400, "MalformedXML"},
		{"create plus", asRoot("/create-user", nil, account("plus", "userplus")), 201, ""},
		{"create as a user", adminCall(t, srv, "/create-user", nil, account("eve", "admin"), "alice", "s-alice"), 403, "XAdminAccessDenied"},
		{"update", asRoot("/update-user", url.Values{"access": {"alice"}}, "<MutableProps><Secret>new</Secret></MutableProps>"), 200, ""},
		{"update nobody", asRoot("/update-user", url.Values{"access": {"bob"}}, "<MutableProps><Secret>new</Secret></MutableProps>"), 404, "XAdminUserNotFound"},
		{"update without a name", asRoot("/update-user", nil, "<MutableProps/>"), 404, "XAdminInvalidArgument"},
		{"delete nobody", asRoot("/delete-user", url.Values{"access": {"bob"}}, ""), 200, ""},
		{"delete without a name", asRoot("/delete-user", nil, ""), 404, "XAdminInvalidArgument"},
	}
	for _, step := range steps {
		if step.got.Status != step.status || step.got.Code != step.code {
			t.Errorf("%s: got %d %q, want %d %q", step.what, step.got.Status, step.got.Code, step.status, step.code)
		}
	}
	type account2 struct{ Access, Secret, Role string }
	var users struct {
		XMLName  xml.Name `xml:"ListUserAccountsResult"`
		Accounts []account2
	}
	decode(t, asRoot("/list-users", nil, "").Body, &users)
	if diff := cmp.Diff([]account2{{"alice", "new", "user"}, {"plus", "s-plus", "userplus"}}, users.Accounts); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if got := srv.Count("AdminCreateUser"); got != 6 {
		t.Errorf("%d creations counted, want 6", got)
	}
}

func TestVersityUsersReachWhatPoliciesAllow(t *testing.T) {
	srv, root := start(t, s3.Options{VersityAdmin: true})
	ctx := context.Background()
	put(t, root, "k", "x")
	for _, user := range []string{"alice user", "plus userplus", "chief admin"} {
		name, role, _ := strings.Cut(user, " ")
		body := "<Account><Access>" + name + "</Access><Secret>s</Secret><Role>" + role + "</Role></Account>"
		adminCall(t, srv, "/create-user", nil, body, srv.AccessKey, srv.SecretKey)
	}
	alice, plus, chief := clientFor(t, srv, "alice", "s"), clientFor(t, srv, "plus", "s"), clientFor(t, srv, "chief", "s")
	if got := reach(t, alice, bucket); got != "" {
		t.Errorf("without a policy alice may %q", got)
	}
	policy := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["alice"]},"Action":"s3:*","Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
	if err := root.SetBucketPolicy(ctx, bucket, policy); err != nil {
		t.Fatal(err)
	}
	for who, core := range map[string]*minio.Core{"alice": alice, "chief": chief, "root": root} {
		if got := reach(t, core, bucket); got != "delete get list put" {
			t.Errorf("%s may %q", who, got)
		}
	}
	if got := codeOf(alice.MakeBucket(ctx, "new", minio.MakeBucketOptions{})); got != "AccessDenied" {
		t.Errorf("a plain user creates a bucket: %q", got)
	}
	if err := plus.MakeBucket(ctx, "plus-bucket", minio.MakeBucketOptions{}); err != nil {
		t.Errorf("a userplus creates a bucket: %v", err)
	}
	moved := adminCall(t, srv, "/change-bucket-owner", url.Values{"bucket": {"plus-bucket"}, "owner": {"alice"}}, "", "chief", "s")
	if moved.Status != 200 || srv.Buckets()["plus-bucket"].Owner != "alice" {
		t.Errorf("change owner: %d %s", moved.Status, moved.Code)
	}
	listed := adminCall(t, srv, "/list-buckets", nil, "", "chief", "s")
	if !strings.Contains(listed.Body, "<Buckets><Name>plus-bucket</Name><Owner>alice</Owner></Buckets>") {
		t.Errorf("buckets: %s", listed.Body)
	}
	adminCall(t, srv, "/delete-user", url.Values{"access": {"alice"}}, "", "chief", "s")
	if got := (request{method: "GET", key: "k", access: "alice", secret: "s"}).must(t, srv); got.Code != "InvalidAccessKeyId" {
		t.Errorf("a deleted user: %d %s", got.Status, got.Code)
	}
}

func TestAdminCallsNeedTheOption(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	if got := adminCall(t, srv, "/list-users", nil, "", srv.AccessKey, srv.SecretKey); got.Code != "MethodNotAllowed" {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
}
