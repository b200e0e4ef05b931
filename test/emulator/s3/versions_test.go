package s3_test

import (
	"context"
	"crypto/md5"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestVersionsOfAnObject(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	put(t, core, "k", "before")
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	first, second := put(t, core, "k", "first"), put(t, core, "k", "second")
	if first.VersionID == "" || first.VersionID == second.VersionID {
		t.Fatalf("version ids %q and %q", first.VersionID, second.VersionID)
	}
	if err := core.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := request{method: "GET", key: "k"}.must(t, srv)
	if gone.Code != "NoSuchKey" || gone.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("behind a marker: %s, marker %q", gone.Code, gone.Header.Get("X-Amz-Delete-Marker"))
	}
	marker := gone.Header.Get("X-Amz-Version-Id")
	for id, want := range map[string]string{"null": "before", first.VersionID: "first", second.VersionID: "second"} {
		if got := (request{method: "GET", key: "k", query: url.Values{"versionId": {id}}}).must(t, srv); got.Body != want || got.Header.Get("X-Amz-Version-Id") != id {
			t.Errorf("version %s: %q", id, got.Body)
		}
	}
	if got := (request{method: "GET", key: "k", query: url.Values{"versionId": {marker}}}).must(t, srv); got.Code != "MethodNotAllowed" {
		t.Errorf("a marker read: %d %s", got.Status, got.Code)
	}
	undo := request{method: "DELETE", key: "k", query: url.Values{"versionId": {marker}}}.must(t, srv)
	if undo.Status != 204 || undo.Header.Get("X-Amz-Delete-Marker") != "true" {
		t.Errorf("deletion of the marker: %d", undo.Status)
	}
	if got := get(t, core, "k"); got != "second" {
		t.Errorf("after the marker's deletion: %q", got)
	}
	if got := len(srv.Versions(bucket, "k")); got != 3 {
		t.Errorf("%d versions, want 3", got)
	}
}

func TestSuspendedVersioningReplacesTheNullVersion(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	put(t, core, "k", "null 1")
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	kept := put(t, core, "k", "kept")
	if err := core.SuspendVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	put(t, core, "k", "null 2")
	contents := func() (all []string) {
		for _, o := range srv.Versions(bucket, "k") {
			all = append(all, fmt.Sprintf("%s %t %s", o.VersionID, o.DeleteMarker, o.Body))
		}
		return all
	}
	if diff := cmp.Diff([]string{kept.VersionID + " false kept", "null false null 2"}, contents()); diff != "" {
		t.Errorf("after a put (-want +got):\n%s", diff)
	}
	if err := core.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{kept.VersionID + " false kept", "null true "}, contents()); diff != "" {
		t.Errorf("after a delete (-want +got):\n%s", diff)
	}
}

func TestMultiDelete(t *testing.T) {
	srv, core := start(t, s3.Options{})
	ctx := context.Background()
	if err := core.EnableVersioning(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	old := put(t, core, "a", "old")
	put(t, core, "a", "new")
	put(t, core, "b", "x")
	feed := make(chan minio.ObjectInfo, 3)
	feed <- minio.ObjectInfo{Key: "a", VersionID: old.VersionID}
	feed <- minio.ObjectInfo{Key: "b"}
	feed <- minio.ObjectInfo{Key: "missing"}
	close(feed)
	markers := 0
	for r := range core.RemoveObjectsWithResult(ctx, bucket, feed, minio.RemoveObjectsOptions{}) {
		if r.Err != nil {
			t.Errorf("%s: %v", r.ObjectName, r.Err)
		}
		if r.DeleteMarker {
			markers++
		}
	}
	if markers != 2 {
		t.Errorf("%d delete markers made, want one for b and one for the missing key", markers)
	}
	if got := srv.Versions(bucket, "a"); len(got) != 1 || string(got[0].Body) != "new" {
		t.Errorf("versions of a: %v", got)
	}
	body := "<Delete><Object><Key>a</Key></Object></Delete>"
	if got := (request{method: "POST", query: url.Values{"delete": {""}}, body: body}).must(t, srv); got.Code != "InvalidRequest" {
		t.Errorf("without Content-MD5: %d %s", got.Status, got.Code)
	}
	many := "<Delete>" + strings.Repeat("<Object><Key>a</Key></Object>", 1001) + "</Delete>"
	sum := md5.Sum([]byte(many))
	r := request{method: "POST", query: url.Values{"delete": {""}}, body: many, header: map[string]string{"Content-MD5": b64(sum[:])}}
	if got := r.must(t, srv); got.Code != "MalformedXML" {
		t.Errorf("1001 keys: %d %s", got.Status, got.Code)
	}
}
