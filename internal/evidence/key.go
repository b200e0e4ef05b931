package evidence

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Kinds of blocks in PEM.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// NewKey makes a key to sign with.
func NewKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// EncodeKey writes a private key as PKCS #8 in PEM.
func EncodeKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der}), nil
}

// ParseKey reads what EncodeKey writes: one key, and nothing else. What it says of a
// text that is none tells nothing of the text.
func ParseKey(text []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("it is not in PEM")
	case block.Type != privateBlock:
		return nil, fmt.Errorf("it is no %s in PKCS #8", privateBlock)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("something follows the key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no key in PKCS #8")
	}
	key, isEd25519 := parsed.(ed25519.PrivateKey)
	if !isEd25519 {
		return nil, fmt.Errorf("it is a key of another kind, %T, and not of Ed25519", parsed)
	}
	return key, nil
}

// EncodePublicKey writes a public key in PEM.
func EncodePublicKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}), nil
}

// ParsePublicKeys reads public keys in PEM, one at least, as an installation that
// changed its key has several.
func ParsePublicKeys(text []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != publicBlock {
			return nil, fmt.Errorf("a block is a %q, and not a %s", block.Type, publicBlock)
		}
		key, err := parsePublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("there is no %s in PEM", publicBlock)
	}
	return keys, nil
}

func parsePublicKey(der []byte) (ed25519.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read a public key: %w", err)
	}
	key, isEd25519 := parsed.(ed25519.PublicKey)
	if !isEd25519 {
		return nil, fmt.Errorf("a public key is of another kind, %T, and not of Ed25519", parsed)
	}
	return key, nil
}

// KeyID names a key: the SHA-256 of its SubjectPublicKeyInfo in DER, in hex. Anybody
// can work it out from the public key.
func KeyID(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // only what is no key
	}
	return hexSum(der)
}

func signerOf(key ed25519.PublicKey) Signer {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return Signer{}
	}
	return Signer{KeyID: hexSum(der), PublicKey: base64.StdEncoding.EncodeToString(der)}
}

// publicKey gives the key that the statement says it is signed with.
func (s Signer) publicKey() (ed25519.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(s.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}
	return parsePublicKey(der)
}

// Sign completes a statement, as far as its types, its subjects and the signer go,
// signs it and gives the envelope in its canonical form.
func Sign(ctx context.Context, statement Statement, key ed25519.PrivateKey) ([]byte, error) {
	public, err := publicOf(key)
	if err != nil {
		return nil, err
	}
	statement.Type, statement.PredicateType = StatementType, PredicateType
	statement.Predicate.Signer = signerOf(public)
	statement.Subject = subjects(statement.Predicate.Manifest)
	payload, err := Encode(statement)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(dsseKey{key})
	if err != nil {
		return nil, fmt.Errorf("sign the evidence: %w", err)
	}
	envelope, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign the evidence: %w", err)
	}
	return Encode(envelope)
}

func subjects(m Manifest) []Subject {
	found := make([]Subject, 0, len(m.Parts))
	for _, part := range m.Parts {
		found = append(found, Subject{Name: part.Name, Digest: Digests{SHA256: part.SHA256}})
	}
	return found
}

// dsseKey lets DSSE sign with Ed25519.
type dsseKey struct{ key ed25519.PrivateKey }

// Sign implements dsse.Signer.
func (k dsseKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.key, data), nil
}

// KeyID implements dsse.Signer.
func (k dsseKey) KeyID() (string, error) {
	public, err := publicOf(k.key)
	return KeyID(public), err
}

func publicOf(key ed25519.PrivateKey) (ed25519.PublicKey, error) {
	public, isPublic := key.Public().(ed25519.PublicKey)
	if !isPublic {
		return nil, errors.New("the key is none of Ed25519")
	}
	return public, nil
}
