package s3_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// TestContentIsRewoundForEveryTry has a store refuse while the body is still on
// its way. Under the race detector it also shows that nobody reads the content
// any more when the call returns.
func TestContentIsRewoundForEveryTry(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	refusals := 0
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || refusals == 0 {
			return false
		}
		refusals--
		s3Error(503, "SlowDown")(w, r)
		return true
	})
	text := strings.Repeat("0123456789", 1<<20)
	id, err := session.StartUpload(t.Context(), ref("k"), provider.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	var part provider.Part
	sends := map[string]func(provider.Content) error{
		"put": func(c provider.Content) error {
			_, err := session.Put(t.Context(), ref("k"), c, provider.Attributes{})
			return err
		},
		"part": func(c provider.Content) (err error) {
			part, err = session.UploadPart(t.Context(), ref("k"), id, 1, c)
			return err
		},
	}
	for _, name := range []string{"put", "part"} {
		sent := content(text)
		if _, err := sent.Reader.Seek(5, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		refusals = 3
		for try := range 4 {
			if err := sends[name](sent); errors.Is(err, provider.ErrThrottled) != (try < 3) {
				t.Fatalf("%s, try %d: %v", name, try, err)
			}
		}
	}
	if stored, _ := server.Object(bucket, "k"); string(stored.Body) != text {
		t.Errorf("stored %d bytes, and not those that were to be sent", len(stored.Body))
	}
	if _, err := session.CompleteUpload(t.Context(), ref("k"), id, []provider.Part{part}); err != nil {
		t.Error(err)
	}
	if stored, _ := server.Object(bucket, "k"); string(stored.Body) != text {
		t.Errorf("uploaded %d bytes, and not those that were to be sent", len(stored.Body))
	}
}

type failing struct {
	io.ReadSeeker
	seek, read error
}

func (f failing) Seek(int64, int) (int64, error) { return 0, f.seek }
func (f failing) Read([]byte) (int, error)       { return 0, f.read }

func TestContentThatCannotBeReadIsNotTheStoresFault(t *testing.T) {
	server, session := start(t, emulator.Options{})
	broken := errors.New("disk on fire")
	classified := fault.New(fault.Terminal, fault.BucketMissing, "the source is gone")
	tests := map[string]struct {
		content provider.Content
		want    error
		class   fault.Class
	}{
		"seek fails":              {provider.Content{Reader: failing{seek: broken}, Size: 5}, broken, fault.Transient},
		"read fails":              {provider.Content{Reader: failing{read: broken}, Size: 5, SHA256: provider.EmptySHA256}, broken, fault.Transient},
		"read fails with a fault": {provider.Content{Reader: failing{read: classified}, Size: 5, SHA256: provider.EmptySHA256}, classified, fault.Terminal},
		"ends early":              {provider.Content{Reader: strings.NewReader("abc"), Size: 5, SHA256: provider.EmptySHA256}, provider.ErrContentMismatch, fault.Transient},
		"is missing":              {provider.Content{Size: 5}, nil, fault.Transient},
		"has no size":             {provider.Content{Reader: strings.NewReader("abc"), Size: -1}, nil, fault.Transient},
	}
	for name, test := range tests {
		_, put := session.Put(t.Context(), ref("k"), test.content, provider.Attributes{})
		_, part := session.UploadPart(t.Context(), ref("k"), "id", 1, test.content)
		for _, err := range []error{put, part} {
			if err == nil || fault.Of(err).Class != test.class || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("stored %q", keys)
	}
}

func TestWrongDigestIsRefused(t *testing.T) {
	server, session := start(t, emulator.Options{})
	wrong := content("hello")
	wrong.SHA256 = content("other").SHA256
	id, err := session.StartUpload(t.Context(), ref("k"), provider.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	_, put := session.Put(t.Context(), ref("k"), wrong, provider.Attributes{})
	_, part := session.UploadPart(t.Context(), ref("k"), id, 1, wrong)
	for _, err := range []error{put, part} {
		if !errors.Is(err, provider.ErrContentMismatch) || !fault.HasReason(err, fault.VerificationMismatch) {
			t.Errorf("got %v", err)
		}
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("stored %q", keys)
	}
}
