package s3_test

import (
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
	_, session := start(t, emulator.Options{RefuseEmptyStreaming: true})
	for set, want := range map[string]provider.Attributes{"all": everything, "none": {}, "only a type": {ContentType: "image/png"}} {
		put(t, session, set, "content", want)
		upload(t, session, set+" in parts", want, "content")
		if want.ContentType == "" {
			want.ContentType = "binary/octet-stream" // what S3 says of an object sent without
		}
		for _, key := range []string{set, set + " in parts"} {
			head, err := session.Head(t.Context(), ref(key))
			if err != nil {
				t.Fatal(err)
			}
			text, got, err := get(t, session, ref(key), provider.GetOptions{})
			if err != nil || text != "content" || got.TagCount != len(want.Tags) || got.Size != 7 || got.ETag == "" || got.Modified.IsZero() {
				t.Errorf("%s: got %q of %+v, %v", key, text, got, err)
			}
			if diff := cmp.Diff(head, got); diff != "" {
				t.Errorf("%s: head and get differ (-head +get):\n%s", key, diff)
			}
			read := got.Attributes
			if read.Tags, err = session.Tags(t.Context(), ref(key)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, read); diff != "" {
				t.Errorf("%s: attributes (-want +got):\n%s", key, diff)
			}
		}
	}
}

func TestNoTypeIsSentWhereThereIsNone(t *testing.T) {
	server, session := start(t, emulator.Options{})
	put(t, session, "k", "content", provider.Attributes{})
	upload(t, session, "k", provider.Attributes{}, "content")
	for _, request := range server.Requests(nil) {
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
