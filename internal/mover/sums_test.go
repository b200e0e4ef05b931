package mover

import (
	"os"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// overTLS opens a session that trusts an authority.
func overTLS(t *testing.T, endpoint, accessKey, secretKey, region string, bundle []byte) provider.Session {
	t.Helper()
	session, err := s3.Driver{}.Open(
		provider.Place{Provider: "test", Location: "here", Endpoint: endpoint, Region: region, CABundle: bundle},
		provider.Credentials{provider.AccessKey: secret.New(accessKey), provider.SecretKey: secret.New(secretKey)})
	if err != nil {
		t.Fatal(err)
	}
	return repeating(session)
}

// toTLS makes a world whose target speaks TLS, and where parts are tiny.
func toTLS(t *testing.T, target emulator.Options) *world {
	t.Helper()
	target.TLS = true
	w := newWorldOf(t, emulator.Options{}, target)
	w.job.Target.Session = overTLS(t, w.target.URL, w.target.AccessKey, w.target.SecretKey, w.target.Region, w.target.CertificatePEM)
	w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
	return w
}

// bindings tells what the parts of an object were bound by: the hash that they are
// signed over, or a sum in a header of its own.
func (w *world) bindings() (hashed, summed int) {
	for _, r := range w.target.Requests(func(r emulator.Request) bool { return r.Operation == "UploadPart" && isUserKey(r.Key) }) {
		switch signed, sum := r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("X-Amz-Checksum-Crc32c"); {
		case signed == "UNSIGNED-PAYLOAD" && sum != "":
			summed++
		case len(signed) == 64 && sum == "": //nolint:mnd // hexadecimal digits of a SHA-256
			hashed++
		}
	}
	return hashed, summed
}

func TestPartsAreBoundByASumWhereThatIsAsGood(t *testing.T) {
	const parts = 7
	tests := map[string]struct {
		world                  func(t *testing.T) *world
		wantHashed, wantSummed int
	}{
		"https, and a store that checks sums": {func(t *testing.T) *world {
			t.Helper()
			return toTLS(t, emulator.Options{})
		}, 0, parts},
		"http": {func(t *testing.T) *world {
			t.Helper()
			w := newWorld(t)
			w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
			return w
		}, parts, 0},
		"a store that takes what does not match": {func(t *testing.T) *world {
			t.Helper()
			return toTLS(t, emulator.Options{IgnoreChecksums: true})
		}, parts, 0},
		"a store that does not know sums": {func(t *testing.T) *world {
			t.Helper()
			w := toTLS(t, emulator.Options{})
			w.target.Faults().Add(emulator.Match{Operation: "CreateMultipartUpload", Times: 1}, emulator.Fail(400, "InvalidRequest"))
			return w
		}, parts, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := test.world(t)
			w.putLarge("large", 8*parts)
			w.sync(t)
			if hashed, summed := w.bindings(); hashed != test.wantHashed || summed != test.wantSummed {
				t.Errorf("%d parts are bound by a hash and %d by a sum, want %d and %d", hashed, summed, test.wantHashed, test.wantSummed)
			}
		})
	}
}

func TestAPartThatDoesNotMatchItsSumIsSentAgain(t *testing.T) {
	w := toTLS(t, emulator.Options{})
	w.putLarge("large", 50)
	w.corruptTarget(2)
	w.sync(t)
	if retried := w.told(EventRetried); len(retried) == 0 {
		t.Error("nothing was tried again, so nothing is shown")
	}
	if _, summed := w.bindings(); summed == 0 {
		t.Error("no part was bound by a sum, so nothing is shown")
	}
}

func TestAStoreThatRefusesSumsAfterAllGetsHashes(t *testing.T) {
	w := toTLS(t, emulator.Options{})
	w.putLarge("large", 50)
	w.target.Faults().Add(emulator.Match{Operation: "CompleteMultipartUpload", Key: "large", Times: 1}, emulator.Fail(501, "NotImplemented"))
	w.sync(t)
	if hashed, summed := w.bindings(); hashed == 0 || summed == 0 {
		t.Errorf("%d parts are bound by a hash and %d by a sum, want some of both", hashed, summed)
	}
}

func TestARealGatewayChecksSumsOfParts(t *testing.T) {
	server, err := harness.StartVersity(t.Context(), harness.VersityOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	bundle, err := os.ReadFile(server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	target := overTLS(t, server.Endpoint, server.AccessKey, server.SecretKey, server.Region, bundle)
	if err := target.CreateBucket(t.Context(), provider.Bucket{Name: replica}); err != nil {
		t.Fatal(err)
	}
	w.job.Target.Session = target
	w.adjust = func(r *run) {
		r.transfer.sizes = sizes{small: 5 << 20, part: 5 << 20, unit: 1 << 20, least: 5 << 20, parts: 9_500}
	}
	w.putLarge("large", 12<<20)
	run := newRun(w.job)
	if !run.transfer.sumsParts(t.Context()) {
		t.Error("the gateway is not found to check sums")
	}
	corrupted := &corrupting{Session: target}
	corrupted.left.Store(1)
	w.job.Target.Session = corrupted
	if report := w.run(t); report.Copied != 1 || len(w.told(EventRetried)) == 0 {
		t.Errorf("report %+v", report)
	}
	original, _ := w.source.Object(primary, "large")
	if got := held(t, target, replica)["large"]; got != string(original.Body) {
		t.Errorf("%d bytes arrived, and they are others", len(got))
	}
	if left, err := target.ListUploads(t.Context(), replica, ""); len(left) > 0 || err != nil {
		t.Errorf("uploads left: %v, %v", left, err)
	}
	for object, err := range provider.List(t.Context(), target, replica, provider.ListOptions{Prefix: probePrefix}) {
		if err != nil || strings.HasPrefix(object.Key, probePrefix) {
			t.Errorf("a trial left %q, %v", object.Key, err)
		}
	}
}
