package s3_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

func TestSyntheticBucketIsListedReadAndWritten(t *testing.T) {
	const n = 100_000
	srv, core := start(t, s3.Options{})
	srv.Synthetic(bucket, n, 64)
	gone, changed := s3.SyntheticKey(5), s3.SyntheticKey(7)
	put(t, core, changed, "new content")
	put(t, core, "added", "x")
	if err := core.RemoveObject(context.Background(), bucket, gone, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	keys := listKeys(t, core, bucket)
	if len(keys) != n {
		t.Errorf("%d keys listed, want %d: one gone, one added", len(keys), n)
	}
	if !slices.IsSorted(keys) || slices.Contains(keys, gone) {
		t.Error("the listing is unordered or shows the deleted key")
	}
	if got := get(t, core, changed); got != "new content" {
		t.Errorf("changed object: %q", got)
	}
	info, err := core.StatObject(context.Background(), bucket, s3.SyntheticKey(n-1), minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	content := get(t, core, s3.SyntheticKey(n-1))
	stored, _ := srv.Object(bucket, s3.SyntheticKey(n-1))
	if content != string(stored.Body) || info.Size != 64 || len(content) != 64 || !strings.HasSuffix(content, "000000099999") {
		t.Errorf("generated object of %d bytes: %q", info.Size, content)
	}
	if got := srv.Buckets()[bucket].Keys; got != 3 {
		t.Errorf("%d keys take memory, want 3", got)
	}
}

func BenchmarkPageOfAMillionSyntheticKeys(b *testing.B) {
	srv, core := start(b, s3.Options{})
	srv.Synthetic(bucket, 1_000_000, 1024)
	for b.Loop() {
		after := s3.SyntheticKey(rand.IntN(999_000))
		page, err := core.ListObjectsV2(bucket, "", after, "", "", 1000)
		if err != nil || len(page.Contents) != 1000 {
			b.Fatalf("%d keys, %v", len(page.Contents), err)
		}
	}
}

func BenchmarkListAMillionStoredKeys(b *testing.B) {
	srv, core := start(b, s3.Options{})
	for i := range 1_000_000 {
		srv.PutObjectDirect(bucket, s3.Object{Key: fmt.Sprintf("dir-%03d/%07d", i%1000, i), Body: []byte("x")})
	}
	for b.Loop() {
		n := 0
		for o := range core.Client.ListObjects(context.Background(), bucket, minio.ListObjectsOptions{Recursive: true}) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
			n++
		}
		if n != 1_000_000 {
			b.Fatalf("%d keys", n)
		}
	}
}
