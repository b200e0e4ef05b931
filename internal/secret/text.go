// Package secret holds values that must never be printed.
//
// Start reading at Text.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

const redacted = "**redacted**"

// Text is a secret string. Formatting, logging and encoding it give
// "**redacted**"; only Reveal gives the value.
type Text struct{ value string }

// New wraps a secret value.
func New(value string) Text { return Text{value: value} }

// Reveal gives the value itself, for the one place that signs or sends it.
func (t Text) Reveal() string { return t.value }

// IsEmpty tells whether there is no value.
func (t Text) IsEmpty() bool { return t.value == "" }

// String implements fmt.Stringer.
func (Text) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (Text) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb reaches the field.
func (Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText implements encoding.TextMarshaler, which JSON and YAML use.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Fingerprint gives 16 hex digits that tell two sets of secret values apart
// without telling anything about them to a reader who has no key. The order of
// the values counts.
func Fingerprint(key []byte, values ...Text) string {
	mac := hmac.New(sha256.New, key)
	for _, value := range values {
		fmt.Fprintf(mac, "%d:", len(value.value))
		_, _ = io.WriteString(mac, value.value)
	}
	return hex.EncodeToString(mac.Sum(nil))[:16]
}
