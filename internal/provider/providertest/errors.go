package providertest

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// call is one operation, without its result.
type call func(context.Context) error

// operations are all calls about a bucket and an object "k" in it.
func operations(session provider.Session, bucket string) map[string]call {
	all := bucketOperations(session, bucket)
	maps.Copy(all, objectOperations(session, provider.Ref{Bucket: bucket, Key: "k"}))
	return all
}

func bucketOperations(session provider.Session, bucket string) map[string]call {
	return map[string]call{
		"Ping":        func(ctx context.Context) error { _, err := session.Ping(ctx); return err },
		"ListBuckets": func(ctx context.Context) error { _, err := session.ListBuckets(ctx); return err },
		"ObserveSettings": func(ctx context.Context) error {
			_, err := session.ObserveSettings(ctx, bucket)
			return err
		},
		"CorrectSetting": func(ctx context.Context) error {
			return session.CorrectSetting(ctx, bucket, provider.SettingPolicy)
		},
		"ObserveBucket": func(ctx context.Context) error { _, err := session.ObserveBucket(ctx, bucket); return err },
		"CreateBucket":  func(ctx context.Context) error { return session.CreateBucket(ctx, provider.Bucket{Name: bucket}) },
		"UpdateBucket": func(ctx context.Context) error {
			return session.UpdateBucket(ctx, provider.Bucket{Name: bucket, Mark: mark})
		},
		"DeleteBucket": func(ctx context.Context) error { return session.DeleteBucket(ctx, bucket) },
		"ListPage": func(ctx context.Context) error {
			_, err := session.ListPage(ctx, bucket, provider.ListRequest{})
			return err
		},
		"ListVersionsPage": func(ctx context.Context) error {
			_, err := session.ListVersionsPage(ctx, bucket, provider.VersionsRequest{})
			return err
		},
		"ListUploads": func(ctx context.Context) error { _, err := session.ListUploads(ctx, bucket, ""); return err },
	}
}

func objectOperations(session provider.Session, ref provider.Ref) map[string]call {
	const noUpload = "00000000-0000-0000-0000-000000000000"
	return map[string]call{
		"Head": func(ctx context.Context) error { _, err := session.Head(ctx, ref); return err },
		"Get": func(ctx context.Context) error {
			body, _, err := session.Get(ctx, ref, provider.GetOptions{})
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.Copy(io.Discard, body)
			return err
		},
		"Put": func(ctx context.Context) error {
			_, err := session.Put(ctx, ref, content("x"), provider.Attributes{})
			return err
		},
		"Remove": func(ctx context.Context) error { return session.Remove(ctx, ref) },
		"Tags":   func(ctx context.Context) error { _, err := session.Tags(ctx, ref); return err },
		"StartUpload": func(ctx context.Context) error {
			_, err := session.StartUpload(ctx, ref, provider.Attributes{})
			return err
		},
		"UploadPart": func(ctx context.Context) error {
			_, err := session.UploadPart(ctx, ref, noUpload, 1, content("x"))
			return err
		},
		"CompleteUpload": func(ctx context.Context) error {
			_, err := session.CompleteUpload(ctx, ref, noUpload, []provider.Part{{Number: 1, ETag: "d41d8cd98f00b204e9800998ecf8427e"}})
			return err
		},
		"AbortUpload": func(ctx context.Context) error {
			return session.AbortUpload(ctx, ref, noUpload)
		},
	}
}

func testErrors(t *testing.T, s Suite) {
	t.Run("bucket that is not there", func(t *testing.T) {
		// A state, or no error, for these; which of the two a store takes for the
		// abort of an upload that never was is left to it.
		excepted := []string{"Ping", "ListBuckets", "ObserveBucket", "CreateBucket", "DeleteBucket", "AbortUpload"}
		session, name := s.Open(t), s.newName(t)
		for operation, call := range operations(session, name) {
			if slices.Contains(excepted, operation) {
				continue
			}
			wantFault(t, operation, call(t.Context()), provider.ErrNotFound, fault.Terminal, fault.BucketMissing)
		}
		if err := session.DeleteBucket(t.Context(), name); err != nil {
			t.Errorf("DeleteBucket: %v", err)
		}
		if state, err := session.ObserveBucket(t.Context(), name); err != nil || state != (provider.BucketState{}) {
			t.Errorf("ObserveBucket: %+v, %v", state, err)
		}
	})
	t.Run("object that is not there", func(t *testing.T) {
		f := s.start(t, "")
		for _, operation := range []string{"Head", "Get", "UploadPart", "CompleteUpload"} {
			wantMissing(t, operation, operations(f, f.bucket)[operation](t.Context()))
		}
		for _, operation := range []string{"Remove", "AbortUpload"} {
			if err := operations(f, f.bucket)[operation](t.Context()); err != nil {
				t.Errorf("%s: %v", operation, err)
			}
		}
	})
	t.Run("credentials that are refused", func(t *testing.T) {
		f := s.start(t, "")
		f.put(t, "k", "x", provider.Attributes{})
		wrong := s.OpenAs(t, provider.Key{AccessKey: "nobody-here", SecretKey: secret.New("not-a-secret-of-anybody")})
		for operation, call := range operations(wrong, f.bucket) {
			wantFault(t, operation, call(t.Context()), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed)
		}
		if health, err := wrong.Ping(t.Context()); err == nil || health.ServerTime.IsZero() {
			t.Errorf("the refusal told no time: %+v, %v", health, err)
		}
	})
}

// testContext: the end of the caller's context is an error, and only that.
func testContext(t *testing.T, s Suite) {
	f := s.start(t, "")
	f.put(t, "k", "x", provider.Attributes{})
	ended, end := context.WithCancel(t.Context())
	end()
	calls := operations(f, f.bucket)
	if keys, ok := f.Keys(); ok {
		grant := provider.Grant{Consumer: "consumer", Bucket: f.bucket, Mode: provider.ReadOnly}
		calls["IssueKey"] = func(ctx context.Context) error { _, err := keys.IssueKey(ctx, grant); return err }
		calls["RevokeKey"] = func(ctx context.Context) error { return keys.RevokeKey(ctx, grant) }
	}
	for operation, call := range calls {
		err := call(ended)
		if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, context.Canceled) || classified {
			t.Errorf("%s: got %#v", operation, err)
		}
	}
	for _, err := range provider.List(ended, f, f.bucket, provider.ListOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("List: got %v", err)
		}
	}
	if _, err := f.Head(t.Context(), f.ref("k")); err != nil {
		t.Errorf("something was done for nobody: %v", err)
	}
}
