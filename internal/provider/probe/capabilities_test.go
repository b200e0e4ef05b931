package probe_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const scratch = "scratch"

func supports(versioning, tagging, keys, hash provider.Support) provider.Capabilities {
	return provider.Capabilities{
		provider.CapabilityVersioning: versioning, provider.CapabilityTagging: tagging,
		provider.CapabilityExactKeys: keys, provider.CapabilityContentHash: hash,
	}
}

func TestCapabilitiesAreProvenByEffect(t *testing.T) {
	const yes, no, broken = provider.Supported, provider.Unsupported, provider.Broken
	query := func(name string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Has(name) && refuse(w, status, code)
		}
	}
	none := func(http.ResponseWriter, *http.Request) bool { return false }
	tests := map[string]struct {
		options emulator.Options
		front   func(http.ResponseWriter, *http.Request) bool
		arm     func(*emulator.Faults)
		want    provider.Capabilities
	}{
		"everything":             {want: supports(yes, yes, yes, yes)},
		"rewrites keys":          {options: emulator.Options{RewriteKeys: true}, want: supports(yes, yes, broken, yes)},
		"does not check content": {arm: func(f *emulator.Faults) { f.Add(emulator.Match{}, emulator.NoHashCheck()) }, want: supports(yes, yes, yes, broken)},
		"has no versioning":      {front: query("versioning", 501, "NotImplemented"), want: supports(no, yes, yes, yes)},
		"has no tags":            {front: query("tagging", 501, "NotImplemented"), want: supports(yes, no, yes, yes)},
		"refuses to be sent tags": {front: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("X-Amz-Tagging") != "" && refuse(w, 501, "NotImplemented")
		}, want: supports(yes, no, yes, yes)},
		"keeps other tags":           {front: otherTags, want: supports(yes, broken, yes, yes)},
		"refuses what is not a path": {front: onlyPaths, want: supports(yes, yes, no, yes)},
		"says it has versions":       {front: claimsVersions(), want: supports(broken, yes, yes, yes)},
		"refuses in its own words":   {front: ownWords(), want: supports(yes, yes, yes, yes)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.Start(t, test.options)
			if test.arm != nil {
				test.arm(server.Faults())
			}
			if test.front == nil {
				test.front = none
			}
			got, err := probe.Capabilities(t.Context(), behind(t, server, test.front), scratch)
			if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if left := server.Buckets(); len(left) > 0 {
				t.Errorf("left behind %+v", left)
			}
		})
	}
}

func otherTags(w http.ResponseWriter, r *http.Request) bool {
	if !r.URL.Query().Has("tagging") || r.Method != http.MethodGet || strings.Count(r.URL.Path, "/") < 2 {
		return false
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte("<Tagging><TagSet><Tag><Key>probe</Key><Value>a b c</Value></Tag></TagSet></Tagging>"))
	return true
}

func onlyPaths(w http.ResponseWriter, r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "//") && refuse(w, 400, "XMinioInvalidObjectName")
}

// claimsVersions is a store that takes the setting and keeps no versions.
func claimsVersions() func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("versioning") || r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusOK)
		return true
	}
}

// ownWords is a store that refuses a wrong hash with a code that nobody knows.
func ownWords() func(http.ResponseWriter, *http.Request) bool {
	refused := false
	return func(w http.ResponseWriter, r *http.Request) bool {
		if refused || !strings.HasSuffix(r.URL.Path, "/hash") {
			return false
		}
		refused = true
		return refuse(w, 400, "BodyIsNotWhatYouSaid")
	}
}

func TestRequestsOfAProbe(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	if _, err := probe.Capabilities(t.Context(), open(t, server, server.URL), scratch); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"CreateBucket": 1, "DeleteBucket": 1,
		"PutObject":        8, // a wrong hash, tags, four keys, two versions
		"GetObjectTagging": 1, "ListObjectsV2": 2,
		"GetBucketVersioning": 1, "PutBucketVersioning": 1, "GetObject": 1,
		"DeleteObject": 8, "ListObjectVersions": 3,
	}
	if diff := cmp.Diff(want, server.Counts()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTrialThatFailsLeavesItsCapabilityUnknown(t *testing.T) {
	const yes, unknown = provider.Supported, provider.Unknown
	tests := map[string]struct {
		match emulator.Match
		want  provider.Capabilities
	}{
		"first put":   {emulator.Match{Operation: "PutObject", Times: 1}, supports(yes, yes, yes, unknown)},
		"second put":  {emulator.Match{Operation: "PutObject", Times: 1, Skip: 1}, supports(yes, unknown, yes, yes)},
		"reading":     {emulator.Match{Operation: "GetObjectTagging"}, supports(yes, unknown, yes, yes)},
		"listing":     {emulator.Match{Operation: "ListObjectsV2"}, supports(yes, yes, unknown, yes)},
		"versioning":  {emulator.Match{Operation: "PutBucketVersioning"}, supports(unknown, yes, yes, yes)},
		"third last":  {emulator.Match{Operation: "PutObject", Skip: 6}, supports(unknown, yes, yes, yes)},
		"second last": {emulator.Match{Operation: "PutObject", Skip: 7}, supports(unknown, yes, yes, yes)},
		"an old one":  {emulator.Match{Operation: "GetObject"}, supports(unknown, yes, yes, yes)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.Start(t, emulator.Options{})
			server.Faults().Add(test.match, emulator.Fail(500, "InternalError"))
			got, err := probe.Capabilities(t.Context(), open(t, server, server.URL), scratch)
			if !errors.Is(err, provider.ErrServer) || fault.Of(err).Class != fault.Transient {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if left := server.Buckets(); len(left) > 0 {
				t.Errorf("left behind %+v", left)
			}
		})
	}
}

func TestScratchBucketOfAnEarlierTrialIsRemoved(t *testing.T) {
	server, session := start(t, emulator.Options{})
	ctx := t.Context()
	if err := errors.Join(
		session.CreateBucket(ctx, provider.Bucket{Name: scratch}),
		session.UpdateBucket(ctx, provider.Bucket{Name: scratch, Versioning: provider.VersioningEnabled}),
	); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{prefix + "old/hash", prefix + "old/versions", prefix + "old/versions", "/" + prefix + "old/1/a"} {
		server.PutObjectDirect(scratch, emulator.Object{Key: key})
	}
	if _, err := probe.Capabilities(ctx, session, scratch); err != nil {
		t.Error(err)
	}
	if _, left := server.Buckets()[scratch]; left {
		t.Errorf("left behind %q", server.Keys(scratch))
	}
}

func TestBucketThatIsNoScratchBucketKeepsItsContent(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.PutObjectDirect(bucket, emulator.Object{Key: "acte"})
	server.PutObjectDirect(bucket, emulator.Object{Key: ".rempart/manifest"})
	_, err := probe.Capabilities(t.Context(), session, bucket)
	if !errors.Is(err, provider.ErrNotEmpty) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{".rempart/manifest", "acte"}, server.Keys(bucket)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestProbeIsCleanedUpAfterItsCallerLeft(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	ctx, leave := context.WithCancel(t.Context())
	got, err := probe.Capabilities(ctx, &leaving{Session: open(t, server, server.URL), leave: leave}, scratch)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(supports("Unknown", "Unknown", "Unknown", "Supported"), got); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if left := server.Buckets(); len(left) > 0 {
		t.Errorf("left behind %+v", left)
	}
}

func TestScratchBucketThatCannotBeMade(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.Faults().Add(emulator.Match{Operation: "CreateBucket"}, emulator.Fail(400, "TooManyBuckets"))
	got, err := probe.Capabilities(t.Context(), session, scratch)
	if !errors.Is(err, provider.ErrQuota) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(supports("Unknown", "Unknown", "Unknown", "Unknown"), got); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
}

func TestContentHash(t *testing.T) {
	tests := map[string]struct {
		effect   *emulator.Effect
		want     provider.Support
		err      error
		requests int
	}{
		"checked":     {nil, provider.Supported, nil, 3},
		"not checked": {new(emulator.NoHashCheck()), provider.Broken, nil, 3},
		"no answer":   {new(emulator.ResetBefore()), provider.Unknown, provider.ErrUnreachable, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, session := start(t, emulator.Options{})
			if test.effect != nil {
				server.Faults().Add(emulator.Match{Operation: "PutObject"}, *test.effect)
			}
			got, err := probe.ContentHash(t.Context(), session, bucket, prefix)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %s, %v", got, err)
			}
			if sent := len(server.Requests(nil)); test.requests > 0 && sent != test.requests {
				t.Errorf("sent %d requests", sent)
			}
			if keys := server.Keys(bucket); len(keys) > 0 {
				t.Errorf("left behind %q", keys)
			}
		})
	}
}

// TestContentHashDoesNotBlameTheCredentials: a store that signs over what it
// received finds the signature wrong.
func TestContentHashDoesNotBlameTheCredentials(t *testing.T) {
	server := emulator.Start(t, emulator.Options{})
	server.CreateBucket(bucket)
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		const right = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // of "content"
		return r.Method == http.MethodPut && r.Header.Get("X-Amz-Content-Sha256") != right && refuse(w, 403, "SignatureDoesNotMatch")
	})
	got, err := probe.ContentHash(t.Context(), session, bucket, prefix)
	if got != provider.Supported || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}
