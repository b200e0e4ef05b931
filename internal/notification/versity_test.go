package notification

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/harness"
)

// A real gateway starts once somebody answers, and tells of what changes there.
func TestAVersityGatewayIsUnderstood(t *testing.T) {
	p := newPost(t, book{})
	p.now = time.Now()
	served := httptest.NewServer(p.Receiver)
	defer served.Close()
	store := harness.Versity(t, func(o *harness.VersityOptions) { o.EventsURL = served.URL + Path("onprem", "s3cret") })
	client, err := store.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MakeBucket(t.Context(), "actes", minio.MakeBucketOptions{Region: store.Region}); err != nil {
		t.Fatal(err)
	}
	keys := []string{"registres/1901 n° 7+8 100%.pdf", "registres/1902", "a%2Fb"}
	for _, key := range keys {
		if _, err := client.PutObject(t.Context(), "actes", key, strings.NewReader("acte"), 4, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	awaitTold(t, p, keys...)
	p.Queue.Done("town/a", nil)
	if err := client.RemoveObject(t.Context(), "actes", keys[1], minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitTold(t, p, keys[1])
}

// awaitTold waits until the queue has all of the keys.
func awaitTold(t *testing.T, p *post, keys ...string) {
	t.Helper()
	var told []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		told = p.Queue.Take("town/a")
		if !slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(told, key) }) {
			return
		}
	}
	t.Fatalf("told of %q, want %q", told, keys)
}
