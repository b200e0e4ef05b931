package providertest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

var mark = provider.Mark{Owner: "install/namespace/name", Signature: "0123456789abcdef"}

func testHealth(t *testing.T, s Suite) {
	session := s.Open(t)
	health, err := session.Ping(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if skew, told := health.Skew(); !told || skew.Abs() > time.Minute || health.AnsweredAt.Before(health.AskedAt) {
		t.Errorf("health is %+v", health)
	}
	if place := session.Place(); place.Endpoint == "" || place.String() == "/" {
		t.Errorf("place is %+v", place)
	}
}

// testListed: a bucket is listed as long as it is there.
func testListed(t *testing.T, s Suite) {
	f := s.start(t, "")
	isListed := func() bool {
		t.Helper()
		list, err := f.ListBuckets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if skew, told := list.Health.Skew(); !told || skew.Abs() > time.Minute {
			t.Errorf("health is %+v", list.Health)
		}
		return slices.Contains(list.Names, f.bucket)
	}
	if !isListed() {
		t.Error("a bucket that is there is not listed")
	}
	if err := f.DeleteBucket(t.Context(), f.bucket); err != nil {
		t.Fatal(err)
	}
	if isListed() {
		t.Error("a bucket that is gone is listed")
	}
}

func testBuckets(t *testing.T, s Suite) {
	t.Run("every step may be repeated", func(t *testing.T) { testLifeCycle(t, s) })
	t.Run("they are listed", func(t *testing.T) { testListed(t, s) })
	t.Run("drift is seen and undone", func(t *testing.T) { testDrift(t, s) })
	t.Run("a bucket with content stays", func(t *testing.T) {
		f := s.start(t, "")
		f.put(t, "k", "x", provider.Attributes{})
		wantFault(t, "delete", f.DeleteBucket(t.Context(), f.bucket), provider.ErrNotEmpty, fault.Waiting, fault.DeletionBlocked)
		if _, err := f.Head(t.Context(), f.ref("k")); err != nil {
			t.Errorf("the object is gone: %v", err)
		}
	})
	t.Run("a name may be taken by a stranger", func(t *testing.T) { testStranger(t, s) })
}

func testLifeCycle(t *testing.T, s Suite) {
	session, name := s.Open(t), s.newName(t)
	f := fixture{Session: session, bucket: name}
	t.Cleanup(func() { f.remove(t) })
	want := provider.Bucket{Name: name, Mark: mark}
	marked := provider.BucketState{Exists: true, Versioning: provider.VersioningDisabled, Mark: &mark}
	steps := []struct {
		name string
		do   func() error
		want provider.BucketState
	}{
		{"nothing", func() error { return nil }, provider.BucketState{}},
		{"create", func() error { return session.CreateBucket(t.Context(), want) }, provider.BucketState{Exists: true, Versioning: provider.VersioningDisabled}},
		{"mark", func() error { return session.UpdateBucket(t.Context(), want) }, marked},
		{"create again", func() error { return session.CreateBucket(t.Context(), want) }, marked},
		{"delete", func() error { return session.DeleteBucket(t.Context(), name) }, provider.BucketState{}},
		{"create after deleting", func() error { return session.CreateBucket(t.Context(), want) }, provider.BucketState{Exists: true, Versioning: provider.VersioningDisabled}},
	}
	for _, step := range steps {
		for range 2 {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
		}
		got, err := session.ObserveBucket(t.Context(), name)
		if err != nil {
			t.Fatalf("observe after %s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.name, diff)
		}
	}
}

func testDrift(t *testing.T, s Suite) {
	f := s.start(t, "")
	want := provider.Bucket{Name: f.bucket, Mark: mark}
	properties := []string{"mark"}
	if s.declares(provider.CapabilityVersioning) {
		want.Versioning = provider.VersioningEnabled
		properties = []string{"versioning", "mark"}
	}
	observe := func() []string {
		t.Helper()
		state, err := f.ObserveBucket(t.Context(), f.bucket)
		if err != nil {
			t.Fatal(err)
		}
		var differ []string
		for _, drift := range want.Drift(state) {
			differ = append(differ, drift.Property)
		}
		return differ
	}
	if diff := cmp.Diff(properties, observe()); diff != "" {
		t.Errorf("drift of a new bucket (-want +got):\n%s", diff)
	}
	if err := f.UpdateBucket(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if left := observe(); left != nil {
		t.Errorf("drift after the update: %q", left)
	}
	// A new mark takes the place of the old one, and nothing else changes.
	other := provider.Mark{Owner: "install/namespace/other", Signature: "fedcba9876543210"}
	if err := f.UpdateBucket(t.Context(), provider.Bucket{Name: f.bucket, Mark: other}); err != nil {
		t.Fatal(err)
	}
	state, err := f.ObserveBucket(t.Context(), f.bucket)
	if err != nil || state.Mark == nil || *state.Mark != other || (want.Versioning != "" && state.Versioning != want.Versioning) {
		t.Errorf("after a new mark: %+v, %v", state, err)
	}
}

func testStranger(t *testing.T, s Suite) {
	if s.OpenOther == nil {
		t.Skip("there is no other account")
	}
	f, other := s.start(t, ""), s.OpenOther(t)
	f.put(t, "k", "x", provider.Attributes{})
	wantFault(t, "create", other.CreateBucket(t.Context(), provider.Bucket{Name: f.bucket}), provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict)
	_, err := other.ObserveBucket(t.Context(), f.bucket)
	wantFault(t, "observe", err, provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict)
	wantFault(t, "update", other.UpdateBucket(t.Context(), provider.Bucket{Name: f.bucket, Mark: mark}), provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	wantFault(t, "delete", other.DeleteBucket(t.Context(), f.bucket), provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	_, err = other.Head(t.Context(), f.ref("k"))
	wantFault(t, "head", err, provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	_, err = other.Put(t.Context(), f.ref("k"), content("y"), provider.Attributes{})
	wantFault(t, "put", err, provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	wantFault(t, "remove", other.Remove(t.Context(), f.ref("k")), provider.ErrDenied, fault.Terminal, fault.AccessDenied)
	if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
		t.Errorf("the object became %q, %v", text, err)
	}
}
