package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// S3Role is what a user of a versitygw may do.
type S3Role string

// The roles that versitygw knows.
const (
	S3RoleUser     S3Role = "user"     // what owners and bucket policies allow
	S3RoleUserPlus S3Role = "userplus" // that, and making buckets
	S3RoleAdmin    S3Role = "admin"    // everything, and managing users
)

// CreateUser adds a user, who can be used at once. A name that is taken is an
// error.
func (s *S3Server) CreateUser(ctx context.Context, accessKey, secretKey string, role S3Role) error {
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"Account"`
		Access  string
		Secret  string
		Role    S3Role
	}{Access: accessKey, Secret: secretKey, Role: role})
	if err != nil {
		return fmt.Errorf("create user %q: %w", accessKey, err)
	}
	if err := s.administer(ctx, "/create-user", body); err != nil {
		return fmt.Errorf("create user %q: %w", accessKey, err)
	}
	return nil
}

// DeleteUser removes a user, whose keys are refused from then on.
func (s *S3Server) DeleteUser(ctx context.Context, accessKey string) error {
	if err := s.administer(ctx, "/delete-user?access="+url.QueryEscape(accessKey), nil); err != nil {
		return fmt.Errorf("delete user %q: %w", accessKey, err)
	}
	return nil
}

// GiveBucket makes a user the owner of a bucket.
func (s *S3Server) GiveBucket(ctx context.Context, bucket, accessKey string) error {
	query := url.Values{"bucket": {bucket}, "owner": {accessKey}}
	if err := s.administer(ctx, "/change-bucket-owner?"+query.Encode(), nil); err != nil {
		return fmt.Errorf("give bucket %q to %q: %w", bucket, accessKey, err)
	}
	return nil
}

// administer calls versitygw's admin API, which is on the S3 port and signed
// like S3.
func (s *S3Server) administer(ctx context.Context, target string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.Endpoint+target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	req.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(digest[:]))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(signer.SignV4(*req, s.AccessKey, s.SecretKey, "", s.Region))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1024)) // explains the refusal; it may be empty
		return fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return nil
}
