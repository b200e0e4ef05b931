package providertest

import (
	"context"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

func testScopedKeys(t *testing.T, s Suite) {
	keys, ok := s.Open(t).Keys()
	if ok != s.Traits.IssuesKeys {
		t.Fatalf("issues keys: %t, declared: %t", ok, s.Traits.IssuesKeys)
	}
	if !ok {
		return
	}
	t.Run("read and write", func(t *testing.T) { testReadWrite(t, s, keys) })
	t.Run("read only", func(t *testing.T) { testReadOnly(t, s, keys) })
	t.Run("write only", func(t *testing.T) { testWriteOnly(t, s, keys) })
	t.Run("full control", func(t *testing.T) { testFullControl(t, s, keys) })
	t.Run("issued again and revoked", func(t *testing.T) { testReissue(t, s, keys) })
	t.Run("for a bucket that is not there", func(t *testing.T) {
		grant := provider.Grant{Consumer: consumer(t, s), Bucket: s.newName(t), Mode: provider.ReadWrite}
		_, err := keys.IssueKey(t.Context(), grant)
		wantFault(t, "issue", err, provider.ErrNotFound, fault.Terminal, fault.BucketMissing)
		if err := keys.RevokeKey(t.Context(), grant); err != nil {
			t.Errorf("revoke: %v", err)
		}
	})
}

// consumer gives a name of its own.
func consumer(t testing.TB, s Suite) string { return "app-" + s.newName(t) }

// issue gives a session with a key for the bucket, revoked at the end.
func (f fixture) issue(t testing.TB, s Suite, keys provider.KeyIssuer, mode provider.AccessMode) fixture {
	t.Helper()
	grant := provider.Grant{Consumer: consumer(t, s), Bucket: f.bucket, Mode: mode}
	key, err := keys.IssueKey(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
		defer cancel()
		if err := keys.RevokeKey(ctx, grant); err != nil {
			t.Errorf("revoke: %v", err)
		}
	})
	return fixture{Session: s.OpenAs(t, key), bucket: f.bucket}
}

func testReadWrite(t *testing.T, s Suite, keys provider.KeyIssuer) {
	f, neighbour := s.start(t, ""), s.start(t, "")
	f.put(t, provider.MarkKey, "ours", provider.Attributes{})
	neighbour.put(t, "k", "theirs", provider.Attributes{})
	app := f.issue(t, s, keys, provider.ReadWrite)
	app.put(t, "k", "x", provider.Attributes{Tags: map[string]string{"a": "b"}})
	if text, _, err := app.get(t, app.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
		t.Errorf("get: %q, %v", text, err)
	}
	if tags, err := app.Tags(t.Context(), app.ref("k")); err != nil || tags["a"] != "b" {
		t.Errorf("tags: %v, %v", tags, err)
	}
	app.upload(t, "parts", provider.Attributes{}, strings.Repeat("x", 5<<20), "tail")
	id, _ := app.parts(t, "aborted", provider.Attributes{}, "x")
	if open, err := app.ListUploads(t.Context(), app.bucket, ""); err != nil || len(open) != 1 {
		t.Errorf("open uploads: %+v, %v", open, err)
	}
	if err := app.AbortUpload(t.Context(), app.ref("aborted"), id); err != nil {
		t.Errorf("abort: %v", err)
	}
	if _, err := app.ListPage(t.Context(), app.bucket, provider.ListRequest{}); err != nil {
		t.Errorf("list: %v", err)
	}
	if err := app.Remove(t.Context(), app.ref("k")); err != nil {
		t.Errorf("remove: %v", err)
	}
	wantNoMore(t, s, app)
	wantNoNeighbour(t, fixture{Session: app, bucket: neighbour.bucket})
	if text, _, err := f.get(t, f.ref(provider.MarkKey), provider.GetOptions{}); text != "ours" || err != nil {
		t.Errorf("the reserved object became %q, %v", text, err)
	}
}

// wantRefused fails unless err is that of a good key that may not do this.
func wantRefused(t testing.TB, what string, err error) {
	t.Helper()
	wantFault(t, what, err, provider.ErrDenied, fault.Terminal, fault.AccessDenied)
}

// wantNoMore fails when an application's key reaches the reserved prefix or the
// bucket's configuration.
func wantNoMore(t *testing.T, s Suite, app fixture) {
	t.Helper()
	ctx := t.Context()
	wantNoReserved(t, s, app)
	wantRefused(t, "versioning", app.UpdateBucket(ctx, provider.Bucket{Name: app.bucket, Versioning: provider.VersioningEnabled}))
	wantRefused(t, "mark", app.UpdateBucket(ctx, provider.Bucket{Name: app.bucket, Mark: mark}))
	wantRefused(t, "delete bucket", app.DeleteBucket(ctx, app.bucket))
}

// wantNoReserved fails when an application's key reaches the reserved prefix; or
// does not, where it is declared to.
func wantNoReserved(t *testing.T, s Suite, app fixture) {
	t.Helper()
	ctx := t.Context()
	if s.Traits.Keys.ReachReserved {
		app.put(t, provider.ReservedPrefix+"new", "x", provider.Attributes{})
		return
	}
	for _, key := range []string{provider.MarkKey, provider.ReservedPrefix + "new"} {
		_, err := app.Put(ctx, app.ref(key), content("x"), provider.Attributes{})
		wantRefused(t, "put "+key, err)
		wantRefused(t, "remove "+key, app.Remove(ctx, app.ref(key)))
		_, _, err = app.get(t, app.ref(key), provider.GetOptions{})
		wantRefused(t, "get "+key, err)
		_, err = app.StartUpload(ctx, app.ref(key), provider.Attributes{})
		wantRefused(t, "start upload of "+key, err)
	}
}

// wantNoNeighbour fails when a scoped key reaches a bucket that it is not for, or
// issues keys itself. The bucket must hold an object "k".
func wantNoNeighbour(t *testing.T, neighbour fixture) {
	t.Helper()
	ctx := t.Context()
	_, err := neighbour.Head(ctx, neighbour.ref("k"))
	wantRefused(t, "neighbour: head", err)
	_, err = neighbour.Put(ctx, neighbour.ref("k"), content("x"), provider.Attributes{})
	wantRefused(t, "neighbour: put", err)
	_, err = neighbour.ListPage(ctx, neighbour.bucket, provider.ListRequest{})
	wantRefused(t, "neighbour: list", err)
	wantRefused(t, "neighbour: remove", neighbour.Remove(ctx, neighbour.ref("k")))
	wantRefused(t, "neighbour: abort", neighbour.AbortUpload(ctx, neighbour.ref("k"), "none"))
	if scoped, ok := neighbour.Keys(); ok {
		_, err := scoped.IssueKey(ctx, provider.Grant{Consumer: "escalation", Bucket: neighbour.bucket, Mode: provider.ReadWrite})
		wantRefused(t, "issue a key", err)
	}
}

func testFullControl(t *testing.T, s Suite, keys provider.KeyIssuer) {
	f, neighbour := s.start(t, ""), s.start(t, "")
	neighbour.put(t, "k", "theirs", provider.Attributes{})
	own := f.issue(t, s, keys, provider.FullControl)
	for _, key := range []string{"k", provider.ReservedPrefix + "manifest"} {
		own.put(t, key, "x", provider.Attributes{})
		if text, _, err := own.get(t, own.ref(key), provider.GetOptions{}); text != "x" || err != nil {
			t.Errorf("get %s: %q, %v", key, text, err)
		}
		if err := own.Remove(t.Context(), own.ref(key)); err != nil {
			t.Errorf("remove %s: %v", key, err)
		}
	}
	wantNoNeighbour(t, fixture{Session: own, bucket: neighbour.bucket})
}

func testReadOnly(t *testing.T, s Suite, keys provider.KeyIssuer) {
	f := s.start(t, "")
	f.put(t, "k", "x", provider.Attributes{})
	app := f.issue(t, s, keys, provider.ReadOnly)
	if text, _, err := app.get(t, app.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
		t.Errorf("get: %q, %v", text, err)
	}
	if page, err := app.ListPage(t.Context(), app.bucket, provider.ListRequest{}); err != nil || len(page.Objects) != 1 {
		t.Errorf("list: %+v, %v", page, err)
	}
	_, err := app.Put(t.Context(), app.ref("k"), content("y"), provider.Attributes{})
	wantFault(t, "put", err, provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	_, err = app.StartUpload(t.Context(), app.ref("k"), provider.Attributes{})
	wantFault(t, "start upload", err, provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	wantFault(t, "remove", app.Remove(t.Context(), app.ref("k")), provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
		t.Errorf("the object became %q, %v", text, err)
	}
}

func testWriteOnly(t *testing.T, s Suite, keys provider.KeyIssuer) {
	f, neighbour := s.start(t, ""), s.start(t, "")
	neighbour.put(t, "k", "theirs", provider.Attributes{})
	app := f.issue(t, s, keys, provider.WriteOnly)
	app.put(t, "k", "first", provider.Attributes{})
	app.put(t, "k", "second", provider.Attributes{Tags: map[string]string{"a": "b"}})
	app.upload(t, "parts", provider.Attributes{}, strings.Repeat("x", 5<<20), "tail")
	id, _ := app.parts(t, "aborted", provider.Attributes{}, "x")
	_, err := app.ListUploads(t.Context(), app.bucket, "")
	wantRefused(t, "list uploads", err)
	if err := app.AbortUpload(t.Context(), app.ref("aborted"), id); err != nil {
		t.Errorf("abort: %v", err)
	}
	if err := app.AbortUpload(t.Context(), app.ref("none"), "none"); err != nil {
		t.Errorf("abort an upload that is not there: %v", err)
	}
	_, err = app.Head(t.Context(), app.ref("k"))
	wantRefused(t, "head", err)
	_, _, err = app.get(t, app.ref("k"), provider.GetOptions{})
	wantRefused(t, "get", err)
	_, err = app.Tags(t.Context(), app.ref("k"))
	wantRefused(t, "tags", err)
	_, err = app.ListPage(t.Context(), app.bucket, provider.ListRequest{})
	wantRefused(t, "list", err)
	if s.declares(provider.CapabilityVersioning) {
		_, err = app.ListVersionsPage(t.Context(), app.bucket, provider.VersionsRequest{})
		wantRefused(t, "list versions", err)
	}
	wantNoDelete(t, s, app)
	wantNoMore(t, s, app)
	wantNoNeighbour(t, fixture{Session: app, bucket: neighbour.bucket})
	for key, want := range map[string]string{"k": "second", "parts": strings.Repeat("x", 5<<20) + "tail"} {
		if text, _, err := f.get(t, f.ref(key), provider.GetOptions{}); text != want || err != nil {
			t.Errorf("%s holds %d bytes, want %d: %v", key, len(text), len(want), err)
		}
	}
}

// wantNoDelete fails when a key that may only write deletes the object "k"; or
// cannot delete any, where it is declared to.
func wantNoDelete(t *testing.T, s Suite, app fixture) {
	t.Helper()
	if !s.Traits.Keys.WritersDelete {
		wantRefused(t, "remove", app.Remove(t.Context(), app.ref("k")))
		return
	}
	app.put(t, "deleted", "x", provider.Attributes{})
	if err := app.Remove(t.Context(), app.ref("deleted")); err != nil {
		t.Errorf("remove: %v", err)
	}
}

func testReissue(t *testing.T, s Suite, keys provider.KeyIssuer) {
	f := s.start(t, "")
	f.put(t, "k", "x", provider.Attributes{})
	grant := provider.Grant{Consumer: consumer(t, s), Bucket: f.bucket, Mode: provider.ReadWrite}
	other := f.issue(t, s, keys, provider.ReadOnly)
	first, err := keys.IssueKey(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	// The same consumer with fewer rights, and another secret.
	grant.Mode = provider.ReadOnly
	second, err := keys.IssueKey(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	if first.SecretKey == second.SecretKey {
		t.Errorf("issued %q, then %q with the same secret", first.AccessKey, second.AccessKey)
	}
	old, current := s.OpenAs(t, first), s.OpenAs(t, second)
	_, err = old.Head(t.Context(), f.ref("k"))
	wantFault(t, "replaced secret", err, provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed)
	if _, err := current.Head(t.Context(), f.ref("k")); err != nil {
		t.Errorf("new secret: %v", err)
	}
	wantFault(t, "right that was withdrawn", current.Remove(t.Context(), f.ref("k")), provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	for range 2 {
		if err := keys.RevokeKey(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
	}
	_, err = current.Head(t.Context(), f.ref("k"))
	wantFault(t, "revoked key", err, provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed)
	if _, err := other.Head(t.Context(), f.ref("k")); err != nil {
		t.Errorf("key of another consumer: %v", err)
	}
}
