package replica

import (
	"errors"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// copied is a source with these objects, and a copy of it.
func copied(t *testing.T, keys ...string) (server *emulator.Server, job mover.Job) {
	t.Helper()
	server = emulator.Start(t, emulator.Options{})
	session, err := s3.Driver{}.Open(provider.Place{Endpoint: server.URL, Region: server.Region},
		provider.Credentials{provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey)})
	if err != nil {
		t.Fatal(err)
	}
	server.CreateBucket("actes")
	server.CreateBucket("copy")
	for _, key := range keys {
		server.PutObjectDirect("actes", emulator.Object{Key: key, Body: []byte("content of " + key)})
	}
	job = mover.Job{Source: mover.End{Session: session, Bucket: "actes"}, Target: mover.End{Session: session, Bucket: "copy"}}
	if report, err := mover.Run(t.Context(), job); err != nil || report.Result != mover.Complete {
		t.Fatalf("%+v, %v", report, err)
	}
	return server, job
}

func manifestKeys(server *emulator.Server, part string) []string {
	var found []string
	for _, key := range server.Keys("copy") {
		if strings.HasPrefix(key, ".rempart/manifest/") && strings.Contains(key, part) {
			found = append(found, key)
		}
	}
	return found
}

// Whatever an audit allows for, what nothing vouches for is not verified.
func TestACopyWithoutAWholeManifestIsNotVerified(t *testing.T) {
	for _, keepsDeleted := range []bool{false, true} {
		server, job := copied(t, "a", "b")
		if report, err := audit(t.Context(), job.Target, keepsDeleted); err != nil || !report.IsClean() || report.Matched != 2 {
			t.Fatalf("as it should be: %+v, %v", report, err)
		}
		for _, key := range manifestKeys(server, ".jsonl") {
			if err := server.Corrupt("copy", key, func(o *emulator.Object) { o.Body = []byte("damaged"); o.Size = 7 }); err != nil {
				t.Fatal(err)
			}
		}
		if report, err := audit(t.Context(), job.Target, keepsDeleted); err == nil || !strings.Contains(err.Error(), "manifest segment") {
			t.Errorf("with a damaged segment, keeping what was deleted %t: %+v, %v", keepsDeleted, report, err)
		}
		for _, key := range manifestKeys(server, "/index/") {
			if err := job.Target.Session.Remove(t.Context(), provider.Ref{Bucket: "copy", Key: key}); err != nil {
				t.Fatal(err)
			}
		}
		if report, err := audit(t.Context(), job.Target, keepsDeleted); !errors.Is(err, manifest.ErrNotWhole) {
			t.Errorf("without an index, keeping what was deleted %t: %+v, %v", keepsDeleted, report, err)
		}
		if report, err := mover.Run(t.Context(), job); err != nil || report.Result != mover.Complete {
			t.Fatalf("%+v, %v", report, err)
		}
		if report, err := audit(t.Context(), job.Target, keepsDeleted); err != nil || !report.IsClean() {
			t.Errorf("after another run: %+v, %v", report, err)
		}
	}
}

func TestAnEmptyCopyIsVerified(t *testing.T) {
	_, job := copied(t)
	if report, err := audit(t.Context(), job.Target, false); err != nil || !report.IsClean() {
		t.Errorf("%+v, %v", report, err)
	}
}
