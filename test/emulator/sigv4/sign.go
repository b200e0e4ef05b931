package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Credentials are what a request is signed with.
type Credentials struct{ AccessKey, SecretKey, Region string }

// Sign signs a request that is about to be sent, all its headers, path and query
// as they stand; the header of the content hash must be set. An earlier signature
// in the headers is replaced. It returns what signs the chunks of a streamed body.
func Sign(r *http.Request, c Credentials, now time.Time) *ChunkSigner {
	now = now.UTC()
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", now.Format(amzDateFormat))
	sig := &Signature{
		AccessKey: c.AccessKey, Region: c.Region,
		day: now.Format("20060102"), date: now, payload: r.Header.Get(ContentHashHeader),
		headers: []string{"host"},
	}
	sig.scope = strings.Join([]string{sig.day, c.Region, "s3", "aws4_request"}, "/")
	for name := range r.Header {
		sig.headers = append(sig.headers, strings.ToLower(name))
	}
	slices.Sort(sig.headers)
	key := signingKey(c.SecretKey, sig)
	value := hexMAC(key, sig.stringToSign(r))
	r.Header.Set("Authorization", signAlgorithm+" Credential="+c.AccessKey+"/"+sig.scope+
		", SignedHeaders="+strings.Join(sig.headers, ";")+", Signature="+value)
	return &ChunkSigner{key: key, date: now.Format(amzDateFormat), scope: sig.scope, previous: value}
}
