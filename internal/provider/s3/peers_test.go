package s3_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	"github.com/rempart/rempart/internal/provider/providertest"
	"github.com/rempart/rempart/test/harness"
	"github.com/rempart/rempart/test/harness/toolbox"
)

// peersVariable asks for the tests against servers that take minutes to build.
const peersVariable = "REMPART_TEST_PEERS"

func TestConformanceOfMinIO(t *testing.T) {
	if os.Getenv(peersVariable) == "" {
		t.Skip("MinIO is built and tried by `make test-peers`")
	}
	server := harness.MinIO(t)
	place := provider.Place{Provider: "onprem", Location: "dc1", Endpoint: server.Endpoint, Region: server.Region}
	tried := suite(place, server.AccessKey, server.SecretKey, providertest.Traits{
		Capabilities: but(provider.Capabilities{
			provider.CapabilityExactKeys: provider.Unsupported,
			// It takes only receivers that it was configured with.
			provider.CapabilityEventNotifications: provider.Unknown,
		}),
		ExactKeys:          []string{"Case", "case", "e\u0301", "é", "a./b", "a /b", "tab\tx", strings.Repeat("k", 255) + "/" + strings.Repeat("m", 255)},
		OtherKeys:          []string{"x//y", "./x", "x/./y", "x/../y", strings.Repeat("k", 256)},
		DefaultContentType: "binary/octet-stream",
	}, "", "")
	tried.OpenOther = nil // its users are made with its own client, whose licence is the AGPL
	providertest.Run(t, tried)
	checkRecordedOf(t, "MinIO", toolbox.MinIO, tried.Open(t))
}

// Variables that name a live account.
const (
	liveEndpoint   = "REMPART_LIVE_S3_ENDPOINT"
	liveRegion     = "REMPART_LIVE_S3_REGION"
	liveAddressing = "REMPART_LIVE_S3_ADDRESSING"
	liveAccessKey  = "REMPART_LIVE_S3_ACCESS_KEY"
	liveSecretKey  = "REMPART_LIVE_S3_SECRET_KEY"
	liveCABundle   = "REMPART_LIVE_S3_CA_BUNDLE"
	liveSupport    = "REMPART_LIVE_S3_CAPABILITIES"
)

// A live account is held against what is declared of it in the environment, and
// else against what a first probe finds. Nothing is put under lock there.
func TestConformanceOfALiveAccount(t *testing.T) {
	place := provider.Place{
		Provider: "live", Location: "live", Endpoint: os.Getenv(liveEndpoint), Region: os.Getenv(liveRegion),
		Addressing: provider.Addressing(os.Getenv(liveAddressing)),
	}
	accessKey, secretKey := os.Getenv(liveAccessKey), os.Getenv(liveSecretKey)
	if place.Endpoint == "" || accessKey == "" || secretKey == "" {
		t.Skipf("no live account: set %s, %s and %s, see docs/providers.md", liveEndpoint, liveAccessKey, liveSecretKey)
	}
	if file := os.Getenv(liveCABundle); file != "" {
		bundle, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		place.CABundle = bundle
	}
	tried := suite(place, accessKey, secretKey, providertest.Traits{}, "", "")
	tried.OpenOther, tried.IsThrownAway = nil, false
	found, err := probe.Capabilities(t.Context(), tried.Open(t), "rempart-live-probe")
	if err != nil {
		t.Fatalf("try what the account can do: %v", err)
	}
	for _, capability := range provider.EveryCapability() {
		t.Logf("%-20s %s", capability, found[capability])
	}
	if tried.Traits.Capabilities, err = declaredLive(found, os.Getenv(liveSupport)); err != nil {
		t.Fatal(err)
	}
	providertest.Run(t, tried)
}

// declaredLive changes what was found by what is declared, such as
// "objectLock=Unsupported,tagging=Supported".
func declaredLive(found provider.Capabilities, declared string) (provider.Capabilities, error) {
	joined := and(found, nil)
	for pair := range strings.SplitSeq(declared, ",") {
		if pair == "" {
			continue
		}
		capability, support, _ := strings.Cut(pair, "=")
		if _, known := found[provider.Capability(capability)]; !known || support == "" {
			return nil, fmt.Errorf("%s: %q is not a capability and its support", liveSupport, pair)
		}
		joined[provider.Capability(capability)] = provider.Support(support)
	}
	return joined, nil
}

func TestDeclarationsOfALiveAccount(t *testing.T) {
	found := provider.Capabilities{provider.CapabilityTagging: provider.Supported, provider.CapabilityObjectLock: provider.Supported}
	got, err := declaredLive(found, "objectLock=Unsupported")
	if err != nil || got.Of(provider.CapabilityObjectLock) != provider.Unsupported || got.Of(provider.CapabilityTagging) != provider.Supported {
		t.Errorf("got %v, %v", got, err)
	}
	for _, wrong := range []string{"nonsense=Supported", "objectLock", "objectLock="} {
		if _, err := declaredLive(found, wrong); err == nil {
			t.Errorf("%q was understood", wrong)
		}
	}
}
