package ovh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// what names a bucket in messages.
func (s *session) what(bucket string) string { return fmt.Sprintf("bucket %q at %s", bucket, s.place) }

// ofBucket gives a question about a bucket of the place.
func (s *session) ofBucket(operation operation, method, bucket string) question {
	return question{
		operation: operation, subject: s.what(bucket), method: method,
		path: s.project.path("region", s.place.Location, "storage", bucket),
	}
}

// ListBuckets implements provider.Buckets with one request to the control plane:
// S3 would tell the buckets of one user alone, and it is not documented of which
// regions.
func (s *session) ListBuckets(ctx context.Context) (provider.BucketList, error) {
	if err := s.hasLocation(); err != nil {
		return provider.BucketList{}, err
	}
	names, x, err := s.project.buckets(ctx, s.place.Location)
	return provider.BucketList{Names: names, Health: x.Health()}, err
}

// find gives a bucket of the place. One that is not there fails with
// BucketMissing, which is believed only when the list of the region's buckets,
// which a wrong project or region has none of, lacks it too.
func (s *session) find(ctx context.Context, operation operation, bucket string) (container, *exchange, error) {
	if err := s.hasLocation(); err != nil {
		return container{}, nil, err
	}
	if err := s.checkName(operation, bucket); err != nil {
		return container{}, nil, err
	}
	q := s.ofBucket(operation, http.MethodGet, bucket)
	q.path += "?noObjects=true" // they may be many, and are not looked at
	var found container
	x, err := s.project.api.ask(ctx, q, &found)
	switch {
	case err == nil && found.Name != bucket:
		return container{}, x, x.fail(failing, fmt.Sprintf("the answer is about %q", found.Name))
	case err == nil:
		return found, x, nil
	case fault.HasReason(err, fault.BucketMissing):
		return container{}, x, s.confirm(ctx, bucket, x, err)
	}
	return container{}, x, s.project.explain(ctx, s.place.Location, x, err)
}

// bucketName matches what can be the name of a bucket at all; what OVHcloud asks
// for beside that is left to it.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// checkName fails for what is no name of a bucket: in the path of a question it
// would ask something else.
func (s *session) checkName(operation operation, bucket string) error {
	if bucketName.MatchString(bucket) {
		return nil
	}
	return misconfigured.Fault(fmt.Sprintf("%s %s", operation, s.what(bucket)), "it is no name of a bucket")
}

// confirm gives the failure that a bucket is missing, if it is.
func (s *session) confirm(ctx context.Context, bucket string, x *exchange, missing error) error {
	names, _, err := s.project.buckets(ctx, s.place.Location)
	if err != nil {
		return err
	}
	if slices.Contains(names, bucket) {
		return x.fail(busy, "it is not found, and is in the list of the region's buckets")
	}
	return missing
}

// ObserveBucket implements provider.Buckets. S3 tells of a bucket that is there and
// marked, with two requests and also while the control plane is down. That one is
// not there, or carries no mark, is believed of the control plane alone.
func (s *session) ObserveBucket(ctx context.Context, name string) (provider.BucketState, error) {
	seen, refusal := through(ctx, s, func(inner provider.Session) (provider.BucketState, error) { return inner.ObserveBucket(ctx, name) })
	isClosed := errors.Is(refusal, provider.ErrOwnedByOther) || errors.Is(refusal, provider.ErrDenied)
	if refusal != nil && !isClosed || seen.Mark != nil {
		return seen, refusal
	}
	found, x, err := s.find(ctx, opFindBucket, name)
	switch {
	case isMissing(err) && seen.Exists:
		return provider.BucketState{}, x.fail(busy, "S3 knows it, and the control plane does not")
	case isMissing(err):
		return provider.BucketState{}, refusal
	case err != nil:
		return provider.BucketState{}, err
	}
	return provider.BucketState{Exists: true, Versioning: found.versioning(), Mark: found.mark()}, nil
}

// ObserveProtection implements provider.Buckets through S3, whose requests are not
// counted with those of the control plane.
func (s *session) ObserveProtection(ctx context.Context, name string) (provider.Protection, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Protection, error) { return inner.ObserveProtection(ctx, name) })
}

// CreateBucket implements provider.Buckets. The bucket belongs to the operator's
// user from the beginning. It is read again afterwards: the answer to a creation
// is not true in all of its parts (its createdAt, as OVHcloud's Terraform provider
// found out).
func (s *session) CreateBucket(ctx context.Context, want provider.Bucket) error {
	if err := s.hasLocation(); err != nil {
		return err
	}
	if err := s.checkName(opMakeBucket, want.Name); err != nil {
		return err
	}
	owner, _, err := s.project.ensureOperator(ctx)
	if err != nil {
		return err
	}
	q := s.ofBucket(opMakeBucket, http.MethodPost, want.Name)
	q.path = s.project.path("region", s.place.Location, "storage")
	q.send = orderFor(want, owner.ID)
	x, err := s.project.api.ask(ctx, q, nil)
	if err != nil {
		return s.whyNotMade(ctx, want.Name, x, err)
	}
	made, x, err := s.find(ctx, opFindBucket, want.Name)
	if isMissing(err) {
		return x.fail(busy, "it was made, and is not found yet")
	}
	if err != nil {
		return err
	}
	return made.check(x, want, owner.ID)
}

// whyNotMade finds out why a bucket could not be made, by facts: the API documents
// no refusals. It is ours already; or S3 knows the name, and so somebody else has
// it; or the project has as many buckets as it may.
func (s *session) whyNotMade(ctx context.Context, bucket string, x *exchange, refusal error) error {
	if !x.isRefused(refusal) || ctx.Err() != nil {
		return s.project.explain(ctx, s.place.Location, x, refusal)
	}
	if _, _, err := s.find(ctx, opFindBucket, bucket); err == nil {
		return nil
	} else if !isMissing(err) {
		return err
	}
	switch whose, err := s.whose(ctx, bucket); {
	case err != nil:
		return err
	case whose == ours:
		return x.fail(busy, "S3 knows the bucket as ours, and the control plane does not find it yet")
	case whose == others, x.Status == http.StatusConflict:
		return x.fail(nameTaken, x.detail())
	}
	count, err := s.project.countBuckets(ctx)
	if err != nil {
		return err
	}
	most := limits().Buckets
	switch {
	case count >= most:
		return x.fail(bucketQuota, fmt.Sprintf("%s; the project has %d buckets, and OVHcloud allows %d unless support raised it", x.detail(), count, most))
	case x.Status == http.StatusNotFound:
		// The region is there, so what is missing is the owner.
		_, key, _ := s.project.operator.known()
		s.project.operator.forget(key)
		return x.fail(busy, "the operator's user is not found: "+x.detail())
	}
	return refusal
}

// isMissing tells a bucket that is not there, in whatever it was asked for.
func isMissing(err error) bool {
	return fault.HasReason(err, fault.BucketMissing)
}

// owner is whose a bucket is, as S3 tells it.
type owner int

const (
	nobodys owner = iota
	ours
	others
)

// whose asks S3 about a bucket that the control plane does not have.
func (s *session) whose(ctx context.Context, bucket string) (owner, error) {
	state, err := through(ctx, s, func(inner provider.Session) (provider.BucketState, error) { return inner.ObserveBucket(ctx, bucket) })
	switch {
	case errors.Is(err, provider.ErrOwnedByOther), errors.Is(err, provider.ErrDenied), fault.HasReason(err, fault.EndpointMoved):
		return others, nil
	case err != nil || !state.Exists:
		return nobodys, err
	}
	list, err := through(ctx, s, func(inner provider.Session) (provider.BucketList, error) { return inner.ListBuckets(ctx) })
	if err == nil && slices.Contains(list.Names, bucket) {
		return ours, nil
	}
	return others, err
}

// UpdateBucket implements provider.Buckets: one request when nothing differs.
// Protection is set through S3, which reads it back.
func (s *session) UpdateBucket(ctx context.Context, want provider.Bucket) error {
	found, x, err := s.find(ctx, opChangeBucket, want.Name)
	if err != nil {
		return err
	}
	if want.Versioning != "" && want.Versioning != provider.VersioningEnabled {
		return x.fail(misconfigured, fmt.Sprintf("versioning can be wanted %s, not %s", provider.VersioningEnabled, want.Versioning))
	}
	if err := s.ensure(ctx, want, found); err != nil {
		return err
	}
	if want.Protection == (provider.Protection{}) {
		return nil
	}
	return s.protect(ctx, want, found, x)
}

// ensure brings versioning and mark to what is wanted.
func (s *session) ensure(ctx context.Context, want provider.Bucket, found container) error {
	change := found.change()
	isSame := true
	if want.Versioning != "" && found.versioning() != want.Versioning {
		change["versioning"], isSame = status{Status: enabled}, false
	}
	if mark := found.mark(); want.Mark != (provider.Mark{}) && (mark == nil || *mark != want.Mark) {
		tags := maps.Clone(found.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		tags[provider.MarkOwnerTag], tags[provider.MarkSignatureTag] = want.Mark.Owner, want.Mark.Signature
		change["tags"], isSame = tags, false
	}
	if isSame {
		return nil
	}
	return s.put(ctx, opChangeBucket, want.Name, change)
}

// put changes a bucket.
func (s *session) put(ctx context.Context, operation operation, bucket string, change map[string]any) error {
	q := s.ofBucket(operation, http.MethodPut, bucket)
	q.send = change
	x, err := s.project.api.ask(ctx, q, nil)
	if err != nil {
		return s.project.explain(ctx, s.place.Location, x, err)
	}
	return nil
}

// protect brings object lock and encryption to what is wanted. A bucket made
// without object lock never gets it; encryption is set nevertheless.
func (s *session) protect(ctx context.Context, want provider.Bucket, found container, x *exchange) error {
	protection := want.Protection
	var failure error
	if want.ObjectLock && !found.isLocked() {
		failure = x.fail(unsupported, "OVHcloud gives object lock to a bucket only when it is made")
		protection.ObjectLock, protection.Retention = false, provider.Retention{}
	}
	if protection == (provider.Protection{}) {
		return failure
	}
	return errors.Join(failure, do(ctx, s, func(inner provider.Session) error {
		return inner.UpdateBucket(ctx, provider.Bucket{Name: want.Name, Protection: protection})
	}))
}

// DeleteBucket implements provider.Buckets. A refusal that is about the bucket is
// explained by what is in it.
func (s *session) DeleteBucket(ctx context.Context, name string) error {
	if err := s.hasLocation(); err != nil {
		return err
	}
	if err := s.checkName(opDeleteBucket, name); err != nil {
		return err
	}
	x, err := s.project.api.ask(ctx, s.ofBucket(opDeleteBucket, http.MethodDelete, name), nil)
	switch {
	case err == nil:
		return nil
	case isMissing(err):
		if err = s.confirm(ctx, name, x, err); isMissing(err) {
			return nil
		}
		return err
	case !x.isRefused(err):
		return s.project.explain(ctx, s.place.Location, x, err)
	}
	page, listErr := s.ListVersionsPage(ctx, name, provider.VersionsRequest{Limit: 1})
	switch {
	case isMissing(listErr):
		return x.fail(busy, "it is refused, and S3 does not know the bucket")
	case listErr != nil:
		return fmt.Errorf("delete %s: it is refused, and whether it is empty is not known: %w", s.what(name), listErr)
	case len(page.Versions) > 0:
		return x.fail(notEmpty, x.detail())
	}
	return s.project.explain(ctx, s.place.Location, x, err)
}
