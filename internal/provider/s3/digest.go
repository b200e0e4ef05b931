package s3

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/rempart/rempart/internal/provider"
)

const digestHeader = "Content-Md5"

// withDigest sends content, with its MD5 where the bucket wants that. AWS does once
// a bucket has a default retention, as its reference of PutObject says; MinIO and
// versitygw do not. A bucket is asked once whether it does, since the digest takes
// reading the content twice.
func (s *session) withDigest(bucket string, content provider.Content, send func(sum string) (*exchange, error)) error {
	var sum string
	if _, wants := s.demanding.Load(bucket); wants {
		var err error
		if sum, err = md5Of(content); err != nil {
			return err
		}
	}
	x, refusal := send(sum)
	if sum != "" || refusal == nil || !x.wantsDigest() {
		return refusal
	}
	sum, err := md5Of(content)
	if err != nil {
		return err
	}
	if _, err := send(sum); err != nil {
		return err
	}
	s.demanding.Store(bucket, true)
	return nil
}

// wantsDigest tells whether content was refused because it came without its MD5.
func (x *exchange) wantsDigest() bool {
	return x.code() == "InvalidRequest" && strings.Contains(strings.ToLower(x.problem.Message), "content-md5")
}

func md5Of(content provider.Content) (string, error) {
	sum := md5.New()
	if content.Size > 0 {
		if _, err := content.Reader.Seek(0, io.SeekStart); err != nil {
			return "", fmt.Errorf("rewind content: %w", err)
		}
		if _, err := io.CopyN(sum, content.Reader, content.Size); err != nil {
			return "", fmt.Errorf("read content: %w", err)
		}
	}
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}
