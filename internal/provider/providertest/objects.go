package providertest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

func testObjects(t *testing.T, s Suite) {
	t.Run("what is stored comes back", func(t *testing.T) { testRoundTrip(t, s) })
	t.Run("parts of an object", func(t *testing.T) { testRanges(t, s) })
	t.Run("content that is not as announced", func(t *testing.T) { testContentHash(t, s) })
	t.Run("content is rewound", func(t *testing.T) {
		f, sent := s.start(t, ""), content("0123456789")
		if _, err := sent.Reader.Seek(4, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := f.Put(t.Context(), f.ref("k"), sent, provider.Attributes{}); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("removing", func(t *testing.T) {
		f := s.start(t, "")
		f.put(t, "k", "x", provider.Attributes{})
		for range 2 {
			if err := f.Remove(t.Context(), f.ref("k")); err != nil {
				t.Fatal(err)
			}
		}
		_, err := f.Head(t.Context(), f.ref("k"))
		wantMissing(t, "head", err)
	})
}

func testRoundTrip(t *testing.T, s Suite) {
	f := s.start(t, "")
	for name, text := range map[string]string{"empty": "", "small": "hello", "binary": "\x00\xff\r\n\x1a", "larger": strings.Repeat("0123456789abcdef", 1<<16)} {
		before := time.Now().Add(-time.Minute)
		stored := f.put(t, name, text, provider.Attributes{})
		read, object, err := f.get(t, f.ref(name), provider.GetOptions{})
		if err != nil || read != text {
			t.Errorf("%s: read %d of %d bytes, %v", name, len(read), len(text), err)
		}
		if object.Key != name || object.Size != int64(len(text)) || object.ETag != stored.ETag || object.Modified.Before(before) {
			t.Errorf("%s: object is %+v, stored %+v", name, object, stored)
		}
		head, err := f.Head(t.Context(), f.ref(name))
		if diff := cmp.Diff(object, head); err != nil || diff != "" {
			t.Errorf("%s: head differs from get, %v (-get +head):\n%s", name, err, diff)
		}
	}
	first := f.put(t, "small", "hello", provider.Attributes{})
	if second := f.put(t, "small", "other", provider.Attributes{}); second.ETag == first.ETag {
		t.Error("other content has the same ETag")
	}
}

func testRanges(t *testing.T, s Suite) {
	f := s.start(t, "")
	stored := f.put(t, "k", "0123456789", provider.Attributes{})
	for want, options := range map[string]provider.GetOptions{
		"0123456789": {},
		"456789":     {Offset: 4},
		"0":          {Length: 1},
		"234":        {Offset: 2, Length: 3},
		"89":         {Offset: 8, Length: 100},
		"9":          {Offset: 9, IfMatch: stored.ETag},
	} {
		text, object, err := f.get(t, f.ref("k"), options)
		if err != nil || text != want || object.Size != 10 || object.ETag != stored.ETag {
			t.Errorf("%+v: got %q of %+v, %v", options, text, object, err)
		}
	}
	f.put(t, "k", "changed meanwhile", provider.Attributes{})
	for _, options := range []provider.GetOptions{{IfMatch: stored.ETag}, {IfMatch: stored.ETag, Offset: 2, Length: 3}} {
		_, _, err := f.get(t, f.ref("k"), options)
		wantFault(t, "get of a changed object", err, provider.ErrChanged, fault.Transient, "")
	}
	_, _, err := f.get(t, f.ref("k"), provider.GetOptions{Offset: 1000})
	wantFault(t, "get after the end", err, provider.ErrChanged, fault.Transient, "")
}

func testContentHash(t *testing.T, s Suite) {
	f, wrong := s.start(t, ""), content("hello")
	wrong.SHA256 = content("other").SHA256
	_, err := f.Put(t.Context(), f.ref("k"), wrong, provider.Attributes{})
	if !s.declares(provider.CapabilityContentHash) {
		if err != nil {
			t.Errorf("the store checks content and is not declared to: %v", err)
		}
		return
	}
	wantFault(t, "put", err, provider.ErrContentMismatch, fault.Transient, fault.VerificationMismatch)
	_, err = f.Head(t.Context(), f.ref("k"))
	wantMissing(t, "head of what was refused", err)
}

// attributes are all that an object may have, with values that get changed on the
// way by stores and clients.
var attributes = provider.Attributes{
	ContentType:        "text/html; charset=utf-8",
	ContentEncoding:    "gzip",
	ContentDisposition: `attachment; filename="a, 1+1.txt"`,
	ContentLanguage:    "fr, en",
	CacheControl:       "no-cache, max-age=3",
	Expires:            time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	UserMetadata: map[string]string{
		"plain": "value", "accents": "é à ç 日本", "percent": "100%25 1+1=2&3", "commas": "a, b,c", "long": strings.Repeat("x", 1500),
		"no-break": "12\u00a0000\u202f€", "tab": "a\tb", "spaces": "a  b", "with-dashes": "1",
	},
}

func testAttributes(t *testing.T, s Suite) {
	sets := map[string]provider.Attributes{"all": attributes, "none": {}, "only a type": {ContentType: "image/png"}}
	if s.declares(provider.CapabilityTagging) {
		tagged := attributes
		tagged.Tags = map[string]string{"service": "etat-civil", "a b": "c+d/e=f:g@h", "empty": ""}
		sets["all and tags"] = tagged
	}
	f := s.start(t, "")
	for name, want := range sets {
		t.Run(name, func(t *testing.T) {
			f.put(t, name, "hello", want)
			f.upload(t, name+" in parts", want, "hello")
			hasType := want.ContentType != ""
			if !hasType {
				want.ContentType = s.Traits.DefaultContentType
			}
			for _, key := range []string{name, name + " in parts"} {
				object, err := f.Head(t.Context(), f.ref(key))
				if err != nil {
					t.Fatal(err)
				}
				got := object.Attributes
				if !hasType && s.Traits.DefaultContentType == "" {
					got.ContentType = ""
				}
				if got.Tags, err = f.Tags(t.Context(), f.ref(key)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q (-want +got):\n%s", key, diff)
				}
				if object.TagCount != len(want.Tags) {
					t.Errorf("%q: %d tags are told, there are %d", key, object.TagCount, len(want.Tags))
				}
			}
		})
	}
}
