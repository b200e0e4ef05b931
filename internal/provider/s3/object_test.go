package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestOddKeysReachTheStoreExactly(t *testing.T) {
	keys := []string{
		"a//b", "/lead", "//", "./dot", "a/./b", "a/../b", "..", ".", "trail/", "trail//", "a%2Fb", "a%252Fb", "a/b", "a+b", "a b", "a%20b", "a%zz",
		"q?x=1&y#z", "é", "e\u0301", "日本/ключ", "\u00a0", "\u202fx", "tab\tx", "line\nx", "cr\rx", "\x01\x7f", "<a>&amp;\"'", "\\", "*~!$()@,:;=|{}[]^`",
		"?versionId=null", "?acl", strings.Repeat("k", 1024), strings.Repeat("é", 512), "conf", "conf/child", ".rempart/x",
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return strings.TrimSpace(key) == "" })
	server, session := start(t, emulator.Options{})
	for _, key := range keys {
		put(t, session, key, "content of "+key, provider.Attributes{})
		if text, object, err := get(t, session, ref(key), provider.GetOptions{}); err != nil || text != "content of "+key || object.Key != key {
			t.Errorf("get %q: %q, %q, %v", key, text, object.Key, err)
		}
		if object, err := session.Head(t.Context(), ref(key)); err != nil || object.Key != key {
			t.Errorf("head %q: %q, %v", key, object.Key, err)
		}
	}
	slices.Sort(keys)
	if diff := cmp.Diff(keys, server.Keys(bucket)); diff != "" {
		t.Fatalf("stored keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(keys, list(t, session, provider.ListOptions{})); diff != "" {
		t.Errorf("listed keys (-want +got):\n%s", diff)
	}
	for _, key := range keys {
		if err := session.Remove(t.Context(), ref(key)); err != nil {
			t.Errorf("remove %q: %v", key, err)
		}
	}
	if left := server.Keys(bucket); len(left) > 0 {
		t.Errorf("left after removing: %q", left)
	}
}

func TestReadingParts(t *testing.T) {
	_, session := start(t, emulator.Options{})
	stored := put(t, session, "k", "0123456789", provider.Attributes{})
	tests := map[string]struct {
		options provider.GetOptions
		want    string
		err     error
	}{
		"whole":                  {provider.GetOptions{}, "0123456789", nil},
		"from the middle":        {provider.GetOptions{Offset: 4}, "456789", nil},
		"first byte":             {provider.GetOptions{Length: 1}, "0", nil},
		"some of the middle":     {provider.GetOptions{Offset: 2, Length: 3}, "234", nil},
		"beyond the end":         {provider.GetOptions{Offset: 8, Length: 10}, "89", nil},
		"after the end":          {provider.GetOptions{Offset: 10}, "", provider.ErrChanged},
		"the same":               {provider.GetOptions{IfMatch: stored.ETag}, "0123456789", nil},
		"a part of the same":     {provider.GetOptions{IfMatch: stored.ETag, Offset: 9}, "9", nil},
		"another":                {provider.GetOptions{IfMatch: "0123"}, "", provider.ErrChanged},
		"a part of another":      {provider.GetOptions{IfMatch: "0123", Offset: 9, Length: 1}, "", provider.ErrChanged},
		"all, told by its range": {provider.GetOptions{Length: 10}, "0123456789", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text, object, err := get(t, session, ref("k"), test.options)
			if text != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v", text, err)
			}
			if err == nil && object.Size != 10 {
				t.Errorf("size is %d", object.Size)
			}
		})
	}
}

func TestBodiesAreRaw(t *testing.T) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = io.WriteString(writer, strings.Repeat("text ", 1000))
	_ = writer.Close()
	_, session := start(t, emulator.Options{})
	put(t, session, "k", packed.String(), provider.Attributes{ContentEncoding: "gzip"})
	text, object, err := get(t, session, ref("k"), provider.GetOptions{})
	if err != nil || text != packed.String() || object.Size != int64(packed.Len()) || object.Attributes.ContentEncoding != "gzip" {
		t.Errorf("got %d of %d bytes, encoding %q, %v", len(text), packed.Len(), object.Attributes.ContentEncoding, err)
	}
}

func TestBodyThatEndsEarlyIsNoEnd(t *testing.T) {
	const size = 1 << 20
	tests := map[string]struct {
		effect emulator.Effect
		eof    bool
	}{
		"cut in good order": {emulator.Truncate(size / 2), true},
		"cut at once":       {emulator.Truncate(0), true},
		"reset":             {emulator.ResetBody(size / 2), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, session := start(t, emulator.Options{})
			put(t, session, "k", strings.Repeat("x", size), provider.Attributes{})
			server.Faults().Add(emulator.Match{}, test.effect)
			text, _, err := get(t, session, ref("k"), provider.GetOptions{})
			if len(text) == size || !errors.Is(err, provider.ErrUnreachable) || fault.Of(err).Class != fault.Transient {
				t.Errorf("got %d bytes, %v", len(text), err)
			}
			if test.eof && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, want an unexpected EOF", err)
			}
		})
	}
}

func TestReadingEndsWithTheContext(t *testing.T) {
	_, session := start(t, emulator.Options{})
	put(t, session, "k", strings.Repeat("x", 8<<20), provider.Attributes{})
	ctx, end := context.WithCancel(t.Context())
	body, _, err := session.Get(ctx, ref("k"), provider.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	_, _ = body.Read(make([]byte, 1))
	end()
	_, err = io.Copy(io.Discard, body)
	if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, context.Canceled) || classified {
		t.Errorf("got %v", err)
	}
}

// tenBytes answers every GET with the same ten bytes and the ETag "e".
func tenBytes(status int, contentRange string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"e"`)
		w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
		if contentRange != "" {
			w.Header().Set("Content-Range", contentRange)
		}
		w.Header().Set("Content-Length", "10")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "0123456789")
	}
}

func TestAnswersThatAreNotWhatWasAskedForAreRefused(t *testing.T) {
	tests := map[string]struct {
		handle  http.HandlerFunc
		options provider.GetOptions
		want    error
	}{
		"the whole object":   {tenBytes(200, ""), provider.GetOptions{Offset: 5, Length: 10}, provider.ErrUnsupported},
		"another range":      {tenBytes(206, "bytes 0-9/100"), provider.GetOptions{Offset: 5, Length: 10}, provider.ErrServer},
		"of unknown size":    {tenBytes(206, "bytes 5-14/*"), provider.GetOptions{Offset: 5, Length: 10}, provider.ErrServer},
		"less than asked":    {tenBytes(206, "bytes 5-14/100"), provider.GetOptions{Offset: 5, Length: 11}, io.ErrUnexpectedEOF},
		"the range":          {tenBytes(206, "bytes 5-14/100"), provider.GetOptions{Offset: 5, Length: 10}, nil},
		"another object":     {tenBytes(206, "bytes 5-14/100"), provider.GetOptions{Offset: 5, Length: 10, IfMatch: "other"}, provider.ErrChanged},
		"all of another":     {tenBytes(200, ""), provider.GetOptions{IfMatch: "other"}, provider.ErrChanged},
		"all of this object": {tenBytes(200, ""), provider.GetOptions{IfMatch: "e"}, nil},
	}
	for name, test := range tests {
		text, _, err := get(t, answering(t, test.handle), ref("k"), test.options)
		if !errors.Is(err, test.want) || (err == nil && text != "0123456789") {
			t.Errorf("%s: got %q, %v, want %v", name, text, err, test.want)
		}
	}
}

func TestDeleteMarkersAreAbsence(t *testing.T) {
	_, session := start(t, emulator.Options{})
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
	first := put(t, session, "k", "1", provider.Attributes{})
	if err := session.Remove(t.Context(), ref("k")); err != nil {
		t.Fatal(err)
	}
	page, err := session.ListVersionsPage(t.Context(), bucket, provider.VersionsRequest{})
	if err != nil || len(page.Versions) != 2 || !page.Versions[0].IsDeleteMarker || !page.Versions[0].IsLatest || page.Versions[1].VersionID != first.VersionID {
		t.Fatalf("versions are %+v, %v", page.Versions, err)
	}
	for name, missing := range map[string]provider.Ref{"current": ref("k"), "the marker": {Bucket: bucket, Key: "k", VersionID: page.Versions[0].VersionID}} {
		_, head := session.Head(t.Context(), missing)
		_, _, got := get(t, session, missing, provider.GetOptions{})
		for _, err := range []error{head, got} {
			if !errors.Is(err, provider.ErrNotFound) || fault.HasReason(err, fault.BucketMissing) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	text, _, err := get(t, session, provider.Ref{Bucket: bucket, Key: "k", VersionID: first.VersionID}, provider.GetOptions{})
	if text != "1" || err != nil {
		t.Errorf("version below the marker: %q, %v", text, err)
	}
}

func TestHeadAsksWhyOnlyWhenItMatters(t *testing.T) {
	server, session := start(t, emulator.Options{})
	put(t, session, "empty", "", provider.Attributes{})
	server.ForgetRequests()
	if _, err := session.Head(t.Context(), ref("empty")); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Head(t.Context(), ref("absent")); !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	want := map[string]int{"HeadObject": 2, "GetObject": 1}
	if diff := cmp.Diff(want, server.Counts()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	// A key that may read and not ask keeps its refusal.
	server.Faults().Add(emulator.Match{Operation: "HeadObject"}, emulator.Fail(403, "AccessDenied"))
	put(t, session, "full", "x", provider.Attributes{})
	for key, want := range map[string]error{"empty": provider.ErrDenied, "full": provider.ErrDenied, "absent": provider.ErrNotFound} {
		if _, err := session.Head(t.Context(), ref(key)); !errors.Is(err, want) {
			t.Errorf("head of %q: %v", key, err)
		}
	}
}
