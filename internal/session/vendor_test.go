package session_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/session"
)

// vendors opens sessions for every type, and notes where they go.
type vendors struct{ opened []provider.Place }

func (v *vendors) registry() provider.Registry {
	return provider.NewRegistry(vendorDriver{v, "OVHcloud"}, vendorDriver{v, "Outscale"}, vendorDriver{v, "S3"})
}

type vendorDriver struct {
	*vendors
	driverType string
}

func (d vendorDriver) Type() string { return d.driverType }

func (d vendorDriver) Open(place provider.Place, _ provider.Credentials) (provider.Session, error) {
	d.vendors.opened = append(d.vendors.opened, place)
	return opened{place: place}, nil
}

func vendorOpener(v *vendors, insecure bool, objects ...client.Object) *session.Opener {
	return session.New(session.Config{
		Reader: fake.NewClientBuilder().WithObjects(objects...).Build(), Namespace: system, Drivers: v.registry(),
		NewAccount:     func(v1alpha1.SovereignProvider) session.Account { return &account{} },
		FingerprintKey: []byte("key"), Installation: "commune", AllowInsecureEndpoints: insecure,
	})
}

func secretWith(values ...string) *corev1.Secret {
	stored := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "api"}, Data: map[string][]byte{}}
	for _, key := range values {
		stored.Data[key] = []byte("x")
	}
	return stored
}

func applicationKey() *corev1.Secret {
	return secretWith(provider.ApplicationKey, provider.ApplicationSecret, provider.ConsumerKey)
}

func ovhProvider(change ...func(*v1alpha1.SovereignProvider)) *v1alpha1.SovereignProvider {
	p := &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh", UID: types.UID("u"), Generation: 1},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOVHcloud,
			OVHcloud: &v1alpha1.OVHcloudAccount{
				Endpoint: "ovh-eu", ProjectID: "p1", CredentialsRef: v1alpha1.NameReference{Name: "api"},
			},
		},
		Status: v1alpha1.SovereignProviderStatus{
			DiscoveredAt: new(metav1.Now()),
			Locations: []v1alpha1.LocationStatus{
				{Name: "GRA", Endpoint: "https://s3.gra.example", Region: "gra", Availability: v1alpha1.LocationAvailable},
				{Name: "SBG", Availability: v1alpha1.LocationNotActivated},
				{Name: "RBX", Endpoint: "http://s3.rbx.example", Region: "rbx", Availability: v1alpha1.LocationAvailable},
			},
		},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func outscaleProvider() *v1alpha1.SovereignProvider {
	return &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "osc", UID: types.UID("o"), Generation: 1},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeOutscale,
			Outscale: &v1alpha1.OutscaleAccount{
				Region: "eu-west-2", CredentialsRef: v1alpha1.NameReference{Name: "api"},
				Endpoints: v1alpha1.OutscaleEndpoints{API: "https://api.example/api/v1", OOS: "https://oos.example"},
			},
		},
	}
}

func TestSessionsOfAVendorGoWhereItsAPISays(t *testing.T) {
	v := &vendors{}
	o := vendorOpener(v, false, applicationKey())
	if _, err := o.OpenAccount(t.Context(), ovhProvider()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(t.Context(), ovhProvider(), "GRA"); err != nil {
		t.Fatal(err)
	}
	o = vendorOpener(v, false, secretWith(provider.AccessKey, provider.SecretKey))
	if _, err := o.OpenAccount(t.Context(), outscaleProvider()); err != nil {
		t.Fatal(err)
	}
	want := []provider.Place{
		{Provider: "ovh", API: "ovh-eu", Project: "p1", Installation: "commune"},
		{Provider: "ovh", Location: "GRA", API: "ovh-eu", Project: "p1", Endpoint: "https://s3.gra.example", Region: "gra", Installation: "commune"},
		{Provider: "osc", API: "https://api.example/api/v1", Region: "eu-west-2", Endpoint: "https://oos.example", Installation: "commune"},
	}
	if diff := cmp.Diff(want, v.opened); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEitherSetOfKeysOpensAnAccount(t *testing.T) {
	for name, test := range map[string]struct {
		keys    []string
		message string
	}{
		"an application key":    {keys: []string{provider.ApplicationKey, provider.ApplicationSecret, provider.ConsumerKey}},
		"a service account":     {keys: []string{provider.ClientID, provider.ClientSecret}},
		"no consumer key":       {keys: []string{provider.ApplicationKey, provider.ApplicationSecret}, message: "has no key consumerKey"},
		"no secret of a client": {keys: []string{provider.ClientID}, message: "has no key clientSecret"},
		"keys of something else": {
			keys:    []string{provider.AccessKey, provider.SecretKey},
			message: "has no key applicationKey, applicationSecret, consumerKey, or clientID, clientSecret",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := vendorOpener(&vendors{}, false, secretWith(test.keys...)).OpenAccount(t.Context(), ovhProvider())
			checkFault(t, err, test.message, fault.Waiting, fault.CredentialsMissing)
		})
	}
}

// checkFault holds an error against a message, which is empty when there is none.
func checkFault(t *testing.T, err error, message string, class fault.Class, reason fault.Reason) {
	t.Helper()
	if message == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	got := fault.Of(err)
	if got == nil || got.Class != class || got.Reason != reason || !strings.Contains(err.Error(), message) {
		t.Errorf("got %+v: %v, want %s %s: %s", got, err, class, reason, message)
	}
}

func TestWhatMakesASessionOfAVendorImpossible(t *testing.T) {
	atURL := func(url string) func(*v1alpha1.SovereignProvider) {
		return func(p *v1alpha1.SovereignProvider) { p.Spec.OVHcloud.Endpoint = url }
	}
	for name, test := range map[string]struct {
		provider *v1alpha1.SovereignProvider
		location string
		message  string
		class    fault.Class
		reason   fault.Reason
	}{
		"nothing is discovered yet": {
			provider: ovhProvider(func(p *v1alpha1.SovereignProvider) { p.Status = v1alpha1.SovereignProviderStatus{} }),
			location: "GRA", message: "the regions of SovereignProvider ovh are not discovered yet", class: fault.Waiting, reason: fault.Progressing,
		},
		"the vendor has no such region": {
			provider: ovhProvider(), location: "XXX", message: "has no location XXX", class: fault.Terminal, reason: fault.InvalidConfiguration,
		},
		"the account does not have the region": {
			provider: ovhProvider(), location: "SBG", message: "activate the region there, or take it out of spec.locations",
			class: fault.Waiting, reason: fault.RegionNotActivated,
		},
		"the vendor reports an endpoint without encryption": {
			provider: ovhProvider(), location: "RBX", message: "http://s3.rbx.example is not https", class: fault.Terminal, reason: fault.InvalidConfiguration,
		},
		"the API is spoken to without encryption": {
			provider: ovhProvider(atURL("http://api.example/1.0")), location: "GRA", message: "the API: the endpoint http://api.example is not https",
			class: fault.Terminal, reason: fault.InvalidConfiguration,
		},
		"the API is where clouds keep the secrets of their machines": {
			provider: ovhProvider(atURL("https://169.254.169.254/1.0")), location: "GRA", message: "link-local",
			class: fault.Terminal, reason: fault.InvalidConfiguration,
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vendors{}
			_, err := vendorOpener(v, false, applicationKey()).Open(t.Context(), test.provider, test.location)
			checkFault(t, err, test.message, test.class, test.reason)
			if len(v.opened) > 0 {
				t.Error("a session was opened")
			}
		})
	}
}

func TestAPlainStoreHasNoAccountToAsk(t *testing.T) {
	p := &v1alpha1.SovereignProvider{Spec: v1alpha1.SovereignProviderSpec{Type: v1alpha1.ProviderTypeS3, S3: &v1alpha1.S3Endpoint{}}}
	_, err := vendorOpener(&vendors{}, false).OpenAccount(t.Context(), p)
	checkFault(t, err, "has no account to ask", fault.Terminal, fault.InvalidConfiguration)
}
