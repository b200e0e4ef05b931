package outscale_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/secret"
)

var someKey = provider.Credentials{provider.AccessKey: secret.New("KEYID0123456789ABCDE"), provider.SecretKey: secret.New("s3cr3t-value")}

func TestPlacesAreCompletedByTheirRegion(t *testing.T) {
	tests := map[string]struct{ place, want provider.Place }{
		"a location is a region": {
			provider.Place{Provider: "osc", Location: "cloudgouv-eu-west-1"},
			provider.Place{
				Provider: "osc", Location: "cloudgouv-eu-west-1", Region: "cloudgouv-eu-west-1",
				Endpoint: "https://oos.cloudgouv-eu-west-1.outscale.com", API: "https://api.cloudgouv-eu-west-1.outscale.com/api/v1",
			},
		},
		"what is said counts": {
			provider.Place{Region: "eu-west-2", Endpoint: "https://oos.example.fr", API: "https://api.example.fr/api/v1/"},
			provider.Place{Region: "eu-west-2", Endpoint: "https://oos.example.fr", API: "https://api.example.fr/api/v1"},
		},
		"but for where buckets stand, and who issues keys": {
			provider.Place{Region: "eu-west-2", Addressing: provider.VirtualStyle, CredentialAPI: provider.CephCredentialAPI, CredentialAPIEndpoint: "https://x"},
			provider.Place{Region: "eu-west-2", Endpoint: "https://oos.eu-west-2.outscale.com", API: "https://api.eu-west-2.outscale.com/api/v1"},
		},
	}
	for name, test := range tests {
		session, err := outscale.Driver{}.Open(test.place, someKey)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.want.Addressing, test.want.CredentialAPI = provider.PathStyle, provider.NoCredentialAPI
		if diff := cmp.Diff(test.want, session.Place()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPlacesThatCanNeverWorkAreRefused(t *testing.T) {
	tests := map[string]struct {
		place provider.Place
		keys  provider.Credentials
		want  string
	}{
		"without a region":           {provider.Place{}, someKey, "is not the name of a region"},
		"a region that is a host":    {provider.Place{Region: "example.fr/"}, someKey, "is not the name of a region"},
		"an endpoint with a path":    {provider.Place{Region: "eu-west-2", Endpoint: "https://oos.example.fr/x"}, someKey, "must have no path"},
		"an API that is no URL":      {provider.Place{Region: "eu-west-2", API: "eu-west-2"}, someKey, "API: the endpoint"},
		"an API with a query":        {provider.Place{Region: "eu-west-2", API: "https://x/api/v1?a=b"}, someKey, "no query"},
		"an API with a password":     {provider.Place{Region: "eu-west-2", API: "https://u:p@x/api/v1"}, someKey, "no user name"},
		"an API that is link-local":  {provider.Place{Region: "eu-west-2", API: "http://169.254.169.254/api/v1"}, someKey, "link-local"},
		"certificates that are none": {provider.Place{Region: "eu-west-2", CABundle: []byte("x")}, someKey, "PEM"},
		"without a key":              {provider.Place{Region: "eu-west-2"}, provider.Credentials{}, "credentials need accessKey and secretKey"},
	}
	for name, test := range tests {
		_, err := outscale.Driver{}.Open(test.place, test.keys)
		got := fault.Of(err)
		if !errors.Is(err, provider.ErrInvalidConfiguration) || got.Class != fault.Terminal || got.Reason != fault.InvalidConfiguration ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestASessionSaysWhatItIs(t *testing.T) {
	session, err := outscale.Driver{}.Open(provider.Place{Region: "eu-west-2"}, someKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, issues := session.Keys(); issues {
		t.Error("it issues keys, and OOS knows none for one bucket")
	}
	want := provider.StoreLimits{Buckets: 100, ObjectsPerBucket: 10_000_000, UploadDuration: 3 * time.Minute}
	if diff := cmp.Diff(want, session.Limits()); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if (outscale.Driver{}).Type() != "Outscale" {
		t.Error("the type is another one")
	}
}
