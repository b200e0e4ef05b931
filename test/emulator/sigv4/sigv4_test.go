package sigv4_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/test/emulator/s3error"
	"github.com/rempart/rempart/test/emulator/sigv4"
)

var keys = sigv4.Credentials{AccessKey: "key/with/slashes", SecretKey: "secret", Region: "gra"}

func check(now time.Time) sigv4.Check {
	return sigv4.Check{Now: now, Region: keys.Region, Secret: func(accessKey string) (string, bool) {
		return keys.SecretKey, accessKey == keys.AccessKey
	}}
}

// received is a request as a server has it.
func received(method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	r.Header.Set(sigv4.ContentHashHeader, sigv4.UnsignedPayload)
	return r
}

// codeOf is the code of a refusal, empty for none.
func codeOf(err error) string {
	if known, ok := errors.AsType[*s3error.Error](err); ok {
		return known.Code
	}
	return ""
}

func TestWhatIsSignedIsVerified(t *testing.T) {
	now := time.Now()
	tests := map[string]struct {
		change func(*http.Request)
		late   time.Duration
		code   string
	}{
		"nothing is changed":       {func(*http.Request) {}, 0, ""},
		"the method":               {func(r *http.Request) { r.Method = "DELETE" }, 0, "SignatureDoesNotMatch"},
		"the query":                {func(r *http.Request) { r.URL.RawQuery += "&versionId=1" }, 0, "SignatureDoesNotMatch"},
		"a header":                 {func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }, 0, "SignatureDoesNotMatch"},
		"a header that was added":  {func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, 0, "AccessDenied"},
		"the time that it arrives": {func(*http.Request) {}, time.Hour, "RequestTimeTooSkewed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := received(http.MethodPut, "/bucket/a%20key?b=2&a=1", nil)
			r.Header.Set("Content-Type", "text/plain")
			sigv4.Sign(r, keys, now)
			tc.change(r)
			sig, err := sigv4.Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sig.Verify(r, check(now.Add(tc.late))); codeOf(err) != tc.code {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

// Sign and Verify share their idea of a canonical request; another signer has its own.
func TestAnotherSignerIsVerified(t *testing.T) {
	r := received(http.MethodGet, "/bucket/a%20key%2Bb?prefix=a%2Fb&list-type=2", nil)
	signed := signer.SignV4(*r, keys.AccessKey, keys.SecretKey, "", keys.Region)
	sig, err := sigv4.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sig.Verify(signed, check(time.Now())); err != nil {
		t.Error(err)
	}
}

// signers are one that signs chunks, and the one that verifies them.
func signers(t *testing.T) (signs, verifies *sigv4.ChunkSigner) {
	t.Helper()
	now := time.Now()
	r := received(http.MethodPut, "/bucket/key", nil)
	signs = sigv4.Sign(r, keys, now)
	sig, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if verifies, err = sig.Verify(r, check(now)); err != nil {
		t.Fatal(err)
	}
	return signs, verifies
}

func TestAFramedBodyIsReadBack(t *testing.T) {
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300 << 10} {
		signs, verifies := signers(t)
		want := bytes.Repeat([]byte("x"), size)
		framed, err := io.ReadAll(sigv4.NewFramer(iotest.HalfReader(bytes.NewReader(want)), signs))
		if err != nil {
			t.Fatal(err)
		}
		if announced := sigv4.FramedLength(int64(size)); announced != int64(len(framed)) {
			t.Errorf("%d bytes: framed in %d, announced were %d", size, len(framed), announced)
		}
		got, err := io.ReadAll(sigv4.NewChunkReader(bytes.NewReader(framed), verifies, false))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func TestABodyThatIsCutShortIsNotClosed(t *testing.T) {
	signs, verifies := signers(t)
	source := io.MultiReader(bytes.NewReader(make([]byte, 100<<10)), iotest.ErrReader(io.ErrUnexpectedEOF))
	framed, err := io.ReadAll(sigv4.NewFramer(source, signs))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the framing ended with %v", err)
	}
	if _, err := io.ReadAll(sigv4.NewChunkReader(bytes.NewReader(framed), verifies, false)); codeOf(err) != "IncompleteBody" {
		t.Errorf("reading it ended with %v", err)
	}
}
