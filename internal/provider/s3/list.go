package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

const (
	actionList         = "list objects"
	actionListVersions = "list versions"

	deleteMarkerElement = "DeleteMarker"
)

// listedObject is an entry of both kinds of listing. In a listing of versions
// the element's name tells a version from a delete marker.
type listedObject struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	ETag         string
	Size         int64
	LastModified time.Time
}

// listing is what the documents of all listings of a bucket have in common.
// Absent elements stay nil or empty, which tells an answer from another document.
type listing struct {
	Name         string
	Prefix       string
	EncodingType string
	IsTruncated  *bool
}

// ListPage implements provider.Objects with one ListObjectsV2.
func (s *session) ListPage(ctx context.Context, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	return s.listPage(ctx, actionList, bucket, request)
}

func (s *session) listPage(ctx context.Context, action, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	var answer struct {
		XMLName xml.Name `xml:"ListBucketResult"`
		listing
		NextContinuationToken string
		Contents              []listedObject
	}
	query := url.Values{"list-type": {"2"}, "encoding-type": {"url"}, "prefix": {request.Prefix}}
	set(query, "start-after", request.StartAfter)
	set(query, "continuation-token", request.Token)
	limit(query, request.Limit)
	x, err := s.ask(ctx, question{action: action, method: http.MethodGet, bucket: bucket, query: query}, &answer)
	if err != nil {
		return provider.ListPage{}, x.listingFault(err)
	}
	objects, err := answer.objects(bucket, request.Prefix, answer.Contents)
	if err != nil {
		return provider.ListPage{}, x.fail(suspicious, err.Error())
	}
	page := provider.ListPage{Objects: objects}
	if *answer.IsTruncated {
		page.Next = answer.NextContinuationToken
		if page.Next == "" {
			// A store that knows only the first version of listings ends like this.
			return provider.ListPage{}, x.fail(suspicious, "truncated without a continuation token")
		}
	}
	return page, nil
}

// ListVersionsPage implements provider.Objects with one ListObjectVersions.
func (s *session) ListVersionsPage(ctx context.Context, bucket string, request provider.VersionsRequest) (provider.VersionsPage, error) {
	var answer struct {
		XMLName xml.Name `xml:"ListVersionsResult"`
		listing
		NextKeyMarker       string
		NextVersionIDMarker string `xml:"NextVersionIdMarker"`
		// Entries keeps versions and delete markers in their common order.
		Entries []listedObject `xml:",any"`
	}
	query := url.Values{"versions": {""}, "encoding-type": {"url"}, "prefix": {request.Prefix}}
	set(query, "key-marker", request.KeyMarker)
	set(query, "version-id-marker", request.VersionIDMarker)
	limit(query, request.Limit)
	x, err := s.ask(ctx, question{action: actionListVersions, method: http.MethodGet, bucket: bucket, query: query}, &answer)
	if err != nil {
		return provider.VersionsPage{}, x.listingFault(err)
	}
	entries := slices.DeleteFunc(answer.Entries, func(entry listedObject) bool {
		return entry.XMLName.Local != "Version" && entry.XMLName.Local != deleteMarkerElement
	})
	versions, err := answer.objects(bucket, request.Prefix, entries)
	if err != nil {
		return provider.VersionsPage{}, x.fail(suspicious, err.Error())
	}
	page := provider.VersionsPage{Versions: versions, More: *answer.IsTruncated}
	if page.More {
		page.NextVersionIDMarker = answer.NextVersionIDMarker
		page.NextKeyMarker, err = answer.decode(answer.NextKeyMarker)
		if err != nil || page.NextKeyMarker == "" {
			return provider.VersionsPage{}, x.fail(suspicious, "truncated without a next key")
		}
	}
	return page, nil
}

// listingFault makes of a document that is no listing what the contract says: an
// answer that is something else must never look like the end of a listing.
func (x *exchange) listingFault(err error) error {
	if errors.Is(err, errUnreadable) {
		return x.fail(suspicious, fmt.Sprintf("HTTP %d, %v", x.Status, errUnreadable))
	}
	return err
}

// objects checks that the document answers the question and gives its entries
// with decoded keys.
func (l listing) objects(bucket, prefix string, entries []listedObject) ([]provider.Object, error) {
	if l.Name != bucket {
		return nil, fmt.Errorf("the listing is of bucket %q", l.Name)
	}
	if l.IsTruncated == nil {
		return nil, errors.New("the listing does not tell whether it is complete")
	}
	objects := make([]provider.Object, 0, len(entries))
	for _, entry := range entries {
		key, err := l.decode(entry.Key)
		if err != nil {
			return nil, err
		}
		if key == "" || !strings.HasPrefix(key, prefix) {
			return nil, fmt.Errorf("key %q is not under the prefix %q", key, prefix)
		}
		objects = append(objects, entry.object(key))
	}
	return objects, nil
}

// decode undoes the encoding that the answer says it has.
func (l listing) decode(text string) (string, error) {
	if l.EncodingType != "url" {
		return text, nil
	}
	decoded, err := url.QueryUnescape(text)
	if err != nil {
		return "", fmt.Errorf("key %q is not URL-encoded", text)
	}
	return decoded, nil
}

func (o listedObject) object(key string) provider.Object {
	return provider.Object{
		Key:            key,
		VersionID:      o.VersionID,
		ETag:           unquote(o.ETag),
		Size:           o.Size,
		Modified:       o.LastModified,
		IsLatest:       o.IsLatest,
		IsDeleteMarker: o.XMLName.Local == deleteMarkerElement,
	}
}

func unquote(etag string) string { return strings.Trim(etag, `"`) }

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func limit(query url.Values, keys int) {
	if keys > 0 {
		query.Set("max-keys", strconv.Itoa(keys))
	}
}
