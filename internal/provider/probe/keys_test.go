package probe_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// odd are keys by what the message says of them on a store that refuses them.
var odd = map[string]string{
	"a//b":                          "two slashes in a row",
	"/a":                            "a slash at the beginning",
	"a/./b":                         `the segment "."`,
	"./a":                           `the segment "."`,
	"a/.":                           `the segment "."`,
	"a/../b":                        `the segment ".."`,
	"..":                            `the segment ".."`,
	"a/" + strings.Repeat("n", 256): "a segment of more than 255 bytes",
	"a./b":                          "a dot or a space at the end of a segment",
	"a/b.":                          "a dot or a space at the end of a segment",
	"a /b":                          "a dot or a space at the end of a segment",
	"Dossier":                       "upper and lower case as different letters",
	"é":                             "letters outside ASCII",
	"e\u0301":                       "letters outside ASCII",
	"a+b":                           "characters that URLs escape",
	"a%2fb":                         "characters that URLs escape",
	`a\b`:                           "backslashes",
	"a\nb":                          "tabs and line breaks",
	"a\x01b":                        "characters that XML cannot hold",
	"a\x00b":                        "the character NUL",
	"a/":                            "a slash at the end of a key with content",
}

func TestPlainKeysCostNothing(t *testing.T) {
	server, session := start(t, emulator.Options{})
	trial := probe.NewKeyTrial(session, bucket, prefix)
	for _, key := range []string{"a", "2026/11/acte-17_b.pdf", ".hidden/x", "a..b", strings.Repeat("n", 255) + "/" + strings.Repeat("m", 255)} {
		if err := trial.Exact(t.Context(), key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	if counts := server.Counts(); len(counts) > 0 {
		t.Errorf("sent %v", counts)
	}
}

func TestExactStoreKeepsOddKeys(t *testing.T) {
	for _, versioning := range []provider.Versioning{"", provider.VersioningEnabled} {
		server, session := start(t, emulator.Options{})
		if err := session.UpdateBucket(t.Context(), provider.Bucket{Name: bucket, Versioning: versioning}); err != nil {
			t.Fatal(err)
		}
		trial := probe.NewKeyTrial(session, bucket, prefix)
		for range 2 {
			for key := range odd {
				if err := errors.Join(trial.Exact(t.Context(), key), trial.ExactEmpty(t.Context(), key)); err != nil {
					t.Errorf("%q: %v", key, err)
				}
			}
			server.Faults().Down() // what is known is not asked again
		}
		if state := server.Buckets()[bucket]; state.Keys > 0 {
			t.Errorf("left behind %d keys", state.Keys)
		}
	}
}

var ordinary = regexp.MustCompile(`^[a-z0-9._-]{0,254}[a-z0-9]$`)

func isOrdinary(key string) bool {
	return !slices.ContainsFunc(strings.Split(key, "/"), func(segment string) bool { return !ordinary.MatchString(segment) })
}

func TestStoreThatRefusesOddKeys(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		key, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/"+bucket+"/"))
		if r.Method != http.MethodPut || (err == nil && isOrdinary(key)) {
			return false
		}
		return refuse(w, 400, "XMinioInvalidObjectName")
	})
	for key, trait := range odd {
		err := probe.NewKeyTrial(session, bucket, prefix).Exact(t.Context(), key)
		if !errors.Is(err, provider.ErrInvalidKey) || fault.Of(err).Class != fault.Terminal || !fault.HasReason(err, fault.KeysNotExact) {
			t.Errorf("%q: got %v", key, err)
			continue
		}
		if !strings.Contains(err.Error(), trait) || !strings.Contains(err.Error(), "it refuses") {
			t.Errorf("%q: %q does not name %s", key, err, trait)
		}
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

func TestStoreThatRewritesKeysIsFoundOut(t *testing.T) {
	server, session := start(t, emulator.Options{RewriteKeys: true})
	trial := probe.NewKeyTrial(session, bucket, prefix)
	want := map[string]string{
		"x//y":   `key "x//y" in bucket "actes": key cannot be stored exactly: the store does not keep two slashes in a row, it makes ["a/b"] of ["a//b"]`,
		"x/./y":  `key "x/./y" in bucket "actes": key cannot be stored exactly: the store does not keep the segment ".", it makes ["a/b"] of ["a/./b"]`,
		"x/../y": `key "x/../y" in bucket "actes": key cannot be stored exactly: the store does not keep the segment "..", it makes ["b"] of ["a/../b"]`,
		"/x":     `key "/x" in bucket "actes": key cannot be stored exactly: the store does not keep a slash at the beginning, it makes ["a/b"] of ["a//b"]`,
	}
	for key, message := range want {
		if err := trial.Exact(t.Context(), key); err == nil || err.Error() != message {
			t.Errorf("%q: got  %v\nwant %s", key, err, message)
		}
	}
	for _, key := range []string{"é", "a+b", "A"} {
		if err := trial.Exact(t.Context(), key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

func TestStoreThatTakesLettersForTheSame(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session := &lettersFolded{Session: open(t, server, server.URL)}
	trial := probe.NewKeyTrial(session, bucket, prefix)
	if err := trial.Exact(t.Context(), "Dossier"); !errors.Is(err, provider.ErrInvalidKey) {
		t.Errorf("upper case: %v", err)
	}
	if err := trial.Exact(t.Context(), "dossier"); err != nil {
		t.Errorf("lower case: %v", err)
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

// lettersFolded stores keys in lower case, as a store on a file system for which
// both are the same.
type lettersFolded struct{ provider.Session }

func (s *lettersFolded) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	ref.Key = strings.ToLower(ref.Key)
	return s.Session.Put(ctx, ref, content, attributes)
}

func (s *lettersFolded) Remove(ctx context.Context, ref provider.Ref) error {
	ref.Key = strings.ToLower(ref.Key)
	return s.Session.Remove(ctx, ref)
}

func TestFoldersWithoutContentAreAnotherTrait(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/") || r.ContentLength == 0 {
			return false
		}
		return refuse(w, 400, "DirectoryObjectContainsData")
	})
	trial := probe.NewKeyTrial(session, bucket, prefix)
	if err := trial.Exact(t.Context(), "folder/"); !errors.Is(err, provider.ErrInvalidKey) {
		t.Errorf("with content: %v", err)
	}
	if err := trial.ExactEmpty(t.Context(), "folder/"); err != nil {
		t.Errorf("without content: %v", err)
	}
}

func TestOneTrialAnswersManyCallers(t *testing.T) {
	server, session := start(t, emulator.Options{})
	trial := probe.NewKeyTrial(session, bucket, prefix)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := trial.Exact(t.Context(), "a//b"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if puts := server.Count("PutObject"); puts != 1 {
		t.Errorf("tried %d times", puts)
	}
}

func TestTrialThatFailsIsTriedAgain(t *testing.T) {
	server, session := start(t, emulator.Options{})
	trial := probe.NewKeyTrial(session, bucket, prefix)
	for _, failure := range []emulator.Match{
		{Operation: "PutObject", Times: 2}, // of the odd key and of an ordinary one
		{Operation: "ListObjectsV2", Times: 1},
		{Operation: "DeleteObject", Times: 1},
	} {
		broken := server.Faults().Add(failure, emulator.Fail(500, "InternalError"))
		err := trial.Exact(t.Context(), "a//b")
		if errors.Is(err, provider.ErrInvalidKey) || !errors.Is(err, provider.ErrServer) || fault.Of(err).Class != fault.Transient {
			t.Errorf("%s fails: got %v", failure.Operation, err)
		}
		broken.Clear()
	}
	if err := trial.Exact(t.Context(), "a//b"); err != nil {
		t.Errorf("in the end: %v", err)
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

func TestStoreThatFailsAtAKey(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	failures := 0
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "\x00") || r.Method == http.MethodGet {
			return false
		}
		failures++
		return refuse(w, 500, "InternalError")
	})
	err := probe.NewKeyTrial(session, bucket, prefix).Exact(t.Context(), "a\x00b")
	if !errors.Is(err, provider.ErrInvalidKey) || !strings.Contains(err.Error(), "the character NUL, it fails at") {
		t.Errorf("got %v", err)
	}
	if keys := server.Keys(bucket); len(keys) > 0 || failures < 2 {
		t.Errorf("left behind %q after %d failures", keys, failures)
	}
	once := server.Faults().Add(emulator.Match{Operation: "PutObject", Times: 1}, emulator.Fail(500, "InternalError"))
	if err := probe.NewKeyTrial(open(t, server, server.URL), bucket, prefix).Exact(t.Context(), "a//b"); err != nil || once.Hits() != 1 {
		t.Errorf("failed once and kept the key: %v", err)
	}
}

func TestTrialIsCleanedUpAfterItsCallerLeft(t *testing.T) {
	server, session := start(t, emulator.Options{})
	ctx, leave := context.WithCancel(t.Context())
	trial := probe.NewKeyTrial(&leaving{Session: session, leave: leave}, bucket, prefix)
	if err := trial.Exact(ctx, "a//b"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := trial.Exact(ctx, "a//b"); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a turn: got %v", err)
	}
	if keys := server.Keys(bucket); len(keys) > 0 {
		t.Errorf("left behind %q", keys)
	}
}

// leaving is a session whose caller leaves after a put.
type leaving struct {
	provider.Session
	leave context.CancelFunc
}

func (s *leaving) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	object, err := s.Session.Put(ctx, ref, content, attributes)
	s.leave()
	return object, err
}
