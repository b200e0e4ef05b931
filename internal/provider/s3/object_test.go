package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// everything is all attributes, with the values that are known to be changed on
// the way: spaces that break signatures, characters that escape something, names
// of other headers.
var everything = provider.Attributes{
	ContentType:        "text/html; charset=utf-8",
	ContentEncoding:    "gzip",
	ContentDisposition: `attachment; filename="état, 1+1.txt"`,
	ContentLanguage:    "fr, en",
	CacheControl:       "no-cache, max-age=3",
	Expires:            time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	UserMetadata: map[string]string{
		"plain": "value", "accents": "é à ç 日本", "percent": "100%25 %zz 1+1=2&3", "commas": "a, b,c", "long": strings.Repeat("x", 1800),
		"no-break": "12\u00a0000\u202f€", "tab": "a\tb", "spaces": "a  b", "empty": "", "word": "=?UTF-8?Q?abc?=", "quotes": `"'`,
		"content-type": "not the header", "expires": "0", "under_score": "1",
	},
	Tags: map[string]string{"clé": "état civil", "a b": "c+d/e=f:g@h", "empty": ""},
}

func TestAttributesComeBackAsTheyWereSent(t *testing.T) {
	server, session := start(t, emulator.Options{RefuseEmptyStreaming: true})
	stores := map[string]func(t *testing.T, key string, attributes provider.Attributes){
		"in one request": func(t *testing.T, key string, attributes provider.Attributes) {
			put(t, session, key, "content", attributes)
		},
		"in parts": func(t *testing.T, key string, attributes provider.Attributes) {
			upload(t, session, key, attributes, "content")
		},
	}
	sets := map[string]provider.Attributes{"all": everything, "none": {}, "only a type": {ContentType: "image/png"}}
	for name, store := range stores {
		for set, want := range sets {
			t.Run(name+", "+set, func(t *testing.T) {
				key := name + "/" + set
				store(t, key, want)
				head, err := session.Head(t.Context(), ref(key))
				if err != nil {
					t.Fatal(err)
				}
				text, got, err := get(t, session, ref(key), provider.GetOptions{})
				if err != nil || text != "content" {
					t.Fatalf("got %q, %v", text, err)
				}
				if diff := cmp.Diff(head, got); diff != "" {
					t.Errorf("head and get differ (-head +get):\n%s", diff)
				}
				tags, err := session.Tags(t.Context(), ref(key))
				if err != nil {
					t.Fatal(err)
				}
				read := got.Attributes
				read.Tags = tags
				if want.ContentType == "" {
					want.ContentType = "binary/octet-stream" // what S3 says of an object sent without
				}
				if diff := cmp.Diff(want, read); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
				if got.TagCount != len(want.Tags) || got.Size != 7 || got.ETag == "" || got.Modified.IsZero() {
					t.Errorf("object is %+v", got)
				}
			})
		}
	}
	for _, request := range server.Requests(func(r emulator.Request) bool { return strings.HasSuffix(r.Key, "/none") }) {
		if request.Operation == "PutObject" || request.Operation == "CreateMultipartUpload" {
			if sent, some := request.Header["Content-Type"]; some {
				t.Errorf("%s sent a type that nobody gave: %q", request.Operation, sent)
			}
		}
	}
}

// TestUploadsArePlain looks at what is sent: a signed SHA-256 and the bytes, none
// of the framing and checksums that stores refuse.
func TestUploadsArePlain(t *testing.T) {
	server, session := start(t, emulator.Options{RefuseEmptyStreaming: true})
	put(t, session, "some", "content", everything)
	put(t, session, "empty", "", provider.Attributes{})
	upload(t, session, "parts", everything, strings.Repeat("x", 5<<20), "tail")
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled, Mark: provider.Mark{Owner: "o", Signature: "s"}}); err != nil {
		t.Fatal(err)
	}
	digests := map[string]string{}
	for _, request := range server.Requests(nil) {
		for name, values := range request.Header {
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-checksum-") || lower == "x-amz-trailer" || lower == "x-amz-decoded-content-length" ||
				slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "aws-chunked") }) {
				t.Errorf("%s sent %s: %v", request.Operation, name, values)
			}
		}
		if request.Operation == "PutObject" || request.Operation == "UploadPart" {
			digests[request.Key+strconv.FormatInt(request.BytesIn, 10)] = request.Header.Get("X-Amz-Content-Sha256")
		}
	}
	want := map[string]string{
		"some7":        content("content").SHA256,
		"empty0":       provider.EmptySHA256,
		"parts5242880": content(strings.Repeat("x", 5<<20)).SHA256,
		"parts4":       content("tail").SHA256,
	}
	if diff := cmp.Diff(want, digests); diff != "" {
		t.Errorf("announced digests by key and size (-want +got):\n%s", diff)
	}
}

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

func TestAnswersThatAreNotTheRangeAreRefused(t *testing.T) {
	answer := func(status int, contentRange string) http.HandlerFunc {
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
	tests := map[string]struct {
		handle http.HandlerFunc
		want   error
	}{
		"the whole object": {answer(200, ""), provider.ErrUnsupported},
		"another range":    {answer(206, "bytes 0-9/100"), provider.ErrServer},
		"of unknown size":  {answer(206, "bytes 5-14/*"), provider.ErrServer},
		"the range":        {answer(206, "bytes 5-14/100"), nil},
	}
	for name, test := range tests {
		_, object, err := get(t, answering(t, test.handle), ref("k"), provider.GetOptions{Offset: 5, Length: 10})
		if !errors.Is(err, test.want) || (err == nil && object.Size != 100) {
			t.Errorf("%s: got size %d, %v, want %v", name, object.Size, err, test.want)
		}
	}
}

func TestHeadersOfOtherClientsAreRead(t *testing.T) {
	session := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{
			"Etag": `"abc-2"`, "Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT", "Content-Type": "text/html",
			"Expires": "0", "Content-Encoding": "aws-chunked,gzip", "X-Amz-Restore": "nonsense", "X-Amz-Tagging": "%zz=é", "X-Amz-Tagging-Count": "3",
			"X-Amz-Meta-Name": "=?UTF-8?B?w6l0YXQ=?= =?UTF-8?Q?_civil?=", "X-Amz-Meta-Ascii": "=?UTF-8?Q?abc?=", "X-Amz-Version-Id": "v1",
		} {
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, "hello")
	})
	want := provider.Object{
		Key: "k", VersionID: "v1", ETag: "abc-2", Size: 5, Modified: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), TagCount: 3,
		Attributes: provider.Attributes{
			ContentType: "text/html", ContentEncoding: "gzip",
			UserMetadata: map[string]string{"name": "état civil", "ascii": "=?UTF-8?Q?abc?="},
		},
	}
	_, got, err := get(t, session, ref("k"), provider.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeSentIsRefusedHere(t *testing.T) {
	session := answering(t, page(500)) // nobody may be asked
	for name, attributes := range map[string]provider.Attributes{
		"line break in a header":  {ContentDisposition: "a\r\nb: c"},
		"no-break space":          {ContentDisposition: "a\u00a0b"},
		"line break in metadata":  {UserMetadata: map[string]string{"a": "b\nc"}},
		"space in metadata's key": {UserMetadata: map[string]string{"a b": "c"}},
	} {
		_, put := session.Put(t.Context(), ref("k"), content("x"), attributes)
		_, start := session.StartUpload(t.Context(), ref("k"), attributes)
		for _, err := range []error{put, start} {
			if !errors.Is(err, provider.ErrUnsupported) || fault.Of(err).Class != fault.Terminal {
				t.Errorf("%s: got %v", name, err)
			}
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
	for _, key := range []string{"empty", "absent"} {
		if _, err := session.Head(t.Context(), ref(key)); err == nil {
			t.Errorf("head of %q succeeded", key)
		}
	}
}

func TestTagsOfAStoreWithoutTagsAreNone(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	for name, front := range map[string]http.HandlerFunc{
		"not implemented": s3Error(501, "NotImplemented"),
		"no tag set":      s3Error(404, "NoSuchTagSet"),
	} {
		session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("tagging") {
				front(w, r)
				return true
			}
			return false
		})
		tags, err := session.Tags(t.Context(), ref("k"))
		if err != nil || tags != nil {
			t.Errorf("%s: got %v, %v", name, tags, err)
		}
	}
	ignoring := behind(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
		r.URL.RawQuery = ""
		return false
	})
	put(t, ignoring, "k", "<html>an object</html>", provider.Attributes{ContentType: "text/html"})
	tags, err := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", `"e"`)
		_, _ = io.WriteString(w, "the object itself")
	}).Tags(t.Context(), ref("k"))
	if err != nil || tags != nil {
		t.Errorf("subresource ignored: got %v, %v", tags, err)
	}
	if _, err := answering(t, page(200)).Tags(t.Context(), ref("k")); err == nil {
		t.Error("a web page passed for tags")
	}
}
