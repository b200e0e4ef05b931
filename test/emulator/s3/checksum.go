package s3

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"slices"
	"strings"

	"github.com/rempart/rempart/test/emulator/s3error"
)

const checksumPrefix = "X-Amz-Checksum-"

// checksumAlgorithms are those that are verified, by the end of their header's
// name.
var checksumAlgorithms = map[string]func() hash.Hash{
	"crc32":  func() hash.Hash { return crc32.NewIEEE() },
	"crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	// The reflected NVMe polynomial; the package knows only ISO and ECMA.
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

// checksumSettings are headers of the same prefix that carry no digest.
var checksumSettings = []string{"algorithm", "mode", "type"}

// describesWhole tells that checksum headers are about the finished object and
// not about this request's body.
func (c *call) describesWhole() bool {
	return c.op.Name == "CompleteMultipartUpload" || c.op.Name == "CreateMultipartUpload"
}

// sentChecksums returns the digests of the header by algorithm.
func sentChecksums(h http.Header) map[string]string {
	sums := map[string]string{}
	for name := range h {
		algorithm, ok := strings.CutPrefix(name, checksumPrefix)
		algorithm = strings.ToLower(algorithm)
		if ok && !slices.Contains(checksumSettings, algorithm) {
			sums[algorithm] = h.Get(name)
		}
	}
	return sums
}

// checkChecksums verifies the sent digests against content.
func (c *call) checkChecksums(content []byte) error {
	if c.options.IgnoreChecksums {
		return nil
	}
	for algorithm, sent := range sentChecksums(c.r.Header) {
		if err := checkDigest(algorithm, sent, content); err != nil {
			return err
		}
	}
	return nil
}

func checkDigest(algorithm, sent string, content []byte) error {
	newHash, ok := checksumAlgorithms[algorithm]
	if !ok {
		return s3error.BadRequest("InvalidRequest", "The checksum algorithm %q is not supported.", algorithm)
	}
	h := newHash()
	want, err := base64.StdEncoding.DecodeString(sent)
	if err != nil || len(want) != h.Size() {
		return s3error.BadRequest("InvalidRequest", "Value for x-amz-checksum-%s header is invalid.", algorithm)
	}
	h.Write(content)
	if !bytes.Equal(want, h.Sum(nil)) {
		return s3error.BadRequest("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(algorithm))
	}
	return nil
}

// verifiedChecksums returns the digests to keep with an object.
func (c *call) verifiedChecksums() map[string]string {
	sums := sentChecksums(c.r.Header)
	if c.options.IgnoreChecksums || len(sums) == 0 {
		return nil
	}
	return sums
}
