package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// markerLimit bounds what is read of the marker object.
const markerLimit = 4 << 10

// marker is the content of the object provider.MarkKey.
type marker struct {
	Owner     string `json:"owner"`
	Signature string `json:"signature"`
}

// tagSet is the document of bucket tags and of object tags. minio-go's own
// refuses to read or write a letter with an accent, which S3 allows.
type tagSet struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct{ Key, Value string }

func (t tagSet) get(key string) (string, bool) {
	i := slices.IndexFunc(t.Tags, func(t tag) bool { return t.Key == key })
	if i < 0 {
		return "", false
	}
	return t.Tags[i].Value, true
}

// set gives the tags with one of them set; the others keep their order.
func (t tagSet) set(key, value string) tagSet {
	kept := slices.DeleteFunc(slices.Clone(t.Tags), func(t tag) bool { return t.Key == key })
	return tagSet{Tags: append(kept, tag{key, value})}
}

func (t tagSet) mark() *provider.Mark {
	owner, marked := t.get(provider.MarkOwnerTag)
	if !marked {
		return nil
	}
	signature, _ := t.get(provider.MarkSignatureTag)
	return &provider.Mark{Owner: owner, Signature: signature}
}

// bucketTags reads a bucket's tags; false means that the store has none to
// read. Ceph RGW and others answer a subresource that they do not know with a
// listing: that is no tag document, and so not supported.
func (s *session) bucketTags(ctx context.Context, action, name string) (tagSet, bool, error) {
	var tags tagSet
	q := question{action: action, method: http.MethodGet, bucket: name, query: url.Values{"tagging": {""}}}
	x, err := s.ask(ctx, q, &tags)
	switch {
	case err == nil:
		return tags, true, nil
	case x.code() == "NoSuchTagSet":
		return tagSet{}, true, nil
	case errors.Is(err, provider.ErrUnsupported), errors.Is(err, errForeign):
		return tagSet{}, false, nil
	}
	return tagSet{}, false, err
}

// readMark looks into the tags, then for the marker object, which may date from
// a time when the store had no tags.
func (s *session) readMark(ctx context.Context, action, name string) (*provider.Mark, error) {
	tags, _, err := s.bucketTags(ctx, action, name)
	if err != nil {
		return nil, err
	}
	if mark := tags.mark(); mark != nil {
		return mark, nil
	}
	return s.readMarker(ctx, action, name)
}

// readMarker reads the marker object. One that cannot be understood is a mark
// that nobody signed: the bucket is somebody's.
func (s *session) readMarker(ctx context.Context, action, name string) (*provider.Mark, error) {
	body, _, err := s.get(ctx, action, provider.Ref{Bucket: name, Key: provider.MarkKey}, provider.GetOptions{})
	if errors.Is(err, provider.ErrNotFound) && !fault.HasReason(err, fault.BucketMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, markerLimit))
	if err != nil {
		return nil, err
	}
	var m marker
	if json.Unmarshal(content, &m) != nil {
		return &provider.Mark{}, nil
	}
	return &provider.Mark{Owner: m.Owner, Signature: m.Signature}, nil
}

// ensureMark writes the mark where it differs: into the tags, keeping foreign
// ones, or into the marker object of a store without tags.
func (s *session) ensureMark(ctx context.Context, want provider.Bucket) error {
	tags, supported, err := s.bucketTags(ctx, actionUpdateBucket, want.Name)
	if err != nil {
		return err
	}
	if mark := tags.mark(); mark != nil && *mark == want.Mark {
		return nil
	}
	if supported {
		err := s.writeTags(ctx, want.Name, tags.
			set(provider.MarkOwnerTag, want.Mark.Owner).
			set(provider.MarkSignatureTag, want.Mark.Signature))
		if !errors.Is(err, provider.ErrUnsupported) {
			return err
		}
	}
	mark, err := s.readMarker(ctx, actionUpdateBucket, want.Name)
	if err != nil || (mark != nil && *mark == want.Mark) {
		return err
	}
	return s.writeMarker(ctx, actionUpdateBucket, want.Name, want.Mark)
}

func (s *session) writeTags(ctx context.Context, name string, tags tagSet) error {
	q := question{action: actionUpdateBucket, method: http.MethodPut, bucket: name, query: url.Values{"tagging": {""}}, send: tags}
	_, err := s.ask(ctx, q, nil)
	return err
}

func (s *session) writeMarker(ctx context.Context, action, name string, mark provider.Mark) error {
	content, err := json.Marshal(marker(mark))
	if err != nil {
		return fmt.Errorf("encode mark of bucket %q: %w", name, err)
	}
	digest := sha256.Sum256(content)
	_, err = s.put(ctx, action, provider.Ref{Bucket: name, Key: provider.MarkKey}, provider.Content{
		Reader: bytes.NewReader(content),
		Size:   int64(len(content)),
		SHA256: hex.EncodeToString(digest[:]),
	}, provider.Attributes{ContentType: "application/json"})
	return err
}

// onlyMarkers gives the versions of the marker object when the bucket holds
// nothing else, or none.
func (s *session) onlyMarkers(ctx context.Context, name string) ([]provider.Object, error) {
	page, err := s.ListVersionsPage(ctx, name, provider.VersionsRequest{})
	objects, more := page.Versions, page.More
	if errors.Is(err, provider.ErrUnsupported) {
		var current provider.ListPage
		current, err = s.ListPage(ctx, name, provider.ListRequest{})
		objects, more = current.Objects, current.Next != ""
	}
	if err != nil {
		return nil, err
	}
	foreign := func(o provider.Object) bool { return o.Key != provider.MarkKey }
	if more || slices.ContainsFunc(objects, foreign) {
		return nil, nil
	}
	return objects, nil
}
