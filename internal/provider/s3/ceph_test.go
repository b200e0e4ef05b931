package s3_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// startCeph gives an emulated store with the admin operations of a Ceph Object
// Gateway, which are made after its documentation.
func startCeph(t *testing.T) (*emulator.Server, provider.KeyIssuer) {
	t.Helper()
	server, _ := start(t, emulator.Options{CephAdmin: true, AnyPrincipal: true})
	return server, issuerOf(t, server, provider.CephCredentialAPI, "")
}

func operationsOf(server *emulator.Server) []string {
	var names []string
	for _, request := range server.Requests(func(emulator.Request) bool { return true }) {
		names = append(names, request.Operation)
	}
	return names
}

func TestCephRequests(t *testing.T) {
	server, keys := startCeph(t)
	first, err := keys.IssueKey(t.Context(), grantTo("app"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := keys.IssueKey(t.Context(), grantTo("app"))
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.RevokeKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GetBucketPolicy", "CephGetUser", "CephCreateUser", "PutBucketPolicy",
		"GetBucketPolicy", "CephGetUser", "CephRemoveUser", "CephCreateUser",
		"GetBucketPolicy", "PutBucketPolicy", "CephGetUser", "CephRemoveUser",
	}
	if diff := cmp.Diff(want, operationsOf(server)); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	for _, request := range server.Requests(func(r emulator.Request) bool { return r.Operation == "CephCreateUser" }) {
		if !strings.Contains(request.Query, "max-buckets=-1") || !strings.Contains(request.Query, "uid=rempart-app") ||
			strings.Contains(request.Query, "secret") {
			t.Errorf("asked for a user with %s", request.Query)
		}
	}
	for _, key := range []provider.Key{first, second} {
		if slices.Contains(server.AccessKeys(), key.AccessKey) {
			t.Errorf("key %s is still known", key.AccessKey)
		}
	}
}

func TestCephPolicyNamesTheUserAndKnownActions(t *testing.T) {
	server, keys := startCeph(t)
	for _, mode := range []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly} {
		grant := grantTo("app")
		grant.Mode = mode
		if _, err := keys.IssueKey(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
		policy := server.Buckets()[bucket].Policy
		if !strings.Contains(policy, `"arn:aws:iam:::user/rempart-app"`) || strings.Contains(policy, "Attributes") {
			t.Errorf("%s: %s", mode, policy)
		}
	}
	if err := keys.RevokeKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	policy := server.Buckets()[bucket].Policy
	if strings.Contains(policy, "rempart-app") || !strings.Contains(policy, "user/rempart_nobody") || strings.Contains(policy, server.AccessKey) {
		t.Errorf("after the last revocation: %s", policy)
	}
}

func TestCephUsersMakeNoBuckets(t *testing.T) {
	server, keys := startCeph(t)
	key, err := keys.IssueKey(t.Context(), grantTo("app"))
	if err != nil {
		t.Fatal(err)
	}
	app := openAs(t, provider.Place{Endpoint: server.URL, Region: server.Region}, key.AccessKey, key.SecretKey.Reveal())
	if err := app.CreateBucket(t.Context(), provider.Bucket{Name: "its-own"}); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("make a bucket: %v", err)
	}
}

// To a store without admin operations the same requests would be about an object
// "user" of a bucket "admin".
func TestNothingIsWrittenToAStoreThatIsNoCeph(t *testing.T) {
	server, _ := start(t, emulator.Options{})
	server.PutObjectDirect("admin", emulator.Object{Key: "user", Body: []byte(`{"user_id":"somebody"}`)})
	keys := issuerOf(t, server, provider.CephCredentialAPI, "")
	if _, err := keys.IssueKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("issue: %v", err)
	}
	if err := keys.RevokeKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("revoke: %v", err)
	}
	if object, found := server.Object("admin", "user"); !found || string(object.Body) != `{"user_id":"somebody"}` {
		t.Errorf("the object is now %q, there: %t", object.Body, found)
	}
}

func TestCephAnswersThatAreNotBelieved(t *testing.T) {
	const key = `{"access_key":"A","secret_key":"S"}`
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"of another user":      {`{"user_id":"other","max_buckets":-1,"keys":[` + key + `]}`, provider.ErrUnsupported},
		"without a key":        {`{"user_id":"rempart-app","max_buckets":-1,"keys":[]}`, provider.ErrUnsupported},
		"with two keys":        {`{"user_id":"rempart-app","max_buckets":-1,"keys":[` + key + `,` + key + `]}`, provider.ErrUnsupported},
		"with an empty secret": {`{"user_id":"rempart-app","max_buckets":-1,"keys":[{"access_key":"A"}]}`, provider.ErrUnsupported},
		"of who makes buckets": {`{"user_id":"rempart-app","max_buckets":0,"keys":[` + key + `]}`, provider.ErrServer},
		"of unknown limits":    {`{"user_id":"rempart-app","keys":[` + key + `]}`, provider.ErrServer},
	} {
		server, keys := keysAt(t, provider.CephCredentialAPI, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				adminError(404, "NoSuchUser")(w, r)
				return
			}
			document(200, test.answer)(w, r)
		}))
		if _, err := keys.IssueKey(t.Context(), grantTo("app")); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if policy := server.Buckets()[bucket].Policy; policy != "" {
			t.Errorf("%s: wrote %s", name, policy)
		}
	}
}

func TestCephUserGoesEvenWhenThePolicyCannotBeWritten(t *testing.T) {
	server, keys := startCeph(t)
	key, err := keys.IssueKey(t.Context(), grantTo("app"))
	if err != nil {
		t.Fatal(err)
	}
	server.Faults().Add(emulator.Match{Operation: "PutBucketPolicy"}, emulator.Fail(500, "InternalError"))
	if err := keys.RevokeKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrServer) {
		t.Errorf("revoke: %v", err)
	}
	if slices.Contains(server.AccessKeys(), key.AccessKey) {
		t.Error("the key is still known")
	}
}
