package dataplane_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

// reach tells what a client may do with the object "k" of a bucket.
func reach(t *testing.T, core *minio.Core, name string) string {
	t.Helper()
	ctx := context.Background()
	attempts := map[string]func() error{
		"list": func() error { _, err := core.ListObjectsV2(name, "", "", "", "", 1); return err },
		"get":  func() error { _, err := get(core, name, "k"); return err },
		"put":  func() error { return put(core, name, "k", "x") },
		"tag":  func() error { _, err := core.GetBucketTagging(ctx, name); return err },
		"delete": func() error {
			return core.RemoveObject(ctx, name, "missing", minio.RemoveObjectOptions{})
		},
	}
	var can []string
	for what, attempt := range attempts {
		switch code := codeOf(attempt()); code {
		case "", "NoSuchTagSet":
			can = append(can, what)
		case "AccessDenied", "NotImplemented":
		default:
			t.Errorf("%s: %s", what, code)
		}
	}
	slices.Sort(can)
	return strings.Join(can, " ")
}

// A workload's user never owns its bucket, so that its policy is all that it has.
func TestAWorkloadOfOVHcloudReachesItsOwnBucketOnly(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	const neighbours = "neighbours-bucket"
	w.make(t, dataplane.Bucket{Name: neighbours, Owner: "alice"})
	owner, workload := w.client(t, "alice"), w.client(t, "bob")
	for _, name := range []string{bucket, neighbours} {
		if err := put(owner, name, "k", "secret"); err != nil {
			t.Fatal(err)
		}
	}
	if got := reach(t, workload, bucket); got != "" {
		t.Errorf("without a policy: %q", got)
	}
	w.may(t, "bob", `{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket"],"Resource":["arn:aws:s3:::`+bucket+`","arn:aws:s3:::`+bucket+`/*"]}]}`)
	if got := reach(t, workload, bucket); got != "delete get list put" {
		t.Errorf("with a policy: %q", got)
	}
	if got := reach(t, workload, neighbours); got != "" {
		t.Errorf("the neighbour's bucket: %q", got)
	}
	// The owner's access control list outranks a policy that only allows.
	w.may(t, "alice", `{"Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::`+bucket+`/*"]}]}`)
	if got := reach(t, owner, neighbours); got != "delete get list put tag" {
		t.Errorf("the owner: %q", got)
	}
	w.may(t, "alice", `{"Statement":[]}`)
	w.may(t, "bob", `{"Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)
	if got := reach(t, workload, bucket); got != "" {
		t.Errorf("with a denial: %q", got)
	}
	if _, err := workload.ListBuckets(t.Context()); codeOf(err) != "AccessDenied" {
		t.Errorf("the list of buckets, denied: %v", err)
	}
}

func TestPoliciesSeeWhereARequestComesFrom(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	mustPut(t, w.client(t, "alice"), "k", "x")
	for network, want := range map[string]string{"127.0.0.0/8": "get", "10.0.0.0/8": ""} {
		w.may(t, "bob", `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::`+bucket+`/k","Condition":{"IpAddress":{"aws:SourceIp":"`+network+`"}}},`+
			`{"Effect":"Deny","Action":["s3:PutObject"],"Resource":"*"}]}`)
		if got := reach(t, w.client(t, "bob"), bucket); got != want {
			t.Errorf("from %s: %q, want %q", network, got, want)
		}
	}
}

func TestKeysOfEIMUsersDoNothingAtOutscale(t *testing.T) {
	w := start(t, dataplane.Outscale)
	core := w.client(t, "alice")
	mustPut(t, core, "k", "x")
	w.mu.Lock()
	w.eim["alice-key"] = true
	w.mu.Unlock()
	if got := reach(t, core, bucket); got != "" {
		t.Errorf("got %q", got)
	}
	if _, err := core.ListBuckets(t.Context()); codeOf(err) != "AccessDenied" {
		t.Errorf("the list of buckets: %v", err)
	}
}

func TestBucketsAreListedByTheirOwner(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	w.make(t, dataplane.Bucket{Name: "of-bob", Owner: "bob"})
	w.make(t, dataplane.Bucket{Name: "another", Owner: "alice"})
	tests := map[string][]string{"alice": {"another", bucket}, "bob": {"of-bob"}}
	for identity, want := range tests {
		listed, err := w.client(t, identity).ListBuckets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range listed {
			got = append(got, b.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", identity, diff)
		}
	}
}

func TestWhoListsIsAnOption(t *testing.T) {
	w := start(t, dataplane.OVHcloud, func(o *dataplane.Options) {
		o.Lists = func(string, dataplane.Bucket) bool { return true }
	})
	listed, err := w.client(t, "bob").ListBuckets(t.Context())
	if err != nil || len(listed) != 1 {
		t.Errorf("got %v, %v", listed, err)
	}
}

func TestADeletionOfManyIsAskedForKeyByKey(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	owner := w.client(t, "alice")
	for _, key := range []string{"mine/a", "mine/b & <c>", "theirs/a"} {
		mustPut(t, owner, key, "x")
	}
	w.may(t, "bob", `{"Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::`+bucket+`/mine/*"}]}`)
	remove := func(keys ...string) map[string]string {
		objects := make(chan minio.ObjectInfo, len(keys))
		for _, key := range keys {
			objects <- minio.ObjectInfo{Key: key}
		}
		close(objects)
		failed := map[string]string{}
		for e := range w.client(t, "bob").RemoveObjects(t.Context(), bucket, objects, minio.RemoveObjectsOptions{}) {
			failed[e.ObjectName] = codeOf(e.Err)
		}
		return failed
	}
	if diff := cmp.Diff(map[string]string{"theirs/a": "AccessDenied"}, remove("mine/a", "theirs/a")); diff != "" {
		t.Errorf("some denied (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"theirs/a": "AccessDenied"}, remove("theirs/a")); diff != "" {
		t.Errorf("all denied (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{}, remove("mine/b & <c>")); diff != "" {
		t.Errorf("none denied (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"theirs/a"}, listKeys(t, owner, bucket)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestARetentionEndsEarlyForWhoMayEndIt(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	const locked = "locked-bucket"
	w.make(t, dataplane.Bucket{Name: locked, Owner: "alice", ObjectLock: true, LockRule: &dataplane.LockRule{Mode: "GOVERNANCE", Days: 1}})
	owner, other := w.client(t, "alice"), w.client(t, "bob")
	ways := map[string]func(id string) error{
		"one by one": func(id string) error {
			return other.RemoveObject(t.Context(), locked, "k", minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: true})
		},
		"of many": func(id string) error {
			objects := make(chan minio.ObjectInfo, 1)
			objects <- minio.ObjectInfo{Key: "k", VersionID: id}
			close(objects)
			for e := range other.RemoveObjects(t.Context(), locked, objects, minio.RemoveObjectsOptions{GovernanceBypass: true}) {
				return e.Err
			}
			return nil
		},
	}
	for actions, want := range map[string]string{
		`"s3:DeleteObjectVersion"`: "AccessDenied", `"s3:DeleteObjectVersion","s3:BypassGovernanceRetention"`: "",
	} {
		w.may(t, "bob", `{"Statement":[{"Effect":"Allow","Action":[`+actions+`],"Resource":"arn:aws:s3:::`+locked+`/*"}]}`)
		for way, remove := range ways {
			info, err := owner.Client.PutObject(t.Context(), locked, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{SendContentMd5: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := codeOf(remove(info.VersionID)); got != want {
				t.Errorf("%s, who may %s: %q, want %q", way, actions, got, want)
			}
		}
	}
}

// fetch reads without a signature.
func (w *world) fetch(t *testing.T, path string) (status int, text string) {
	t.Helper()
	res, err := http.Get(w.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestPublicListsCount(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	core := w.client(t, "alice")
	mustPut(t, core, "private", "x")
	_, err := core.Client.PutObject(t.Context(), bucket, "open", strings.NewReader("for all"), 7, minio.PutObjectOptions{
		UserMetadata: map[string]string{"x-amz-acl": "public-read"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := w.fetch(t, "/"+bucket+"/open"); status != http.StatusOK || text != "for all" {
		t.Errorf("a public object: %d %s", status, text)
	}
	if status, _ := w.fetch(t, "/"+bucket+"/private"); status != http.StatusForbidden {
		t.Errorf("a private object: %d", status)
	}
	if status, _ := w.fetch(t, "/"+bucket); status != http.StatusForbidden {
		t.Errorf("a private bucket: %d", status)
	}
	put := request{method: http.MethodPut, query: "acl", header: map[string]string{"X-Amz-Acl": "public-read"}}
	if got := put.send(t, w); got.status != http.StatusOK {
		t.Fatalf("put the list: %+v", got)
	}
	if b, _ := w.Region.Bucket(bucket); !cmp.Equal(b.Grants, dataplane.PublicRead.Grants()) {
		t.Errorf("the region says %v", b.Grants)
	}
	if status, text := w.fetch(t, "/"+bucket); status != http.StatusOK || !strings.Contains(text, "<Key>private</Key>") {
		t.Errorf("a public bucket: %d %s", status, text)
	}
	for _, path := range []string{"", "open"} {
		got := request{method: http.MethodGet, key: path, query: "acl"}.send(t, w)
		if !strings.Contains(got.body, "AllUsers") || !strings.Contains(got.body, "<ID>alice</ID>") {
			t.Errorf("list of %q: %+v", path, got)
		}
		// What was read can be written back.
		back := request{method: http.MethodPut, key: path, query: "acl", body: got.body}.send(t, w)
		if back.status != http.StatusOK {
			t.Errorf("the list of %q again: %+v", path, back)
		}
	}
	mustPut(t, core, "open", "no more")
	if status, _ := w.fetch(t, "/"+bucket+"/open"); status != http.StatusForbidden {
		t.Errorf("an overwritten object keeps its list: %d", status)
	}
	refused := request{method: http.MethodPut, key: "private", query: "acl", header: map[string]string{"X-Amz-Acl": "nobody-knows"}}.send(t, w)
	missing := request{method: http.MethodPut, key: "missing", query: "acl", header: map[string]string{"X-Amz-Acl": "private"}}.send(t, w)
	if refused.code != "InvalidArgument" || missing.code != "NoSuchKey" {
		t.Errorf("refused %+v, missing %+v", refused, missing)
	}
}

func TestWhoMakesBucketsIsAsked(t *testing.T) {
	var say error
	w := start(t, dataplane.OVHcloud, func(o *dataplane.Options) {
		o.Admit = func(name, owner string) error {
			if name == bucket {
				return nil
			}
			if name != "second-bucket" || owner != "bob" {
				return fmt.Errorf("asked for %q of %q", name, owner)
			}
			return say
		}
	})
	bob := w.client(t, "bob")
	for _, tc := range []struct {
		err  error
		code string
	}{{dataplane.ErrNameTaken, "BucketAlreadyExists"}, {dataplane.ErrTooManyBuckets, "TooManyBuckets"}, {nil, ""}} {
		say = tc.err
		if code := codeOf(bob.Client.MakeBucket(t.Context(), "second-bucket", minio.MakeBucketOptions{})); code != tc.code {
			t.Errorf("%v: %q, want %q", tc.err, code, tc.code)
		}
	}
}
