package outscale_test

import (
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
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/test/emulator/dataplane"
	emulator "github.com/rempart/rempart/test/emulator/outscale"
	"github.com/rempart/rempart/test/emulator/outscale/openapi"
	"github.com/rempart/rempart/test/harness"
)

// start gives an emulated region, at the end of which no request to OOS may have
// been a DELETE of a bucket's subresource.
func start(t *testing.T, options emulator.Options) *emulator.Server {
	t.Helper()
	options.Observe = openapi.Observer(t)
	server := emulator.Start(t, options)
	t.Cleanup(func() {
		for _, r := range server.Store.Requests(func(r dataplane.Request) bool { return r.Method == http.MethodDelete && r.Key == "" && r.Query != "" }) {
			t.Errorf("sent DELETE /%s?%s, which deletes the bucket of a store that does not know the subresource", r.Bucket, r.Query)
		}
	})
	return server
}

// placeOf is where an emulated region is.
func placeOf(server *emulator.Server) provider.Place {
	return provider.Place{Region: server.Region, Endpoint: server.OOS, API: server.URL}
}

// capabilities are those of OOS as the emulator has them, save those that are said.
func capabilities(changed provider.Capabilities) provider.Capabilities {
	all := provider.Capabilities{}
	for _, capability := range provider.EveryCapability() {
		all[capability] = provider.Supported
	}
	for _, capability := range []provider.Capability{
		provider.CapabilityEventNotifications, provider.CapabilityConditionalWrites,
		provider.CapabilityIfMatchQuoted, provider.CapabilityIfMatchUnquoted,
	} {
		all[capability] = provider.Unsupported
	}
	maps.Copy(all, changed)
	return all
}

// told are the settings that OOS tells of, and lets one set right. It knows no
// replication.
var told = []provider.Setting{provider.SettingACL, provider.SettingPolicy, provider.SettingLifecycle}

func TestConformance(t *testing.T) {
	server := start(t, emulator.Options{})
	providertest.Run(t, suite(server, providertest.Traits{
		Capabilities: capabilities(nil), ExactKeys: []string{"a//b", "/lead", "./dot", "a/../b", "trail/", "\x01\x7f", "é", "a /b"},
		DefaultContentType: "binary/octet-stream", TellsSettings: told, CorrectsSettings: told,
	}))
}

// TestConformanceBehindFaults tries the driver, with the retries that it works
// under, where OOS stalls, throttles, fails and hangs up all the time.
func TestConformanceBehindFaults(t *testing.T) {
	server := start(t, emulator.Options{})
	effects := []dataplane.Effect{
		dataplane.SlowDown(0), dataplane.Fail(429, "TooManyRequests"), dataplane.Fail(500, "InternalError"),
		dataplane.Fail(502, "BadGateway"), dataplane.ResetBefore(), dataplane.Latency(5 * time.Millisecond),
	}
	const every, count = 11, 400
	for i := range count {
		server.Store.Faults().Add(dataplane.Match{Skip: i * every, Times: 1}, effects[i%len(effects)])
	}
	tried := suite(server, providertest.Traits{
		Capabilities: capabilities(nil), DefaultContentType: "binary/octet-stream", TellsSettings: told,
	})
	openIt, openAs := tried.Open, tried.OpenAs
	patient := func(session provider.Session) provider.Session {
		return provider.Intercept(session, retry.New(retry.Options{Base: time.Millisecond, Max: time.Second}))
	}
	tried.OpenOther = nil
	tried.Open = func(t testing.TB) provider.Session { t.Helper(); return patient(openIt(t)) }
	tried.OpenAs = func(t testing.TB, key provider.Key) provider.Session { t.Helper(); return patient(openAs(t, key)) }
	providertest.Run(t, tried)
	if requests := len(server.Store.Requests(nil)); requests < every*count/2 {
		t.Errorf("only %d requests were disturbed", requests/every)
	}
}

// TestConformanceOverVersity tries the driver with a real server behind OOS.
func TestConformanceOverVersity(t *testing.T) {
	behind := harness.Versity(t)
	server := start(t, emulator.Options{Backend: dataplane.Backend{
		Endpoint: behind.Endpoint, AccessKey: behind.AccessKey, SecretKey: behind.SecretKey, Region: behind.Region,
	}})
	providertest.Run(t, suite(server, providertest.Traits{
		// Keys and pages are those of the gateway, see docs/providers.md.
		Capabilities: capabilities(provider.Capabilities{
			provider.CapabilityExactKeys: provider.Broken, provider.CapabilityExclusiveMarkers: provider.Broken,
		}),
		ExactKeys:          []string{"Case", "case", "é", "a /b", "tab\tx", `back\slash`},
		OtherKeys:          []string{"x//y", "/x", "./x", "x/../y", "x/"},
		DefaultContentType: "binary/octet-stream", TellsSettings: told, CorrectsSettings: told,
	}))
}

func suite(server *emulator.Server, traits providertest.Traits) providertest.Suite {
	other, otherSecret := server.AddStranger()
	return providertest.Suite{
		Open: func(t testing.TB) provider.Session {
			t.Helper()
			return open(t, placeOf(server), server.AccessKey, server.SecretKey)
		},
		OpenAs: func(t testing.TB, key provider.Key) provider.Session {
			t.Helper()
			return open(t, placeOf(server), key.AccessKey, key.SecretKey.Reveal())
		},
		OpenOther: func(t testing.TB) provider.Session { t.Helper(); return open(t, placeOf(server), other, otherSecret) },
		Harm: func(t testing.TB, bucket string, setting provider.Setting) {
			t.Helper()
			harm(t, server, bucket, setting)
		},
		Traits: traits, IsThrownAway: true,
	}
}

// harm sets a bucket's setting to something harmful, as any client could.
func harm(t testing.TB, server *emulator.Server, bucket string, setting provider.Setting) {
	t.Helper()
	header := http.Header{}
	body := map[provider.Setting]string{
		provider.SettingPolicy: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::` + bucket + `/*"]}]}`,
		provider.SettingLifecycle: `<LifecycleConfiguration><Rule><ID>early</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>` +
			`<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`,
	}[setting]
	if setting == provider.SettingACL {
		header.Set("X-Amz-Acl", "public-read")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.OOS+"/"+bucket+"?"+string(setting)+"=", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	digest := sha256.Sum256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	answer, err := http.DefaultClient.Do(signer.SignV4(*r, server.AccessKey, server.SecretKey, "", server.Region))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("set %s of bucket %s: %s: %s", setting, bucket, answer.Status, text)
	}
}
