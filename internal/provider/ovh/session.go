package ovh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/secret"
)

// session is a project at one place. Buckets, users and policies go through the
// control plane, everything in a bucket through S3 with the key of the operator's
// user, which is had at the first call that needs it.
type session struct {
	place   provider.Place
	project *project

	mu sync.Mutex
	// inner is the data plane, with the key that it was opened with.
	inner    provider.Session
	innerKey provider.Key
}

var _ provider.Session = (*session)(nil)

// Place implements provider.Session.
func (s *session) Place() provider.Place { return s.place }

// Limits implements provider.Session.
func (s *session) Limits() provider.StoreLimits { return limits() }

// Account implements provider.Session.
func (s *session) Account() (provider.Account, bool) { return account{s.project}, true }

// Keys implements provider.Session.
func (s *session) Keys() (provider.KeyIssuer, bool) {
	if s.place.Location == "" {
		return nil, false
	}
	return &issuer{s}, true
}

// Ping implements provider.Session. It asks the place's S3, whose clock counts;
// whether it is under maintenance is asked only when it fails.
func (s *session) Ping(ctx context.Context) (provider.Health, error) {
	health, err := through(ctx, s, func(inner provider.Session) (provider.Health, error) { return inner.Ping(ctx) })
	if ctx.Err() != nil || !errors.Is(err, provider.ErrServer) && !errors.Is(err, provider.ErrUnreachable) || fault.HasReason(err, fault.ControlPlaneUnreachable) {
		return health, err
	}
	if found, unknown := s.project.region(ctx, s.place.Location); unknown == nil && found.isOut() {
		err = &fault.Error{
			Class: maintenance.Class, Reason: maintenance.Reason,
			Err: fmt.Errorf("%w: OVHcloud says that region %s is in the status %s: %w", maintenance.Sentinel, s.place.Location, found.Status, err),
		}
	}
	return health, err
}

// data gives the data plane, and the key that it uses.
func (s *session) data(ctx context.Context) (provider.Session, provider.Key, error) {
	if err := s.hasLocation(); err != nil {
		return nil, provider.Key{}, err
	}
	_, key, err := s.project.ensureOperator(ctx)
	if err != nil {
		return nil, provider.Key{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inner != nil && s.innerKey == key {
		return s.inner, key, nil
	}
	inner, err := openS3(s.place, provider.Credentials{provider.AccessKey: secret.New(key.AccessKey), provider.SecretKey: key.SecretKey})
	if err != nil {
		return nil, provider.Key{}, err
	}
	s.inner, s.innerKey = inner, key
	return inner, key, nil
}

// hasLocation fails for the session of an account.
func (s *session) hasLocation() error {
	if s.place.Location != "" {
		return nil
	}
	return &fault.Error{
		Class: unsupported.Class, Reason: unsupported.Reason,
		Err: fmt.Errorf("%w (the session is on %s as a whole, and not on a location)", unsupported.Sentinel, s.project.what()),
	}
}

// through calls the data plane. That its key is refused says nothing about the
// login: the key may have been deleted by somebody, and another one is taken. It
// is not reported as a refusal of credentials, which would close the account.
func through[T any](ctx context.Context, s *session, call func(provider.Session) (T, error)) (T, error) {
	inner, key, err := s.data(ctx)
	if err != nil {
		var none T
		return none, err
	}
	result, err := call(inner)
	if !errors.Is(err, provider.ErrAuthentication) {
		return result, err
	}
	s.project.operator.forget(key)
	next, nextKey, dataErr := s.data(ctx)
	if dataErr != nil {
		return result, dataErr
	}
	if nextKey == key {
		return result, s.unknownYet(err)
	}
	result, err = call(next)
	if errors.Is(err, provider.ErrAuthentication) {
		return result, s.unknownYet(err)
	}
	return result, err
}

// unknownYet is for a key that the control plane has and S3 refuses: it takes a
// while until a new one is known everywhere.
func (s *session) unknownYet(refusal error) error {
	return &fault.Error{
		Class: inTheMaking.Class, Reason: inTheMaking.Reason, After: makingPause,
		Err: fmt.Errorf("%w: %s of region %s does not know the key of the operator's user: %s",
			inTheMaking.Sentinel, s.place.Endpoint, s.place.Location, refusal.Error()),
	}
}

// do is through for a call without a result.
func do(ctx context.Context, s *session, call func(provider.Session) error) error {
	_, err := through(ctx, s, func(inner provider.Session) (struct{}, error) { return struct{}{}, call(inner) })
	return err
}

// ListPage implements provider.Objects.
func (s *session) ListPage(ctx context.Context, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	return through(ctx, s, func(inner provider.Session) (provider.ListPage, error) { return inner.ListPage(ctx, bucket, request) })
}

// ListVersionsPage implements provider.Objects.
func (s *session) ListVersionsPage(ctx context.Context, bucket string, request provider.VersionsRequest) (provider.VersionsPage, error) {
	return through(ctx, s, func(inner provider.Session) (provider.VersionsPage, error) {
		return inner.ListVersionsPage(ctx, bucket, request)
	})
}

// Head implements provider.Objects.
func (s *session) Head(ctx context.Context, ref provider.Ref) (provider.Object, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Object, error) { return inner.Head(ctx, ref) })
}

// Get implements provider.Objects.
func (s *session) Get(ctx context.Context, ref provider.Ref, options provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	var object provider.Object
	body, err := through(ctx, s, func(inner provider.Session) (body io.ReadCloser, err error) {
		body, object, err = inner.Get(ctx, ref, options)
		return body, err
	})
	return body, object, err
}

// Put implements provider.Objects.
func (s *session) Put(ctx context.Context, ref provider.Ref, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Object, error) { return inner.Put(ctx, ref, content, attributes) })
}

// Remove implements provider.Objects.
func (s *session) Remove(ctx context.Context, ref provider.Ref) error {
	return do(ctx, s, func(inner provider.Session) error { return inner.Remove(ctx, ref) })
}

// Tags implements provider.Objects.
func (s *session) Tags(ctx context.Context, ref provider.Ref) (map[string]string, error) {
	return through(ctx, s, func(inner provider.Session) (map[string]string, error) { return inner.Tags(ctx, ref) })
}

// StartUpload implements provider.Uploads.
func (s *session) StartUpload(ctx context.Context, ref provider.Ref, attributes provider.Attributes) (string, error) {
	return through(ctx, s, func(inner provider.Session) (string, error) { return inner.StartUpload(ctx, ref, attributes) })
}

// UploadPart implements provider.Uploads.
func (s *session) UploadPart(ctx context.Context, ref provider.Ref, uploadID string, number int, content provider.Content) (provider.Part, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Part, error) {
		return inner.UploadPart(ctx, ref, uploadID, number, content)
	})
}

// CompleteUpload implements provider.Uploads.
func (s *session) CompleteUpload(ctx context.Context, ref provider.Ref, uploadID string, parts []provider.Part) (provider.Object, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Object, error) {
		return inner.CompleteUpload(ctx, ref, uploadID, parts)
	})
}

// AbortUpload implements provider.Uploads.
func (s *session) AbortUpload(ctx context.Context, ref provider.Ref, uploadID string) error {
	return do(ctx, s, func(inner provider.Session) error { return inner.AbortUpload(ctx, ref, uploadID) })
}

// ListUploads implements provider.Uploads.
func (s *session) ListUploads(ctx context.Context, bucket, prefix string) ([]provider.Upload, error) {
	return through(ctx, s, func(inner provider.Session) ([]provider.Upload, error) { return inner.ListUploads(ctx, bucket, prefix) })
}

// TryConfiguration implements provider.Trials.
func (s *session) TryConfiguration(ctx context.Context, bucket string, kind provider.Configuration) (provider.Support, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Support, error) {
		return inner.TryConfiguration(ctx, bucket, kind)
	})
}

// TryPut implements provider.Trials.
func (s *session) TryPut(ctx context.Context, ref provider.Ref, content provider.Content, trial provider.PutTrial) (provider.Object, error) {
	return through(ctx, s, func(inner provider.Session) (provider.Object, error) { return inner.TryPut(ctx, ref, content, trial) })
}
