package s3api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/s3api"
)

var operations = []s3api.Operation[int]{
	{Name: "ListBuckets", Method: http.MethodGet, Level: s3api.Service},
	{Name: "ListObjects", Method: http.MethodGet, Level: s3api.Bucket, Params: s3api.ListV1Params},
	{Name: "ListObjectsV2", Method: http.MethodGet, Level: s3api.Bucket, Sub: []string{"list-type"}, Params: s3api.ListV2Params},
	{Name: "PutObject", Method: http.MethodPut, Level: s3api.Object},
	{Name: "CopyObject", Method: http.MethodPut, Level: s3api.Object, Header: s3api.CopySource},
	{Name: "UploadPart", Method: http.MethodPut, Level: s3api.Object, Sub: s3api.UploadParams},
	{Name: "AdminCall", Method: http.MethodGet, Level: s3api.WholePath},
}

func TestRequestIsTheOperationThatFitsBest(t *testing.T) {
	for name, test := range map[string]struct {
		method, bucket, key, query, header string
		want                               string
		unknown                            []string
	}{
		"the service":                         {method: "GET", want: "ListBuckets"},
		"a bucket":                            {method: "GET", bucket: "b", query: "prefix=a", want: "ListObjects"},
		"a bucket, by a parameter":            {method: "GET", bucket: "b", query: "list-type=2&start-after=a", want: "ListObjectsV2"},
		"an object":                           {method: "PUT", bucket: "b", key: "k", want: "PutObject"},
		"an object, by a header":              {method: "PUT", bucket: "b", key: "k", header: s3api.CopySource, want: "CopyObject"},
		"an object, by two parameters":        {method: "PUT", bucket: "b", key: "k", query: "partNumber=1&uploadId=u", want: "UploadPart"},
		"an object, by one of two parameters": {method: "PUT", bucket: "b", key: "k", query: "uploadId=u", want: "PutObject", unknown: []string{"uploadId"}},
		"what every operation takes":          {method: "PUT", bucket: "b", key: "k", query: "x-id=PutObject&X-Amz-Date=d", want: "PutObject"},
		"what it does not take, in order":     {method: "GET", bucket: "b", query: "z&a&prefix", want: "ListObjects", unknown: []string{"a", "z"}},
		"none of the operations":              {method: "DELETE", bucket: "b"},
		"none of the operations, and more":    {method: "DELETE", bucket: "b", query: "acl", unknown: []string{"acl"}},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/?"+test.query, nil)
		if test.header != "" {
			r.Header.Set(test.header, "x")
		}
		best, unknown := s3api.Select(operations, r, s3api.LevelOf(test.bucket, test.key), r.URL.Query())
		got := ""
		if best != nil {
			got = best.Name
		}
		if diff := cmp.Diff(test.unknown, unknown); got != test.want || diff != "" {
			t.Errorf("%s: got %q, want %q; unknown (-want +got):\n%s", name, got, test.want, diff)
		}
	}
}
