package s3_test

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

// oddKeys are keys that stores and clients are known to change.
var oddKeys = []string{
	"a//b", "a/b", "./c", "c", "d/../e", "e", "..", ".", "a/./b", "a/b/", "a/b//",
	"/leading", "//twice", "trailing/", "trailing//", "/",
	"with space", "with+plus", "with%percent", "with%2Fslash", "with/slash", "with%252F", "a%20b",
	"question?mark", "hash#tag", "amp&ersand", "equals=sign", "semi;colon", "quote\"'s", "back\\slash",
	"<xml>&amp;", "star*", "~tilde", "(paren)", "!bang", "$dollar", "@at", "comma,", "colon:", "pipe|", "{brace}", "[bracket]", "^caret", "`tick",
	"caf\u00e9", "cafe\u0301", "日本語/ключ", "\U0001F600 emoji", "\u00a0nbsp", "\u202eRTL",
	"tab\there", "newline\nhere", "return\rhere", "control\x01\x1f\x7f",
	"conf", "conf/child", "conf/child/", "?versionId=null", "?uploads",
	strings.Repeat("k", 1024), strings.Repeat("é", 512),
}

func sortedOddKeys() []string { return slices.Sorted(slices.Values(oddKeys)) }

func TestKeysAreKeptExactly(t *testing.T) {
	uploads := map[string]func(*testing.T, *s3.Server, *minio.Core, string){
		"streaming signature": func(t *testing.T, _ *s3.Server, core *minio.Core, key string) {
			put(t, core, key, "content of "+key)
		},
		"signed payload hash": func(t *testing.T, srv *s3.Server, _ *minio.Core, key string) {
			got := request{method: "PUT", key: key, body: "content of " + key}.must(t, srv)
			if got.Status != http.StatusOK {
				t.Fatalf("put %q: %d %s", key, got.Status, got.Body)
			}
		},
		"unsigned payload": func(t *testing.T, srv *s3.Server, _ *minio.Core, key string) {
			got := request{method: "PUT", key: key, body: "content of " + key, hash: "UNSIGNED-PAYLOAD"}.must(t, srv)
			if got.Status != http.StatusOK {
				t.Fatalf("put %q: %d %s", key, got.Status, got.Body)
			}
		},
	}
	for name, upload := range uploads {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			for _, key := range oddKeys {
				upload(t, srv, core, key)
			}
			for _, key := range oddKeys {
				if got, want := get(t, core, key), "content of "+key; got != want {
					t.Errorf("get %q: got %q", key, got)
				}
			}
			if diff := cmp.Diff(sortedOddKeys(), listKeys(t, core, bucket)); diff != "" {
				t.Errorf("listed keys (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sortedOddKeys(), srv.Keys(bucket)); diff != "" {
				t.Errorf("stored keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryListingShowsOddKeysExactly(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for _, key := range oddKeys {
		srv.PutObjectDirect(bucket, s3.Object{Key: key, Body: []byte(key)})
	}
	listings := map[string]minio.ListObjectsOptions{
		"version 1":   {UseV1: true, Recursive: true, MaxKeys: 7},
		"version 2":   {Recursive: true, MaxKeys: 7},
		"of versions": {WithVersions: true, Recursive: true, MaxKeys: 7},
	}
	for name, options := range listings {
		t.Run(name, func(t *testing.T) {
			var got []string
			for o := range core.Client.ListObjects(context.Background(), bucket, options) {
				if o.Err != nil {
					t.Fatal(o.Err)
				}
				got = append(got, o.Key)
			}
			if diff := cmp.Diff(sortedOddKeys(), got); diff != "" {
				t.Errorf("listed keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOddKeysCopyTagAndDelete(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	for _, key := range oddKeys {
		put(t, core, key, key)
		if len(key) < 1000 {
			if _, err := core.CopyObject(ctx, bucket, key, bucket, "copy of "+key, nil, minio.CopySrcOptions{}, minio.PutObjectOptions{}); err != nil {
				t.Fatalf("copy %q: %v", key, err)
			}
			if got := get(t, core, "copy of "+key); got != key {
				t.Errorf("copy of %q has content %q", key, got)
			}
		}
		if err := core.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}); err != nil {
			t.Fatalf("delete %q: %v", key, err)
		}
		if _, there := srv.Object(bucket, key); there {
			t.Errorf("%q is still there after its deletion", key)
		}
	}
}

// TestUnencodedPathsAreTakenLiterally sends what clients usually encode: "+" is
// a space in a query only.
func TestUnencodedPathsAreTakenLiterally(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	allowEverybody(t, srv)
	for _, key := range []string{"a+b", "a;b", "a=b&c", "a:b@c"} {
		got := request{method: "PUT", unsigned: true, body: key, tamper: func(r *http.Request) {
			r.URL.Path, r.URL.RawPath = "/"+bucket+"/"+key, "/"+bucket+"/"+key
		}}.must(t, srv)
		if o, there := srv.Object(bucket, key); !there || string(o.Body) != key {
			t.Errorf("%q: %d %s, stored %q", key, got.Status, got.Code, srv.Keys(bucket))
		}
	}
}

func TestMultiDeleteNamesKeysExactly(t *testing.T) {
	srv, core := start(t, s3.Options{})
	var targets []minio.ObjectInfo
	for _, key := range oddKeys {
		put(t, core, key, key)
		// XML cannot hold the other control characters.
		if !strings.ContainsAny(key, "\x01\r") {
			targets = append(targets, minio.ObjectInfo{Key: key})
		}
	}
	feed := make(chan minio.ObjectInfo, len(targets))
	for _, o := range targets {
		feed <- o
	}
	close(feed)
	for e := range core.RemoveObjects(context.Background(), bucket, feed, minio.RemoveObjectsOptions{}) {
		t.Errorf("delete %q: %v", e.ObjectName, e.Err)
	}
	want := []string{"control\x01\x1f\x7f", "return\rhere"}
	if diff := cmp.Diff(want, srv.Keys(bucket)); diff != "" {
		t.Errorf("keys left (-want +got):\n%s", diff)
	}
}

func TestKeyOf1025BytesIsRefused(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	got := request{method: "PUT", key: strings.Repeat("k", 1025)}.must(t, srv)
	if got.Status != http.StatusBadRequest || got.Code != "KeyTooLongError" {
		t.Errorf("got %d %s, want 400 KeyTooLongError", got.Status, got.Code)
	}
}

func TestUnencodedListingWritesControlCharactersAsReferences(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	srv.PutObjectDirect(bucket, s3.Object{Key: "a\x01b<"})
	got := request{method: "GET", query: url.Values{"list-type": {"2"}}}.must(t, srv)
	if !strings.Contains(got.Body, "<Key>a&#x1;b&lt;</Key>") {
		t.Errorf("listing does not show the key as S3 does: %s", got.Body)
	}
	var document any
	if err := xml.Unmarshal([]byte(got.Body), &document); err == nil {
		t.Error("an XML 1.0 parser accepted the listing; clients must use encoding-type=url")
	}
}

func TestURLEncodedListingKeepsSlashes(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	srv.PutObjectDirect(bucket, s3.Object{Key: "a b/c+d*"})
	got := request{method: "GET", query: url.Values{"list-type": {"2"}, "encoding-type": {"url"}}}.must(t, srv)
	if !strings.Contains(got.Body, "<Key>a+b/c%2Bd*</Key>") {
		t.Errorf("listing encodes the key otherwise than S3: %s", got.Body)
	}
}

func TestRewritingStoreChangesKeysSilently(t *testing.T) {
	srv, core := start(t, s3.Options{RewriteKeys: true})
	for _, key := range []string{"a//b", "./c", "d/../e", "/lead", "plain"} {
		put(t, core, key, key)
		if got := get(t, core, key); got != key {
			t.Errorf("get %q: got %q", key, got)
		}
	}
	want := []string{"a/b", "c", "e", "lead", "plain"}
	if diff := cmp.Diff(want, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("listed keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, srv.Keys(bucket)); diff != "" {
		t.Errorf("stored keys (-want +got):\n%s", diff)
	}
}

func TestRewritingStoreKnowsFilesAndFolders(t *testing.T) {
	cases := map[string]struct {
		first, key, body, want string
	}{
		"a folder may be empty":          {"other", "dir/", "", ""},
		"a folder has no body":           {"other", "dir/", "x", "DirectoryObjectContainsData"},
		"a file is no folder":            {"conf", "conf/child", "x", "ObjectParentIsFile"},
		"a folder is no file":            {"conf/child", "conf", "x", "ExistingObjectIsDirectory"},
		"a prefix that is not a segment": {"conf", "config/child", "x", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{RewriteKeys: true})
			put(t, core, tc.first, "x")
			got := request{method: "PUT", key: tc.key, body: tc.body}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %q, want %q", got.Code, tc.want)
			}
		})
	}
}
