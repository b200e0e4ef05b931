package ovh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/ovh"
)

func grantOf(consumer, bucket string, mode provider.AccessMode) provider.Grant {
	return provider.Grant{Consumer: consumer, Bucket: bucket, Mode: mode}
}

func (a *account) issuer(t testing.TB) provider.KeyIssuer {
	t.Helper()
	keys, ok := a.open(t).Keys()
	if !ok {
		t.Fatal("the session issues no keys")
	}
	return keys
}

func (a *account) bucket(t testing.TB, name string) {
	t.Helper()
	if err := a.open(t).CreateBucket(t.Context(), provider.Bucket{Name: name}); err != nil {
		t.Fatal(err)
	}
}

// owner is whom a bucket belongs to, by the control plane.
func (a *account) owner(t testing.TB, bucket string) int64 {
	t.Helper()
	var told struct {
		OwnerID int64 `json:"ownerId"`
	}
	if err := a.client(t).Get(a.path("/region/GRA/storage/"+bucket), &told); err != nil {
		t.Fatal(err)
	}
	return told.OwnerID
}

// The owner's rights outrank a policy that only allows: so a workload's user owns
// nothing, and reaches its own bucket alone, whatever its mode.
func TestWorkloadCannotReachItsNeighbour(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	a.bucket(t, "voisin")
	operator, ctx := a.open(t), t.Context()
	for _, bucket := range []string{"actes", "voisin"} {
		if _, err := operator.Put(ctx, provider.Ref{Bucket: bucket, Key: "k"}, content("x"), provider.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly, provider.FullControl} {
		t.Run(string(mode), func(t *testing.T) {
			key, err := a.issuer(t).IssueKey(ctx, grantOf("mairie-"+strings.ToLower(string(mode)), "actes", mode))
			if err != nil {
				t.Fatal(err)
			}
			workload := a.openAs(t, key)
			there := provider.Ref{Bucket: "voisin", Key: "k"}
			_, _, read := workload.Get(ctx, there, provider.GetOptions{})
			_, headed := workload.Head(ctx, there)
			_, listed := workload.ListPage(ctx, "voisin", provider.ListRequest{})
			_, versions := workload.ListVersionsPage(ctx, "voisin", provider.VersionsRequest{})
			_, written := workload.Put(ctx, there, content("y"), provider.Attributes{})
			_, named := workload.ListBuckets(ctx)
			for what, err := range map[string]error{
				"read": read, "head": headed, "list": listed, "list versions": versions, "write": written, "list buckets": named,
				"remove": workload.Remove(ctx, there), "make a bucket": workload.CreateBucket(ctx, provider.Bucket{Name: "own-" + strings.ToLower(string(mode))}),
			} {
				wantFailureOf(t, what, err, denied)
			}
			_, err = workload.Put(ctx, provider.Ref{Bucket: "actes", Key: "own"}, content("y"), provider.Attributes{})
			if mayWrite := mode != provider.ReadOnly; mayWrite != (err == nil) {
				t.Errorf("write to its own bucket: %v", err)
			}
		})
	}
	owner := a.operators()[0].ID
	for _, bucket := range []string{"actes", "voisin"} {
		if got := a.owner(t, bucket); got != owner {
			t.Errorf("%s belongs to user %d, and the operator's is %d", bucket, got, owner)
		}
	}
	if _, err := operator.Head(ctx, provider.Ref{Bucket: "voisin", Key: "k"}); err != nil {
		t.Errorf("the owner cannot read: %v", err)
	}
}

// asked are the requests that change something since the first so many.
func (a *account) changes(since int) []string {
	var changes []string
	for _, request := range a.server.Requests()[since:] {
		if request.Method != "GET" {
			changes = append(changes, request.Method+" "+strings.TrimPrefix(request.Route, "/cloud/project/{serviceName}"))
		}
	}
	return changes
}

// The policy is there before the key, and the new key before the old one goes.
func TestOrderOfIssuing(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	keys, grant := a.issuer(t), grantOf("mairie", "actes", provider.ReadWrite)
	since := len(a.server.Requests())
	first, err := keys.IssueKey(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /user", "POST /user/{userId}/policy", "POST /user/{userId}/s3Credentials"}
	if diff := cmp.Diff(want, a.changes(since)); diff != "" {
		t.Errorf("the first key (-want +got):\n%s", diff)
	}
	since = len(a.server.Requests())
	second, err := keys.IssueKey(t.Context(), grant)
	if err != nil || second.AccessKey == first.AccessKey {
		t.Fatalf("issued %q after %q, %v", second.AccessKey, first.AccessKey, err)
	}
	want = []string{"POST /user/{userId}/policy", "POST /user/{userId}/s3Credentials", "DELETE /user/{userId}/s3Credentials/{access}"}
	if diff := cmp.Diff(want, a.changes(since)); diff != "" {
		t.Errorf("another key (-want +got):\n%s", diff)
	}
	since = len(a.server.Requests())
	if err := keys.RevokeKey(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	want = []string{"DELETE /user/{userId}/s3Credentials/{access}", "DELETE /user/{userId}"}
	if diff := cmp.Diff(want, a.changes(since)); diff != "" {
		t.Errorf("no key (-want +got):\n%s", diff)
	}
	since = len(a.server.Requests())
	for _, unknown := range []provider.Grant{grant, grantOf("nobody", "nowhere", provider.ReadOnly)} {
		if err := keys.RevokeKey(t.Context(), unknown); err != nil {
			t.Error(err)
		}
	}
	if changes := a.changes(since); changes != nil {
		t.Errorf("unknown consumers: %q", changes)
	}
}

// A login that may not end keys is refused at every try, and each could leave one
// more key until there are as many as a user may have.
func TestKeysDoNotPileUpWhereTheyCannotBeEnded(t *testing.T) {
	mayNotEnd := slices.DeleteFunc(leastRules(), func(rule emulator.AccessRule) bool { return rule.Method == "DELETE" })
	a := startAccount(t, emulator.Options{Project: projectID, Rules: mayNotEnd})
	a.bucket(t, "actes")
	keys, grant := a.issuer(t), grantOf("mairie", "actes", provider.ReadWrite)
	if _, err := keys.IssueKey(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, err := keys.IssueKey(t.Context(), grant)
		wantFailureOf(t, "issue another key", err, denied)
	}
	held := 0
	for _, user := range a.server.Users() {
		if user.Description == "rempart/"+installation+"/consumer/mairie" {
			held += len(user.Keys)
		}
	}
	if held != 2 {
		t.Errorf("it has %d keys, and should have the first and the one that was to replace it", held)
	}
}

// Consumers are found by installation and name, and nobody else's user is touched.
func TestConsumersOfOthersAreLeftAlone(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	for _, description := range []string{"mairie", "rempart/other/consumer/mairie", "rempart/" + installation + "/consumer/mairie-2"} {
		if err := a.client(t).Post(a.path("/user"), map[string]string{"description": description, "role": "objectstore_operator"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	keys, grant := a.issuer(t), grantOf("mairie", "actes", provider.ReadOnly)
	if _, err := keys.IssueKey(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	if err := keys.RevokeKey(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, user := range a.server.Users() {
		if user.Status != emulator.UserDeleting {
			left = append(left, user.Description)
		}
	}
	slices.Sort(left)
	want := []string{"mairie", "rempart/" + installation + "/consumer/mairie-2", operatorMark, "rempart/other/consumer/mairie"}
	slices.Sort(want)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestGrantsThatMakeNoSense(t *testing.T) {
	s, _, session := scripted(t, nil)
	keys, _ := session.Keys()
	for name, grant := range map[string]provider.Grant{
		"a consumer with capitals": grantOf("Mairie", "actes", provider.ReadOnly), "no consumer": grantOf("", "actes", provider.ReadOnly),
		"a consumer with a slash": grantOf("../operator", "actes", provider.ReadOnly), "no mode": grantOf("mairie", "actes", ""),
		"no bucket": grantOf("mairie", "", provider.ReadOnly),
	} {
		_, err := keys.IssueKey(t.Context(), grant)
		wantFailureOf(t, name, err, failure{provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration, 0})
	}
	if len(s.asked) > 0 {
		t.Errorf("asked %q", s.asked)
	}
}
