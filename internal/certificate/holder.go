package certificate

import (
	"crypto/tls"
	"errors"
	"sync/atomic"
)

// Holder holds what is served at present. The zero value holds nothing yet. It may be
// used by several goroutines.
type Holder struct {
	pair atomic.Pointer[tls.Certificate]
}

// Set has it serve another certificate from the next handshake on.
func (h *Holder) Set(pair *tls.Certificate) { h.pair.Store(pair) }

// GetCertificate is for tls.Config. It fails as long as there is none.
func (h *Holder) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if pair := h.pair.Load(); pair != nil {
		return pair, nil
	}
	return nil, errors.New("there is no serving certificate yet")
}
