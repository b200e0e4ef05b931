package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

var (
	getK = request{method: "GET", key: "k"}
	putK = request{method: "PUT", key: "k", body: "0123456789"}
)

func TestFaultsHitWhatTheyMatch(t *testing.T) {
	denied := s3.Fail(403, "AccessDenied")
	cases := map[string]struct {
		match   s3.Match
		request request
		hit     bool
	}{
		"everything":         {s3.Match{}, getK, true},
		"the operation":      {s3.Match{Operation: "GetObject"}, getK, true},
		"another operation":  {s3.Match{Operation: "PutObject"}, getK, false},
		"the bucket":         {s3.Match{Bucket: bucket}, getK, true},
		"another bucket":     {s3.Match{Bucket: "other"}, getK, false},
		"the key":            {s3.Match{Key: "k"}, getK, true},
		"another key":        {s3.Match{Key: "kk"}, getK, false},
		"the key's prefix":   {s3.Match{KeyPrefix: "k"}, getK, true},
		"another prefix":     {s3.Match{KeyPrefix: "x"}, getK, false},
		"a listing, by key":  {s3.Match{Key: "k"}, request{method: "GET"}, false},
		"all of these":       {s3.Match{Operation: "GetObject", Bucket: bucket, Key: "k"}, getK, true},
		"all of these but 1": {s3.Match{Operation: "HeadObject", Bucket: bucket, Key: "k"}, getK, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "x")
			fault := srv.Faults().Add(tc.match, denied)
			got := tc.request.must(t, srv)
			if (got.Code == "AccessDenied") != tc.hit || (fault.Hits() == 1) != tc.hit {
				t.Errorf("got %d %s, hits %d, want a hit: %t", got.Status, got.Code, fault.Hits(), tc.hit)
			}
		})
	}
}

func TestFaultsAreCountedAndCleared(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	faults := srv.Faults()
	faults.Add(s3.Match{Skip: 1, Times: 2}, s3.SlowDown())
	faults.Add(s3.Match{Times: 1}, s3.Fail(429, "TooManyRequests"))
	forever := faults.Add(s3.Match{Skip: 4}, s3.Fail(500, "InternalError"))
	var got []int
	for range 6 {
		got = append(got, getK.must(t, srv).Status)
	}
	// While the first fault lets one pass, the second of its kind strikes.
	if diff := cmp.Diff([]int{429, 503, 503, 200, 200, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for getK.must(t, srv).Status != 500 {
		if forever.Hits() > 0 {
			t.Fatal("hit without an effect")
		}
	}
	forever.Clear()
	if got := getK.must(t, srv).Status; got != 200 {
		t.Errorf("after Clear: %d", got)
	}
	faults.Add(s3.Match{}, s3.SlowDown())
	faults.Down()
	faults.Clear()
	if got := getK.must(t, srv).Status; got != 200 {
		t.Errorf("after clearing all: %d", got)
	}
}

func TestClientRetriesThrottling(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject", Times: 1}, s3.SlowDown())
	got := getK.must(t, srv)
	if got.Status != 503 || got.Code != "SlowDown" || !strings.Contains(got.Body, "<Message>") {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if getK.must(t, srv).Code != "NoSuchKey" || fault.Hits() != 1 {
		t.Error("the fault struck more than once")
	}
}

func TestLatency(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	srv.Faults().Add(s3.Match{}, s3.Latency(50*time.Millisecond))
	began := time.Now()
	if got := getK.must(t, srv); got.Body != "x" {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
}

func TestHold(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	gate := make(chan struct{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject"}, s3.Hold(gate))
	answered := make(chan string)
	go func() {
		got, err := getK.send(t, srv)
		answered <- fmt.Sprint(got.Body, err)
	}()
	for fault.Hits() == 0 {
		put(t, core, "other", "goes through meanwhile")
	}
	select {
	case got := <-answered:
		t.Fatalf("answered before the gate opened: %s", got)
	default:
	}
	close(gate)
	if got := <-answered; got != "x<nil>" {
		t.Errorf("got %s", got)
	}
}

func TestCloseEndsHeldRequests(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	fault := srv.Faults().Add(s3.Match{Operation: "GetObject"}, s3.Hold(nil))
	srv.Faults().Add(s3.Match{Operation: "HeadObject"}, s3.Latency(time.Hour))
	failed := make(chan error, 2)
	for _, method := range []string{"GET", "HEAD"} {
		go func() {
			_, err := request{method: method, key: "k"}.send(t, srv)
			failed <- err
		}()
	}
	for fault.Hits() == 0 || srv.Count("HeadObject") == 0 {
		request{method: "DELETE", key: "other"}.must(t, srv)
	}
	srv.Close()
	srv.Close()
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("a held request was answered after Close")
		}
	}
}

func TestResets(t *testing.T) {
	cases := map[string]struct {
		effect s3.Effect
		send   request
		stored string // content of k afterwards
	}{
		"before a read":         {s3.ResetBefore(), getK, "old"},
		"before a write":        {s3.ResetBefore(), putK, "old"},
		"within an upload":      {s3.ResetUpload(4), putK, "old"},
		"before an upload":      {s3.ResetUpload(0), putK, "old"},
		"after a write":         {s3.ResetAfter(), putK, "0123456789"},
		"after a deletion":      {s3.ResetAfter(), request{method: "DELETE", key: "k"}, ""},
		"within a body":         {s3.ResetBody(1), getK, "old"},
		"before a body":         {s3.ResetBody(0), getK, "old"},
		"after a failed write":  {s3.ResetAfter(), request{method: "PUT", key: "k", hash: strings.Repeat("0", 64)}, "old"},
		"after a refused write": {s3.ResetAfter(), request{method: "PUT", key: "k", access: "nobody", secret: "x"}, "old"},
		"before a deletion":     {s3.ResetBefore(), request{method: "DELETE", key: "k"}, "old"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			put(t, core, "k", "old")
			before := len(srv.Requests(nil))
			fault := srv.Faults().Add(s3.Match{Key: "k", Times: 1}, tc.effect)
			// A fresh connection: the transport repeats a read that fails on a
			// used one, and then succeeds.
			srv.HTTPClient().CloseIdleConnections()
			_, err := tc.send.send(t, srv)
			if err == nil {
				t.Error("the client got an answer")
			}
			if fault.Hits() != 1 {
				t.Errorf("%d hits", fault.Hits())
			}
			if o, _ := srv.Object(bucket, "k"); string(o.Body) != tc.stored {
				t.Errorf("stored %q, want %q", o.Body, tc.stored)
			}
			if cut := srv.Requests(nil)[before]; !cut.Cut {
				t.Errorf("the request is not recorded as cut: %+v", cut)
			}
			if got := (request{method: "GET", key: "other"}).must(t, srv); got.Code != "NoSuchKey" {
				t.Errorf("afterwards: %d %s", got.Status, got.Code)
			}
		})
	}
}

func TestResetOverTLS(t *testing.T) {
	srv, _ := start(t, s3.Options{TLS: true})
	srv.Faults().Add(s3.Match{Times: 1}, s3.ResetBefore())
	if _, err := putK.send(t, srv); err == nil {
		t.Error("the client got an answer")
	}
	if got := putK.must(t, srv); got.Status != 200 {
		t.Errorf("afterwards: %d", got.Status)
	}
}

func TestResetIsSeenAsSuch(t *testing.T) {
	srv, core := start(t, s3.Options{})
	content := strings.Repeat("x", 1<<20)
	put(t, core, "k", content)
	srv.Faults().Add(s3.Match{}, s3.ResetBody(1<<19))
	got, err := getK.send(t, srv)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) || len(got.Body) > 1<<19 {
		t.Errorf("%d bytes, then %v", len(got.Body), err)
	}
}

func TestTruncatedBody(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{}, s3.Truncate(4))
	got, err := getK.send(t, srv)
	if got.Status != 200 || got.Header.Get("Content-Length") != "10" || got.Body != "0123" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d, length %s, %q, %v", got.Status, got.Header.Get("Content-Length"), got.Body, err)
	}
	if last := srv.Requests(nil)[1]; !last.Cut || last.BytesOut != 4 {
		t.Errorf("recorded: %+v", last)
	}
}

func TestWrongBytes(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{Key: "k"}, s3.CorruptBody(3))
	want := "012" + string([]byte{'3' ^ 0xff}) + "456789"
	if got := getK.must(t, srv); got.Body != want || got.Header.Get("ETag") != `"`+md5sum("0123456789")+`"` {
		t.Errorf("got %q with ETag %s", got.Body, got.Header.Get("ETag"))
	}
	ranged := getK
	ranged.header = map[string]string{"Range": "bytes=3-4"}
	if got := ranged.must(t, srv); got.Body != want[3:5] {
		t.Errorf("range: %q", got.Body)
	}
	if o, _ := srv.Object(bucket, "k"); string(o.Body) != "0123456789" {
		t.Errorf("the stored bytes changed: %q", o.Body)
	}
}

func TestHeadAndListingDisagree(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "j", "0123456789")
	put(t, core, "k", "0123456789")
	srv.Faults().Add(s3.Match{Operation: "HeadObject", Key: "k"}, s3.Alter(func(o *s3.Object) { o.Size++ }))
	srv.Faults().Add(s3.Match{Operation: "ListObjectsV2", Key: "k"}, s3.Alter(func(o *s3.Object) { o.ETag = "listed" }))
	ctx := context.Background()
	info, err := core.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
	if err != nil || info.Size != 11 {
		t.Errorf("head: %d, %v", info.Size, err)
	}
	page, err := core.ListObjectsV2(bucket, "", "", "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range page.Contents {
		got = append(got, fmt.Sprint(o.Key, " ", strings.Trim(o.ETag, `"`), " ", o.Size))
	}
	if diff := cmp.Diff([]string{"j " + md5sum("0123456789") + " 10", "k listed 10"}, got); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestETagChangesBetweenRangedGets(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "0123456789")
	var n atomic.Int32
	srv.Faults().Add(s3.Match{Operation: "GetObject", Key: "k", Skip: 1}, s3.Alter(func(o *s3.Object) {
		o.ETag = fmt.Sprint("changed-", n.Add(1))
	}))
	etag := `"` + md5sum("0123456789") + `"`
	ranged := func(match string) response {
		r := getK
		r.header = map[string]string{"Range": "bytes=0-4"}
		if match != "" {
			r.header["If-Match"] = match
		}
		return r.must(t, srv)
	}
	if got := ranged(etag); got.Status != 206 || got.Header.Get("ETag") != etag {
		t.Errorf("first: %d %s", got.Status, got.Header.Get("ETag"))
	}
	if got := ranged(""); got.Status != 206 || got.Header.Get("ETag") != `"changed-1"` {
		t.Errorf("second, careless: %d %s", got.Status, got.Header.Get("ETag"))
	}
	if got := ranged(etag); got.Status != 412 {
		t.Errorf("third, with If-Match: %d", got.Status)
	}
}

func TestLateKeys(t *testing.T) {
	now := time.Now()
	srv, core := start(t, s3.Options{Clock: func() time.Time { return now }})
	put(t, core, "old", "x")
	now = now.Add(5 * time.Minute)
	put(t, core, "new", "x")
	put(t, core, "newer", "x")
	all := []string{"new", "newer", "old"}
	late := srv.Faults().Add(s3.Match{KeyPrefix: "new"}, s3.LateBy(time.Minute))
	if diff := cmp.Diff([]string{"old"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("at once (-want +got):\n%s", diff)
	}
	if got := get(t, core, "new"); got != "x" {
		t.Errorf("a late key is read: %q", got)
	}
	now = now.Add(time.Minute)
	if diff := cmp.Diff(all, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("after a minute (-want +got):\n%s", diff)
	}
	late.Clear()
	always := srv.Faults().Add(s3.Match{Key: "new"}, s3.Late())
	if diff := cmp.Diff([]string{"newer", "old"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("while armed (-want +got):\n%s", diff)
	}
	always.Clear()
	if diff := cmp.Diff(all, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("when cleared (-want +got):\n%s", diff)
	}
}

func TestPhantomKeys(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for _, key := range []string{"a", "c", "e"} {
		put(t, core, key, "x")
	}
	srv.Faults().Add(s3.Match{}, s3.Phantom("b", "c", "dir/d"))
	if diff := cmp.Diff([]string{"a", "b", "c", "dir/d", "e"}, listKeys(t, core, bucket)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if got := (request{method: "HEAD", key: "b"}).must(t, srv); got.Status != http.StatusNotFound {
		t.Errorf("a phantom answers %d", got.Status)
	}
	if got := get(t, core, "c"); got != "x" {
		t.Errorf("a key that is there is no phantom: %q", got)
	}
	page, err := core.ListObjectsV2(bucket, "", "", "", "/", 2)
	if err != nil || len(page.Contents) != 2 || page.Contents[1].Key != "b" || !page.IsTruncated {
		t.Errorf("a page with a phantom: %v, %v", page.Contents, err)
	}
}

// pages lists at most limit pages of three keys and returns each.
func pages(t *testing.T, core *minio.Core, limit int) (all [][]string, tokens []string) {
	t.Helper()
	token := ""
	for range limit {
		page, err := core.ListObjectsV2(bucket, "", "", token, "", 3)
		if err != nil {
			t.Fatal(err)
		}
		keys := []string{}
		for _, o := range page.Contents {
			keys = append(keys, o.Key)
		}
		all = append(all, keys)
		token = page.NextContinuationToken
		tokens = append(tokens, token)
		if !page.IsTruncated {
			break
		}
	}
	return all, tokens
}

func letters(words string) (all [][]string) {
	for word := range strings.FieldsSeq(words) {
		all = append(all, strings.Split(strings.Trim(word, "-"), ""))
	}
	for i, page := range all {
		if len(page) == 0 {
			all[i] = []string{}
		}
	}
	return all
}

func TestListingPagesMisbehave(t *testing.T) {
	cases := map[string]struct {
		match  s3.Match
		effect s3.Effect
		want   string // one word for each page; "-" is an empty one
	}{
		"in good order":           {s3.Match{Bucket: "other"}, s3.Unordered(), "abc def gh"},
		"one repeats":             {s3.Match{Skip: 1, Times: 1}, s3.RepeatPage(), "abc abc def gh"},
		"the last is preceded":    {s3.Match{Skip: 2, Times: 1}, s3.RepeatPage(), "abc def def gh"},
		"the first cannot repeat": {s3.Match{Times: 1}, s3.RepeatPage(), "abc def gh"},
		"keys are skipped":        {s3.Match{Skip: 1, Times: 1}, s3.SkipKeys(2), "abc f gh"},
		"all keys are skipped":    {s3.Match{Skip: 1, Times: 1}, s3.SkipKeys(9), "abc - gh"},
		"keys come in reverse":    {s3.Match{Skip: 1, Times: 1}, s3.Unordered(), "abc fed gh"},
		"it ends early":           {s3.Match{Skip: 1, Times: 1}, s3.EndEarly(), "abc -"},
		"it ends at once":         {s3.Match{}, s3.EndEarly(), "-"},
		"the token is stuck":      {s3.Match{Skip: 1}, s3.StuckToken(), "abc def def def def def"},
		"stuck from the start":    {s3.Match{}, s3.StuckToken(), "abc abc abc abc abc abc"},
		"stuck once":              {s3.Match{Skip: 1, Times: 1}, s3.StuckToken(), "abc def def gh"},
		"it goes round":           {s3.Match{}, s3.LoopPages(), "abc def gh abc def gh"},
		"markers are inclusive":   {s3.Match{}, s3.InclusiveMarker(), "abc cde efg gh"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core := start(t, s3.Options{})
			for _, key := range strings.Split("abcdefgh", "") {
				srv.PutObjectDirect(bucket, s3.Object{Key: key})
			}
			srv.Faults().Add(tc.match, tc.effect)
			got, tokens := pages(t, core, 6)
			if diff := cmp.Diff(letters(tc.want), got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
			tokens = slices.DeleteFunc(tokens, func(s string) bool { return s == "" })
			unique := len(slices.Compact(slices.Sorted(slices.Values(tokens)))) == len(tokens)
			if stuck := strings.Contains(name, "stuck"); unique == stuck {
				t.Errorf("tokens are unique: %t", unique)
			}
		})
	}
}

func TestOtherListingsMisbehaveToo(t *testing.T) {
	srv, core := start(t, s3.Options{})
	for _, key := range strings.Split("abcdefgh", "") {
		srv.PutObjectDirect(bucket, s3.Object{Key: key})
	}
	stuck := srv.Faults().Add(s3.Match{Operation: "ListObjects"}, s3.StuckToken())
	page, err := core.ListObjects(bucket, "", "c", "", 3)
	if err != nil || !page.IsTruncated || page.NextMarker != "c" || page.Contents[0].Key != "d" {
		t.Errorf("version 1: %v, next %q, %v", page.Contents, page.NextMarker, err)
	}
	stuck.Clear()
	srv.Faults().Add(s3.Match{Operation: "ListObjectVersions"}, s3.InclusiveMarker())
	got := versions(t, srv, bucket, url.Values{"key-marker": {"c"}, "max-keys": {"2"}})
	if len(got.Version) != 2 || got.Version[0].Key != "c" {
		t.Errorf("versions begin with %v", got.Version)
	}
	srv.Faults().Clear()
	srv.Faults().Add(s3.Match{Operation: "ListObjectVersions", Skip: 1}, s3.RepeatPage())
	first := versions(t, srv, bucket, url.Values{"max-keys": {"2"}})
	again := versions(t, srv, bucket, url.Values{"max-keys": {"2"}, "key-marker": {first.NextKeyMarker}, "version-id-marker": {first.NextVersionIDMarker}})
	if diff := cmp.Diff(first.Version, again.Version); diff != "" {
		t.Errorf("repeated page of versions (-want +got):\n%s", diff)
	}
}

func TestEmptyBody(t *testing.T) {
	srv, core := start(t, s3.Options{})
	put(t, core, "k", "x")
	srv.Faults().Add(s3.Match{Operation: "ListObjectsV2"}, s3.EmptyBody())
	got := request{method: "GET", query: url.Values{"list-type": {"2"}}}.must(t, srv)
	if got.Status != 200 || got.Body != "" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	if _, err := core.ListObjectsV2(bucket, "", "", "", "", 10); err == nil {
		t.Error("the client took nothing for a listing")
	}
}

func TestStoreThatDoesNotCheckHashes(t *testing.T) {
	srv, _ := start(t, s3.Options{})
	srv.Faults().Add(s3.Match{Operation: "PutObject"}, s3.NoHashCheck())
	wrong := putK
	wrong.hash = strings.Repeat("0", 64)
	if got := wrong.must(t, srv); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Code)
	}
}

func TestMultipartETagMissingFromTheAnswer(t *testing.T) {
	srv, core := start(t, small)
	srv.Faults().Add(s3.Match{}, s3.NoMultipartETag())
	id := begin(t, core)
	part := uploadPart(t, core, id, 1, "aaaa")
	info, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, []minio.CompletePart{part}, minio.PutObjectOptions{})
	if err != nil || info.ETag != "" {
		t.Errorf("answered ETag %q, %v", info.ETag, err)
	}
	if stat, err := core.StatObject(context.Background(), bucket, "k", minio.StatObjectOptions{}); err != nil || stat.ETag != multipartETag("aaaa") {
		t.Errorf("the object's ETag is %q, %v", stat.ETag, err)
	}
}

func TestErrorsWithStatus200(t *testing.T) {
	srv, core := start(t, small)
	srv.Faults().Add(s3.Match{Times: 2}, s3.FailWith200("InternalError"))
	id := begin(t, core)
	part := uploadPart(t, core, id, 1, "aaaa")
	complete := func() string {
		_, err := core.CompleteMultipartUpload(context.Background(), bucket, "k", id, []minio.CompletePart{part}, minio.PutObjectOptions{})
		return codeOf(err)
	}
	if got := complete(); got != "InternalError" {
		t.Errorf("completion: %q", got)
	}
	copied := request{method: "PUT", key: "copy", header: map[string]string{"X-Amz-Copy-Source": bucket + "/k"}}.must(t, srv)
	if copied.Status != 200 || copied.Code != "InternalError" {
		t.Errorf("copy: %d %s", copied.Status, copied.Code)
	}
	if got := complete(); got != "" {
		t.Errorf("completion afterwards: %q", got)
	}
}

func TestServerDown(t *testing.T) {
	for _, secured := range []bool{false, true} {
		srv, core := start(t, s3.Options{TLS: secured})
		put(t, core, "k", "x")
		srv.Faults().Down()
		for range 3 {
			if got, err := getK.send(t, srv); err == nil {
				t.Errorf("a server that is down answered %d", got.Status)
			}
		}
		srv.Faults().Up()
		if got := get(t, core, "k"); got != "x" {
			t.Errorf("up again: %q", got)
		}
	}
}
