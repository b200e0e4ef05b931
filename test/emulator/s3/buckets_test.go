package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestBucketLifeCycle(t *testing.T) {
	srv := s3.Start(t, s3.Options{Region: "eu-west-9"})
	core := clientFor(t, srv, srv.AccessKey, srv.SecretKey)
	ctx := context.Background()
	if err := core.MakeBucket(ctx, "one", minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if there, err := core.BucketExists(ctx, "one"); err != nil || !there {
		t.Errorf("exists: %t, %v", there, err)
	}
	if there, err := core.BucketExists(ctx, "two"); err != nil || there {
		t.Errorf("a missing bucket exists: %t, %v", there, err)
	}
	location, err := core.GetBucketLocation(ctx, "one")
	if err != nil || location != "eu-west-9" {
		t.Errorf("location %q, %v", location, err)
	}
	all, err := core.ListBuckets(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "one" || all[0].CreationDate.IsZero() {
		t.Errorf("buckets %v, %v", all, err)
	}
	srv.PutObjectDirect("one", s3.Object{Key: "k"})
	if got := codeOf(core.RemoveBucket(ctx, "one")); got != "BucketNotEmpty" {
		t.Errorf("delete with an object: %q", got)
	}
	if err := core.RemoveObject(ctx, "one", "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := core.RemoveBucket(ctx, "one"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if got := codeOf(core.RemoveBucket(ctx, "one")); got != "NoSuchBucket" {
		t.Errorf("delete twice: %q", got)
	}
}

func TestCreateBucketIsRefused(t *testing.T) {
	constraint := `<CreateBucketConfiguration><LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>`
	cases := map[string]struct {
		options s3.Options
		name    string
		body    string
		other   bool
		want    string
	}{
		"a name with capitals":                     {name: "Capitals", want: "InvalidBucketName"},
		"a name of two letters":                    {name: "ab", want: "InvalidBucketName"},
		"a name like an address":                   {name: "10.0.0.1", want: "InvalidBucketName"},
		"another region's constraint":              {name: "new", body: fmt.Sprintf(constraint, "mars-1"), want: "InvalidLocationConstraint"},
		"the region's constraint passes":           {name: "new", body: fmt.Sprintf(constraint, "us-east-1")},
		"a constraint the store has instead":       {s3.Options{LocationConstraints: []string{"default"}}, "new", fmt.Sprintf(constraint, "default"), false, ""},
		"the region where the store has a default": {s3.Options{LocationConstraints: []string{"default"}}, "new", fmt.Sprintf(constraint, "us-east-1"), false, "InvalidLocationConstraint"},
		"a document that is none":                  {name: "new", body: "<Create", want: "MalformedXML"},
		"the owner's bucket again":                 {name: bucket, want: "BucketAlreadyOwnedByYou"},
		"the owner's bucket again, like Ceph":      {options: s3.Options{RecreateOK: true}, name: bucket},
		"another user's bucket":                    {name: bucket, other: true, want: "BucketAlreadyExists"},
		"another user's bucket, like Ceph":         {options: s3.Options{RecreateOK: true}, name: bucket, other: true, want: "BucketAlreadyExists"},
		"one bucket too many":                      {options: s3.Options{MaxBuckets: 1}, name: "new", want: "TooManyBuckets"},
		"others' buckets do not count":             {options: s3.Options{MaxBuckets: 1}, name: "new", other: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, tc.options)
			r := request{method: "PUT", bucket: tc.name, body: tc.body}
			if tc.other {
				if err := srv.AddUser("other", "other-secret", ""); err != nil {
					t.Fatal(err)
				}
				r.access, r.secret = "other", "other-secret"
			}
			if got := r.must(t, srv); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestBucketWithOnlyADeleteMarkerIsNotEmpty(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	id := srv.PutObjectDirect(bucket, s3.Object{Key: "k", DeleteMarker: true})
	if got := codeOf(core.RemoveBucket(ctx, bucket)); got != "BucketNotEmpty" {
		t.Errorf("delete with a marker: %q", got)
	}
	if err := core.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{VersionID: id}); err != nil {
		t.Fatal(err)
	}
	if err := core.RemoveBucket(ctx, bucket); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestBucketTagging(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if _, err := core.GetBucketTagging(ctx, bucket); codeOf(err) != "NoSuchTagSet" {
		t.Errorf("get before put: %v", err)
	}
	want := map[string]string{"owner": "rempart", "k e y": "v+a=l"}
	set, err := tags.NewTags(want, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := core.SetBucketTagging(ctx, bucket, set); err != nil {
		t.Fatal(err)
	}
	got, err := core.GetBucketTagging(ctx, bucket)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.ToMap()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, srv.Buckets()[bucket].Tags); diff != "" {
		t.Errorf("stored tags (-want +got):\n%s", diff)
	}
	if err := core.RemoveBucketTagging(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	if len(srv.Buckets()[bucket].Tags) != 0 {
		t.Error("tags are left after their deletion")
	}
}

func TestTaggingIsChecked(t *testing.T) {
	tag := func(n int, key, value string) string {
		one := "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>"
		return "<Tagging><TagSet>" + strings.Repeat(one, n) + "</TagSet></Tagging>"
	}
	var many strings.Builder
	for i := range 11 {
		fmt.Fprintf(&many, "<Tag><Key>%d</Key><Value/></Tag>", i)
	}
	cases := map[string]struct{ body, want string }{
		"one tag passes":           {tag(1, "k", "v"), ""},
		"no tag passes":            {tag(0, "", ""), ""},
		"a key twice":              {tag(2, "k", "v"), "InvalidTag"},
		"an empty key":             {tag(1, "", "v"), "InvalidTag"},
		"a key of 129 characters":  {tag(1, strings.Repeat("k", 129), "v"), "InvalidTag"},
		"a value of 257":           {tag(1, "k", strings.Repeat("v", 257)), "InvalidTag"},
		"a value of 256 non-ASCII": {tag(1, "k", strings.Repeat("é", 256)), ""},
		"eleven tags":              {"<Tagging><TagSet>" + many.String() + "</TagSet></Tagging>", "BadRequest"},
		"no tag set":               {"<Tagging/>", "MalformedXML"},
		"text behind the document": {tag(1, "k", "v") + "x", "MalformedXML"},
		"another document":         {"<Other/>", "MalformedXML"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "x")
			got := request{method: "PUT", key: "k", query: url.Values{"tagging": {""}}, body: tc.body}.must(t, srv)
			if got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func TestUnknownSubresources(t *testing.T) {
	refused := []string{
		"encryption", "ownershipControls", "inventory", "accelerate", "object-lock", "metrics", "analytics",
		"publicAccessBlock", "notification", "lifecycle", "cors", "website", "acl", "replication", "anything",
	}
	for _, name := range refused {
		if name == "object-lock" {
			continue // GET and PUT of it exist
		}
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			t.Run(method+" "+name+" is refused", func(t *testing.T) {
				srv, _ := start(t, s3.Options{})
				got := request{method: method, query: url.Values{name: {""}}}.must(t, srv)
				if got.Status != http.StatusNotImplemented || got.Code != "NotImplemented" {
					t.Errorf("got %d %s, want 501", got.Status, got.Code)
				}
				last := srv.Requests(nil)[0]
				if last.Subresource != name || last.Operation != "" {
					t.Errorf("recorded as %q of %q", last.Operation, last.Subresource)
				}
			})
		}
	}
	for _, name := range refused {
		t.Run("a careless store deletes the bucket on DELETE "+name, func(t *testing.T) {
			srv, core := start(t, s3.Options{CarelessSubresources: true})
			put(t, core, "k", "x")
			deletion := request{method: "DELETE", query: url.Values{name: {""}}}
			if got := deletion.must(t, srv); got.Code != "BucketNotEmpty" {
				t.Errorf("with an object: %d %s", got.Status, got.Code)
			}
			if err := core.RemoveObject(context.Background(), bucket, "k", minio.RemoveObjectOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := deletion.must(t, srv); got.Status != http.StatusNoContent {
				t.Errorf("empty: %d %s", got.Status, got.Code)
			}
			if len(srv.Buckets()) != 0 {
				t.Error("the bucket survived")
			}
		})
	}
}

func TestCarelessStoreAnswersAnyGetWithAListing(t *testing.T) {
	srv, _ := start(t, s3.Options{CarelessSubresources: true})
	got := request{method: "GET", query: url.Values{"inventory": {""}}}.must(t, srv)
	if got.Status != 200 || !strings.Contains(got.Body, "<ListBucketResult") {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

func TestStoredConfigurations(t *testing.T) {
	srv, core := start(t, s3.Options{StoredConfigurations: []string{"lifecycle", "notification"}})
	ctx := context.Background()
	if _, err := core.GetBucketLifecycle(ctx, bucket); codeOf(err) != "NoSuchLifecycleConfiguration" {
		t.Errorf("get before put: %v", err)
	}
	rules := lifecycle.NewConfiguration()
	rules.Rules = []lifecycle.Rule{{ID: "r", Status: "Enabled", Expiration: lifecycle.Expiration{Days: 3}}}
	if err := core.SetBucketLifecycle(ctx, bucket, rules); err != nil {
		t.Fatal(err)
	}
	got, err := core.GetBucketLifecycle(ctx, bucket)
	if err != nil || len(got.Rules) != 1 || got.Rules[0].Expiration.Days != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := core.SetBucketLifecycle(ctx, bucket, lifecycle.NewConfiguration()); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err := core.GetBucketLifecycle(ctx, bucket); codeOf(err) != "NoSuchLifecycleConfiguration" {
		t.Errorf("get after delete: %v", err)
	}
	if _, err := core.GetBucketNotification(ctx, bucket); err != nil {
		t.Errorf("an empty notification configuration: %v", err)
	}
	broken := request{method: "PUT", query: url.Values{"lifecycle": {""}}, body: "<Life"}.must(t, srv)
	if broken.Code != "MalformedXML" {
		t.Errorf("a broken document: %d %s", broken.Status, broken.Code)
	}
	want := map[string]int{
		"GetBucketLifecycleConfiguration": 3, "PutBucketLifecycleConfiguration": 2,
		"DeleteBucketLifecycleConfiguration": 1, "GetBucketNotificationConfiguration": 1,
	}
	if diff := cmp.Diff(want, srv.Counts()); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

func TestVersioningConfiguration(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	for _, want := range []string{"", "Enabled", "Suspended"} {
		if want != "" {
			if err := core.SetBucketVersioning(ctx, bucket, minio.BucketVersioningConfiguration{Status: want}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := core.GetBucketVersioning(ctx, bucket)
		if err != nil || got.Status != want || srv.Buckets()[bucket].Versioning != want {
			t.Errorf("status %q, %v, want %q", got.Status, err, want)
		}
	}
	bad := request{method: "PUT", query: url.Values{"versioning": {""}}, body: "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"}.must(t, srv)
	if bad.Code != "MalformedXML" {
		t.Errorf("a status that is none: %s", bad.Code)
	}
}
