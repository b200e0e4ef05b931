package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func list(t *testing.T, session provider.Session, options provider.ListOptions) []string {
	t.Helper()
	var keys []string
	for object, err := range provider.List(t.Context(), session, bucket, options) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

func TestListingsByPages(t *testing.T) {
	server, session := start(t, emulator.Options{})
	for i := range 7 {
		server.PutObjectDirect(bucket, emulator.Object{Key: fmt.Sprintf("p/%d é+", i), Body: []byte("12345")})
	}
	server.PutObjectDirect(bucket, emulator.Object{Key: "q"})
	request := provider.ListRequest{Prefix: "p/", StartAfter: "p/1 é+", Limit: 2}
	var keys []string
	for {
		page, err := session.ListPage(t.Context(), bucket, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Objects {
			keys = append(keys, object.Key)
			if object.Size != 5 || object.ETag != "827ccb0eea8a706c4c34a16891f84e7b" || object.Modified.IsZero() {
				t.Errorf("object is %+v", object)
			}
		}
		if page.Next == "" {
			break
		}
		request = provider.ListRequest{Prefix: "p/", Token: page.Next, Limit: 2}
	}
	want := []string{"p/2 é+", "p/3 é+", "p/4 é+", "p/5 é+", "p/6 é+"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got := server.Count("ListObjectsV2"); got != 3 {
		t.Errorf("sent %d requests for 5 keys by 2", got)
	}
}

func TestVersionsByPages(t *testing.T) {
	server, session := start(t, emulator.Options{})
	if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled}); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, key := range []string{"a é+", "b"} {
		old := server.PutObjectDirect(bucket, emulator.Object{Key: key, Body: []byte("1")})
		newer := server.PutObjectDirect(bucket, emulator.Object{Key: key, Body: []byte("22")})
		marker := server.PutObjectDirect(bucket, emulator.Object{Key: key, DeleteMarker: true})
		want = append(want, key+" "+marker+" 0 true true", key+" "+newer+" 2 false false", key+" "+old+" 1 false false")
	}
	var got []string
	request := provider.VersionsRequest{Limit: 2}
	for {
		page, err := session.ListVersionsPage(t.Context(), bucket, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			got = append(got, fmt.Sprintf("%s %s %d %t %t", v.Key, v.VersionID, v.Size, v.IsDeleteMarker, v.IsLatest))
		}
		if !page.More {
			break
		}
		request.KeyMarker, request.VersionIDMarker = page.NextKeyMarker, page.NextVersionIDMarker
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

func objectsPage(inner string) http.HandlerFunc {
	return document(200, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+inner+`</ListBucketResult>`)
}

func versionsPage(inner string) http.HandlerFunc {
	return document(200, "<ListVersionsResult>"+inner+"</ListVersionsResult>")
}

func uploadsPage(inner string) http.HandlerFunc {
	return document(200, "<ListMultipartUploadsResult>"+inner+"</ListMultipartUploadsResult>")
}

func contents(key string) string {
	return "<Contents><Key>" + key + "</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified><Size>1</Size></Contents>"
}

// goingBackwards names ever new markers, and never an end.
func goingBackwards() http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		marker := fmt.Sprintf("p/%d", 9-asked.Add(1)%9)
		uploadsPage("<Bucket>actes</Bucket><IsTruncated>true</IsTruncated><NextKeyMarker>"+marker+"</NextKeyMarker>")(w, r)
	}
}

// noListings are answers that are not what was asked for, which is what is under
// the prefix p/ of the bucket.
var noListings = map[string]map[string]http.HandlerFunc{
	"list": {
		"no body":                  document(200, ""),
		"a page":                   page(200),
		"another document":         document(200, "<Tagging/>"),
		"a listing of versions":    versionsPage("<Name>actes</Name><IsTruncated>false</IsTruncated>"),
		"an empty document":        objectsPage(""),
		"of another bucket":        objectsPage("<Name>other</Name><IsTruncated>false</IsTruncated>"),
		"not telling its end":      objectsPage("<Name>actes</Name>"),
		"truncated without token":  objectsPage("<Name>actes</Name><IsTruncated>true</IsTruncated>" + contents("p/a")),
		"cut in the middle":        document(200, "<ListBucketResult><Name>actes</Name><IsTruncated>false</IsTruncated>"+contents("p/a")),
		"with a key of elsewhere":  objectsPage("<Name>actes</Name><IsTruncated>false</IsTruncated>" + contents("q")),
		"with an empty key":        objectsPage("<Name>actes</Name><IsTruncated>false</IsTruncated>" + contents("")),
		"with a badly encoded key": objectsPage("<Name>actes</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" + contents("p/%zz")),
		"JSON":                     document(200, `{"objects":[]}`),
	},
	"versions": {
		"no body":                 document(200, ""),
		"a page":                  page(200),
		"a listing of objects":    objectsPage("<Name>actes</Name><IsTruncated>false</IsTruncated>"),
		"of another bucket":       versionsPage("<Name>other</Name><IsTruncated>false</IsTruncated>"),
		"not telling its end":     versionsPage("<Name>actes</Name>"),
		"truncated without a key": versionsPage("<Name>actes</Name><IsTruncated>true</IsTruncated>"),
		"with a key of elsewhere": versionsPage("<Name>actes</Name><IsTruncated>false</IsTruncated><Version><Key>q</Key><LastModified>2026-11-22T10:00:00Z</LastModified></Version>"),
	},
	"uploads": {
		"no body":                  document(200, ""),
		"a page":                   page(200),
		"of another bucket":        uploadsPage("<Bucket>other</Bucket><IsTruncated>false</IsTruncated>"),
		"not telling its end":      uploadsPage("<Bucket>actes</Bucket>"),
		"going backwards":          goingBackwards(),
		"going round in circles":   uploadsPage("<Bucket>actes</Bucket><IsTruncated>true</IsTruncated><NextKeyMarker>p/a</NextKeyMarker>"),
		"with a badly encoded key": uploadsPage("<Bucket>actes</Bucket><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Upload><Key>%zz</Key><Initiated>2026-11-22T10:00:00Z</Initiated></Upload>"),
	},
}

// TestWhatIsNoListingIsNeverTheEnd: deletions are inferred from listings, so an
// answer in doubt is an error.
func TestWhatIsNoListingIsNeverTheEnd(t *testing.T) {
	listings := map[string]func(context.Context, provider.Session) (int, error){
		"list": func(ctx context.Context, s provider.Session) (int, error) {
			page, err := s.ListPage(ctx, bucket, provider.ListRequest{Prefix: "p/"})
			return len(page.Objects), err
		},
		"versions": func(ctx context.Context, s provider.Session) (int, error) {
			page, err := s.ListVersionsPage(ctx, bucket, provider.VersionsRequest{Prefix: "p/"})
			return len(page.Versions), err
		},
		"uploads": func(ctx context.Context, s provider.Session) (int, error) {
			uploads, err := s.ListUploads(ctx, bucket, "p/")
			return len(uploads), err
		},
	}
	for kind, answers := range noListings {
		for name, handle := range answers {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				found, err := listings[kind](t.Context(), answering(t, handle))
				if !errors.Is(err, provider.ErrSuspiciousListing) || found > 0 || fault.Of(err).Class != fault.Transient || !fault.HasReason(err, fault.SourceListingSuspicious) {
					t.Errorf("got %d entries, %v", found, err)
				}
			})
		}
	}
}

func TestMissingBucketIsNoEmptyListing(t *testing.T) {
	_, session := start(t, emulator.Options{})
	_, objects := session.ListPage(t.Context(), "absent", provider.ListRequest{})
	_, versions := session.ListVersionsPage(t.Context(), "absent", provider.VersionsRequest{})
	_, uploads := session.ListUploads(t.Context(), "absent", "")
	for _, err := range []error{objects, versions, uploads} {
		if !errors.Is(err, provider.ErrNotFound) || !fault.HasReason(err, fault.BucketMissing) {
			t.Errorf("got %v", err)
		}
	}
}
