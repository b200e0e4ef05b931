package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func startVersity(t *testing.T) (*emulator.Server, provider.Session, provider.KeyIssuer) {
	t.Helper()
	server, session := start(t, emulator.Options{VersityAdmin: true})
	keys, ok := session.Keys()
	if !ok {
		t.Fatal("no key issuer where one is declared")
	}
	return server, session, keys
}

func grantTo(consumer string) provider.Grant {
	return provider.Grant{Consumer: consumer, Bucket: bucket, Mode: provider.ReadWrite}
}

// principalsOf gives who the bucket's policy names, once each.
func principalsOf(t *testing.T, server *emulator.Server) []string {
	t.Helper()
	text := server.Buckets()[bucket].Policy
	if text == "" {
		return nil
	}
	var document struct {
		Statement []struct{ Principal struct{ AWS any } }
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, statement := range document.Statement {
		for _, name := range regexp.MustCompile(`[A-Za-z0-9-]+`).FindAllString(fmt.Sprint(statement.Principal.AWS), -1) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestKeysAreIssuedAgainAndRevoked(t *testing.T) {
	server, session, keys := startVersity(t)
	ctx := t.Context()
	put(t, session, "k", "x", provider.Attributes{})
	first, err := keys.IssueKey(ctx, grantTo("reader"))
	if err != nil {
		t.Fatal(err)
	}
	policy := server.Buckets()[bucket].Policy
	second, err := keys.IssueKey(ctx, grantTo("reader"))
	if err != nil {
		t.Fatal(err)
	}
	if first.AccessKey != second.AccessKey || first.SecretKey == second.SecretKey || len(second.SecretKey.Reveal()) != 40 {
		t.Errorf("issued %q and %q, with secrets that are equal (%t) or not 40 long", first.AccessKey, second.AccessKey, first.SecretKey == second.SecretKey)
	}
	if diff := cmp.Diff(policy, server.Buckets()[bucket].Policy); diff != "" {
		t.Errorf("the policy grew (-first +second):\n%s", diff)
	}
	old := openAs(t, session.Place(), first.AccessKey, first.SecretKey.Reveal())
	if _, err := old.Head(ctx, ref("k")); !errors.Is(err, provider.ErrAuthentication) {
		t.Errorf("replaced secret: %v", err)
	}
	current := openAs(t, session.Place(), second.AccessKey, second.SecretKey.Reveal())
	if _, err := current.Head(ctx, ref("k")); err != nil {
		t.Errorf("new secret: %v", err)
	}
	for range 2 {
		if err := keys.RevokeKey(ctx, grantTo("reader")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := current.Head(ctx, ref("k")); !errors.Is(err, provider.ErrAuthentication) {
		t.Errorf("revoked: %v", err)
	}
	if diff := cmp.Diff([]string{server.AccessKey}, principalsOf(t, server)); diff != "" {
		t.Errorf("named after the last revocation (-want +got):\n%s", diff)
	}
	if _, err := keys.IssueKey(ctx, grantTo("writer")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"rempart-writer"}, principalsOf(t, server)); diff != "" {
		t.Errorf("named after the next issue (-want +got):\n%s", diff)
	}
}

func TestForeignStatementsStay(t *testing.T) {
	server, session, keys := startVersity(t)
	for _, user := range []string{"alice", "bob"} {
		if err := server.AddUser(user, user+"-secret", ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keys.IssueKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	foreign := []string{
		`{"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": ["alice"]}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::actes/*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::actes"]}`,
		`{"Effect":"Deny","Principal":{"AWS":["bob","rempart-app"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::actes/secret/*"}`,
	}
	putPolicy(t, session, server, `{"Version":"2008-10-17","Id":"kept","Statement":[`+strings.Join(foreign, ",")+`]}`)
	read := func() (document struct {
		Version, ID string
		Statement   []json.RawMessage
	},
	) {
		if err := json.Unmarshal([]byte(server.Buckets()[bucket].Policy), &document); err != nil {
			t.Fatal(err)
		}
		return document
	}
	if _, err := keys.IssueKey(t.Context(), grantTo("other")); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Version != "2008-10-17" || got.ID != "kept" || len(got.Statement) != 6 {
		t.Errorf("after issuing: %+v", got)
	}
	for _, consumer := range []string{"app", "other"} {
		if err := keys.RevokeKey(t.Context(), grantTo(consumer)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, statement := range read().Statement {
		got = append(got, string(statement))
	}
	want := []string{compact(t, foreign[0]), foreign[1], strings.Replace(foreign[2], `"bob","rempart-app"`, `"bob"`, 1)}
	for i := range want {
		if i >= len(got) || !sameJSON(t, want[i], got[i]) {
			t.Errorf("statement %d: want %s, got %q", i, want[i], got)
		}
	}
}

func TestWritersOfOnePolicyTakeTurns(t *testing.T) {
	server, session, _ := startVersity(t)
	const consumers = 8
	var group sync.WaitGroup
	want := make([]string, 0, consumers)
	for i := range consumers {
		consumer := fmt.Sprintf("consumer-%d", i)
		want = append(want, "rempart-"+consumer)
		keys, _ := open(t, server.URL, server).Keys() // sessions of their own
		group.Go(func() {
			if _, err := keys.IssueKey(t.Context(), grantTo(consumer)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(want, principalsOf(t, server)); diff != "" {
		t.Errorf("named (-want +got):\n%s", diff)
	}
	_ = session
}

func TestTurnIsAwaitedNoLongerThanTheContext(t *testing.T) {
	server, session, keys := startVersity(t)
	gate := make(chan struct{})
	held := server.Faults().Add(emulator.Match{Operation: "GetBucketPolicy", Times: 1}, emulator.Hold(gate))
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := keys.IssueKey(t.Context(), grantTo("first")); err != nil {
			t.Error(err)
		}
	})
	for held.Hits() == 0 {
		_, _ = session.Ping(t.Context()) // until the first is at work
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := keys.IssueKey(ctx, grantTo("second")); !errors.Is(err, context.Canceled) {
		t.Errorf("issue: %v", err)
	}
	close(gate)
	group.Wait()
}

func TestGrantsThatCannotBe(t *testing.T) {
	server, session, keys := startVersity(t)
	tests := map[string]struct {
		grant provider.Grant
		want  error
	}{
		"consumer too short":      {provider.Grant{Consumer: "ab", Bucket: bucket, Mode: provider.ReadOnly}, provider.ErrInvalidConfiguration},
		"consumer with a slash":   {provider.Grant{Consumer: "abc/def", Bucket: bucket, Mode: provider.ReadOnly}, provider.ErrInvalidConfiguration},
		"consumer in upper case":  {provider.Grant{Consumer: "ABC", Bucket: bucket, Mode: provider.ReadOnly}, provider.ErrInvalidConfiguration},
		"consumer that is a star": {provider.Grant{Consumer: "***", Bucket: bucket, Mode: provider.ReadOnly}, provider.ErrInvalidConfiguration},
		"unknown mode":            {provider.Grant{Consumer: "abc", Bucket: bucket, Mode: "Everything"}, provider.ErrInvalidConfiguration},
		"absent bucket":           {provider.Grant{Consumer: "abc", Bucket: "absent", Mode: provider.ReadOnly}, provider.ErrNotFound},
	}
	for name, test := range tests {
		if _, err := keys.IssueKey(t.Context(), test.grant); !errors.Is(err, test.want) || fault.Of(err).Class != fault.Terminal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if known := server.AccessKeys(); len(known) != 1 {
		t.Errorf("users were made: %q", known)
	}
	if err := keys.RevokeKey(t.Context(), provider.Grant{Consumer: "abc", Bucket: "absent"}); err != nil {
		t.Errorf("revoke on an absent bucket: %v", err)
	}
	if err := server.AddUser("plain", "plain-secret", ""); err != nil {
		t.Fatal(err)
	}
	plain, _ := openAs(t, session.Place(), "plain", "plain-secret").Keys()
	if _, err := plain.IssueKey(t.Context(), grantTo("abc")); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("issued by a user: %v", err)
	}
}

func TestUserGoesEvenWhenThePolicyCannotBeWritten(t *testing.T) {
	server, _, keys := startVersity(t)
	if _, err := keys.IssueKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	broken := server.Faults().Add(emulator.Match{Operation: "PutBucketPolicy"}, emulator.Fail(500, "InternalError"))
	if err := keys.RevokeKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrServer) {
		t.Errorf("revoke: %v", err)
	}
	if known := server.AccessKeys(); slices.Contains(known, "rempart-app") {
		t.Errorf("known are %q", known)
	}
	broken.Clear()
	if err := keys.RevokeKey(t.Context(), grantTo("app")); err != nil || slices.Contains(principalsOf(t, server), "rempart-app") {
		t.Errorf("again: %v, named are %q", err, principalsOf(t, server))
	}
}

func TestPolicyThatCannotBeReadIsNotOverwritten(t *testing.T) {
	server, _, _ := startVersity(t)
	for name, text := range map[string]string{"no JSON": "<Error/>", "no statements": `{"Version":"2012-10-17"}`, "other JSON": `[]`} {
		session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && r.URL.Query().Has("policy") {
				document(200, text)(w, r)
				return true
			}
			return false
		})
		keys, _ := session.Keys()
		if _, err := keys.IssueKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if policy := server.Buckets()[bucket].Policy; policy != "" {
		t.Errorf("wrote %s", policy)
	}
}

func TestStoreThatIsNoGateway(t *testing.T) {
	server, session := start(t, emulator.Options{}) // without the admin calls
	keys, _ := session.Keys()
	if _, err := keys.IssueKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrUnsupported) || !fault.HasReason(err, fault.CapabilityMissing) {
		t.Errorf("got %v", err)
	}
	if policy := server.Buckets()[bucket].Policy; policy != "" {
		t.Errorf("wrote %s", policy)
	}
}

func TestPlacesWithoutACredentialAPIIssueNoKeys(t *testing.T) {
	_, session := start(t, emulator.Options{})
	place := session.Place()
	place.CredentialAPI = provider.NoCredentialAPI
	if keys, ok := openAs(t, place, "a", "b").Keys(); ok || keys != nil {
		t.Errorf("got %v", keys)
	}
}
