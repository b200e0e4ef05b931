package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/tags"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// open opens a session on an emulated store.
func open(t testing.TB, server *emulator.Server, accessKey, secretKey string) provider.Session {
	t.Helper()
	session, err := s3.Driver{}.Open(provider.Place{
		Provider: "test", Location: "test", Endpoint: server.URL, Region: server.Region, Addressing: provider.PathStyle,
	}, provider.Credentials{provider.AccessKey: secret.New(accessKey), provider.SecretKey: secret.New(secretKey)})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// otherClient is another program at an emulated store.
func otherClient(t *testing.T, server *emulator.Server) *minio.Client {
	t.Helper()
	made, err := minio.New(strings.TrimPrefix(server.URL, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""), Region: server.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// tagAs sets a tag of a bucket, as another program does.
func tagAs(t *testing.T, server *emulator.Server, bucket, key, value string) {
	t.Helper()
	set, err := tags.MapToBucketTags(map[string]string{key: value})
	if err != nil {
		t.Fatal(err)
	}
	if err := otherClient(t, server).SetBucketTagging(context.Background(), bucket, set); err != nil {
		t.Fatal(err)
	}
}

// empty removes a bucket with all it holds, as an administrator of the store may.
func empty(t *testing.T, server *emulator.Server, bucket string) {
	t.Helper()
	session := open(t, server, server.AccessKey, server.SecretKey)
	if _, err := provider.Empty(context.Background(), session, bucket); err != nil {
		t.Fatal(err)
	}
	if err := session.DeleteBucket(context.Background(), bucket); err != nil {
		t.Fatal(err)
	}
}

// userKeys are the current keys in a bucket but Rempart's own.
func userKeys(server *emulator.Server, bucket string) []string {
	var keys []string
	for _, key := range server.Keys(bucket) {
		if !strings.HasPrefix(key, provider.ReservedPrefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// awaitEvent waits for an event of the tenant's namespace, or about the whole
// cluster.
func (w *world) awaitEvent(reason, note string) {
	w.t.Helper()
	w.eventually(func() error {
		var list eventsv1.EventList
		if err := w.client.List(context.Background(), &list); err != nil {
			return err
		}
		var seen []string
		for _, event := range list.Items {
			if event.Reason == reason && strings.Contains(event.Note, note) && (event.Namespace == w.namespace || event.Regarding.Namespace == "") {
				return nil
			}
			seen = append(seen, event.Reason+": "+event.Note)
		}
		return notYet("no event %s says %q: %q", reason, note, seen)
	})
}

// sum is a digest as evidence has it.
func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(digest[:])
}
