package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestRequestsAreRecorded(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "a//b", "content")
	get(t, core, "a//b")
	request{method: "GET", key: "a//b", query: url.Values{"tagging": {""}}}.must(t, srv)
	request{method: "DELETE", query: url.Values{"encryption": {""}}}.must(t, srv)
	request{method: "GET", key: "k", access: "nobody", secret: "x"}.must(t, srv)
	want := []s3.Request{
		{Operation: "PutObject", Method: "PUT", Bucket: bucket, Key: "a//b", AccessKey: srv.AccessKey, Status: 200, BytesIn: 7},
		{Operation: "GetObject", Method: "GET", Bucket: bucket, Key: "a//b", AccessKey: srv.AccessKey, Status: 200, BytesOut: 7},
		{Operation: "GetObjectTagging", Method: "GET", Bucket: bucket, Key: "a//b", Subresource: "tagging", Query: "tagging=", AccessKey: srv.AccessKey, Status: 200},
		{Method: "DELETE", Bucket: bucket, Subresource: "encryption", Query: "encryption=", AccessKey: srv.AccessKey, Status: 501, Code: "NotImplemented"},
		{Operation: "GetObject", Method: "GET", Bucket: bucket, Key: "k", Status: 403, Code: "InvalidAccessKeyId"},
	}
	got := srv.Requests(nil)
	for i := range got {
		if got[i].Header.Get("Authorization") != "" || got[i].Header.Get("X-Amz-Content-Sha256") == "" {
			t.Errorf("headers of request %d: %v", i, got[i].Header)
		}
		if i > 1 {
			got[i].BytesOut = 0
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(s3.Request{}, "Header", "Time")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	deletions := srv.Requests(func(r s3.Request) bool { return r.Method == http.MethodDelete })
	if len(deletions) != 1 {
		t.Errorf("%d deletions", len(deletions))
	}
	counts := map[string]int{"PutObject": 1, "GetObject": 2, "GetObjectTagging": 1, "": 1}
	if diff := cmp.Diff(counts, srv.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	srv.ForgetRequests()
	if len(srv.Requests(nil)) != 0 || srv.Count("GetObject") != 0 {
		t.Error("requests are remembered after ForgetRequests")
	}
}

func TestOnlyTheNewestRequestsAreRemembered(t *testing.T) {
	srv, _ := start(t, s3.Options{RequestLog: 3})
	for i := range 5 {
		request{method: "HEAD", key: fmt.Sprint(i)}.must(t, srv)
	}
	var got []string
	for _, r := range srv.Requests(nil) {
		got = append(got, r.Key)
	}
	if diff := cmp.Diff([]string{"2", "3", "4"}, got); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
	if srv.Count("HeadObject") != 5 {
		t.Errorf("counted %d, want all 5", srv.Count("HeadObject"))
	}
}

func TestCorruptionKeepsTheClaims(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	before, _ := srv.Object(bucket, "k")
	if err := srv.Corrupt(bucket, "k", func(o *s3.Object) { o.Body[2] = 'X' }); err != nil {
		t.Fatal(err)
	}
	if got := get(t, core, "k"); got != "01X3456789" {
		t.Errorf("got %q", got)
	}
	after, _ := srv.Object(bucket, "k")
	if after.ETag != before.ETag || after.Size != before.Size || !after.LastModified.Equal(before.LastModified) {
		t.Errorf("claims changed from %v to %v", before, after)
	}
	if string(before.Body) != "0123456789" {
		t.Error("a copy handed out earlier changed")
	}
	if err := srv.Corrupt(bucket, "k", func(o *s3.Object) { o.Body = o.Body[:4] }); err != nil {
		t.Fatal(err)
	}
	if got := getK.must(t, srv); got.Body != "01X3" {
		t.Errorf("a shortened object: %q", got.Body)
	}
	if got := (request{method: "HEAD", key: "k"}).must(t, srv); got.Header.Get("Content-Length") != "10" {
		t.Errorf("HEAD of it: %s", got.Header.Get("Content-Length"))
	}
	srv.Synthetic("many", 3, 20)
	if err := srv.Corrupt("many", s3.SyntheticKey(1), func(o *s3.Object) { o.Body[0]++ }); err != nil {
		t.Fatal(err)
	}
	if o, _ := srv.Object("many", s3.SyntheticKey(1)); md5sum(string(o.Body)) == o.ETag {
		t.Error("the generated object was not corrupted")
	}
	if err := srv.Corrupt(bucket, "missing", func(*s3.Object) {}); err == nil {
		t.Error("a missing object was corrupted")
	}
}

func TestDirectObjectsAreFilledIn(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	srv := s3.New(s3.Options{Clock: func() time.Time { return at }})
	id := srv.PutObjectDirect("made", s3.Object{Key: "k", Body: []byte("x"), Tags: map[string]string{"a": "1"}})
	got, there := srv.Object("made", "k")
	want := s3.Object{Key: "k", VersionID: "null", Body: []byte("x"), Size: 1, ETag: md5sum("x"), LastModified: at, Tags: map[string]string{"a": "1"}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(s3.Object{})); diff != "" || !there || id != "null" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if _, there := srv.Object("made", "other"); there {
		t.Error("a missing key is there")
	}
	if _, there := srv.Object("other", "k"); there {
		t.Error("a missing bucket has keys")
	}
	wantBucket := map[string]s3.Bucket{"made": {Name: "made", Owner: srv.AccessKey, Created: at, Keys: 1}}
	if diff := cmp.Diff(wantBucket, srv.Buckets()); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	srv.Close()
}

func TestHandlerWithoutAListener(t *testing.T) {
	srv := s3.New(s3.Options{})
	defer srv.Close()
	recorder := httptest.NewRecorder()
	srv.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/any/key", nil))
	if recorder.Code != http.StatusNotFound || !strings.Contains(recorder.Body.String(), "NoSuchBucket") {
		t.Errorf("got %d %s", recorder.Code, recorder.Body)
	}
}

func TestListenFailsOnAnAddressInUse(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	other := s3.New(s3.Options{})
	if err := other.Listen(strings.TrimPrefix(srv.URL, "http://")); err == nil {
		t.Error("two servers listen on one address")
	}
	other.Close()
}

// TestConcurrentUse is for the race detector: clients, faults and inspection at
// the same time.
func TestConcurrentUse(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := range 25 {
				key := fmt.Sprint("k", (worker+i)%5)
				body := strings.NewReader("content")
				if _, err := core.Client.PutObject(ctx, bucket, key, body, 7, minio.PutObjectOptions{}); err != nil {
					t.Error(err)
				}
				for o := range core.Client.ListObjects(ctx, bucket, minio.ListObjectsOptions{WithVersions: i%2 == 0}) {
					if o.Err != nil {
						t.Error(o.Err)
					}
				}
				if err := core.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}); err != nil {
					t.Error(err)
				}
				// It may not be there yet; that it is read while it is being
				// corrupted is the point.
				if _, err := (request{method: "GET", key: "direct"}).send(t, srv); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		for i := range 50 {
			fault := srv.Faults().Add(s3.Match{Operation: "HeadObject"}, s3.SlowDown())
			srv.PutObjectDirect(bucket, s3.Object{Key: "direct", Body: []byte{byte(i)}})
			if err := srv.Corrupt(bucket, "direct", func(o *s3.Object) { o.Body[0]++ }); err != nil {
				t.Error(err)
			}
			srv.Versions(bucket, "k1")
			srv.Requests(nil)
			srv.Buckets()
			fault.Clear()
		}
	})
	work.Wait()
}
