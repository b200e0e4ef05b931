package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of one control plane.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// identity says whom a certificate is for. One without hosts is a client's:
// Kubernetes takes the name as the user and the organisations as the groups.
type identity struct {
	name   string
	groups []string
	hosts  []string
}

// keyPair is a certificate and its key, both in PEM.
type keyPair struct{ cert, key []byte }

// lifetime outlasts any test run and any demo; start is in the past because
// the clocks of a container and its host may differ a little.
func lifetime() (from, until time.Time) {
	return time.Now().Add(-time.Hour), time.Now().Add(30 * 24 * time.Hour)
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	from, until := lifetime()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rempart-harness"},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	return &authority{cert: cert, key: key}, nil
}

// pem returns the authority's certificate.
func (a *authority) pem() []byte { return encodeCert(a.cert.Raw) }

func (a *authority) issue(who identity) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("make a key for %q: %w", who.name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return keyPair{}, fmt.Errorf("make a serial number for %q: %w", who.name, err)
	}
	from, until := lifetime()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: who.name, Organization: who.groups},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		// etcd is a client of itself, so its serving certificate is both.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, host := range who.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return keyPair{}, fmt.Errorf("make a certificate for %q: %w", who.name, err)
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return keyPair{}, fmt.Errorf("encode the key of %q: %w", who.name, err)
	}
	return keyPair{cert: encodeCert(der), key: encoded}, nil
}

// issueFiles writes <name>.crt and <name>.key into dir.
func (a *authority) issueFiles(dir, name string, who identity) (certFile, keyFile string, err error) {
	pair, err := a.issue(who)
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, pair.cert, 0o600); err != nil {
		return "", "", fmt.Errorf("keep the certificate of %q: %w", who.name, err)
	}
	if err := os.WriteFile(keyFile, pair.key, 0o600); err != nil {
		return "", "", fmt.Errorf("keep the key of %q: %w", who.name, err)
	}
	return certFile, keyFile, nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
