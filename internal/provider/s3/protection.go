package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rempart/rempart/internal/provider"
)

const (
	lockHeader        = "X-Amz-Bucket-Object-Lock-Enabled"
	lockedUntilHeader = "X-Amz-Object-Lock-Retain-Until-Date"
	encryptionHeader  = "X-Amz-Server-Side-Encryption"

	lockQuery       = "object-lock"
	encryptionQuery = "encryption"

	// ownKeys is the algorithm of a store that encrypts with keys of its own.
	ownKeys = "AES256"
	enabled = "Enabled"

	daysOfYear = 365
)

// lockDocument is a bucket's object lock. Without a rule nothing is retained,
// and so a retention is removed with a PUT.
type lockDocument struct {
	XMLName xml.Name  `xml:"ObjectLockConfiguration"`
	Enabled string    `xml:"ObjectLockEnabled"`
	Rule    *lockRule `xml:"Rule"`
}

type lockRule struct {
	Mode  string `xml:"DefaultRetention>Mode"`
	Days  int    `xml:"DefaultRetention>Days,omitempty"`
	Years int    `xml:"DefaultRetention>Years,omitempty"`
}

// encryptionDocument is a bucket's default encryption.
type encryptionDocument struct {
	XMLName xml.Name         `xml:"ServerSideEncryptionConfiguration"`
	Rules   []encryptionRule `xml:"Rule"`
}

type encryptionRule struct {
	Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
}

// ObserveProtection implements provider.Buckets with two requests.
func (s *session) ObserveProtection(ctx context.Context, name string) (provider.Protection, error) {
	protection, err := s.lock(ctx, actionObserveBucket, name)
	if err != nil {
		return provider.Protection{}, err
	}
	protection.Encryption, err = s.encryption(ctx, actionObserveBucket, name)
	if err != nil {
		return provider.Protection{}, err
	}
	return protection, nil
}

// lock reads a bucket's object lock; a store that knows none has none.
func (s *session) lock(ctx context.Context, action, name string) (provider.Protection, error) {
	var answer lockDocument
	if there, err := s.setting(ctx, action, name, lockQuery, &answer); err != nil || !there {
		return provider.Protection{}, err
	}
	lock := provider.Protection{ObjectLock: answer.Enabled == enabled}
	if rule := answer.Rule; rule != nil {
		lock.Retention = provider.Retention{Mode: provider.LockMode(rule.Mode), Days: rule.Days + daysOfYear*rule.Years}
	}
	return lock, nil
}

// encryption reads a bucket's default encryption; a store that knows none has
// none.
func (s *session) encryption(ctx context.Context, action, name string) (provider.Encryption, error) {
	var answer encryptionDocument
	there, err := s.setting(ctx, action, name, encryptionQuery, &answer)
	if err != nil || !there {
		return "", err
	}
	for _, rule := range answer.Rules {
		if rule.Algorithm != "" {
			return provider.ProviderManaged, nil
		}
	}
	return "", nil
}

// setting reads a subresource of a bucket; false means that there is none.
func (s *session) setting(ctx context.Context, action, name, subresource string, document any) (bool, error) {
	q := question{action: action, method: http.MethodGet, bucket: name, query: url.Values{subresource: {""}}}
	_, err := s.ask(ctx, q, document)
	if errors.Is(err, provider.ErrUnsupported) || errors.Is(err, errForeign) {
		return false, nil
	}
	return err == nil, err
}

// ensureProtection brings object lock and encryption to what is wanted, each also
// where the other one fails.
func (s *session) ensureProtection(ctx context.Context, want provider.Bucket) error {
	var failures []error
	if want.ObjectLock {
		failures = append(failures, s.ensureRetention(ctx, want))
	}
	if want.Encryption != "" {
		failures = append(failures, s.ensureEncryption(ctx, want))
	}
	return errors.Join(failures...)
}

// ensureRetention brings the default retention to what is wanted. Where it is
// refused there is mostly no object lock, which is given with the bucket's making.
func (s *session) ensureRetention(ctx context.Context, want provider.Bucket) error {
	is, err := s.lock(ctx, actionUpdateBucket, want.Name)
	if err != nil || is.ObjectLock && is.Retention == want.Retention {
		return err
	}
	document := lockDocument{Enabled: enabled}
	if r := want.Retention; !r.IsZero() {
		document.Rule = &lockRule{Mode: string(r.Mode), Days: r.Days}
	}
	x, err := s.putSetting(ctx, want.Name, lockQuery, document)
	if err != nil {
		return err
	}
	is, err = s.lock(ctx, actionUpdateBucket, want.Name)
	if err != nil || is.ObjectLock && is.Retention == want.Retention {
		return err
	}
	return x.fail(notKept, fmt.Sprintf("the default retention is %s, not %s", is.Retention, want.Retention))
}

func (s *session) ensureEncryption(ctx context.Context, want provider.Bucket) error {
	is, err := s.encryption(ctx, actionUpdateBucket, want.Name)
	if err != nil || is == want.Encryption {
		return err
	}
	x, err := s.putSetting(ctx, want.Name, encryptionQuery, encryptionDocument{Rules: []encryptionRule{{Algorithm: ownKeys}}})
	if err != nil {
		return err
	}
	is, err = s.encryption(ctx, actionUpdateBucket, want.Name)
	if err != nil || is == want.Encryption {
		return err
	}
	return x.fail(notKept, "the default encryption is none")
}

func (s *session) putSetting(ctx context.Context, name, subresource string, document any) (*exchange, error) {
	return s.ask(ctx, question{
		action: actionUpdateBucket, method: http.MethodPut, bucket: name, query: url.Values{subresource: {""}}, send: document,
	}, nil)
}
