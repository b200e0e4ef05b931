package providertest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// wrongName tells a child process which of the wrongs to run the suite on.
const wrongName = "REMPART_PROVIDERTEST_WRONG"

// wrong is something that the suite must find: a false declaration, or a store
// that does not do what it should.
type wrong struct {
	options emulator.Options
	declare func(*providertest.Traits)
	arm     func(*emulator.Faults)
	noKeys  bool
	// want is a part of the suite that must fail.
	want string
}

func declared(capability provider.Capability, support provider.Support) func(*providertest.Traits) {
	return func(t *providertest.Traits) { t.Capabilities[capability] = support }
}

func tellsLess(t *providertest.Traits) { t.TellsSettings = t.TellsSettings[:1] }

func corrects(t *providertest.Traits) {
	t.CorrectsSettings = []provider.Setting{provider.SettingPolicy}
}

func fault(match emulator.Match, effect emulator.Effect) func(*emulator.Faults) {
	return func(f *emulator.Faults) { f.Add(match, effect) }
}

var wrongs = map[string]wrong{
	"versions that are not declared":    {declare: declared(provider.CapabilityVersioning, provider.Unsupported), want: "capabilities"},
	"tags that are not declared":        {declare: declared(provider.CapabilityTagging, provider.Unsupported), want: "capabilities"},
	"checks that are not declared":      {declare: declared(provider.CapabilityContentHash, provider.Broken), want: "objects"},
	"locks that are not declared":       {declare: declared(provider.CapabilityObjectLock, provider.Unsupported), want: "protection"},
	"locks that are not there":          {options: emulator.Options{NoObjectLock: true}, want: "protection"},
	"retentions that are not kept":      {arm: fault(emulator.Match{Operation: "PutObjectLockConfiguration"}, emulator.EmptyBody()), want: "protection"},
	"locks that keep nothing":           {arm: fault(emulator.Match{Operation: "DeleteObject"}, emulator.EmptyBody()), want: "protection"},
	"encryption that is not declared":   {declare: declared(provider.CapabilityEncryption, provider.Unsupported), want: "protection"},
	"encryption that encrypts nothing":  {options: emulator.Options{EncryptNothing: true}, want: "protection"},
	"policies that are not declared":    {declare: declared(provider.CapabilityBucketPolicy, provider.Unsupported), want: "trials"},
	"lifecycles that are not declared":  {declare: declared(provider.CapabilityLifecycle, provider.Broken), want: "capabilities"},
	"events that go nowhere":            {arm: fault(emulator.Match{Operation: "PutBucketNotificationConfiguration"}, emulator.EmptyBody()), want: "trials"},
	"conditions that are not declared":  {declare: declared(provider.CapabilityConditionalWrites, provider.Broken), want: "capabilities"},
	"one form that is not declared":     {declare: declared(provider.CapabilityIfMatchUnquoted, provider.Unsupported), want: "capabilities"},
	"checksums that are ignored":        {options: emulator.Options{IgnoreChecksums: true}, want: "trials"},
	"checksums that are checked":        {declare: declared(provider.CapabilityChecksumHeaders, provider.Broken), want: "trials"},
	"pages that begin with the marker":  {arm: fault(emulator.Match{Operation: "ListObjectVersions"}, emulator.InclusiveMarker()), want: "capabilities"},
	"an order that is not declared":     {declare: declared(provider.CapabilityListOrder, provider.Broken), want: "capabilities"},
	"parts that are not declared":       {declare: declared(provider.CapabilityMultipart, provider.Unsupported), want: "capabilities"},
	"exact keys that are not declared":  {declare: declared(provider.CapabilityExactKeys, provider.Broken), want: "capabilities"},
	"nothing declared at all":           {declare: func(t *providertest.Traits) { t.Capabilities = nil }, want: "capabilities"},
	"exact keys that are not kept":      {options: emulator.Options{RewriteKeys: true}, declare: func(t *providertest.Traits) { t.ExactKeys = []string{"a//b"} }, want: "odd_keys"},
	"odd keys that are kept":            {declare: func(t *providertest.Traits) { t.OtherKeys = []string{"a//b"} }, want: "odd_keys"},
	"keys that are not declared":        {declare: func(t *providertest.Traits) { t.IssuesKeys = false }, want: "scoped_keys"},
	"keys that are not issued":          {noKeys: true, want: "scoped_keys"},
	"another type by default":           {declare: func(t *providertest.Traits) { t.DefaultContentType = "text/plain" }, want: "attributes"},
	"content that is not checked":       {arm: fault(emulator.Match{}, emulator.NoHashCheck()), want: "objects"},
	"content that is not what was sent": {arm: fault(emulator.Match{Operation: "GetObject"}, emulator.CorruptBody(0)), want: "objects"},
	"another ETag on HEAD":              {arm: fault(emulator.Match{Operation: "HeadObject"}, emulator.Alter(func(o *emulator.Object) { o.ETag = "other" })), want: "objects"},
	"metadata that is lost":             {arm: fault(emulator.Match{Operation: "HeadObject"}, emulator.Alter(func(o *emulator.Object) { delete(o.Metadata, "accents") })), want: "attributes"},
	"tags that are refused":             {arm: fault(emulator.Match{Operation: "GetObjectTagging"}, emulator.Fail(501, "NotImplemented")), want: "attributes"},
	"listings out of order":             {arm: fault(emulator.Match{Operation: "ListObjectsV2"}, emulator.Unordered()), want: "listings"},
	"listings that end early":           {arm: fault(emulator.Match{Operation: "ListObjectsV2"}, emulator.EndEarly()), want: "listings"},
	"listings that skip a key":          {arm: fault(emulator.Match{Operation: "ListObjectsV2"}, emulator.SkipKeys(1)), want: "listings"},
	"pages that come again":             {arm: fault(emulator.Match{Operation: "ListObjectsV2"}, emulator.RepeatPage()), want: "listings"},
	"versions that end early":           {arm: fault(emulator.Match{Operation: "ListObjectVersions"}, emulator.EndEarly()), want: "versions"},
	"aborts that fail":                  {arm: fault(emulator.Match{Operation: "AbortMultipartUpload"}, emulator.Fail(500, "InternalError")), want: "uploads"},
	"a mark that cannot be written":     {arm: fault(emulator.Match{Operation: "PutBucketTagging"}, emulator.Fail(500, "InternalError")), want: "buckets"},
	"a user that cannot be removed":     {arm: fault(emulator.Match{Operation: "AdminDeleteUser"}, emulator.EmptyBody()), want: "scoped_keys"},
	"a policy that is not kept":         {arm: fault(emulator.Match{Operation: "PutBucketPolicy"}, emulator.EmptyBody()), want: "scoped_keys"},
	"settings that are not declared":    {declare: tellsLess, want: "settings"},
	"settings that are not told":        {arm: fault(emulator.Match{Operation: "GetBucketPolicy"}, emulator.Fail(501, "NotImplemented")), want: "settings"},
	"corrections that are not kept":     {declare: corrects, arm: fault(emulator.Match{Operation: "PutBucketPolicy"}, emulator.EmptyBody()), want: "settings"},
	"a bucket that is not listed":       {arm: fault(emulator.Match{Operation: "ListBuckets"}, emulator.Fail(403, "AccessDenied")), want: "buckets"},
	"refusals that are not told":        {arm: fault(emulator.Match{Operation: "GetBucketVersioning"}, emulator.Fail(500, "InternalError")), want: "errors"},
}

// suiteOf gives the suite for an emulator, truly declared unless changed.
func suiteOf(t *testing.T, w wrong) providertest.Suite {
	t.Helper()
	w.options.VersityAdmin = true
	w.options.StoredConfigurations = []string{"lifecycle", "encryption", "notification"}
	server := emulator.Start(t, w.options)
	traits := providertest.Traits{
		Capabilities: provider.Capabilities{},
		ExactKeys:    []string{"a//b", "./c"}, IssuesKeys: true, DefaultContentType: "binary/octet-stream",
		TellsSettings: []provider.Setting{provider.SettingPolicy, provider.SettingLifecycle},
	}
	for _, capability := range provider.EveryCapability() {
		traits.Capabilities[capability] = provider.Supported
	}
	if w.declare != nil {
		w.declare(&traits)
	}
	if w.arm != nil {
		w.arm(server.Faults())
	}
	place := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: server.URL, Region: server.Region, CredentialAPI: provider.VersityCredentialAPI}
	if w.noKeys {
		place.CredentialAPI = provider.NoCredentialAPI
	}
	openAs := func(t testing.TB, key provider.Key) provider.Session {
		t.Helper()
		session, err := s3.Driver{}.Open(place, provider.Credentials{provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey})
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	root := provider.Key{AccessKey: server.AccessKey, SecretKey: secret.New(server.SecretKey)}
	return providertest.Suite{
		Open:   func(t testing.TB) provider.Session { t.Helper(); return openAs(t, root) },
		OpenAs: openAs,
		Harm: func(t testing.TB, bucket string, _ provider.Setting) {
			t.Helper()
			open := `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + bucket + `/*"}]}`
			if err := server.SetBucketPolicy(bucket, open); err != nil {
				t.Fatal(err)
			}
		},
		Traits: traits, IsThrownAway: true,
	}
}

// TestSuiteFindsWhatIsWrong runs the suite on each wrong in a child process,
// where it may fail.
func TestSuiteFindsWhatIsWrong(t *testing.T) {
	for name, w := range wrongs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run", "^TestChild$/^"+w.want+"$")
			child.Env = append(os.Environ(), wrongName+"="+name)
			output, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(output), "--- FAIL: TestChild/"+w.want) {
				t.Errorf("the suite's part %q did not fail: %v\n%s", w.want, err, output)
			}
		})
	}
}

// TestChild is the other process of TestSuiteFindsWhatIsWrong, and without it
// shows that the suite passes where nothing is wrong.
func TestChild(t *testing.T) {
	providertest.Run(t, suiteOf(t, wrongs[os.Getenv(wrongName)]))
}
