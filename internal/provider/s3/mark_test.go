package s3_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestForeignTagsStay(t *testing.T) {
	server, session := start(t, emulator.Options{})
	ours := map[string]string{provider.MarkOwnerTag: mark.Owner, provider.MarkSignatureTag: mark.Signature}
	tag := func(tags string) {
		t.Helper()
		if err := putBucketTags(server, tags); err != nil {
			t.Fatal(err)
		}
	}
	tag("<Tag><Key>service</Key><Value>état civil</Value></Tag><Tag><Key>rempart.dev/owner</Key><Value>stale</Value></Tag>")
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Mark: mark}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"service": "état civil"}
	maps.Copy(want, ours)
	if diff := cmp.Diff(want, server.Buckets()[bucket].Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	// Half a mark is a mark that nobody signed, and no mark is left alone.
	tag("<Tag><Key>rempart.dev/owner</Key><Value>someone</Value></Tag>")
	state, err := session.ObserveBucket(t.Context(), bucket)
	if err != nil || state.Mark == nil || *state.Mark != (provider.Mark{Owner: "someone"}) {
		t.Errorf("got %+v, %v", state.Mark, err)
	}
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket}); err != nil || server.Buckets()[bucket].Tags[provider.MarkOwnerTag] != "someone" {
		t.Errorf("no wanted mark changed the tags to %v, %v", server.Buckets()[bucket].Tags, err)
	}
}

func TestMarkerThatNobodyUnderstandsIsSomebodys(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.PutObjectDirect(bucket, emulator.Object{Key: provider.MarkKey, Body: []byte("not ours")})
	state, err := session.ObserveBucket(t.Context(), bucket)
	if err != nil || state.Mark == nil || *state.Mark != (provider.Mark{}) {
		t.Errorf("got %+v, %v", state.Mark, err)
	}
}

func TestTagsThatCannotBeReadAreNotAbsent(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	for name, answer := range map[string]http.HandlerFunc{
		"no body":    document(200, ""),
		"cut":        document(200, "<Tagging><TagSet><Tag><Key>a"),
		"a page":     page(200),
		"not now":    s3Error(503, "SlowDown"),
		"not for us": s3Error(403, "AccessDenied"),
	} {
		session := behind(t, server, withoutTags(answer))
		if state, err := session.ObserveBucket(t.Context(), bucket); err == nil {
			t.Errorf("%s: got %+v", name, state)
		}
		if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Mark: mark}); err == nil {
			t.Errorf("%s: marked", name)
		}
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("wrote %q", keys)
	}
}

func TestMarkerComesBackWhenTheBucketGotAnObjectMeanwhile(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, provider.MarkKey) {
			server.PutObjectDirect(bucket, emulator.Object{Key: "late"})
		}
		return withoutTags(s3Error(501, "NotImplemented"))(w, r)
	})
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Mark: mark}); err != nil {
		t.Fatal(err)
	}
	if err := session.DeleteBucket(t.Context(), bucket); !errors.Is(err, provider.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
	state, err := session.ObserveBucket(t.Context(), bucket)
	if err != nil || state.Mark == nil || *state.Mark != mark {
		t.Errorf("mark is %v, %v", state.Mark, err)
	}
	if keys := server.Keys(bucket); !slices.Contains(keys, "late") {
		t.Errorf("keys are %q", keys)
	}
}
