package provider_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

var someTime = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

type driver struct{ name string }

func (d driver) Type() string { return d.name }
func (d driver) Open(provider.Place, provider.Credentials) (provider.Session, error) {
	return nil, errors.New("opened by " + d.name)
}

func TestRegistryOpensWithTheDriverOfTheType(t *testing.T) {
	registry := provider.NewRegistry(driver{"S3"}, driver{"OVHcloud"})
	for _, name := range []string{"S3", "OVHcloud"} {
		if _, err := registry.Open(name, provider.Place{}, nil); err == nil || err.Error() != "opened by "+name {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, registry := range []provider.Registry{registry, {}} {
		_, err := registry.Open("s3", provider.Place{Provider: "onprem", Location: "dc1"}, nil)
		if !errors.Is(err, provider.ErrInvalidConfiguration) || fault.Of(err).Class != fault.Terminal || !fault.HasReason(err, fault.InvalidConfiguration) {
			t.Errorf("got %#v", err)
		}
		if want := `open onprem/dc1: no driver for provider type "s3": invalid configuration`; err.Error() != want {
			t.Errorf("message is %q", err)
		}
	}
}

func TestDriftListsWhatDiffers(t *testing.T) {
	mark := &provider.Mark{Owner: "o"}
	tests := map[string]struct {
		want  provider.Bucket
		state provider.BucketState
		drift []string
	}{
		"nothing":                      {provider.Bucket{Versioning: provider.VersioningEnabled}, provider.BucketState{Versioning: provider.VersioningEnabled, Mark: mark}, nil},
		"versioning that is left":      {provider.Bucket{}, provider.BucketState{Versioning: provider.VersioningSuspended, Mark: mark}, nil},
		"versioning that is suspended": {provider.Bucket{Versioning: provider.VersioningEnabled}, provider.BucketState{Versioning: provider.VersioningSuspended, Mark: mark}, []string{"versioning is Suspended, should be Enabled"}},
		"mark that is missing":         {provider.Bucket{}, provider.BucketState{}, []string{"mark is missing, should be present"}},
		"both, in order":               {provider.Bucket{Versioning: provider.VersioningEnabled}, provider.BucketState{Versioning: provider.VersioningDisabled}, []string{"versioning is Disabled, should be Enabled", "mark is missing, should be present"}},
	}
	for name, test := range tests {
		var got []string
		for _, drift := range test.want.Drift(test.state) {
			got = append(got, drift.String())
		}
		if diff := cmp.Diff(test.drift, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSkewIsTakenInTheMiddleOfTheRequest(t *testing.T) {
	health := provider.Health{AskedAt: someTime, AnsweredAt: someTime.Add(2 * time.Second), ServerTime: someTime.Add(61 * time.Second)}
	if skew, told := health.Skew(); !told || skew != 60*time.Second+500*time.Millisecond {
		t.Errorf("got %s, %t", skew, told)
	}
	health.ServerTime = time.Time{}
	if skew, told := health.Skew(); told || skew != 0 {
		t.Errorf("without an answer: got %s, %t", skew, told)
	}
}

func TestMissingCapabilityIsUnknown(t *testing.T) {
	known := provider.Capabilities{provider.CapabilityTagging: provider.Broken}
	if known.Of(provider.CapabilityTagging) != provider.Broken || known.Of(provider.CapabilityVersioning) != provider.Unknown {
		t.Errorf("got %s and %s", known.Of(provider.CapabilityTagging), known.Of(provider.CapabilityVersioning))
	}
	if got := provider.Capabilities(nil).Of(provider.CapabilityTagging); got != provider.Unknown {
		t.Errorf("of nothing: got %s", got)
	}
}
