package probe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const scratch = "scratch"

// everything is stored, and so is what the emulator only stores.
var everything = emulator.Options{StoredConfigurations: []string{"lifecycle", "encryption", "notification"}}

// all gives every capability as supported, but for those that are said.
func all(but provider.Capabilities) provider.Capabilities {
	found := provider.Capabilities{}
	for _, capability := range provider.EveryCapability() {
		found[capability] = provider.Supported
	}
	maps.Copy(found, but)
	return found
}

func TestCapabilitiesAreProvenByEffect(t *testing.T) {
	const no, broken, unknown = provider.Unsupported, provider.Broken, provider.Unknown
	query := func(name string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Has(name) && refuse(w, status, code)
		}
	}
	none := func(http.ResponseWriter, *http.Request) bool { return false }
	tests := map[string]struct {
		options func(*emulator.Options)
		front   func(http.ResponseWriter, *http.Request) bool
		arm     func(*emulator.Faults)
		but     provider.Capabilities
	}{
		"everything":             {},
		"rewrites keys":          {options: func(o *emulator.Options) { o.RewriteKeys = true }, but: provider.Capabilities{"exactKeys": broken}},
		"does not check content": {arm: func(f *emulator.Faults) { f.Add(emulator.Match{}, emulator.NoHashCheck()) }, but: provider.Capabilities{"contentHash": broken}},
		// Without versions there is nothing to lock, and one version each to list.
		"has no versioning": {front: query("versioning", 501, "NotImplemented"), but: provider.Capabilities{"versioning": no, "objectLock": no}},
		"has no tags":       {front: query("tagging", 501, "NotImplemented"), but: provider.Capabilities{"tagging": no}},
		"refuses to be sent tags": {front: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("X-Amz-Tagging") != "" && refuse(w, 501, "NotImplemented")
		}, but: provider.Capabilities{"tagging": no}},
		"keeps other tags":           {front: otherTags, but: provider.Capabilities{"tagging": broken}},
		"refuses what is not a path": {front: onlyPaths, but: provider.Capabilities{"exactKeys": no}},
		"says it has versions":       {front: claims("versioning"), but: provider.Capabilities{"versioning": broken}},
		"refuses in its own words":   {front: ownWords()},

		"has room for one bucket":        {options: func(o *emulator.Options) { o.MaxBuckets = 1 }, but: provider.Capabilities{"objectLock": provider.Unknown}},
		"has no object lock":             {options: func(o *emulator.Options) { o.NoObjectLock = true }, but: provider.Capabilities{"objectLock": no}},
		"makes buckets without the lock": {front: withoutLock, but: provider.Capabilities{"objectLock": no}},
		"says it keeps retentions":       {front: claims("object-lock"), but: provider.Capabilities{"objectLock": broken}},
		"keeps retentions for good":      {front: keepsRetention, but: provider.Capabilities{"objectLock": broken}},

		"has no configurations":         {options: func(o *emulator.Options) { o.StoredConfigurations = nil }, but: provider.Capabilities{"lifecycle": no, "encryption": no, "eventNotifications": no}},
		"carries out the bare verb":     {options: bareVerb, but: provider.Capabilities{"lifecycle": no, "encryption": no, "eventNotifications": no}},
		"says the bucket is there":      {options: func(o *emulator.Options) { bareVerb(o); o.RecreateOK = false }, but: provider.Capabilities{"lifecycle": no, "encryption": no, "eventNotifications": no}},
		"has no policies":               {front: query("policy", 501, "NotImplemented"), but: provider.Capabilities{"bucketPolicy": no}},
		"says it keeps policies":        {front: claims("policy"), but: provider.Capabilities{"bucketPolicy": broken}},
		"lists objects for a policy":    {front: listsFor("policy"), but: provider.Capabilities{"bucketPolicy": no}},
		"lists objects for a lifecycle": {front: listsFor("lifecycle"), but: provider.Capabilities{"lifecycle": no}},
		"answers with no rule at all":   {front: answers("lifecycle", "<LifecycleConfiguration/>"), but: provider.Capabilities{"lifecycle": broken}},
		"keeps another rule": {
			front: answers("lifecycle", "<LifecycleConfiguration><Rule><ID>rempart-probe</ID><Filter/><Status>Enabled</Status><Expiration><Days>3650</Days></Expiration></Rule></LifecycleConfiguration>"),
			but:   provider.Capabilities{"lifecycle": broken},
		},
		"keeps the prefix where it once was": {front: answers("lifecycle", "<LifecycleConfiguration><Rule><ID>x</ID><Prefix>.rempart/probe/none/</Prefix><Expiration><Days>3650</Days></Expiration></Rule></LifecycleConfiguration>")},
		"answers with no receiver":           {front: answers("notification", "<NotificationConfiguration/>"), but: provider.Capabilities{"eventNotifications": broken}},
		"wants a receiver that exists":       {front: minds("notification", 400, "InvalidArgument"), but: provider.Capabilities{"eventNotifications": unknown}},
		"looks for the receiver":             {front: minds("notification", 404, "NoSuchKey"), but: provider.Capabilities{"eventNotifications": unknown}},
		"has no key for policies":            {front: query("policy", 403, "AccessDenied"), but: provider.Capabilities{"bucketPolicy": unknown}},
		"encrypts nothing":                   {options: func(o *emulator.Options) { o.EncryptNothing = true }, but: provider.Capabilities{"encryption": broken}},

		"ignores checksums":  {options: func(o *emulator.Options) { o.IgnoreChecksums = true }, but: provider.Capabilities{"checksumHeaders": broken}},
		"refuses checksums":  {front: header("X-Amz-Checksum-Sha256", any1), but: provider.Capabilities{"checksumHeaders": no}},
		"ignores conditions": {front: without("If-None-Match", "If-Match"), but: provider.Capabilities{"conditionalWrites": broken, "ifMatchQuoted": broken, "ifMatchUnquoted": broken}},
		"has no conditions":  {front: both(header("If-None-Match", any1), header("If-Match", any1)), but: provider.Capabilities{"conditionalWrites": no, "ifMatchQuoted": no, "ifMatchUnquoted": no}},
		"knows conditions of absence alone": {
			front: header("If-Match", any1), but: provider.Capabilities{"conditionalWrites": no, "ifMatchQuoted": no, "ifMatchUnquoted": no},
		},
		"wants ETags bare":               {front: mismatchOf(quoted), but: provider.Capabilities{"ifMatchQuoted": no}},
		"wants ETags quoted":             {front: mismatchOf(bare), but: provider.Capabilities{"ifMatchUnquoted": no}},
		"ignores a condition of absence": {front: without("If-None-Match"), but: provider.Capabilities{"conditionalWrites": broken}},

		"lists out of order":          {arm: listing("ListObjectsV2", emulator.Unordered()), but: provider.Capabilities{"listOrder": broken, "exactKeys": broken}},
		"lists from the start":        {front: withoutQuery("start-after"), but: provider.Capabilities{"listOrder": broken}},
		"lists only the first page":   {front: withoutQuery("continuation-token"), but: provider.Capabilities{"listOrder": broken}},
		"lists versions out of order": {arm: listing("ListObjectVersions", emulator.Unordered()), but: provider.Capabilities{"listVersions": broken}},
		"includes the marker":         {arm: listing("ListObjectVersions", emulator.InclusiveMarker()), but: provider.Capabilities{"exclusiveMarkers": broken}},
		"does not list versions":      {front: query("versions", 501, "NotImplemented"), but: provider.Capabilities{"listVersions": no, "exclusiveMarkers": no}},
		"has no parts":                {front: query("uploads", 501, "NotImplemented"), but: provider.Capabilities{"multipart": no}},
		"refuses the end of parts":    {front: post("uploadId"), but: provider.Capabilities{"multipart": no}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := everything
			if test.options != nil {
				test.options(&options)
			}
			server := emulator.Start(t, options)
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
			if diff := cmp.Diff(all(test.but), got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if left := server.Buckets(); len(left) > 0 {
				t.Errorf("left behind %+v", left)
			}
			checkHarmless(t, server)
		})
	}
}

// checkHarmless: nothing was put where it would be locked, and no subresource was
// asked to be deleted, which some stores take for an order about the bucket.
func checkHarmless(t *testing.T, server *emulator.Server) {
	t.Helper()
	for _, request := range server.Requests(nil) {
		if request.Bucket == scratch+"-lock" && request.Key != "" {
			t.Errorf("sent %s %s/%s", request.Method, request.Bucket, request.Key)
		}
		if request.Method == http.MethodDelete && request.Key == "" && request.Query != "" {
			t.Errorf("sent DELETE /%s?%s", request.Bucket, request.Query)
		}
	}
}

// bareVerb is a store that ignores a subresource that it does not know.
func bareVerb(o *emulator.Options) {
	o.StoredConfigurations, o.CarelessSubresources, o.RecreateOK = nil, true, true
}

func listing(operation string, effect emulator.Effect) func(*emulator.Faults) {
	return func(f *emulator.Faults) { f.Add(emulator.Match{Operation: operation}, effect) }
}

// without is a store that does not look at headers.
func without(headers ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		for _, name := range headers {
			if r.Header.Get(name) != "" {
				unsign(r, name)
			}
		}
		return false
	}
}

// unsign takes a header out of a request, and out of what it is signed over.
func unsign(r *http.Request, name string) {
	r.Header.Del(name)
	sign(r)
}

// sign signs a changed request once more, with the emulator's own keys.
func sign(r *http.Request) {
	r.Header = signer.SignV4(*r, "emulator-access", "emulator-secret", "", "us-east-1").Header
}

// withoutQuery is a store that does not look at a parameter.
func withoutQuery(name string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if query := r.URL.Query(); query.Has(name) {
			query.Del(name)
			r.URL.RawQuery = query.Encode()
			sign(r)
		}
		return false
	}
}

// withoutLock makes buckets without object lock, whatever it is asked.
func withoutLock(_ http.ResponseWriter, r *http.Request) bool {
	const name = "X-Amz-Bucket-Object-Lock-Enabled"
	if r.Header.Get(name) != "" {
		unsign(r, name)
	}
	return false
}

func any1(string) bool { return true }

func quoted(etag string) bool { return strings.HasPrefix(etag, `"`) }

func bare(etag string) bool { return etag != "" && !quoted(etag) }

// header is a store that refuses a header.
func header(name string, has func(string) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		value := r.Header.Get(name)
		return value != "" && has(value) && refuse(w, 501, "NotImplemented")
	}
}

// mismatchOf is a store that takes no ETag of a form for the right one.
func mismatchOf(form func(string) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPut && form(r.Header.Get("If-Match")) && refuse(w, 412, "PreconditionFailed")
	}
}

func both(fronts ...func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return slices.ContainsFunc(fronts, func(front func(http.ResponseWriter, *http.Request) bool) bool { return front(w, r) })
	}
}

// post is a store that refuses to complete an upload.
func post(query string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPost && r.URL.Query().Has(query) && refuse(w, 501, "NotImplemented")
	}
}

// answers is a store that takes a configuration and gives another one back.
func answers(subresource, document string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has(subresource) {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(document))
		}
		return true
	}
}

// minds is a store that knows a configuration and refuses what is in it.
func minds(subresource string, status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Has(subresource) && r.Method == http.MethodPut && refuse(w, status, code)
	}
}

// listsFor answers with a listing, as Ceph RGW does for what it does not know.
func listsFor(subresource string) func(http.ResponseWriter, *http.Request) bool {
	return answers(subresource, "<ListBucketResult><Name>scratch</Name><IsTruncated>false</IsTruncated></ListBucketResult>")
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

// claims is a store that takes a setting and does nothing.
func claims(subresource string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has(subresource) || r.Method != http.MethodPut || strings.HasSuffix(r.URL.Path, "-lock") && subresource == "versioning" {
			return false
		}
		w.WriteHeader(http.StatusOK)
		return true
	}
}

// keepsRetention refuses to take a default retention back.
func keepsRetention(w http.ResponseWriter, r *http.Request) bool {
	if !r.URL.Query().Has("object-lock") || r.Method != http.MethodPut {
		return false
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return !bytes.Contains(body, []byte("<Rule>")) && refuse(w, 400, "MalformedXML")
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

// The number is told in docs/spec/sovereignprovider.md.
func TestRequestsOfAProbe(t *testing.T) {
	server := emulator.Start(t, everything)
	if _, err := probe.Capabilities(t.Context(), open(t, server, server.URL), scratch); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"CreateBucket": 2, "DeleteBucket": 2,
		// A wrong hash, tags, four keys, three for the order, two with checksums, six
		// with conditions, one encrypted, three versions.
		"PutObject":        21,
		"GetObjectTagging": 1, "HeadObject": 1,
		"GetObject":     2, // of a part, and of an old version
		"ListObjectsV2": 5, // two for keys, three for the order
		// Whether the bucket is a scratch bucket, three for versions, three to clean up.
		"ListObjectVersions":    7,
		"CreateMultipartUpload": 1, "UploadPart": 1, "CompleteMultipartUpload": 1,
		"GetBucketVersioning": 2, "PutBucketVersioning": 1,
		"PutBucketPolicy": 1, "GetBucketPolicy": 1,
		"PutBucketLifecycleConfiguration": 1, "GetBucketLifecycleConfiguration": 1,
		"PutBucketNotificationConfiguration": 1, "GetBucketNotificationConfiguration": 1,
		"PutBucketEncryption": 1, "GetBucketEncryption": 2,
		"PutObjectLockConfiguration": 2, "GetObjectLockConfiguration": 4,
		"DeleteObject": 16,
	}
	if diff := cmp.Diff(want, server.Counts()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	total := 0
	for _, count := range want {
		total += count
	}
	const told = 78
	if total != told {
		t.Errorf("a probe takes %d requests, and the documentation tells of %d", total, told)
	}
}

// Where nothing may be tried, such as under object lock, this is all that is known
// of keys.
func TestWhatKeysMayNotHaveIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		options emulator.Options
		front   func(http.ResponseWriter, *http.Request) bool
		want    []string
	}{
		"nothing": {options: everything},
		"what paths cannot have": {options: emulator.Options{RewriteKeys: true}, want: []string{
			"two slashes in a row", "a slash at the beginning", `the segment "."`, `the segment ".."`, "a slash at the end of a key with content",
		}},
		"what a store refuses":     {front: onlyPaths, want: []string{"two slashes in a row", "a slash at the beginning"}},
		"what only folders can be": {front: emptyFolders, want: []string{"a slash at the end of a key with content"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.Start(t, test.options)
			if test.front == nil {
				test.front = func(http.ResponseWriter, *http.Request) bool { return false }
			}
			found, err := probe.Store(t.Context(), behind(t, server, test.front), scratch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, found.KeysNotKept); diff != "" {
				t.Errorf("not kept (-want +got):\n%s", diff)
			}
			if requests, most := len(server.Requests(nil)), 200; requests > most {
				t.Errorf("took %d requests, and the documentation says that it takes no more than %d", requests, most)
			}
			if left := server.Buckets(); len(left) > 0 {
				t.Errorf("left behind %+v", left)
			}
		})
	}
}

// emptyFolders is a store that keeps what ends in a slash only without content.
func emptyFolders(w http.ResponseWriter, r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/") && r.ContentLength > 0 && strings.Count(r.URL.Path, "/") > 2 &&
		refuse(w, 400, "DirectoryObjectContainsData")
}

func TestKeysAreNamedByTheirTraits(t *testing.T) {
	for key, want := range map[string][]string{
		"2026/acte-17.pdf": nil,
		"Acte//17":         {"two slashes in a row", "upper and lower case as different letters"},
		"dossier/":         {"a slash at the end of a key with content"},
	} {
		if diff := cmp.Diff(want, probe.Traits(key, false)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", key, diff)
		}
	}
	if diff := cmp.Diff([]string{"a slash at the end"}, probe.Traits("dossier/", true)); diff != "" {
		t.Errorf("without content (-want +got):\n%s", diff)
	}
}

func TestTrialThatFailsLeavesItsCapabilityUnknown(t *testing.T) {
	const unknown = provider.Unknown
	conditions := provider.Capabilities{"conditionalWrites": unknown, "ifMatchQuoted": unknown, "ifMatchUnquoted": unknown}
	versions := provider.Capabilities{"versioning": unknown, "listVersions": unknown, "exclusiveMarkers": unknown}
	// put fails one of the puts, counted from 0.
	put := func(number int) emulator.Match {
		return emulator.Match{Operation: "PutObject", Times: 1, Skip: number}
	}
	tests := map[string]struct {
		match emulator.Match
		but   provider.Capabilities
	}{
		"the hash":         {put(0), provider.Capabilities{"contentHash": unknown}},
		"tags":             {put(1), provider.Capabilities{"tagging": unknown}},
		"reading tags":     {emulator.Match{Operation: "GetObjectTagging"}, provider.Capabilities{"tagging": unknown}},
		"listing":          {emulator.Match{Operation: "ListObjectsV2"}, provider.Capabilities{"exactKeys": unknown, "listOrder": unknown}},
		"the order":        {put(6), provider.Capabilities{"listOrder": unknown}},
		"a part":           {emulator.Match{Operation: "UploadPart"}, provider.Capabilities{"multipart": unknown}},
		"parts":            {emulator.Match{Operation: "CompleteMultipartUpload"}, provider.Capabilities{"multipart": unknown}},
		"a checksum":       {put(9), provider.Capabilities{"checksumHeaders": unknown}},
		"the right one":    {put(10), provider.Capabilities{"checksumHeaders": unknown}},
		"absence":          {put(11), conditions},
		"absence again":    {put(12), conditions},
		"a condition":      {put(13), conditions},
		"the second form":  {put(15), provider.Capabilities{"conditionalWrites": unknown, "ifMatchUnquoted": unknown}},
		"encryption":       {emulator.Match{Operation: "PutBucketEncryption"}, provider.Capabilities{"encryption": unknown}},
		"an encrypted one": {put(17), provider.Capabilities{"encryption": unknown}},
		"looking at it":    {emulator.Match{Operation: "HeadObject"}, provider.Capabilities{"encryption": unknown}},
		"versioning": {
			emulator.Match{Operation: "PutBucketVersioning", Times: 1}, versions,
		},
		"an old version":   {emulator.Match{Operation: "GetObject", Skip: 1}, versions},
		"the last version": {put(20), versions},
		"listing versions": {
			emulator.Match{Operation: "ListObjectVersions", Skip: 3, Times: 1},
			provider.Capabilities{"listVersions": unknown, "exclusiveMarkers": unknown},
		},
		"a policy":    {emulator.Match{Operation: "PutBucketPolicy"}, provider.Capabilities{"bucketPolicy": unknown}},
		"no policy":   {emulator.Match{Operation: "GetBucketPolicy"}, provider.Capabilities{"bucketPolicy": unknown}},
		"a retention": {emulator.Match{Operation: "PutObjectLockConfiguration"}, provider.Capabilities{"objectLock": unknown}},
		"taking it back": {
			emulator.Match{Operation: "PutObjectLockConfiguration", Skip: 1}, provider.Capabilities{"objectLock": unknown},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.Start(t, everything)
			server.Faults().Add(test.match, emulator.Fail(500, "InternalError"))
			got, err := probe.Capabilities(t.Context(), open(t, server, server.URL), scratch)
			if !errors.Is(err, provider.ErrServer) || fault.Of(err).Class != fault.Transient {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(all(test.but), got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
			if left := server.Buckets(); len(left) > 0 {
				t.Errorf("left behind %+v", left)
			}
			checkHarmless(t, server)
		})
	}
}

// A crash may be between any two calls. The next trial, which is the same,
// finds what the last one left, and leaves nothing.
func TestWhatACrashLeavesGoesWithTheNextTrial(t *testing.T) {
	counted := emulator.Start(t, everything)
	if _, err := probe.Capabilities(t.Context(), open(t, counted, counted.URL), scratch); err != nil {
		t.Fatal(err)
	}
	for number := range len(counted.Requests(nil)) {
		server := emulator.Start(t, everything)
		_, _ = probe.Capabilities(t.Context(), provider.Intercept(open(t, server, server.URL), crash(number)), scratch)
		if got, err := probe.Capabilities(t.Context(), open(t, server, server.URL), scratch); err != nil {
			t.Errorf("after a crash at call %d: %v", number, err)
		} else if diff := cmp.Diff(all(nil), got); diff != "" {
			t.Errorf("after a crash at call %d (-want +got):\n%s", number, diff)
		}
		if left := server.Buckets(); len(left) > 0 {
			t.Errorf("after a crash at call %d these were left: %+v", number, left)
		}
		checkHarmless(t, server)
	}
}

// crash lets calls through up to one that is carried out, and none from then on.
func crash(after int) provider.Interceptor {
	var made int
	errCrash := errors.New("crashed")
	return func(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
		if made++; made > after+1 {
			return errCrash
		}
		if err := call(ctx); made <= after {
			return err
		}
		return errCrash
	}
}

func TestScratchBucketOfAnEarlierTrialIsRemoved(t *testing.T) {
	server, session := start(t, everything)
	ctx := t.Context()
	locked := provider.Bucket{Name: scratch + "-lock", Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 1},
	}}
	if err := errors.Join(
		session.CreateBucket(ctx, provider.Bucket{Name: scratch}),
		session.UpdateBucket(ctx, provider.Bucket{Name: scratch, Versioning: provider.VersioningEnabled}),
		session.CreateBucket(ctx, locked),
		session.UpdateBucket(ctx, locked),
	); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{prefix + "old/hash", prefix + "old/versions", prefix + "old/versions", "/" + prefix + "old/1/a"} {
		server.PutObjectDirect(scratch, emulator.Object{Key: key})
	}
	if _, err := session.StartUpload(ctx, provider.Ref{Bucket: scratch, Key: prefix + "old/parts"}, provider.Attributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := probe.Capabilities(ctx, session, scratch); err != nil {
		t.Error(err)
	}
	if left := server.Buckets(); len(left) != 1 {
		t.Errorf("left behind %+v", left)
	}
}

// The scratch bucket goes last: while the other one is left, it tells of it.
func TestScratchBucketStaysWithTheLockedOne(t *testing.T) {
	server := emulator.Start(t, everything)
	kept := server.Faults().Add(emulator.Match{Operation: "DeleteBucket", Bucket: scratch + "-lock"}, emulator.Fail(500, "InternalError"))
	session := open(t, server, server.URL)
	if _, err := probe.Capabilities(t.Context(), session, scratch); !errors.Is(err, provider.ErrServer) {
		t.Errorf("got %v", err)
	}
	if left := server.Buckets(); len(left) != 2 {
		t.Errorf("left are %+v", left)
	}
	kept.Clear()
	if _, err := probe.Capabilities(t.Context(), session, scratch); err != nil {
		t.Error(err)
	}
	if left := server.Buckets(); len(left) > 0 {
		t.Errorf("left behind %+v", left)
	}
}

func TestBucketThatIsNoScratchBucketIsLeftAlone(t *testing.T) {
	server, session := start(t, everything)
	server.PutObjectDirect(bucket, emulator.Object{Key: "acte"})
	server.PutObjectDirect(bucket, emulator.Object{Key: ".rempart/manifest"})
	got, err := probe.Capabilities(t.Context(), session, bucket)
	if !errors.Is(err, provider.ErrNotEmpty) || !fault.HasReason(err, fault.NameConflict) {
		t.Errorf("got %v", err)
	}
	for capability, support := range got {
		if support != provider.Unknown {
			t.Errorf("%s is %s", capability, support)
		}
	}
	if diff := cmp.Diff([]string{".rempart/manifest", "acte"}, server.Keys(bucket)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"CreateBucket": 1, "ListObjectVersions": 1}, server.Counts()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestProbeIsCleanedUpAfterItsCallerLeft(t *testing.T) {
	server := emulator.Start(t, everything)
	ctx, leave := context.WithCancel(t.Context())
	got, err := probe.Capabilities(ctx, &leaving{Session: open(t, server, server.URL), leave: leave}, scratch)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for capability, support := range got {
		if (support == provider.Supported) != (capability == provider.CapabilityContentHash) {
			t.Errorf("%s is %s", capability, support)
		}
	}
	if left := server.Buckets(); len(left) > 0 {
		t.Errorf("left behind %+v", left)
	}
}

func TestProbeEndsSoonAfterItsCallerLeftAStoreThatIsGone(t *testing.T) {
	_, session := start(t, everything)
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		var hasLeft time.Time
		gone := provider.Intercept(session, func(ctx context.Context, operation provider.Operation, _ func(context.Context) error) error {
			if !operation.Writes || operation.Name == "CreateBucket" {
				return ctx.Err()
			}
			if hasLeft.IsZero() {
				hasLeft = time.Now()
				leave()
			}
			<-ctx.Done() // no answer comes
			return ctx.Err()
		})
		if _, err := probe.Capabilities(ctx, gone, scratch); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(hasLeft); took == 0 || took > 20*time.Second {
			t.Errorf("it went on for %s", took)
		}
	})
}

func TestScratchBucketThatCannotBeMade(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.Faults().Add(emulator.Match{Operation: "CreateBucket"}, emulator.Fail(400, "TooManyBuckets"))
	got, err := probe.Capabilities(t.Context(), session, scratch)
	if !errors.Is(err, provider.ErrQuota) {
		t.Errorf("got %v", err)
	}
	for capability, support := range got {
		if support != provider.Unknown {
			t.Errorf("%s is %s", capability, support)
		}
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
