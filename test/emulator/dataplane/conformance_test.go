package dataplane_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/test/emulator/dataplane"
)

// harmful is what somebody else may have done to a bucket.
var harmful = map[provider.Setting]string{
	provider.SettingACL: `<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>partner</ID></Grantee><Permission>READ</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI></Grantee><Permission>WRITE</Permission></Grant>` +
		`</AccessControlList></AccessControlPolicy>`,
	provider.SettingPolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*"}]}`,
	provider.SettingLifecycle: `<LifecycleConfiguration><Rule><ID>purge</ID><Status>Enabled</Status><Filter><Prefix/></Filter><Expiration><Days>1</Days></Expiration></Rule>` +
		`<Rule><ID>tidy</ID><Status>Enabled</Status><Filter><Prefix/></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>`,
}

// capable gives every capability as supported, save those that are said.
func capable(but ...provider.Capabilities) provider.Capabilities {
	all := provider.Capabilities{}
	for _, capability := range provider.EveryCapability() {
		all[capability] = provider.Supported
	}
	for _, changed := range but {
		maps.Copy(all, changed)
	}
	return all
}

// overVersity is what a posix gateway behind a region takes away.
var overVersity = provider.Capabilities{
	provider.CapabilityExactKeys: provider.Broken, provider.CapabilityExclusiveMarkers: provider.Broken,
}

// The driver for S3, which works with Outscale's regions, finds one to be what the
// vendor documents, over either backend.
func TestTheS3DriverConformsAtOutscale(t *testing.T) {
	settings := []provider.Setting{provider.SettingACL, provider.SettingPolicy, provider.SettingLifecycle}
	traits := providertest.Traits{
		TellsSettings: settings, CorrectsSettings: settings, DefaultContentType: "binary/octet-stream",
	}
	lacking := provider.Capabilities{
		provider.CapabilityEventNotifications: provider.Unsupported, provider.CapabilityConditionalWrites: provider.Unsupported,
		provider.CapabilityIfMatchQuoted: provider.Unsupported, provider.CapabilityIfMatchUnquoted: provider.Unsupported,
	}
	t.Run("in process", func(t *testing.T) {
		traits := traits
		traits.Capabilities = capable(lacking)
		traits.ExactKeys = []string{"a//b", "./dot", "a/../b", "trail/", "conf", "conf/child", "\x01\x7f"}
		providertest.Run(t, start(t, dataplane.Outscale).suite(traits))
	})
	t.Run("versitygw", func(t *testing.T) {
		traits := traits
		traits.Capabilities = capable(lacking, overVersity)
		traits.OtherKeys = []string{"x//y", "./x", "x/../y"}
		providertest.Run(t, startOverVersity(t, dataplane.Outscale).suite(traits))
	})
}

// OVHcloud has a driver of its own for buckets, and this one for objects.
func TestTheS3DriverFindsOVHcloudCapable(t *testing.T) {
	lacking := provider.Capabilities{
		provider.CapabilityBucketPolicy: provider.Unsupported, provider.CapabilityEventNotifications: provider.Unsupported,
		provider.CapabilityIfMatchQuoted: provider.Unsupported,
	}
	tests := map[string]provider.Capabilities{"in process": capable(lacking), "versitygw": capable(lacking, overVersity)}
	for behind, want := range tests {
		t.Run(behind, func(t *testing.T) {
			w := starts[behind](t, dataplane.OVHcloud)
			got, err := probe.Capabilities(t.Context(), w.suite(providertest.Traits{}).Open(t), "rempart-probe")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func (w *world) suite(traits providertest.Traits) providertest.Suite {
	place := provider.Place{Provider: "vendor", Location: "region", Endpoint: w.URL, Region: w.Region.Name}
	open := func(t testing.TB, access, secretKey string) provider.Session {
		t.Helper()
		session, err := s3.Driver{}.Open(place, provider.Credentials{
			provider.AccessKey: secret.New(access), provider.SecretKey: secret.New(secretKey),
		})
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	return providertest.Suite{
		Open: func(t testing.TB) provider.Session { t.Helper(); return open(t, "alice-key", "alice-secret") },
		OpenAs: func(t testing.TB, key provider.Key) provider.Session {
			t.Helper()
			return open(t, key.AccessKey, key.SecretKey.Reveal())
		},
		OpenOther: func(t testing.TB) provider.Session { t.Helper(); return open(t, "bob-key", "bob-secret") },
		Harm: func(t testing.TB, name string, setting provider.Setting) {
			t.Helper()
			document := strings.ReplaceAll(harmful[setting], "BUCKET", name)
			got := request{method: http.MethodPut, bucket: name, query: string(setting) + "=", body: document}.send(t, w)
			if got.status >= http.StatusMultipleChoices {
				t.Fatalf("set %s: %+v", setting, got)
			}
		},
		Traits: traits, IsThrownAway: true,
	}
}
