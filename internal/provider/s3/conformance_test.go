package s3_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/providertest"
	emulator "github.com/rempart/rempart/test/emulator/s3"
	"github.com/rempart/rempart/test/harness"
)

// oddKeys are kept by stores that take a key for what it is: a string of bytes.
var oddKeys = []string{
	"a//b", "/lead", "//", "./dot", "a/./b", "a/../b", "..", ".", "trail/", "trail//", "Case", "case", "e\u0301", "é", "a./b", "a /b",
	"tab\tx", "line\nx", "cr\rx", "\x01\x7f", "a\x00b", "\uffff", `back\slash`, "conf", "conf/child",
	strings.Repeat("k", 1024), "long/" + strings.Repeat("é", 200),
}

var everySupport = provider.Capabilities{
	provider.CapabilityVersioning:  provider.Supported,
	provider.CapabilityTagging:     provider.Supported,
	provider.CapabilityExactKeys:   provider.Supported,
	provider.CapabilityContentHash: provider.Supported,
}

// but gives the capabilities with one of them changed.
func but(capability provider.Capability, support provider.Support) provider.Capabilities {
	changed := maps.Clone(everySupport)
	changed[capability] = support
	return changed
}

var onlyPolicy = []provider.Setting{provider.SettingPolicy}

// harmAt gives the hand that harms buckets of a store through the S3 API itself.
func harmAt(place provider.Place, accessKey, secretKey string) func(testing.TB, string, provider.Setting) {
	documents := map[provider.Setting]string{
		provider.SettingACL: everybodyReads, provider.SettingReplication: leadsAway, provider.SettingLifecycle: deletesEarly,
	}
	return func(t testing.TB, bucket string, setting provider.Setting) {
		t.Helper()
		document := documents[setting]
		if setting == provider.SettingPolicy {
			document = strings.ReplaceAll(everybodyMay, "actes", bucket)
		}
		putSubresource(t, place, accessKey, secretKey, bucket, string(setting), document)
	}
}

func putSubresource(t testing.TB, place provider.Place, accessKey, secretKey, bucket, name, document string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, place.Endpoint+"/"+bucket+"?"+name, strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(document))
	request.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	answer, err := http.DefaultClient.Do(signer.SignV4(*request, accessKey, secretKey, "", place.Region))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("set %s of bucket %s: %s: %s", name, bucket, answer.Status, text)
	}
}

// TestConformanceOfEmulatedStores tries the driver against stores with the habits
// of real ones.
func TestConformanceOfEmulatedStores(t *testing.T) {
	posixKeys := []string{"x//y", "./x", "x/./y", "x/../y", "/x"}
	stores := map[string]struct {
		options emulator.Options
		traits  providertest.Traits
	}{
		"exact": {
			emulator.Options{VersityAdmin: true, StoredConfigurations: []string{"acl", "replication", "lifecycle"}},
			providertest.Traits{
				Capabilities: everySupport, ExactKeys: oddKeys, IssuesKeys: true,
				TellsSettings: provider.AllSettings, CorrectsSettings: provider.AllSettings,
			},
		},
		"like Ceph": {
			emulator.Options{
				Region: "default", RefuseEmptyStreaming: true, IgnoreChecksums: true, KeepChunkedEncoding: true, RecreateOK: true,
				AnyPrincipal: true, CarelessSubresources: true, CoarseTimes: true, CephAdmin: true,
			},
			providertest.Traits{
				Capabilities: everySupport, ExactKeys: oddKeys, IssuesKeys: true, TellsSettings: onlyPolicy, CorrectsSettings: onlyPolicy,
			},
		},
		"with Garage's admin API": {
			emulator.Options{Region: "garage"},
			providertest.Traits{
				Capabilities: everySupport, ExactKeys: oddKeys, IssuesKeys: true,
				Keys:          provider.KeyTraits{ReachReserved: true, WritersDelete: true},
				TellsSettings: onlyPolicy, CorrectsSettings: onlyPolicy,
			},
		},
		"like a posix gateway": {
			emulator.Options{Region: "eu-west-9", RewriteKeys: true},
			providertest.Traits{
				Capabilities: but(provider.CapabilityExactKeys, provider.Broken), OtherKeys: posixKeys,
				TellsSettings: onlyPolicy, CorrectsSettings: onlyPolicy,
			},
		},
	}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.Start(t, store.options)
			forbidSubresourceDeletes(t, server)
			store.traits.DefaultContentType = "binary/octet-stream"
			place := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: server.URL, Region: server.Region}
			switch {
			case store.options.VersityAdmin:
				place.CredentialAPI = provider.VersityCredentialAPI
			case store.options.CephAdmin:
				place.CredentialAPI = provider.CephCredentialAPI
			case store.traits.IssuesKeys:
				admin := httptest.NewServer(server.GarageAdmin(adminToken))
				t.Cleanup(admin.Close)
				place.CredentialAPI, place.CredentialAPIEndpoint = provider.GarageCredentialAPI, admin.URL
			}
			if diff := cmp.Diff(place.CredentialAPI.KeyTraits(), store.traits.Keys); diff != "" {
				t.Errorf("the contract says otherwise (-contract +declared): %s", diff)
			}
			if err := server.AddUser("stranger", "stranger-secret", ""); err != nil {
				t.Fatal(err)
			}
			providertest.Run(t, suite(place, server.AccessKey, server.SecretKey, store.traits, "stranger", "stranger-secret"))
		})
	}
}

// TestConformanceOfVersity tries the driver against a real gateway.
func TestConformanceOfVersity(t *testing.T) {
	traits := providertest.Traits{
		Capabilities: but(provider.CapabilityExactKeys, provider.Broken),
		ExactKeys:    []string{"Case", "case", "e\u0301", "é", "a./b", "a /b", "tab\tx", "line\nx", "cr\rx", `back\slash`, strings.Repeat("k", 255) + "/" + strings.Repeat("m", 255)},
		OtherKeys: []string{
			"x//y", "/x", "./x", "x/./y", "x/../y", "x/", strings.Repeat("k", 256), // paths and file names
			"a\x01b", "a\x00b", "a\uffffb", // its listings have no way to show these
		},
		IssuesKeys:         true,
		DefaultContentType: "binary/octet-stream",
		// It refuses access control lists unless the bucket's ownership is changed.
		TellsSettings:    []provider.Setting{provider.SettingACL, provider.SettingPolicy},
		CorrectsSettings: onlyPolicy,
	}
	for name, versioning := range map[string]bool{"with versions": true, "without versions": false} {
		t.Run(name, func(t *testing.T) {
			server := harness.Versity(t, func(o *harness.VersityOptions) { o.Versioning = versioning })
			if err := server.CreateUser(t.Context(), "stranger", "stranger-secret", harness.S3RoleUserPlus); err != nil {
				t.Fatal(err)
			}
			traits := traits
			if !versioning {
				traits.Capabilities = maps.Clone(traits.Capabilities)
				traits.Capabilities[provider.CapabilityVersioning] = provider.Unsupported
			}
			place := provider.Place{
				Provider: "onprem", Location: "dc1", Endpoint: server.Endpoint, Region: server.Region,
				CredentialAPI: provider.VersityCredentialAPI,
			}
			providertest.Run(t, suite(place, server.AccessKey, server.SecretKey, traits, "stranger", "stranger-secret"))
		})
	}
}

func suite(place provider.Place, accessKey, secretKey string, traits providertest.Traits, otherAccess, otherSecret string) providertest.Suite {
	as := func(accessKey, secretKey string) func(testing.TB) provider.Session {
		return func(t testing.TB) provider.Session { t.Helper(); return openAs(t, place, accessKey, secretKey) }
	}
	return providertest.Suite{
		Harm: harmAt(place, accessKey, secretKey),
		Open: func(t testing.TB) provider.Session {
			t.Helper()
			return openWith(t, place, accessKey, secretKey, adminToken)
		},
		OpenOther: as(otherAccess, otherSecret),
		OpenAs: func(t testing.TB, key provider.Key) provider.Session {
			t.Helper()
			return openAs(t, place, key.AccessKey, key.SecretKey.Reveal())
		},
		Traits: traits,
	}
}
