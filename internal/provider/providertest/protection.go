package providertest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

func testProtection(t *testing.T, s Suite) {
	t.Run("object lock", func(t *testing.T) {
		if !s.declares(provider.CapabilityObjectLock) {
			testNoLock(t, s)
			return
		}
		t.Run("is a setting of an empty bucket", func(t *testing.T) { testRetention(t, s) })
		t.Run("keeps what is written", func(t *testing.T) { testLocked(t, s) })
	})
	t.Run("object lock, of a bucket made without", func(t *testing.T) { testLateLock(t, s) })
	t.Run("encryption", func(t *testing.T) { testEncryption(t, s) })
}

// startLocked makes a bucket with object lock and without a default.
func (s Suite) startLocked(t *testing.T) fixture {
	t.Helper()
	f := fixture{Session: s.Open(t), bucket: s.newName(t)}
	if err := f.CreateBucket(t.Context(), f.locked(provider.Retention{})); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f fixture) locked(retention provider.Retention) provider.Bucket {
	return provider.Bucket{
		Name: f.bucket, Versioning: provider.VersioningEnabled, Protection: provider.Protection{ObjectLock: true, Retention: retention},
	}
}

func (f fixture) protection(t *testing.T) provider.Protection {
	t.Helper()
	protection, err := f.ObserveProtection(t.Context(), f.bucket)
	if err != nil {
		t.Fatal(err)
	}
	return protection
}

func testRetention(t *testing.T, s Suite) {
	f := s.startLocked(t)
	t.Cleanup(func() { f.remove(t) })
	for _, retention := range []provider.Retention{
		{Mode: provider.Governance, Days: 1}, {Mode: provider.Compliance, Days: 400}, {Mode: provider.Governance, Days: 2}, {},
	} {
		want := f.locked(retention)
		for range 2 {
			if err := f.UpdateBucket(t.Context(), want); err != nil {
				t.Fatalf("%s: %v", retention, err)
			}
		}
		if diff := cmp.Diff(want.Protection, f.protection(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", retention, diff)
		}
	}
}

// testLocked leaves an object that cannot be removed, so it is for stores that are
// thrown away with the test.
func testLocked(t *testing.T, s Suite) {
	if !s.IsThrownAway {
		t.Skip("the store stays, and so would what is locked")
	}
	f := s.startLocked(t)
	if err := f.UpdateBucket(t.Context(), f.locked(provider.Retention{Mode: provider.Governance, Days: 1})); err != nil {
		t.Fatal(err)
	}
	first := f.put(t, "k", "1", provider.Attributes{})
	f.upload(t, "parts", provider.Attributes{}, "1")
	second := f.put(t, "k", "2", provider.Attributes{})
	if err := f.Remove(t.Context(), f.ref("k")); err != nil {
		t.Errorf("hide what is locked: %v", err)
	}
	for _, version := range []provider.Object{first, second} {
		err := f.Remove(t.Context(), f.version("k", version.VersionID))
		if !errors.Is(err, provider.ErrDenied) && !errors.Is(err, provider.ErrUnsupported) {
			t.Errorf("remove a locked version: %v", err)
		}
		if text, _, err := f.get(t, f.version("k", version.VersionID), provider.GetOptions{}); err != nil || text == "" {
			t.Errorf("a locked version is gone: %q, %v", text, err)
		}
	}
	_, err := provider.Empty(t.Context(), f, f.bucket)
	locked, isLocked := errors.AsType[*provider.LockedError](err)
	if !isLocked {
		t.Fatalf("emptying does not tell of the lock: %v", err)
	}
	health, err := f.Ping(t.Context())
	if in := locked.Until.Sub(health.ServerTime); err != nil || in.Hours() < 23.9 || in.Hours() > 24.1 {
		t.Errorf("locked for %s, %v; want a day", in, err)
	}
}

func testNoLock(t *testing.T, s Suite) {
	session, name := s.Open(t), s.newName(t)
	f := fixture{Session: session, bucket: name}
	t.Cleanup(func() { f.remove(t) })
	want := f.locked(provider.Retention{Mode: provider.Governance, Days: 1})
	err := session.CreateBucket(t.Context(), want)
	if err == nil {
		err = session.UpdateBucket(t.Context(), want)
	}
	wantNotKept(t, "object lock", err)
}

// wantNotKept fails unless a store says, or is found, not to do something.
func wantNotKept(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, provider.ErrUnsupported) && !errors.Is(err, provider.ErrNotKept) {
		t.Errorf("%s is not declared, and asking for it came to %v", what, err)
	}
	if fault.Of(err) != nil && fault.Of(err).Class != fault.Terminal {
		t.Errorf("%s is not there, and that is %s", what, fault.Of(err).Class)
	}
}

// testLateLock: whatever a store does, nobody is told that a bucket is locked when
// it is not.
func testLateLock(t *testing.T, s Suite) {
	f := s.start(t, "")
	want := f.locked(provider.Retention{Mode: provider.Governance, Days: 1})
	want.Versioning = ""
	err := f.UpdateBucket(t.Context(), want)
	got := f.protection(t)
	if isThere := got == want.Protection; isThere != (err == nil) {
		t.Errorf("the bucket is under %+v, and setting it came to %v", got, err)
	}
	if err != nil {
		wantNotKept(t, "object lock of a bucket made without", err)
	}
}

func testEncryption(t *testing.T, s Suite) {
	f := s.start(t, "")
	want := provider.Bucket{Name: f.bucket, Protection: provider.Protection{Encryption: provider.ProviderManaged}}
	err := f.UpdateBucket(t.Context(), want)
	declared := s.Traits.Capabilities.Of(provider.CapabilityEncryption)
	if declared == provider.Unsupported {
		wantNotKept(t, "encryption", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Protection, f.protection(t)); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
	f.put(t, "k", "secret", provider.Attributes{})
	text, object, err := f.get(t, f.ref("k"), provider.GetOptions{})
	if err != nil || text != "secret" || (object.Encryption != "") != (declared == provider.Supported) {
		t.Errorf("read %q, encrypted %q, %v; declared %s", text, object.Encryption, err, declared)
	}
}
