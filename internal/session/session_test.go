package session_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/internal/session"
)

const system = "rempart-system"

// driver notes what it was opened with.
type driver struct {
	opened []provider.Place
	keys   []string
}

func (*driver) Type() string { return "S3" }

func (d *driver) Open(place provider.Place, credentials provider.Credentials) (provider.Session, error) {
	d.opened = append(d.opened, place)
	d.keys = append(d.keys, credentials[provider.AccessKey].Reveal()+":"+credentials[provider.SecretKey].Reveal())
	return opened{place: place}, nil
}

type opened struct {
	provider.Session
	place provider.Place
}

func (o opened) Place() provider.Place { return o.place }

// account is refused when it is told so.
type account struct{ refused error }

func (a *account) Wrap(s provider.Session) provider.Session { return s }
func (a *account) Refused() error                           { return a.refused }

// desk is an opener with everything around it.
type desk struct {
	*session.Opener
	driver   *driver
	cluster  client.Client
	accounts []*account
	provider *v1alpha1.SovereignProvider
}

func newDesk(t *testing.T, insecure bool, objects ...client.Object) *desk {
	t.Helper()
	d := &desk{driver: &driver{}, cluster: fake.NewClientBuilder().WithObjects(objects...).Build()}
	d.Opener = session.New(session.Config{
		Reader: d.cluster, Namespace: system, Drivers: provider.NewRegistry(d.driver),
		NewAccount: func(v1alpha1.SovereignProvider) session.Account {
			d.accounts = append(d.accounts, &account{})
			return d.accounts[len(d.accounts)-1]
		},
		FingerprintKey: []byte("key"), AllowInsecureEndpoints: insecure,
	})
	d.provider = &v1alpha1.SovereignProvider{
		ObjectMeta: metav1.ObjectMeta{Name: "ovh", UID: types.UID("u"), Generation: 1},
		Spec: v1alpha1.SovereignProviderSpec{
			Type: v1alpha1.ProviderTypeS3,
			S3: &v1alpha1.S3Endpoint{
				Endpoint: "https://s3.example.fr", Region: "r", AddressingStyle: "Path", CredentialAPI: "Versity",
				CredentialsRef: v1alpha1.NameReference{Name: "ovh"},
			},
			Locations: []v1alpha1.Location{{Name: "GRA"}, {Name: "SBG", Endpoint: "https://sbg.example.fr", Region: "sbg"}},
		},
	}
	return d
}

func credentials(accessKey, secretKey string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "ovh"},
		Data:       map[string][]byte{provider.AccessKey: []byte(accessKey), provider.SecretKey: []byte(secretKey)},
	}
}

func TestOpenGoesWhereTheLocationSays(t *testing.T) {
	d := newDesk(t, false, credentials("a", "b"))
	for _, location := range []string{"GRA", "SBG", "GRA"} {
		if _, err := d.Open(t.Context(), d.provider, location); err != nil {
			t.Fatal(err)
		}
	}
	want := []provider.Place{
		{Provider: "ovh", Location: "GRA", Endpoint: "https://s3.example.fr", Region: "r", Addressing: "Path", CredentialAPI: "Versity"},
		{Provider: "ovh", Location: "SBG", Endpoint: "https://sbg.example.fr", Region: "sbg", Addressing: "Path", CredentialAPI: "Versity"},
	}
	if diff := cmp.Diff(want, d.driver.opened); diff != "" {
		t.Errorf("a session that is open is used again (-want +opened):\n%s", diff)
	}
	if len(d.accounts) != 1 {
		t.Errorf("%d accounts for one set of credentials", len(d.accounts))
	}
}

// Certificates are replaced without a change of the provider.
func TestOtherCertificatesOpenAnotherSession(t *testing.T) {
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "ca"}, Data: map[string]string{session.CAKey: authority(t)},
	}
	d := newDesk(t, false, credentials("a", "b"), bundle)
	d.provider.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"}
	for _, replaced := range []string{bundle.Data[session.CAKey], bundle.Data[session.CAKey], authority(t)} {
		bundle.Data[session.CAKey] = replaced
		if err := d.cluster.Update(t.Context(), bundle); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Open(t.Context(), d.provider, "GRA"); err != nil {
			t.Fatal(err)
		}
		if last := d.driver.opened[len(d.driver.opened)-1]; string(last.CABundle) != replaced {
			t.Errorf("the session trusts %s", last.CABundle)
		}
	}
	if len(d.driver.opened) != 2 {
		t.Errorf("%d sessions were opened", len(d.driver.opened))
	}
}

func withAuthorities(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "ca"}, Data: map[string]string{session.CAKey: text},
	}
}

// authority makes a certificate.
func authority(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestWhatMakesASessionImpossible(t *testing.T) {
	bundle := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "ca"}, Data: map[string]string{"other": "x"}}
	for name, test := range map[string]struct {
		objects  []client.Object
		change   func(*v1alpha1.SovereignProvider)
		location string
		class    fault.Class
		reason   fault.Reason
		message  string
	}{
		"no Secret": {
			class: fault.Waiting, reason: fault.CredentialsMissing, message: "Secret ovh does not exist in namespace rempart-system",
		},
		"a Secret without a key": {
			objects: []client.Object{credentials("a", "")},
			class:   fault.Waiting, reason: fault.CredentialsMissing, message: "has no key secretKey",
		},
		"no such location": {
			objects: []client.Object{credentials("a", "b")}, location: "XXX",
			class: fault.Terminal, reason: fault.InvalidConfiguration, message: "has no location XXX",
		},
		"http": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.Endpoint = "http://s3.example.fr" },
			class:   fault.Terminal, reason: fault.InvalidConfiguration, message: "--allow-insecure-endpoints",
		},
		"a credential API over http": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CredentialAPIEndpoint = "http://admin.example.fr" },
			class:   fault.Terminal, reason: fault.InvalidConfiguration, message: "credentialAPIEndpoint: the endpoint http://admin.example.fr is not https",
		},
		"a link-local credential API that admission did not see": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CredentialAPIEndpoint = "https://169.254.169.254" },
			class:   fault.Terminal, reason: fault.InvalidConfiguration, message: "link-local",
		},
		"a Garage without its token": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CredentialAPI = "Garage" },
			class:   fault.Waiting, reason: fault.CredentialsMissing, message: "has no key adminToken",
		},
		"no Secret for a Garage": {
			change: func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CredentialAPI = "Garage" },
			class:  fault.Waiting, reason: fault.CredentialsMissing, message: "accessKey, secretKey, adminToken",
		},
		"a link-local endpoint that admission did not see": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.Locations[0].Endpoint = "https://169.254.169.254" },
			class:   fault.Terminal, reason: fault.InvalidConfiguration, message: "link-local",
		},
		"no ConfigMap with certificates": {
			objects: []client.Object{credentials("a", "b")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"} },
			class:   fault.Waiting, reason: fault.CertificateInvalid, message: "ConfigMap ca does not exist",
		},
		"a ConfigMap with words": {
			objects: []client.Object{credentials("a", "b"), withAuthorities("words")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"} },
			class:   fault.Waiting, reason: fault.CertificateInvalid, message: "ConfigMap ca in namespace rempart-system: the key ca.crt holds no certificate in PEM form",
		},
		"a ConfigMap with a broken certificate behind a good one": {
			objects: []client.Object{credentials("a", "b"), withAuthorities(authority(t) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"} },
			class:   fault.Waiting, reason: fault.CertificateInvalid, message: "cannot be read, number 2",
		},
		"a ConfigMap with a private key": {
			objects: []client.Object{credentials("a", "b"), withAuthorities("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"} },
			class:   fault.Waiting, reason: fault.CertificateInvalid, message: "holds a private key",
		},
		"a ConfigMap without ca.crt": {
			objects: []client.Object{credentials("a", "b"), bundle},
			change:  func(p *v1alpha1.SovereignProvider) { p.Spec.S3.CABundleRef = &v1alpha1.NameReference{Name: "ca"} },
			class:   fault.Waiting, reason: fault.CertificateInvalid, message: "has no key ca.crt",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, false, test.objects...)
			if test.change != nil {
				test.change(d.provider)
			}
			if test.location == "" {
				test.location = "GRA"
			}
			_, err := d.Open(t.Context(), d.provider, test.location)
			classified := fault.Of(err)
			if classified == nil || classified.Class != test.class || classified.Reason != test.reason || !strings.Contains(err.Error(), test.message) {
				t.Errorf("Open gives %+v: %v", classified, err)
			}
			if len(d.driver.opened) > 0 {
				t.Errorf("a session was opened: %v", d.driver.opened)
			}
		})
	}
}

func TestRefusedCredentialsAreNotUsedUntilTheSecretChanges(t *testing.T) {
	d := newDesk(t, false, credentials("a", "wrong"))
	if _, err := d.Open(t.Context(), d.provider, "GRA"); err != nil {
		t.Fatal(err)
	}
	if rejected, err := d.Rejected(t.Context(), d.provider); err != nil || rejected != "" {
		t.Fatalf("rejected before anything was refused: %q, %v", rejected, err)
	}
	d.accounts[0].refused = provider.ErrAuthentication
	rejected, err := d.Rejected(t.Context(), d.provider)
	if err != nil || rejected == "" || strings.Contains(rejected, "wrong") {
		t.Fatalf("rejected: %q, %v", rejected, err)
	}
	wantRefused := func(when string, opener *session.Opener) {
		t.Helper()
		_, err := opener.Open(t.Context(), d.provider, "SBG")
		if !errors.Is(err, provider.ErrAuthentication) || fault.Of(err).Class != fault.Terminal ||
			!strings.Contains(err.Error(), "until Secret ovh changes") {
			t.Errorf("%s: %v", when, err)
		}
	}
	wantRefused("at another location", d.Opener)
	d.provider.Status.RejectedCredentials = rejected
	d.provider.Generation = 2
	wantRefused("after the spec changed", d.Opener)
	restarted := newDesk(t, false, credentials("a", "wrong"))
	wantRefused("after a restart", restarted.Opener)

	if err := d.cluster.Update(t.Context(), credentials("a", "right")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), d.provider, "GRA"); err != nil {
		t.Errorf("after the Secret changed: %v", err)
	}
	if rejected, err := d.Rejected(t.Context(), d.provider); err != nil || rejected != "" {
		t.Errorf("rejected after the Secret changed: %q, %v", rejected, err)
	}
}

func TestOtherKeysOpenSessionsOfTheirOwn(t *testing.T) {
	d := newDesk(t, true, credentials("account", "secret"))
	d.provider.Spec.S3.Endpoint = "http://s3.example.fr"
	key := provider.Key{AccessKey: "sandbox", SecretKey: secret.New("scoped")}
	if _, err := d.OpenWithKey(context.Background(), d.provider, "GRA", key); err != nil {
		t.Fatal(err)
	}
	if got := d.driver.keys; len(got) != 1 || got[0] != "sandbox:scoped" {
		t.Errorf("opened with %v", got)
	}
	account, err := d.AccountKey(t.Context(), d.provider)
	if err != nil || account.AccessKey != "account" || account.SecretKey.Reveal() != "secret" {
		t.Errorf("the account's key is %v, %v", account, err)
	}
	d.Close(d.provider.UID)
}
