package s3api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Level is what a path names.
type Level int

// Levels. Paths of WholePath are matched as a whole, by the server itself.
const (
	Service Level = iota
	Bucket
	Object
	WholePath
)

// LevelOf gives the level of a request for a bucket, a key in it, or neither.
func LevelOf(bucket, key string) Level {
	switch {
	case key != "":
		return Object
	case bucket != "":
		return Bucket
	}
	return Service
}

// Operation is one line of the S3 API. C is a server's call, which carries it out.
type Operation[C any] struct {
	Name   string
	Method string
	Level  Level
	// Sub are the query parameters that select the operation.
	Sub []string
	// Header, when set, must be present as well.
	Header string
	// Params are further query parameters it takes.
	Params []string
	// Action is the permission it needs on its bucket or object; operations
	// without one check for themselves.
	Action string
	// Feature is the part of S3 that it belongs to, where a vendor may lack that.
	Feature string
	Handle  func(C) error
}

// CopySource is the header that makes a PUT a copy.
const CopySource = "X-Amz-Copy-Source"

// Query parameters that operations take.
var (
	listParams        = []string{"prefix", "delimiter", "encoding-type", "max-keys"}
	UploadParams      = []string{"partNumber", "uploadId"}
	VersionParam      = []string{"versionId"}
	GetParams         = []string{"versionId", "partNumber", "response-content-type", "response-content-language", "response-expires", "response-cache-control", "response-content-disposition", "response-content-encoding"}
	ListV1Params      = append([]string{"marker"}, listParams...)
	ListV2Params      = append([]string{"continuation-token", "start-after", "fetch-owner"}, listParams...)
	ListVersionParams = append([]string{"key-marker", "version-id-marker"}, listParams...)
	ListUploadParams  = []string{"prefix", "delimiter", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"}
	ListPartParams    = []string{"max-parts", "part-number-marker", "encoding-type"}
)

// ignoredParams change nothing: markers of SDKs and MinIO's extensions, which
// every other store ignores.
var ignoredParams = []string{"x-id", "metadata", "unsorted", "withUpdatedAt"}

// Select gives the operation with the most parameters and headers in common with a
// request, nil where there is none, and in order the query parameters that it does
// not take.
func Select[C any](operations []Operation[C], r *http.Request, level Level, query url.Values) (best *Operation[C], unknown []string) {
	score := -1
	for i := range operations {
		if fit := operations[i].fit(r, level, query); fit > score {
			best, score = &operations[i], fit
		}
	}
	for name := range query {
		if !best.takes(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return best, unknown
}

// fit is -1 when the request is not the operation, else greater the closer it is.
func (o *Operation[C]) fit(r *http.Request, level Level, query url.Values) int {
	if o.Method != r.Method || o.Level != level {
		return -1
	}
	if slices.ContainsFunc(o.Sub, func(name string) bool { return !query.Has(name) }) {
		return -1
	}
	if o.Header == "" {
		return 2 * len(o.Sub)
	}
	if r.Header.Get(o.Header) == "" {
		return -1
	}
	return 2*len(o.Sub) + 1
}

// takes tells whether a query parameter may come with the operation; nil takes what
// all do.
func (o *Operation[C]) takes(param string) bool {
	if slices.Contains(ignoredParams, param) || strings.HasPrefix(strings.ToLower(param), "x-amz-") {
		return true
	}
	return o != nil && (slices.Contains(o.Sub, param) || slices.Contains(o.Params, param))
}
