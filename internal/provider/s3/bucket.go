package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// Actions that the rules in errors.go name.
const (
	actionObserveBucket = "observe bucket"
	actionCreateBucket  = "create bucket"
	actionUpdateBucket  = "update bucket"
	actionDeleteBucket  = "delete bucket"
)

// ObserveBucket implements provider.Buckets. Existence is told by the bucket's
// versioning, asked for with a GET: a HEAD has no body, and without a body a
// 404 could be anybody's. That is one request for an absent bucket, two for one
// that is marked by tags, three for one that is not.
func (s *session) ObserveBucket(ctx context.Context, name string) (provider.BucketState, error) {
	versioning, err := s.versioning(ctx, actionObserveBucket, name)
	if fault.HasReason(err, fault.BucketMissing) {
		return provider.BucketState{}, nil
	}
	if errors.Is(err, provider.ErrDenied) {
		return provider.BucketState{}, s.whose(ctx, name, err)
	}
	if err != nil {
		return provider.BucketState{}, err
	}
	mark, err := s.readMark(ctx, actionObserveBucket, name)
	if err != nil {
		return provider.BucketState{}, err
	}
	return provider.BucketState{Exists: true, Versioning: versioning, Mark: mark}, nil
}

// whose tells a bucket of another account from one of ours that our key may not
// look at: the former is missing from the list of our buckets.
func (s *session) whose(ctx context.Context, name string, refusal error) error {
	ours, x, err := s.listBuckets(ctx)
	if err != nil || slices.Contains(ours, name) {
		return refusal
	}
	x.action, x.bucket = actionObserveBucket, name
	return x.fail(nameTaken, "it exists and is not among the account's buckets")
}

// versioning reads a bucket's versioning; a store that knows none has it
// disabled, provided that another question shows the bucket to exist.
func (s *session) versioning(ctx context.Context, action, name string) (provider.Versioning, error) {
	var answer struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	q := question{action: action, method: http.MethodGet, bucket: name, query: url.Values{"versioning": {""}}}
	_, err := s.ask(ctx, q, &answer)
	if errors.Is(err, provider.ErrUnsupported) || errors.Is(err, errForeign) {
		_, err := s.listPage(ctx, action, name, provider.ListRequest{Limit: 1})
		return provider.VersioningDisabled, err
	}
	if err != nil {
		return "", err
	}
	if answer.Status == "" {
		return provider.VersioningDisabled, nil
	}
	return provider.Versioning(answer.Status), nil
}

// CreateBucket implements provider.Buckets. It sends no LocationConstraint, for
// versitygw refuses us-east-1 and Ceph RGW everything but "default"; a store
// that answers that it needs one, as AWS does outside us-east-1, is asked again
// with the region.
func (s *session) CreateBucket(ctx context.Context, want provider.Bucket) error {
	x, err := s.create(ctx, want, "")
	if err != nil && slices.Contains(constraintWanted, x.code()) {
		x, err = s.create(ctx, want, s.place.Region)
	}
	if x.code() == "BucketAlreadyOwnedByYou" {
		return nil
	}
	return err
}

var constraintWanted = []string{"IllegalLocationConstraintException", "InvalidLocationConstraint", "InvalidRegion"}

func (s *session) create(ctx context.Context, want provider.Bucket, constraint string) (*exchange, error) {
	q := question{action: actionCreateBucket, method: http.MethodPut, bucket: want.Name}
	if want.ObjectLock {
		q.header = http.Header{lockHeader: {"true"}}
	}
	if constraint != "" {
		q.send = struct {
			XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CreateBucketConfiguration"`
			LocationConstraint string
		}{LocationConstraint: constraint}
	}
	return s.ask(ctx, q, nil)
}

// UpdateBucket implements provider.Buckets. It reads before it writes, and
// writes what differs: two requests when nothing does, and one more each for
// object lock and encryption. A zero Mark is left alone, as is Versioning when
// empty.
func (s *session) UpdateBucket(ctx context.Context, want provider.Bucket) error {
	if want.Versioning != "" {
		if err := s.ensureVersioning(ctx, want); err != nil {
			return err
		}
	}
	if want.Mark != (provider.Mark{}) {
		if err := s.ensureMark(ctx, want); err != nil {
			return err
		}
	}
	return s.ensureProtection(ctx, want)
}

func (s *session) ensureVersioning(ctx context.Context, want provider.Bucket) error {
	versioning, err := s.versioning(ctx, actionUpdateBucket, want.Name)
	if err != nil || versioning == want.Versioning {
		return err
	}
	ctx, x := s.begin(ctx, actionUpdateBucket, want.Name, "")
	if want.Versioning != provider.VersioningEnabled {
		return x.fail(misconfigured, fmt.Sprintf("versioning can be wanted %s, not %s", provider.VersioningEnabled, want.Versioning))
	}
	return x.fault(ctx, s.core.EnableVersioning(ctx, want.Name))
}

// DeleteBucket implements provider.Buckets. A bucket that holds nothing but the
// mark that this driver put there is empty; the mark goes first, and comes back
// should the bucket have got an object meanwhile.
func (s *session) DeleteBucket(ctx context.Context, name string) error {
	refusal := s.remove(ctx, name)
	if !errors.Is(refusal, provider.ErrNotEmpty) {
		return refusal
	}
	versions, err := s.onlyMarkers(ctx, name)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return refusal
	}
	mark, err := s.readMarker(ctx, actionDeleteBucket, name)
	if err != nil {
		return err
	}
	for _, version := range versions {
		if err := s.Remove(ctx, provider.Ref{Bucket: name, Key: version.Key, VersionID: version.VersionID}); err != nil {
			return err
		}
	}
	err = s.remove(ctx, name)
	if errors.Is(err, provider.ErrNotEmpty) && mark != nil {
		return errors.Join(err, s.writeMarker(ctx, actionDeleteBucket, name, *mark))
	}
	return err
}

// remove deletes the bucket itself; an absent one is no error. Never give this
// request a query: a store that does not know a subresource carries out the
// bare verb, and the bucket is gone.
func (s *session) remove(ctx context.Context, name string) error {
	ctx, x := s.begin(ctx, actionDeleteBucket, name, "")
	err := x.fault(ctx, s.core.RemoveBucket(ctx, name))
	if fault.HasReason(err, fault.BucketMissing) {
		return nil
	}
	return err
}
