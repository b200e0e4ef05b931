package dataplane_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// starts serve a region over either backend.
var starts = map[string]func(testing.TB, dataplane.Vendor, ...func(*dataplane.Options)) *world{
	"in process": start,
	"versitygw":  startOverVersity,
}

// The same walk over the in-process server and over a real one.
func TestClientsWorkAsWithTheBackendItself(t *testing.T) {
	walks := map[string]func(*testing.T, *world, *minio.Core){
		"objects": walkObjects, "multipart uploads": walkUploads, "versions": walkVersions,
		"listings": walkListings, "presigned requests": walkPresigned, "object lock": walkLock, "buckets": walkBuckets,
		"copies": walkCopies, "object tags": walkTags, "owners": walkOwners,
	}
	for behind, start := range starts {
		for _, vendor := range []dataplane.Vendor{dataplane.OVHcloud, dataplane.Outscale} {
			t.Run(fmt.Sprintf("%s over %s", vendor, behind), func(t *testing.T) {
				w := start(t, vendor)
				for name, walk := range walks {
					t.Run(name, func(t *testing.T) { walk(t, w, w.client(t, "alice")) })
				}
			})
		}
	}
}

var walkObjects = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	for _, key := range []string{"plain", "with space", "é/ü+&=?#%", "deep/er/key"} {
		mustPut(t, core, key, "content of "+key)
		if got := mustGet(t, core, key); got != "content of "+key {
			t.Errorf("%q: got %q", key, got)
		}
	}
	mustPut(t, core, "empty", "")
	if got := mustGet(t, core, "empty"); got != "" {
		t.Errorf("empty: got %q", got)
	}
	_, err := core.Client.PutObject(ctx, bucket, "described", strings.NewReader("x"), 1, minio.PutObjectOptions{
		ContentType: "text/plain", UserMetadata: map[string]string{"colour": "blue"}, DisableContentSha256: true, SendContentMd5: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := core.StatObject(ctx, bucket, "described", minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if info.ContentType != "text/plain" || info.UserMetadata["Colour"] != "blue" || info.Size != 1 {
		t.Errorf("got %+v", info)
	}
	ranged := minio.GetObjectOptions{}
	if err := ranged.SetRange(11, 13); err != nil {
		t.Fatal(err)
	}
	body, _, _, err := core.GetObject(ctx, bucket, "plain", ranged)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if part, err := io.ReadAll(body); err != nil || string(part) != "pla" {
		t.Errorf("a range: %q, %v", part, err)
	}
	if err := core.RemoveObject(ctx, bucket, "plain", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(core, bucket, "plain"); codeOf(err) != "NoSuchKey" {
		t.Errorf("a deleted object: %v", err)
	}
}

var walkUploads = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	content := make([]byte, 6<<20)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	id, err := core.NewMultipartUpload(ctx, bucket, "large", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []minio.CompletePart
	for number, piece := range [][]byte{content[:5<<20], content[5<<20:]} {
		part, err := core.PutObjectPart(ctx, bucket, "large", id, number+1, bytes.NewReader(piece), int64(len(piece)), minio.PutObjectPartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, minio.CompletePart{PartNumber: number + 1, ETag: part.ETag})
	}
	listed, err := core.ListObjectParts(ctx, bucket, "large", id, 0, 10)
	if err != nil || len(listed.ObjectParts) != 2 {
		t.Fatalf("parts: %+v, %v", listed, err)
	}
	if _, err := core.CompleteMultipartUpload(ctx, bucket, "large", id, parts, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, core, "large"); got != string(content) {
		t.Error("the object is not what was uploaded")
	}
	if id, err = core.NewMultipartUpload(ctx, bucket, "given-up", minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	uploads, err := core.ListMultipartUploads(ctx, bucket, "given-up", "", "", "", 10)
	if err != nil || len(uploads.Uploads) != 1 {
		t.Fatalf("uploads: %+v, %v", uploads, err)
	}
	if err := core.AbortMultipartUpload(ctx, bucket, "given-up", id); err != nil {
		t.Fatal(err)
	}
}

var walkVersions = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	const name = "with-versions"
	w.make(t, dataplane.Bucket{Name: name, Owner: "alice"})
	if err := core.EnableVersioning(ctx, name); err != nil {
		t.Fatal(err)
	}
	if b, _ := w.Region.Bucket(name); b.Versioning != dataplane.VersioningEnabled {
		t.Errorf("the region says %q", b.Versioning)
	}
	for _, content := range []string{"one", "two"} {
		if err := put(core, name, "k", content); err != nil {
			t.Fatal(err)
		}
	}
	if err := core.RemoveObject(ctx, name, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	var kinds []bool
	var last minio.ObjectInfo
	for o := range core.Client.ListObjects(ctx, name, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		kinds, last = append(kinds, o.IsDeleteMarker), o
	}
	if diff := cmp.Diff([]bool{true, false, false}, kinds); diff != "" {
		t.Errorf("versions, marker or not (-want +got):\n%s", diff)
	}
	if err := w.Region.DeleteBucket(ctx, name); codeOf(err) != "" || !strings.Contains(fmt.Sprint(err), "BucketNotEmpty") {
		t.Errorf("a bucket with versions: %v", err)
	}
	body, _, _, err := core.GetObject(ctx, name, "k", minio.GetObjectOptions{VersionID: last.VersionID})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if content, err := io.ReadAll(body); err != nil || string(content) != "one" {
		t.Errorf("the oldest version: %q, %v", content, err)
	}
	for o := range core.Client.ListObjects(ctx, name, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
		if err := core.RemoveObject(ctx, name, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}); err != nil {
			t.Fatal(err)
		}
	}
	if err := core.RemoveBucket(ctx, name); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.Region.Bucket(name); ok {
		t.Error("the region still knows the bucket")
	}
}

var walkListings = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	const name = "with-keys"
	w.make(t, dataplane.Bucket{Name: name, Owner: "alice"})
	want := []string{"a", "b/1", "b/2", "c d", "é"}
	for _, key := range want {
		if err := put(core, name, key, key); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, listKeys(t, core, name)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	page, err := core.ListObjectsV2(name, "", "", "", "/", 2)
	if err != nil || !page.IsTruncated || len(page.Contents)+len(page.CommonPrefixes) != 2 {
		t.Errorf("a page: %+v, %v", page, err)
	}
	for o := range core.Client.ListObjects(ctx, name, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		// versitygw names no owner in listings of versions.
		if o.Err != nil || o.Owner.ID != "" && o.Owner.ID != "alice" {
			t.Errorf("%q is owned by %q, %v", o.Key, o.Owner.ID, o.Err)
		}
	}
	failed := 0
	objects := core.Client.ListObjects(ctx, name, minio.ListObjectsOptions{Recursive: true})
	for range core.RemoveObjects(ctx, name, objects, minio.RemoveObjectsOptions{}) {
		failed++
	}
	if left := listKeys(t, core, name); failed > 0 || len(left) > 0 {
		t.Errorf("%d deletions failed, left are %v", failed, left)
	}
}

var walkPresigned = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	send := func(method string, target *url.URL, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	upload, err := core.PresignedPutObject(ctx, bucket, "pre signed", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := send(http.MethodPut, upload, "by whoever has the link"); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	download, err := core.PresignedGetObject(ctx, bucket, "pre signed", time.Minute, url.Values{"response-content-type": {"text/x-test"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := send(http.MethodGet, download, ""); status != http.StatusOK || text != "by whoever has the link" {
		t.Errorf("%d %q", status, text)
	}
	download.Path = "/" + bucket + "/other"
	if status, text := send(http.MethodGet, download, ""); status != http.StatusForbidden || !strings.Contains(text, "SignatureDoesNotMatch") {
		t.Errorf("a link to another object: %d %s", status, text)
	}
}

var walkLock = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	const name = "with-lock"
	w.make(t, dataplane.Bucket{Name: name, Owner: "alice", ObjectLock: true})
	mode, days, unit := minio.Governance, uint(1), minio.Days
	if err := core.SetObjectLockConfig(ctx, name, &mode, &days, &unit); err != nil {
		t.Fatal(err)
	}
	_, got, gotDays, _, err := core.GetObjectLockConfig(ctx, name)
	if err != nil || got == nil || *got != minio.Governance || *gotDays != 1 {
		t.Fatalf("lock: %v %v %v", got, gotDays, err)
	}
	info, err := core.Client.PutObject(ctx, name, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{SendContentMd5: true})
	if err != nil {
		t.Fatal(err)
	}
	retention, until, err := core.GetObjectRetention(ctx, name, "k", info.VersionID)
	if err != nil || retention == nil || *retention != minio.Governance || time.Until(*until) < 23*time.Hour {
		t.Fatalf("the default is not on the object: %v %v %v", retention, until, err)
	}
	err = core.RemoveObject(ctx, name, "k", minio.RemoveObjectOptions{VersionID: info.VersionID})
	if codeOf(err) != "AccessDenied" {
		t.Errorf("a locked version: %v", err)
	}
	err = core.RemoveObject(ctx, name, "k", minio.RemoveObjectOptions{VersionID: info.VersionID, GovernanceBypass: true})
	if err != nil {
		t.Errorf("with the right to bypass: %v", err)
	}
	if err := core.SuspendVersioning(ctx, name); codeOf(err) != "InvalidBucketState" {
		t.Errorf("suspended versions under a lock: %v", err)
	}
}

var walkBuckets = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	const name = "made-through-s3"
	if err := core.Client.MakeBucket(ctx, name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if b, ok := w.Region.Bucket(name); !ok || b.Owner != "alice" {
		t.Errorf("the region has %+v", b)
	}
	if err := core.Client.MakeBucket(ctx, name, minio.MakeBucketOptions{}); codeOf(err) != "BucketAlreadyOwnedByYou" {
		t.Errorf("again: %v", err)
	}
	bob := w.client(t, "bob")
	if err := bob.Client.MakeBucket(ctx, name, minio.MakeBucketOptions{}); codeOf(err) != "BucketAlreadyExists" {
		t.Errorf("by another: %v", err)
	}
	if err := core.Client.MakeBucket(ctx, "elsewhere", minio.MakeBucketOptions{Region: "sbg"}); codeOf(err) == "" {
		t.Error("a bucket was made in another region")
	}
	if location, err := core.GetBucketLocation(ctx, name); err != nil || location != "gra" {
		t.Errorf("location %q, %v", location, err)
	}
	if ok, err := core.BucketExists(ctx, name); err != nil || !ok {
		t.Errorf("exists: %t, %v", ok, err)
	}
	if err := core.RemoveBucket(ctx, name); err != nil {
		t.Fatal(err)
	}
	if ok, err := core.BucketExists(ctx, name); err != nil || ok {
		t.Errorf("exists after deletion: %t, %v", ok, err)
	}
}

var walkCopies = func(t *testing.T, w *world, core *minio.Core) {
	ctx := t.Context()
	const name = "neighbours-bucket"
	w.make(t, dataplane.Bucket{Name: name, Owner: "bob"})
	if err := put(w.client(t, "bob"), name, "secret", "x"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, core, "source key", "to copy")
	copyFrom := func(from, key string) error {
		_, err := core.Client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "target"}, minio.CopySrcOptions{Bucket: from, Object: key})
		return err
	}
	if err := copyFrom(bucket, "source key"); err != nil {
		t.Fatal(err)
	}
	if got := mustGet(t, core, "target"); got != "to copy" {
		t.Errorf("got %q", got)
	}
	if err := copyFrom(name, "secret"); codeOf(err) != "AccessDenied" {
		t.Errorf("a copy of a neighbour's object: %v", err)
	}
}

var walkOwners = func(t *testing.T, w *world, core *minio.Core) {
	mustPut(t, core, "owned", "x")
	page, err := core.ListObjectsV2(bucket, "owned", "", "", "", 10)
	if err != nil || len(page.Contents) == 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	for o := range core.Client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{UseV1: true, Recursive: true}) {
		if o.Err != nil || o.Owner.ID != "alice" {
			t.Errorf("%q is owned by %q, %v", o.Key, o.Owner.ID, o.Err)
		}
	}
}

var walkTags = func(t *testing.T, w *world, core *minio.Core) {
	ctx := context.Background()
	_, err := core.Client.PutObject(ctx, bucket, "tagged", strings.NewReader("x"), 1, minio.PutObjectOptions{UserTags: map[string]string{"class": "a b"}})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := core.GetObjectTagging(ctx, bucket, "tagged", minio.GetObjectTaggingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"class": "a b"}, tags.ToMap()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}
