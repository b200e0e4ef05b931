// Package notification takes what stores tell of changed objects: it receives
// notifications, and keeps for each copy the keys that they name until somebody asks.
//
// A notification is a hint. Anybody may have sent it, it may be old, come twice or not
// at all; whoever takes a key from here asks the source about it. What is kept is in
// memory and bounded: what there is no room for is said to be lost, and the next pass
// over the whole bucket makes up for it.
//
// Start reading at Receiver.ServeHTTP; Queue is where it puts what it learns, Directory
// where it looks up whom that concerns.
package notification

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"
)

// Named is an object that a notification names.
type Named struct {
	Bucket string
	// Keys are what the key may be: some stores encode it, and some do not. At most
	// one of them is meant.
	Keys []string
}

// Longest names that S3 knows.
const (
	longestBucket = 255 // of old buckets of AWS; others have 63
	longestKey    = 1024
)

// Parse reads what stores send: the document of S3 event notifications, as AWS, Ceph,
// MinIO and Versity write it. A document without records, such as the one that tries the
// receiver, names nothing. Records that make no sense are left out.
func Parse(body []byte) ([]Named, error) {
	if len(body) == 0 {
		return nil, nil
	}
	var document struct {
		Records []struct {
			S3 struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key string `json:"key"`
				} `json:"object"`
			} `json:"s3"`
		}
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, fmt.Errorf("read a notification: %w", err)
	}
	var named []Named
	for _, record := range document.Records {
		bucket, keys := record.S3.Bucket.Name, candidates(record.S3.Object.Key)
		if bucket == "" || len(bucket) > longestBucket || len(keys) == 0 {
			continue
		}
		named = append(named, Named{Bucket: bucket, Keys: keys})
	}
	return named, nil
}

// candidates gives what a key may stand for: AWS and MinIO encode it like a form value,
// Ceph like a path or not at all, depending on its version, Versity not at all.
func candidates(sent string) []string {
	var keys []string
	add := func(key string, err error) {
		if err == nil && key != "" && len(key) <= longestKey && utf8.ValidString(key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	add(url.QueryUnescape(sent))
	add(url.PathUnescape(sent))
	add(sent, nil)
	return keys
}
