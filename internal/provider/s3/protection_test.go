package s3_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const archive = "archive"

func lockedFor(mode provider.LockMode, days int) provider.Bucket {
	return provider.Bucket{Name: archive, Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: mode, Days: days},
	}}
}

func protectionOf(t *testing.T, session provider.Session, name string) provider.Protection {
	t.Helper()
	protection, err := session.ObserveProtection(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return protection
}

func TestRetentionIsSetChangedAndTakenBack(t *testing.T) {
	server, session := start(t, emulator.Options{})
	ctx := t.Context()
	want := lockedFor(provider.Governance, 30)
	if err := session.CreateBucket(ctx, want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(provider.Protection{ObjectLock: true}, protectionOf(t, session, archive)); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	for _, want := range []provider.Bucket{want, lockedFor(provider.Compliance, 400), lockedFor("", 0)} {
		if err := session.UpdateBucket(ctx, want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Protection, protectionOf(t, session, archive)); diff != "" {
			t.Errorf("set (-want +got):\n%s", diff)
		}
	}
	writes := server.Count("PutObjectLockConfiguration")
	if err := session.UpdateBucket(ctx, lockedFor("", 0)); err != nil || server.Count("PutObjectLockConfiguration") != writes {
		t.Errorf("what is as it should be was written again: %v", err)
	}
}

func TestObjectLockCannotBeAddedLater(t *testing.T) {
	_, session := start(t, emulator.Options{})
	want := lockedFor(provider.Governance, 30)
	want.Name = bucket
	err := session.UpdateBucket(t.Context(), want)
	if !errors.Is(err, provider.ErrUnsupported) || fault.Of(err).Class != fault.Terminal || !fault.HasReason(err, fault.CapabilityMissing) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(provider.Protection{}, protectionOf(t, session, bucket)); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
}

func TestLockedObjectsTellUntilWhen(t *testing.T) {
	started := time.Now()
	_, session := start(t, emulator.Options{})
	want := lockedFor(provider.Governance, 2)
	if err := errors.Join(session.CreateBucket(t.Context(), want), session.UpdateBucket(t.Context(), want)); err != nil {
		t.Fatal(err)
	}
	ref := provider.Ref{Bucket: archive, Key: "acte"}
	stored, err := session.Put(t.Context(), ref, content("x"), provider.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	head, err := session.Head(t.Context(), ref)
	if until := started.AddDate(0, 0, 2); err != nil || head.LockedUntil.Before(until.Add(-time.Minute)) || head.LockedUntil.After(until.Add(time.Minute)) {
		t.Errorf("locked until %s, %v", head.LockedUntil, err)
	}
	ref.VersionID = stored.VersionID
	if err := session.Remove(t.Context(), ref); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("removed: %v", err)
	}
}

// Once a bucket has a default retention, AWS takes content only with its MD5. That is
// found out once, and costs nothing where nobody asks.
func TestContentForABucketUnderLockHasItsDigest(t *testing.T) {
	server, session := start(t, emulator.Options{MinPartSize: -1})
	want := lockedFor(provider.Governance, 1)
	if err := errors.Join(session.CreateBucket(t.Context(), want), session.UpdateBucket(t.Context(), want)); err != nil {
		t.Fatal(err)
	}
	digests := func(operation string) (sent []bool) {
		for _, request := range server.Requests(func(r emulator.Request) bool { return r.Operation == operation }) {
			sent = append(sent, request.Status == 200)
		}
		return sent
	}
	ref := provider.Ref{Bucket: archive, Key: "acte"}
	for _, text := range []string{"1901", "", "1902"} {
		if _, err := session.Put(t.Context(), ref, content(text), provider.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]bool{false, true, true, true}, digests("PutObject")); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	again := open(t, server.URL, server) // knows nothing yet
	id, err := again.StartUpload(t.Context(), ref, provider.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []provider.Part
	for number := 1; number <= 2; number++ {
		part, err := again.UploadPart(t.Context(), ref, id, number, content("part"))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	if _, err := again.CompleteUpload(t.Context(), ref, id, parts); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]bool{false, true, true}, digests("UploadPart")); diff != "" {
		t.Errorf("parts taken (-want +got):\n%s", diff)
	}
	server.ForgetRequests()
	put(t, session, "elsewhere", "x", provider.Attributes{})
	if requests := server.Requests(nil); len(requests) != 1 {
		t.Errorf("sent %d requests to another bucket", len(requests))
	}
	// Another refusal of the same code is none of this.
	server.Faults().Add(emulator.Match{Operation: "PutObject"}, emulator.Fail(400, "InvalidRequest"))
	if _, err := again.Put(t.Context(), provider.Ref{Bucket: bucket, Key: "k"}, content("x"), provider.Attributes{}); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if taken := digests("PutObject"); len(taken) != 2 {
		t.Errorf("sent again: %v", taken)
	}
}

func TestEncryptionIsSetOnceAndTold(t *testing.T) {
	server, session := start(t, emulator.Options{StoredConfigurations: []string{"encryption"}})
	want := provider.Bucket{Name: bucket, Protection: provider.Protection{Encryption: provider.ProviderManaged}}
	for range 2 {
		if err := session.UpdateBucket(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if writes := server.Count("PutBucketEncryption"); writes != 1 {
		t.Errorf("wrote %d times", writes)
	}
	if diff := cmp.Diff(want.Protection, protectionOf(t, session, bucket)); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
	stored := put(t, session, "acte", "x", provider.Attributes{})
	head, err := session.Head(t.Context(), ref("acte"))
	if err != nil || stored.Encryption != "AES256" || head.Encryption != "AES256" {
		t.Errorf("put tells %q, head %q, %v", stored.Encryption, head.Encryption, err)
	}
}

// A store that takes what it does not keep, answers with something else, or
// refuses, is found out: nobody is told that a bucket is protected when it is not.
func TestProtectionThatIsNotKeptIsAnError(t *testing.T) {
	encrypted := provider.Bucket{Name: bucket, Protection: provider.Protection{Encryption: provider.ProviderManaged}}
	locked := lockedFor(provider.Governance, 1)
	locked.Name = bucket
	on := func(method, subresource string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !r.URL.Query().Has(subresource) || method != "" && r.Method != method {
				return false
			}
			answer(w, r)
			return true
		}
	}
	listing := document(200, "<ListBucketResult><Name>actes</Name><IsTruncated>false</IsTruncated></ListBucketResult>")
	tests := map[string]struct {
		want  provider.Bucket
		front func(http.ResponseWriter, *http.Request) bool
		err   error
	}{
		"encryption that is dropped":                    {encrypted, on("PUT", "encryption", document(200, "")), provider.ErrNotKept},
		"encryption answered with a listing":            {encrypted, on("", "encryption", listing), provider.ErrNotKept},
		"encryption that does not exist":                {encrypted, on("", "encryption", s3Error(501, "NotImplemented")), provider.ErrUnsupported},
		"encryption that RGW refuses without a key":     {encrypted, on("PUT", "encryption", s3Error(400, "InvalidArgument")), provider.ErrUnsupported},
		"encryption taken for making the bucket":        {encrypted, on("PUT", "encryption", s3Error(409, "BucketAlreadyOwnedByYou")), provider.ErrUnsupported},
		"encryption that cannot be read":                {encrypted, on("GET", "encryption", s3Error(500, "InternalError")), provider.ErrServer},
		"encryption that may not be read":               {encrypted, on("GET", "encryption", s3Error(403, "AccessDenied")), provider.ErrDenied},
		"a retention that is dropped":                   {locked, on("PUT", "object-lock", document(200, "")), provider.ErrNotKept},
		"a retention that is another one":               {locked, on("", "object-lock", document(200, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Years>1</Years></DefaultRetention></Rule></ObjectLockConfiguration>")), provider.ErrNotKept},
		"a retention for a bucket made without a lock":  {locked, on("PUT", "object-lock", s3Error(409, "InvalidBucketState")), provider.ErrUnsupported},
		"a retention where there is no such thing":      {locked, on("", "object-lock", s3Error(501, "NotImplemented")), provider.ErrUnsupported},
		"a retention where the store is not to be read": {locked, on("GET", "object-lock", s3Error(503, "ServiceUnavailable")), provider.ErrServer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := emulator.Start(t, emulator.Options{})
			server.CreateBucket(bucket)
			err := behind(t, server, test.front).UpdateBucket(t.Context(), test.want)
			if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

func TestProtectionOfAnAbsentBucketIsAnError(t *testing.T) {
	_, session := start(t, emulator.Options{})
	if _, err := session.ObserveProtection(t.Context(), "absent"); !fault.HasReason(err, fault.BucketMissing) {
		t.Errorf("got %v", err)
	}
}

func TestStoreWithoutProtectionHasNone(t *testing.T) {
	_, session := start(t, emulator.Options{NoObjectLock: true})
	if diff := cmp.Diff(provider.Protection{}, protectionOf(t, session, bucket)); diff != "" {
		t.Errorf("protection (-want +got):\n%s", diff)
	}
	if err := session.CreateBucket(t.Context(), lockedFor(provider.Governance, 1)); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("a bucket with a lock: %v", err)
	}
}
