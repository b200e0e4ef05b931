package s3_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

var mark = provider.Mark{Owner: "install/etat-civil/actes", Signature: "0123abcd"}

// withoutTags answers for a store that knows no bucket tags; nil answers like
// one that ignores the subresource.
func withoutTags(answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("tagging") {
			return false
		}
		answer(w, r)
		return true
	}
}

const emptyListing = `<ListBucketResult><Name>actes</Name><IsTruncated>false</IsTruncated></ListBucketResult>`

func TestMarkAndVersioningAreKept(t *testing.T) {
	stores := map[string]func(http.ResponseWriter, *http.Request) bool{
		"with tags":                      func(http.ResponseWriter, *http.Request) bool { return false },
		"that does not implement tags":   withoutTags(s3Error(501, "NotImplemented")),
		"that allows no method on tags":  withoutTags(s3Error(405, "MethodNotAllowed")),
		"that lists instead of the tags": withoutTags(document(200, emptyListing)),
	}
	for name, front := range stores {
		t.Run(name, func(t *testing.T) {
			session := behind(t, emulator.Start(t, emulator.Options{}), front)
			ctx := t.Context()
			want := provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled, Mark: mark}
			states := []provider.BucketState{
				{},
				{Exists: true, Versioning: provider.VersioningDisabled},
				{Exists: true, Versioning: provider.VersioningEnabled, Mark: &mark},
				{},
			}
			steps := []func() error{
				func() error { return nil },
				func() error { return session.CreateBucket(ctx, want) },
				func() error { return session.UpdateBucket(ctx, want) },
				func() error { return session.DeleteBucket(ctx, bucket) },
			}
			for i, step := range steps {
				for range 2 { // every step may be repeated
					if err := step(); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
				}
				state, err := session.ObserveBucket(ctx, bucket)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(states[i], state); diff != "" {
					t.Errorf("state after step %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestRequestsOfTheLifeCycle(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	session := open(t, server.URL, server)
	want := provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled, Mark: mark}
	observe := func() error { _, err := session.ObserveBucket(t.Context(), bucket); return err }
	update := func() error { return session.UpdateBucket(t.Context(), want) }
	steps := []struct {
		name string
		do   func() error
		want map[string]int
	}{
		{"observe nothing", observe, map[string]int{"GetBucketVersioning": 1}},
		{"create", func() error { return session.CreateBucket(t.Context(), want) }, map[string]int{"CreateBucket": 1}},
		{"observe unmarked", observe, map[string]int{"GetBucketVersioning": 1, "GetBucketTagging": 1, "GetObject": 1}},
		{"update", update, map[string]int{"GetBucketVersioning": 1, "PutBucketVersioning": 1, "GetBucketTagging": 1, "PutBucketTagging": 1}},
		{"observe marked", observe, map[string]int{"GetBucketVersioning": 1, "GetBucketTagging": 1}},
		{"update nothing", update, map[string]int{"GetBucketVersioning": 1, "GetBucketTagging": 1}},
		{"delete", func() error { return session.DeleteBucket(t.Context(), bucket) }, map[string]int{"DeleteBucket": 1}},
		{"delete nothing", func() error { return session.DeleteBucket(t.Context(), bucket) }, map[string]int{"DeleteBucket": 1}},
		{"ping", func() error { _, err := session.Ping(t.Context()); return err }, map[string]int{"ListBuckets": 1}},
	}
	for _, step := range steps {
		server.ForgetRequests()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, server.Counts()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestStoreWithoutVersioning(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	for name, answer := range map[string]http.HandlerFunc{
		"not implemented": s3Error(501, "NotImplemented"),
		"lists instead":   document(200, emptyListing),
	} {
		session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if !r.URL.Query().Has("versioning") {
				return false
			}
			answer(w, r)
			return true
		})
		state, err := session.ObserveBucket(t.Context(), bucket)
		if err != nil || !state.Exists || state.Versioning != provider.VersioningDisabled {
			t.Errorf("%s: got %+v, %v", name, state, err)
		}
		state, err = session.ObserveBucket(t.Context(), "absent")
		if err != nil || state.Exists {
			t.Errorf("%s, absent: got %+v, %v", name, state, err)
		}
	}
	session := open(t, server.URL, server)
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningSuspended}); !errors.Is(err, provider.ErrInvalidConfiguration) {
		t.Errorf("suspending: %v", err)
	}
}

func TestAbsenceIsToldByTheStoreOnly(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"a page":        page(404),
		"nothing":       document(404, ""),
		"other words":   s3Error(404, "NoSuchWebsiteConfiguration"),
		"a login page":  page(200),
		"empty success": document(200, ""),
	} {
		state, err := answering(t, handle).ObserveBucket(t.Context(), bucket)
		if err == nil {
			t.Errorf("%s: got %+v", name, state)
		}
	}
}

func create(t *testing.T, session provider.Session) error {
	t.Helper()
	return session.CreateBucket(t.Context(), provider.Bucket{Name: bucket})
}

func TestCreatingABucketAgain(t *testing.T) {
	for _, isWelcome := range []bool{true, false} {
		_, session := start(t, emulator.Options{RecreateOK: isWelcome})
		if err := create(t, session); err != nil {
			t.Errorf("answered 200: %t: %v", isWelcome, err)
		}
	}
}

func TestBucketOfAnotherAccount(t *testing.T) {
	server, session := start(t, emulator.Options{})
	if err := server.AddUser("other", "other-secret", ""); err != nil {
		t.Fatal(err)
	}
	other := openAs(t, session.Place(), "other", "other-secret")
	if err := create(t, other); !errors.Is(err, provider.ErrOwnedByOther) || !fault.HasReason(err, fault.NameConflict) || fault.Of(err).Class != fault.Terminal {
		t.Errorf("create: %v", err)
	}
	if _, err := other.ObserveBucket(t.Context(), bucket); !errors.Is(err, provider.ErrOwnedByOther) {
		t.Errorf("observe: %v", err)
	}
	// One of ours that our key may not look at is another matter.
	server.Faults().Add(emulator.Match{Operation: "GetBucketVersioning"}, emulator.Fail(403, "AccessDenied"))
	if _, err := session.ObserveBucket(t.Context(), bucket); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("observe ours: %v", err)
	}
}

func TestLocationConstraints(t *testing.T) {
	t.Run("one that must be named", func(t *testing.T) {
		server := emulator.Start(t, emulator.Options{Region: "eu-west-9"})
		session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || r.ContentLength != 0 {
				return false
			}
			s3Error(400, "IllegalLocationConstraintException")(w, r)
			return true
		})
		if err := create(t, session); err != nil || server.Count("CreateBucket") != 1 {
			t.Errorf("%d requests got through, %v", server.Count("CreateBucket"), err)
		}
	})
	t.Run("one that must not be named", func(t *testing.T) {
		server := emulator.Start(t, emulator.Options{LocationConstraints: []string{"default"}})
		if err := create(t, open(t, server.URL, server)); err != nil {
			t.Error(err)
		}
	})
}

func TestNamesThatNoStoreTakes(t *testing.T) {
	session := answering(t, page(500)) // nobody may be asked
	for _, name := range []string{"", "a", "a/b", "..", strings.Repeat("x", 64), "é"} {
		err := session.CreateBucket(t.Context(), provider.Bucket{Name: name})
		_, list := session.ListPage(t.Context(), name, provider.ListRequest{})
		_, put := session.Put(t.Context(), provider.Ref{Bucket: name, Key: "k"}, content("x"), provider.Attributes{})
		for _, err := range []error{err, list, put} {
			if !errors.Is(err, provider.ErrInvalidConfiguration) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func TestBucketWithContentIsNotDeleted(t *testing.T) {
	contents := map[string]func(*testing.T, *emulator.Server, provider.Session){
		"an object": func(t *testing.T, _ *emulator.Server, s provider.Session) { put(t, s, "k", "x", provider.Attributes{}) },
		"a reserved object beside the marker": func(t *testing.T, _ *emulator.Server, s provider.Session) {
			put(t, s, ".rempart/manifest", "x", provider.Attributes{})
			put(t, s, provider.MarkKey, `{"owner":"o"}`, provider.Attributes{})
		},
		"an object behind a page of old markers": func(t *testing.T, server *emulator.Server, s provider.Session) {
			if err := s.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled}); err != nil {
				t.Fatal(err)
			}
			for range 1001 {
				server.PutObjectDirect(bucket, emulator.Object{Key: provider.MarkKey, Body: []byte(`{"owner":"o"}`)})
			}
			put(t, s, "k", "x", provider.Attributes{})
		},
		"an old version": func(t *testing.T, _ *emulator.Server, s provider.Session) {
			if err := s.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled}); err != nil {
				t.Fatal(err)
			}
			put(t, s, "k", "x", provider.Attributes{})
			if err := s.Remove(t.Context(), ref("k")); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, fill := range contents {
		t.Run(name, func(t *testing.T) {
			server, session := start(t, emulator.Options{})
			fill(t, server, session)
			before := server.Keys(bucket)
			err := session.DeleteBucket(t.Context(), bucket)
			if !errors.Is(err, provider.ErrNotEmpty) || fault.Of(err).Class != fault.Waiting || !fault.HasReason(err, fault.DeletionBlocked) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, server.Keys(bucket)); diff != "" {
				t.Errorf("keys changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSkewIsMeasuredAlsoOnRefusal(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	right := open(t, server.URL, server)
	wrong := openAs(t, right.Place(), server.AccessKey, "wrong")
	health, err := right.Ping(t.Context())
	if skew, told := health.Skew(); err != nil || !told || skew.Abs().Seconds() > 5 || health.AnsweredAt.Before(health.AskedAt) {
		t.Errorf("right: %+v, %v", health, err)
	}
	health, err = wrong.Ping(t.Context())
	if _, told := health.Skew(); !errors.Is(err, provider.ErrAuthentication) || !told {
		t.Errorf("wrong: %+v, %v", health, err)
	}
	health, err = answering(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).Ping(t.Context())
	if _, told := health.Skew(); err == nil || told || health.AskedAt.IsZero() {
		t.Errorf("no answer: %+v, %v", health, err)
	}
}
