package ovh_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/ovh"
)

func TestLockedObjectsStay(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "vault", owner.ID, document{"objectLock": document{"status": "enabled", "rule": document{"mode": "compliance", "period": "P1D"}}})
	core := a.s3("GRA", a.key(owner.ID))
	if _, err := core.Client.PutObject(t.Context(), "vault", "deed", strings.NewReader("text"), 4, minio.PutObjectOptions{SendContentMd5: true}); err != nil {
		t.Fatal(err)
	}
	var versions []struct {
		Key       string `json:"key"`
		VersionID string `json:"versionId"`
	}
	a.get("/region/GRA/storage/vault/object?withVersions=true", &versions)
	var answer struct {
		Errors []struct{ Code, Key string } `json:"errors"`
	}
	a.post("/region/GRA/storage/vault/bulkDeleteObjects", document{"objects": versions}, &answer)
	if len(answer.Errors) != 1 || answer.Errors[0].Code != "AccessDenied" || answer.Errors[0].Key != "deed" {
		t.Errorf("answer is %+v", answer)
	}
	wantStatus(t, a.Delete(a.path("/region/GRA/storage/vault/object/deed/version/%s", versions[0].VersionID), nil), http.StatusForbidden)
	var seen struct {
		Lock struct{ Mode, RetainUntil string } `json:"lock"`
	}
	a.get("/region/GRA/storage/vault/object/deed", &seen)
	if seen.Lock.Mode != "compliance" || seen.Lock.RetainUntil == "" {
		t.Errorf("lock is %+v", seen.Lock)
	}
	a.put("/region/GRA/storage/vault/object/deed", document{"legalHold": "on"})
}

func TestObjectsThroughTheAPI(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shelf", owner.ID, nil)
	core := a.s3("GRA", a.key(owner.ID))
	for _, key := range []string{"a/1", "a/2", "b/1", "c"} {
		if err := write(t, core, "shelf", key, "content"); err != nil {
			t.Fatal(err)
		}
	}
	keys := func(query string) []string {
		var page []struct {
			Key string `json:"key"`
		}
		a.get("/region/GRA/storage/shelf/object?"+query, &page)
		names := []string{}
		for _, o := range page {
			names = append(names, o.Key)
		}
		return names
	}
	diff(t, "all", []string{"a/1", "a/2", "b/1", "c"}, keys(""))
	diff(t, "a prefix", []string{"a/1", "a/2"}, keys("prefix=a/"))
	diff(t, "a page", []string{"a/1", "a/2"}, keys("limit=2"))
	diff(t, "the next page", []string{"b/1", "c"}, keys("limit=2&keyMarker=a/2"))
	wantStatus(t, a.Get(a.path("/region/GRA/storage/shelf/object?limit=1001"), nil), http.StatusBadRequest)

	var seen struct {
		ObjectsCount int64 `json:"objectsCount"`
		ObjectsSize  int64 `json:"objectsSize"`
		Objects      []any `json:"objects"`
	}
	a.get("/region/GRA/storage/shelf?noObjects=true", &seen)
	if seen.ObjectsCount != 4 || seen.ObjectsSize != 28 || len(seen.Objects) != 0 {
		t.Errorf("bucket is %+v", seen)
	}
	a.get("/region/GRA/storage/shelf?limit=1&marker=a/1", &seen)
	if len(seen.Objects) != 1 {
		t.Errorf("bucket has %d objects, want the 1 asked for", len(seen.Objects))
	}
	var one struct {
		Key  string `json:"key"`
		Size int64  `json:"size"`
	}
	a.get("/region/GRA/storage/shelf/object/a%2F1", &one)
	if one.Key != "a/1" || one.Size != 7 {
		t.Errorf("object is %+v", one)
	}
	a.post("/region/GRA/storage/shelf/object/c/copy", document{"targetBucket": "shelf", "targetKey": "d"}, nil)
	diff(t, "with the copy", []string{"c", "d"}, keys("keyMarker=b/1"))
	a.delete("/region/GRA/storage/shelf/object/a%2F1")
	wantStatus(t, a.Get(a.path("/region/GRA/storage/shelf/object/a%%2F1"), nil), http.StatusNotFound)

	var quota struct {
		ContainerCount int64 `json:"containerCount"`
		ObjectCount    int64 `json:"objectCount"`
		BytesUsed      int64 `json:"bytesUsed"`
	}
	a.get("/region/GRA/quota/storage", &quota)
	if quota.ContainerCount != 1 || quota.ObjectCount != 4 || quota.BytesUsed != 28 {
		t.Errorf("quota is %+v", quota)
	}
}

func TestVersionsComeInPages(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shelf", owner.ID, document{"versioning": document{"status": "enabled"}})
	core := a.s3("GRA", a.key(owner.ID))
	for _, key := range []string{"a", "a", "a", "b"} {
		if err := write(t, core, "shelf", key, "content"); err != nil {
			t.Fatal(err)
		}
	}
	type entry struct {
		Key       string `json:"key"`
		VersionID string `json:"versionId"`
	}
	read := func(query string) (page []entry) {
		a.get("/region/GRA/storage/shelf/object?withVersions=true"+query, &page)
		return page
	}
	whole := read("")
	if len(whole) != 4 {
		t.Fatalf("versions are %v", whole)
	}
	var paged []entry
	query := "&limit=1"
	for range whole {
		page := read(query)
		if len(page) != 1 {
			t.Fatalf("%s: %v", query, page)
		}
		paged = append(paged, page[0])
		query = "&limit=1&keyMarker=" + page[0].Key + "&versionIdMarker=" + page[0].VersionID
	}
	diff(t, "pages", whole, paged)
	if rest := read(query); len(rest) != 0 {
		t.Errorf("behind the last: %v", rest)
	}
}

func TestAPresignedURLWorks(t *testing.T) {
	a := start(t, ovh.Options{})
	owner := a.user("owner")
	a.bucket("GRA", "shared", owner.ID, nil)
	wantStatus(t, a.Post(a.path("/region/GRA/storage/shared/presign"), document{"method": "GET", "object": "o", "expire": 60}, nil), http.StatusBadRequest)
	core := a.s3("GRA", a.key(owner.ID))
	if err := write(t, core, "shared", "o", "content"); err != nil {
		t.Fatal(err)
	}
	var signed struct{ URL, Method string }
	a.post("/region/GRA/storage/shared/presign", document{"method": "GET", "object": "o", "expire": 60}, &signed)
	res, err := http.Get(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status is %d", res.StatusCode)
	}
	wantStatus(t, a.Post(a.path("/region/GRA/storage/shared/presign"), document{"method": "PATCH", "object": "o", "expire": 60}, nil), http.StatusBadRequest)
}
