// Package session opens sessions on the places of SovereignProviders: it reads
// credentials and certificates from the operator's namespace, lets everything
// that works on one account share its limits, and keeps credentials that were
// refused from being tried again.
//
// Start reading at Opener.Open.
package session

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// CAKey is the key of a certificate bundle in a ConfigMap.
const CAKey = "ca.crt"

// Config is what an Opener needs.
type Config struct {
	// Reader reads Secrets and ConfigMaps of the operator's namespace.
	Reader client.Reader
	// Namespace is the operator's own.
	Namespace string
	// Drivers open the sessions.
	Drivers provider.Registry
	// NewAccount makes what the sessions with one set of credentials share.
	NewAccount func(v1alpha1.SovereignProvider) Account
	// FingerprintKey keys the fingerprints of credentials.
	FingerprintKey []byte
	// Installation is the operator's id, by which drivers name what they keep for
	// themselves at a vendor.
	Installation string
	// AllowInsecureEndpoints lets http endpoints through, for demos and tests.
	AllowInsecureEndpoints bool
}

// Account is what all sessions with one set of credentials share.
type Account interface {
	// Wrap puts limits, metrics and retries around a session.
	Wrap(session provider.Session) provider.Session
	// Refused gives the failure with which the provider refused the credentials,
	// or nil.
	Refused() error
}

// Opener opens sessions, and keeps them as long as nothing they depend on changes.
type Opener struct {
	config Config

	mu       sync.Mutex
	accounts map[types.UID]*opened
}

// opened is an account with the sessions that are open on it.
type opened struct {
	account Account
	// state is what the account was opened with.
	state    string
	sessions map[string]provider.Session
}

// New makes an opener.
func New(config Config) *Opener {
	return &Opener{config: config, accounts: map[types.UID]*opened{}}
}

// Open gives a session on a location of a provider. It sends nothing. Missing
// credentials are Waiting, credentials that were refused before are Terminal
// until the Secret changes.
func (o *Opener) Open(ctx context.Context, p *v1alpha1.SovereignProvider, locationName string) (provider.Session, error) {
	place, err := o.place(ctx, p, locationName)
	if err != nil {
		return nil, err
	}
	return o.open(ctx, p, place)
}

// OpenAccount gives a session on the whole account of a provider whose vendor has
// an API of its own: it serves Account and nothing else. It fails as Open does.
func (o *Opener) OpenAccount(ctx context.Context, p *v1alpha1.SovereignProvider) (provider.Session, error) {
	place, err := o.accountPlace(p)
	if err != nil {
		return nil, err
	}
	return o.open(ctx, p, place)
}

func (o *Opener) open(ctx context.Context, p *v1alpha1.SovereignProvider, place provider.Place) (provider.Session, error) {
	credentials, err := o.credentials(ctx, p)
	if err != nil {
		return nil, err
	}
	fingerprint := o.fingerprint(credentials)
	if fingerprint == p.Status.RejectedCredentials {
		return nil, refused(p, "the provider refused these credentials before")
	}
	return o.session(p, place, credentials, fingerprint)
}

// OpenWithKey gives a session on a location with another key than the account's,
// such as one issued for a single bucket. It is not kept.
func (o *Opener) OpenWithKey(ctx context.Context, p *v1alpha1.SovereignProvider, locationName string, key provider.Key) (provider.Session, error) {
	place, err := o.place(ctx, p, locationName)
	if err != nil {
		return nil, err
	}
	session, err := o.config.Drivers.Open(string(p.Spec.Type), place, provider.Credentials{
		provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey,
	})
	if err != nil {
		return nil, err
	}
	return o.config.NewAccount(*p).Wrap(session), nil
}

// Rejected gives the fingerprint of the credentials that the provider refuses:
// those it refused in a session, or those its status says it refused, unless the
// Secret has changed since. Empty means that there are none.
func (o *Opener) Rejected(ctx context.Context, p *v1alpha1.SovereignProvider) (string, error) {
	credentials, err := o.credentials(ctx, p)
	if err != nil {
		return "", err
	}
	fingerprint := o.fingerprint(credentials)
	if fingerprint == p.Status.RejectedCredentials {
		return fingerprint, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if account, open := o.accounts[p.UID]; open && account.state == state(p, fingerprint) && account.account.Refused() != nil {
		return fingerprint, nil
	}
	return "", nil
}

// Close forgets the sessions of a provider that is gone.
func (o *Opener) Close(uid types.UID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.accounts, uid)
}

func (o *Opener) session(p *v1alpha1.SovereignProvider, place provider.Place, credentials provider.Credentials, fingerprint string) (provider.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	account, open := o.accounts[p.UID]
	if !open || account.state != state(p, fingerprint) {
		account = &opened{account: o.config.NewAccount(*p), state: state(p, fingerprint), sessions: map[string]provider.Session{}}
		o.accounts[p.UID] = account
	}
	if account.account.Refused() != nil {
		return nil, refused(p, "the provider refused these credentials")
	}
	key := fmt.Sprintf("%#v", place) // all of it: %v gives its name only, whatever its certificates
	if session, open := account.sessions[key]; open {
		return session, nil
	}
	session, err := o.config.Drivers.Open(string(p.Spec.Type), place, credentials)
	if err != nil {
		return nil, err
	}
	account.sessions[key] = account.account.Wrap(session)
	return account.sessions[key], nil
}

// state is what an account depends on: a new spec may bring new limits.
func state(p *v1alpha1.SovereignProvider, fingerprint string) string {
	return fmt.Sprintf("%d/%s", p.Generation, fingerprint)
}

func refused(p *v1alpha1.SovereignProvider, what string) error {
	return fault.New(fault.Terminal, fault.AuthenticationFailed,
		"%s; they are not tried again until Secret %s changes: %w", what, p.Spec.CredentialsRef(), provider.ErrAuthentication)
}

func orElse(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// credentials reads the provider's Secret. All its values count in the
// fingerprint: changing any of them lets refused credentials be tried again.
func (o *Opener) credentials(ctx context.Context, p *v1alpha1.SovereignProvider) (provider.Credentials, error) {
	name := types.NamespacedName{Namespace: o.config.Namespace, Name: p.Spec.CredentialsRef()}
	if name.Name == "" {
		return nil, fault.New(fault.Terminal, fault.InvalidConfiguration, "SovereignProvider %s names no credentials", p.Name)
	}
	var stored corev1.Secret
	if err := o.config.Reader.Get(ctx, name, &stored); apierrors.IsNotFound(err) {
		return nil, fault.New(fault.Waiting, fault.CredentialsMissing,
			"Secret %s does not exist in namespace %s: create it with the keys %s",
			name.Name, name.Namespace, describeKeySets(keySets(p)))
	} else if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	credentials := provider.Credentials{}
	for key, value := range stored.Data {
		credentials[key] = secret.New(string(value))
	}
	if missing := missingKey(credentials, keySets(p)); missing != "" {
		return nil, fault.New(fault.Waiting, fault.CredentialsMissing,
			"Secret %s in namespace %s has no key %s", name.Name, name.Namespace, missing)
	}
	return credentials, nil
}

func (o *Opener) fingerprint(credentials provider.Credentials) string {
	var values []secret.Text
	for _, key := range slices.Sorted(maps.Keys(credentials)) {
		values = append(values, secret.New(key), credentials[key])
	}
	return secret.Fingerprint(o.config.FingerprintKey, values...)
}

// caBundle reads the certificates that the provider's owner wants trusted.
func (o *Opener) caBundle(ctx context.Context, p *v1alpha1.SovereignProvider) ([]byte, error) {
	if p.Spec.S3 == nil || p.Spec.S3.CABundleRef == nil {
		return nil, nil
	}
	name := types.NamespacedName{Namespace: o.config.Namespace, Name: p.Spec.S3.CABundleRef.Name}
	var bundle corev1.ConfigMap
	if err := o.config.Reader.Get(ctx, name, &bundle); apierrors.IsNotFound(err) {
		return nil, fault.New(fault.Waiting, fault.CertificateInvalid,
			"ConfigMap %s does not exist in namespace %s: create it with the key %s", name.Name, name.Namespace, CAKey)
	} else if err != nil {
		return nil, fmt.Errorf("read ConfigMap %s: %w", name, err)
	}
	if bundle.Data[CAKey] == "" {
		return nil, fault.New(fault.Waiting, fault.CertificateInvalid,
			"ConfigMap %s in namespace %s has no key %s", name.Name, name.Namespace, CAKey)
	}
	if err := checkBundle([]byte(bundle.Data[CAKey])); err != nil {
		return nil, fault.New(fault.Waiting, fault.CertificateInvalid,
			"ConfigMap %s in namespace %s: the key %s %w", name.Name, name.Namespace, CAKey, err)
	}
	return []byte(bundle.Data[CAKey]), nil
}

// checkBundle tells what is wrong with a bundle of certificates. One that can be
// read in part is wrong too: nobody would notice which part is missing.
func checkBundle(bundle []byte) error {
	found := 0
	for {
		block, rest := pem.Decode(bundle)
		if block == nil {
			break
		}
		bundle = rest
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("holds a %s, and must hold certificates only", strings.ToLower(block.Type))
		}
		found++
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("holds a certificate that cannot be read, number %d", found)
		}
	}
	if found == 0 {
		return errors.New("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
	}
	return nil
}

// AccountKey gives the key of the account itself, for applications at providers
// that issue no narrower one.
func (o *Opener) AccountKey(ctx context.Context, p *v1alpha1.SovereignProvider) (provider.Key, error) {
	credentials, err := o.credentials(ctx, p)
	if err != nil {
		return provider.Key{}, err
	}
	return provider.Key{
		AccessKey: credentials[provider.AccessKey].Reveal(), SecretKey: credentials[provider.SecretKey],
	}, nil
}
