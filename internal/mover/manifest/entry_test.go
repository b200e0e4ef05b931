package manifest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
)

func TestAnEntryDescribesTheStateThatWasRead(t *testing.T) {
	e := Entry{Key: "a", ETag: "1", Size: 3, Modified: begin}
	same := provider.Object{Key: "a", ETag: "1", Size: 3, Modified: begin.In(time.FixedZone("", 3600))}
	tests := map[string]struct {
		change func(*provider.Object)
		want   bool
	}{
		"the same, in another time zone": {func(*provider.Object) {}, true},
		"other content":                  {func(o *provider.Object) { o.ETag = "2" }, false},
		"another size":                   {func(o *provider.Object) { o.Size = 4 }, false},
		"written again":                  {func(o *provider.Object) { o.Modified = begin.Add(time.Millisecond) }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			object := same
			test.change(&object)
			if got := e.Describes(object); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestMetadataDigestIsOfWhatAnObjectHasAndNotOfItsForm(t *testing.T) {
	full := func() provider.Attributes {
		return provider.Attributes{
			ContentType: "text/plain", ContentEncoding: "gzip", ContentDisposition: "inline", ContentLanguage: "fr",
			CacheControl: "no-store", Expires: begin,
			UserMetadata: map[string]string{"a": "1", "b": "2"}, Tags: map[string]string{"a": "1", "b": "2"},
		}
	}
	want := MetadataDigest(full())
	same := full()
	same.Expires = begin.Add(time.Nanosecond).In(time.FixedZone("", -3600)) // a header has whole seconds
	if got := MetadataDigest(same); got != want {
		t.Error("the same time in another form has another digest")
	}
	changes := map[string]func(*provider.Attributes){
		"type":           func(a *provider.Attributes) { a.ContentType = "text/html" },
		"no type":        func(a *provider.Attributes) { a.ContentType = "" },
		"encoding":       func(a *provider.Attributes) { a.ContentEncoding = "" },
		"disposition":    func(a *provider.Attributes) { a.ContentDisposition = "attachment" },
		"language":       func(a *provider.Attributes) { a.ContentLanguage = "br" },
		"cache control":  func(a *provider.Attributes) { a.CacheControl = "" },
		"expires":        func(a *provider.Attributes) { a.Expires = begin.Add(time.Second) },
		"metadata":       func(a *provider.Attributes) { a.UserMetadata["a"] = "2" },
		"less metadata":  func(a *provider.Attributes) { delete(a.UserMetadata, "a") },
		"empty metadata": func(a *provider.Attributes) { a.UserMetadata["c"] = "" },
		"tag":            func(a *provider.Attributes) { a.Tags["a"] = "2" },
		"metadata for a tag": func(a *provider.Attributes) {
			a.UserMetadata["c"] = "3"
		},
		"a tag for metadata": func(a *provider.Attributes) { a.Tags["c"] = "3" },
		"a border that moved": func(a *provider.Attributes) {
			a.UserMetadata = map[string]string{"a": "1\n6:meta:b=1:2"}
		},
	}
	seen := map[string]string{want: "unchanged"}
	for name, change := range changes {
		attributes := full()
		change(&attributes)
		digest := MetadataDigest(attributes)
		if other, taken := seen[digest]; taken {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest] = name
	}
	for range 20 {
		if MetadataDigest(full()) != want {
			t.Fatal("the digest depends on the order of maps")
		}
	}
}

func TestAnObjectWithoutAttributesHasNoMetadataDigest(t *testing.T) {
	for _, contentType := range []string{"", "application/octet-stream", "binary/octet-stream"} {
		attributes := provider.Attributes{ContentType: contentType, UserMetadata: map[string]string{}, Tags: map[string]string{}}
		if digest := MetadataDigest(attributes); digest != "" {
			t.Errorf("type %q: %s", contentType, digest)
		}
	}
}

func TestDigestsTellManifestsApart(t *testing.T) {
	digest := func(entries ...Entry) string {
		d := NewDigest()
		for _, e := range entries {
			d.Add(e)
		}
		if d.Count() != int64(len(entries)) {
			t.Errorf("%d entries were counted", d.Count())
		}
		return d.Sum()
	}
	a, b := entry("a"), entry("b")
	want := digest(a, b)
	elsewhere := a
	elsewhere.VersionID, elsewhere.ETag, elsewhere.TargetETag, elsewhere.Modified = "v", "e", "t", begin.Add(1)
	if digest(elsewhere, b) != want {
		t.Error("what the stores said besides counts")
	}
	other := map[string][]Entry{"order": {b, a}, "less": {a}, "none": nil, "twice": {a, b, b}}
	for name, change := range map[string]func(*Entry){
		"key": func(e *Entry) { e.Key = "c" }, "size": func(e *Entry) { e.Size++ },
		"content": func(e *Entry) { e.SHA256 = "c" }, "metadata": func(e *Entry) { e.MetadataDigest = "c" },
	} {
		changed := a
		change(&changed)
		other[name] = []Entry{changed, b}
	}
	seen := map[string]string{want: "unchanged"}
	for name, entries := range other {
		sum := digest(entries...)
		if taken, is := seen[sum]; is {
			t.Errorf("%s has the digest of %s", name, taken)
		}
		seen[sum] = name
	}
	d := NewDigest()
	d.Add(Entry{Key: "a", Size: 3})
	d.Add(Entry{Key: "b", Size: 4})
	if diff := cmp.Diff([]int64{2, 7}, []int64{d.Count(), d.Bytes()}); diff != "" {
		t.Error(diff)
	}
}
