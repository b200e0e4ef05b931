package notification

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// one is a document with one record, as every store writes at least.
func one(bucket, key string) string {
	encoded, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{"s3": map[string]any{
		"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key},
	}}}})
	return string(encoded)
}

func TestParseReadsWhatStoresSend(t *testing.T) {
	tests := map[string]struct {
		body string
		want []Named
	}{
		"AWS": {
			`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-3","eventTime":"2026-11-24T10:00:00.000Z","eventName":"ObjectCreated:Put",
			"userIdentity":{"principalId":"AIDAJDPLRKLG7UEXAMPLE"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810"},
			"s3":{"s3SchemaVersion":"1.0","configurationId":"all","bucket":{"name":"actes","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::actes"},
			"object":{"key":"registres/1901+n%C2%B0+7.pdf","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}]}`,
			[]Named{{"actes", []string{"registres/1901 n° 7.pdf", "registres/1901+n°+7.pdf", "registres/1901+n%C2%B0+7.pdf"}}},
		},
		"Ceph, with two records": {
			`{"Records":[{"eventVersion":"2.2","eventSource":"ceph:s3","awsRegion":"default","eventTime":"2026-11-24T10:00:00.123456Z","eventName":"ObjectCreated:Put",
			"userIdentity":{"principalId":"rempart"},"requestParameters":{"sourceIPAddress":""},"responseElements":{"x-amz-request-id":"503a4c37","x-amz-id-2":"14d2-zone1-zonegroup1"},
			"s3":{"s3SchemaVersion":"1.0","configurationId":"notif","bucket":{"name":"actes","ownerIdentity":{"principalId":"rempart"},"arn":"arn:aws:s3:default::actes","id":"503a4c37"},
			"object":{"key":"a b","size":1024,"eTag":"x","versionId":"","sequencer":"F7E6D75DC742D108","metadata":[],"tags":[]}},"eventId":"","opaqueData":""},
			{"eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"actes"},"object":{"key":"c"}}}]}`,
			[]Named{{"actes", []string{"a b"}}, {"actes", []string{"c"}}},
		},
		"MinIO": {
			`{"EventName":"s3:ObjectCreated:Put","Key":"actes/a/b","Records":[{"eventVersion":"2.0","eventSource":"minio:s3","eventName":"s3:ObjectCreated:Put",
			"s3":{"bucket":{"name":"actes"},"object":{"key":"a%2Fb","userMetadata":{"content-type":"text/plain"}}},"source":{"host":"10.0.0.1"}}]}`,
			[]Named{{"actes", []string{"a/b", "a%2Fb"}}},
		},
		"Versity, which encodes nothing": {
			`{"Records":[{"eventVersion":"2.2","eventSource":"aws:s3","eventName":"s3:ObjectCreated:Put","s3":{"configurationId":"webhook-global",
			"bucket":{"name":"actes"},"object":{"key":"100%/a+b","size":3,"eTag":null,"versionId":null,"sequencer":"1"}}}]}`,
			[]Named{{"actes", []string{"100%/a+b"}}},
		},
		"one that tries the receiver":  {`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-24T10:00:00.000Z","Bucket":"actes"}`, nil},
		"nothing":                      {``, nil},
		"an empty document":            {`{}`, nil},
		"records that are null":        {`{"Records":null}`, nil},
		"a record that is null":        {`{"Records":[null]}`, nil},
		"a record without a key":       {`{"Records":[{"s3":{"bucket":{"name":"actes"}}}]}`, nil},
		"a record without a bucket":    {one("", "a"), nil},
		"a key that is too long":       {one("actes", strings.Repeat("k", 1025)), nil},
		"a bucket name that is longer": {one(strings.Repeat("b", 256), "a"), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	for _, body := range []string{"hello", "[]", `"Records"`, `{"Records":{}}`, `{"Records":[{"s3":{"bucket":{"name":1}}}]}`, `{"Records":[`} {
		if got, err := Parse([]byte(body)); err == nil {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

// FuzzParse holds what whoever relies on Parse may: no document makes a name that S3
// cannot have, and however a store encodes a key, the key is among what is asked for.
func FuzzParse(f *testing.F) {
	f.Add([]byte(one("actes", "a+b%20c")), "registres/n° 7+8 100%")
	f.Add([]byte(`{"Records":[{"s3":{"bucket":{"name":"a"},"object":{"key":"%zz"}}}]}`), "%zz")
	f.Add([]byte(`{"records":[{"S3":{"Bucket":{"Name":"a"},"Object":{"Key":"\ud800"}}}]}`), "a//b/../c/")
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		if named, err := Parse(body); err == nil {
			for _, n := range named {
				if n.Bucket == "" || len(n.Bucket) > longestBucket || len(n.Keys) == 0 || len(n.Keys) > 3 {
					t.Errorf("named %+v", n)
				}
				for _, k := range n.Keys {
					if k == "" || len(k) > longestKey || !utf8.ValidString(k) {
						t.Errorf("the key %q cannot be", k)
					}
				}
			}
		}
		if key == "" || !utf8.ValidString(key) || len(key) > longestKey/3 {
			return
		}
		for _, sent := range []string{key, url.QueryEscape(key), url.PathEscape(key)} {
			named, err := Parse([]byte(one("actes", sent)))
			if err != nil || len(named) != 1 || !slices.Contains(named[0].Keys, key) {
				t.Errorf("%q was sent as %q, and taken for %+v, %v", key, sent, named, err)
			}
		}
	})
}
