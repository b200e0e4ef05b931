package ovh_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/ovh"
	"github.com/rempart/rempart/test/harness"
)

// capabilities are those of OVHcloud's S3 as it is emulated: bucket policies and
// notifications are not there, and If-Match takes ETags without quotes.
func capabilities(but provider.Capabilities) provider.Capabilities {
	all := provider.Capabilities{}
	for _, capability := range provider.EveryCapability() {
		all[capability] = provider.Supported
	}
	all[provider.CapabilityBucketPolicy] = provider.Unsupported
	all[provider.CapabilityEventNotifications] = provider.Unsupported
	all[provider.CapabilityIfMatchQuoted] = provider.Unsupported
	maps.Copy(all, but)
	return all
}

var (
	told      = []provider.Setting{provider.SettingACL, provider.SettingReplication, provider.SettingLifecycle}
	exactKeys = []string{
		"a//b", "/lead", "./dot", "a/../b", "..", "trail/", "Case", "case", "e\u0301", "é", "tab\tx", "line\nx", "\x01\x7f", `back\slash`, strings.Repeat("k", 1024),
	}
)

// account is an emulated project with sessions on its region GRA.
type account struct {
	server *emulator.Server
	driver *ovh.Driver
	place  provider.Place
}

func startAccount(t testing.TB, options emulator.Options) *account {
	t.Helper()
	server := emulator.Start(t, options)
	a := &account{server: server, driver: ovh.New(quick()), place: provider.Place{
		Provider: "ovh", API: server.URL, Project: server.Project, Installation: installation,
	}}
	found, err := discovered(t, a.open(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range found {
		if region.Name == "GRA" {
			a.place.Location, a.place.Endpoint, a.place.Region = region.Name, region.Endpoint, region.SigningRegion
		}
	}
	return a
}

func discovered(t testing.TB, session provider.Session) ([]provider.Region, error) {
	t.Helper()
	account, ok := session.Account()
	if !ok {
		t.Fatal("the session has no account")
	}
	return account.Discover(t.Context())
}

func (a *account) credentials() provider.Credentials {
	return provider.Credentials{
		provider.ApplicationKey: secret.New(a.server.ApplicationKey), provider.ApplicationSecret: secret.New(a.server.ApplicationSecret),
		provider.ConsumerKey: secret.New(a.server.ConsumerKey),
	}
}

// open gives a session that waits for users to be made, as the operator's do.
func (a *account) open(t testing.TB) provider.Session {
	t.Helper()
	return patient(open(t, a.driver, a.place, a.credentials()))
}

// openAs gives a session with the key of one user.
func (a *account) openAs(t testing.TB, key provider.Key) provider.Session {
	t.Helper()
	return open(t, a.driver, a.place, provider.Credentials{provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey})
}

func patient(session provider.Session) provider.Session {
	return provider.Intercept(session, retry.New(retry.Options{
		Attempts: 30, Base: time.Millisecond, Max: time.Minute,
		Sleep: func(ctx context.Context, delay time.Duration) error {
			timer := time.NewTimer(min(delay, 5*time.Millisecond))
			defer timer.Stop()
			select {
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}))
}

// operatorKey is that of the user that owns all buckets.
func (a *account) operatorKey(t testing.TB) emulator.Key {
	t.Helper()
	for _, user := range a.server.Users() {
		if user.Description == "rempart/"+installation+"/operator" && len(user.Keys) > 0 {
			return user.Keys[0]
		}
	}
	t.Fatal("there is no operator's user")
	return emulator.Key{}
}

const deletesEarly = `<LifecycleConfiguration><Rule><ID>early</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`

// harm does to a bucket what somebody may do in the control panel.
func (a *account) harm(t testing.TB, bucket string, setting provider.Setting) {
	t.Helper()
	switch setting {
	case provider.SettingReplication:
		if err := a.server.AddReplication(bucket, "BHS"); err != nil {
			t.Fatal(err)
		}
	case provider.SettingACL:
		a.putSubresource(t, bucket, "acl", "", "X-Amz-Acl", "public-read")
	case provider.SettingLifecycle:
		a.putSubresource(t, bucket, "lifecycle", deletesEarly, "Content-Type", "application/xml")
	default:
		t.Fatalf("%s cannot be set", setting)
	}
}

func (a *account) putSubresource(t testing.TB, bucket, name, document, header, value string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, a.place.Endpoint+"/"+bucket+"?"+name, strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(document))
	request.Header.Set(header, value)
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	key := a.operatorKey(t)
	answer, err := http.DefaultClient.Do(signer.SignV4(*request, key.Access, key.Secret, "", a.place.Region))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("set %s of bucket %s: %s: %s", name, bucket, answer.Status, text)
	}
}

func (a *account) suite(traits providertest.Traits) providertest.Suite {
	traits.IssuesKeys, traits.DefaultContentType = true, "binary/octet-stream"
	traits.TellsSettings, traits.CorrectsSettings = told, told
	return providertest.Suite{Open: a.open, OpenAs: a.openAs, Harm: a.harm, Traits: traits, IsThrownAway: true}
}

// TestConformance gives the login no more rights than the page asks for.
func TestConformance(t *testing.T) {
	a := startAccount(t, emulator.Options{Project: projectID, Rules: leastRules()})
	providertest.Run(t, a.suite(providertest.Traits{Capabilities: capabilities(nil), ExactKeys: exactKeys}))
}

// TestConformanceBehindFaults tries the driver, with the retries that it works
// under, against an API that throttles, fails and hangs up all the time. None of it
// changes what a caller sees.
func TestConformanceBehindFaults(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	answers := []emulator.Answer{
		{Status: 429, Class: "Client::TooManyRequests", Message: "slow down", RetryAfter: time.Second},
		{Status: 500, Class: "Server::InternalServerError"},
		{Reset: true},
		{Lost: true},
		{Status: 408},
		{Status: 502},
		{Delay: 5 * time.Millisecond},
	}
	const every, count = 7, 400
	var faults []*emulator.Fault
	for i := range count {
		faults = append(faults, a.server.Fail(emulator.Match{Path: "/cloud", Skip: i * every}, answers[i%len(answers)], 1))
	}
	providertest.Run(t, a.suite(providertest.Traits{Capabilities: capabilities(nil), ExactKeys: exactKeys}))
	disturbed := 0
	for _, fault := range faults {
		disturbed += fault.Hits()
	}
	if disturbed < 50 {
		t.Errorf("only %d requests were disturbed", disturbed)
	}
}

// TestConformanceBeforeVersity tries the driver against regions that a real gateway
// keeps the objects of.
func TestConformanceBeforeVersity(t *testing.T) {
	gateway := harness.Versity(t, func(o *harness.VersityOptions) { o.Versioning = true })
	a := startAccount(t, emulator.Options{Backend: emulator.Backend{
		Endpoint: gateway.Endpoint, AccessKey: gateway.AccessKey, SecretKey: gateway.SecretKey, Region: gateway.Region,
	}})
	providertest.Run(t, a.suite(providertest.Traits{
		Capabilities: capabilities(provider.Capabilities{
			provider.CapabilityExactKeys: provider.Broken, provider.CapabilityExclusiveMarkers: provider.Broken,
		}),
		ExactKeys: []string{"Case", "case", "e\u0301", "é", "tab\tx", "line\nx", `back\slash`},
		OtherKeys: []string{"x//y", "/x", "./x", "x/../y", "x/", "a\x01b"},
	}))
}
