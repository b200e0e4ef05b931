// Package certificate makes the certificate that the operator serves to the API
// server, and the authority that vouches for it, and renews both long before their
// end.
//
// It is pure but for the randomness of keys: what is kept and the time come in,
// what is to be kept comes out. An authority is made known to whoever has to trust it
// an hour before it signs what is served, and those before it are trusted until
// their own end, so that neither a replica that is behind nor an API server that is
// behind ever meets a certificate that it does not trust.
//
// Start reading at Renew.
package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// How long what is made holds. Each is renewed when a third of that is left; an
// authority always outlives what it signs, because that third is more than the
// whole life of what it signs.
const (
	AuthorityLifetime = 365 * 24 * time.Hour
	ServingLifetime   = 90 * 24 * time.Hour
)

const (
	// spreading is how long an authority is known before what it signs is served:
	// many times what a watch takes to bring it to every API server.
	spreading = time.Hour
	// backdating lets clocks differ.
	backdating = time.Hour
	// maximumAuthorities bounds what is trusted at once.
	maximumAuthorities = 4
)

// Kept is what is kept between renewals, all of it in PEM. The zero value is
// nothing.
type Kept struct {
	// Authorities are what to trust: the one that signs first, then those before it
	// that have not ended.
	Authorities []byte
	// AuthorityKey is the key of the first authority.
	AuthorityKey []byte
	// Certificate and Key are what is served.
	Certificate, Key []byte
}

// Pair is what is served, ready for TLS.
func (k Kept) Pair() (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(k.Certificate, k.Key)
	if err != nil {
		return nil, fmt.Errorf("read the serving certificate: %w", err)
	}
	return &pair, nil
}

// Renewal is what Renew came to.
type Renewal struct {
	Kept
	// Changed tells that Kept is not what was kept before.
	Changed bool
	// Next is when to look again.
	Next time.Time
}

// Renew makes what is missing, unusable, for other hosts, or near its end. Hosts are
// names and addresses under which the server is called; one at least. It fails only
// where there is no randomness or no host.
func Renew(now time.Time, before Kept, hosts []string) (Renewal, error) {
	if len(hosts) == 0 {
		return Renewal{}, errors.New("a serving certificate needs a host")
	}
	renewal := Renewal{Kept: before}
	trusted := slices.DeleteFunc(parse(before.Authorities), func(c *x509.Certificate) bool { return !isAuthority(c, now) })
	authority, key := signing(before, trusted)
	if authority == nil || isDue(authority, now) {
		made, madeKey, err := newAuthority(now)
		if err != nil {
			return Renewal{}, err
		}
		authority, key = made, madeKey
		trusted = slices.Insert(trusted, 0, made)
		renewal.Changed = true
	}
	trusted = trusted[:min(len(trusted), maximumAuthorities)]
	encodedKey, err := encodeKey(key)
	if err != nil {
		return Renewal{}, err
	}
	if encoded := encode(trusted); string(encoded) != string(before.Authorities) {
		renewal.Authorities, renewal.AuthorityKey, renewal.Changed = encoded, encodedKey, true
	}
	served := serving(before, trusted, hosts, now)
	spread := authority.NotBefore.Add(backdating + spreading)
	wanted := served == nil || isDue(served, now) || served.CheckSignatureFrom(authority) != nil
	if served == nil || wanted && !now.Before(spread) {
		if served, err = renewal.issue(now, hosts, authority, key); err != nil {
			return Renewal{}, err
		}
		renewal.Changed, wanted = true, false
	}
	renewal.Next = dueAt(authority)
	if due := dueAt(served); due.Before(renewal.Next) {
		renewal.Next = due
	}
	if wanted {
		renewal.Next = spread
	}
	return renewal, nil
}

// issue has the authority sign a new serving certificate.
func (r *Renewal) issue(now time.Time, hosts []string, authority *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "rempart webhook"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	issued, issuedKey, err := sign(template, now, ServingLifetime, authority, key)
	if err != nil {
		return nil, fmt.Errorf("make the serving certificate: %w", err)
	}
	if r.Key, err = encodeKey(issuedKey); err != nil {
		return nil, err
	}
	r.Certificate = encode([]*x509.Certificate{issued})
	return issued, nil
}

func newAuthority(now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	made, key, err := sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "rempart webhook authority"},
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}, now, AuthorityLifetime, nil, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make the authority: %w", err)
	}
	return made, key, nil
}

// sign makes a key and a certificate for it; without an authority it signs itself.
func sign(template *x509.Certificate, now time.Time, lifetime time.Duration, authority *x509.Certificate, by *ecdsa.PrivateKey) (
	*x509.Certificate, *ecdsa.PrivateKey, error,
) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	const serialBits = 127
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits)); err != nil {
		return nil, nil, err
	}
	template.NotBefore, template.NotAfter = now.Add(-backdating), now.Add(lifetime)
	if authority == nil {
		authority, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), by)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	return made, key, err
}

// signing gives the first authority with its key, or nil where they do not belong
// together.
func signing(kept Kept, trusted []*x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	block, _ := pem.Decode(kept.AuthorityKey)
	if block == nil || len(trusted) == 0 {
		return nil, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil
	}
	key, isOurs := parsed.(*ecdsa.PrivateKey)
	if !isOurs || !key.PublicKey.Equal(trusted[0].PublicKey) {
		return nil, nil
	}
	return trusted[0], key
}

// serving gives what is served, or nil where whoever trusts these authorities would
// not take it for each of the hosts.
func serving(kept Kept, trusted []*x509.Certificate, hosts []string, now time.Time) *x509.Certificate {
	pair, err := kept.Pair()
	if err != nil {
		return nil
	}
	pool := x509.NewCertPool()
	for _, authority := range trusted {
		pool.AddCert(authority)
	}
	for _, host := range hosts {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool, CurrentTime: now}); err != nil {
			return nil
		}
	}
	return pair.Leaf
}

func isAuthority(c *x509.Certificate, now time.Time) bool {
	return c.IsCA && !now.Before(c.NotBefore) && now.Before(c.NotAfter)
}

// isDue tells that it is time for another one.
func isDue(c *x509.Certificate, now time.Time) bool { return !now.Before(dueAt(c)) }

// dueAt is when a third of the certificate's life is left.
func dueAt(c *x509.Certificate) time.Time { return c.NotAfter.Add(-c.NotAfter.Sub(c.NotBefore) / 3) }

// parse gives the certificates of a bundle; what is none is left out.
func parse(bundle []byte) []*x509.Certificate {
	var found []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if parsed, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = append(found, parsed)
		}
	}
	return found
}

func encode(certificates []*x509.Certificate) []byte {
	var bundle []byte
	for _, c := range certificates {
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return bundle
}

func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
