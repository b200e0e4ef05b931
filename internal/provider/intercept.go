package provider

import (
	"context"
	"io"
	"slices"
	"time"
)

// Operation is one call of a session, as interceptors see it.
type Operation struct {
	// Name is the method's name, such as Put.
	Name   string
	Place  Place
	Bucket string
	// Writes tells whether the call may change something at the store.
	Writes bool
}

// Interceptor runs around a call. It may run call several times, delay it, or
// not run it at all and give an error instead.
type Interceptor func(ctx context.Context, operation Operation, call func(context.Context) error) error

// Intercept wraps a session so that every call passes the interceptors, the
// first one outermost.
func Intercept(session Session, interceptors ...Interceptor) Session {
	for _, around := range slices.Backward(interceptors) {
		session = &intercepted{Session: session, around: around}
	}
	return session
}

type intercepted struct {
	Session
	around Interceptor
}

// run passes a call that gives a value through the interceptor.
func run[T any](ctx context.Context, s *intercepted, operation Operation, call func(context.Context) (T, error)) (T, error) {
	operation.Place = s.Session.Place()
	var result T
	err := s.around(ctx, operation, func(ctx context.Context) (err error) {
		result, err = call(ctx)
		return err
	})
	return result, err
}

// do passes a call without a value through the interceptor.
func (s *intercepted) do(ctx context.Context, operation Operation, call func(context.Context) error) error {
	_, err := run(ctx, s, operation, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

func read(name, bucket string) Operation { return Operation{Name: name, Bucket: bucket} }

func write(name, bucket string) Operation { return Operation{Name: name, Bucket: bucket, Writes: true} }

func (s *intercepted) Ping(ctx context.Context) (Health, error) {
	return run(ctx, s, read("Ping", ""), s.Session.Ping)
}

func (s *intercepted) ListBuckets(ctx context.Context) (BucketList, error) {
	return run(ctx, s, read("ListBuckets", ""), s.Session.ListBuckets)
}

func (s *intercepted) ObserveSettings(ctx context.Context, bucket string) ([]SettingState, error) {
	return run(ctx, s, read("ObserveSettings", bucket), func(ctx context.Context) ([]SettingState, error) {
		return s.Session.ObserveSettings(ctx, bucket)
	})
}

func (s *intercepted) CorrectSetting(ctx context.Context, bucket string, setting Setting) error {
	return s.do(ctx, write("CorrectSetting", bucket), func(ctx context.Context) error {
		return s.Session.CorrectSetting(ctx, bucket, setting)
	})
}

func (s *intercepted) ObserveBucket(ctx context.Context, name string) (BucketState, error) {
	return run(ctx, s, read("ObserveBucket", name), func(ctx context.Context) (BucketState, error) {
		return s.Session.ObserveBucket(ctx, name)
	})
}

func (s *intercepted) ObserveProtection(ctx context.Context, name string) (Protection, error) {
	return run(ctx, s, read("ObserveProtection", name), func(ctx context.Context) (Protection, error) {
		return s.Session.ObserveProtection(ctx, name)
	})
}

func (s *intercepted) TryConfiguration(ctx context.Context, bucket string, kind Configuration) (Support, error) {
	return run(ctx, s, write("TryConfiguration", bucket), func(ctx context.Context) (Support, error) {
		return s.Session.TryConfiguration(ctx, bucket, kind)
	})
}

func (s *intercepted) TryPut(ctx context.Context, ref Ref, content Content, trial PutTrial) (Object, error) {
	return run(ctx, s, write("TryPut", ref.Bucket), func(ctx context.Context) (Object, error) {
		return s.Session.TryPut(ctx, ref, content, trial)
	})
}

func (s *intercepted) CreateBucket(ctx context.Context, want Bucket) error {
	return s.do(ctx, write("CreateBucket", want.Name), func(ctx context.Context) error {
		return s.Session.CreateBucket(ctx, want)
	})
}

func (s *intercepted) UpdateBucket(ctx context.Context, want Bucket) error {
	return s.do(ctx, write("UpdateBucket", want.Name), func(ctx context.Context) error {
		return s.Session.UpdateBucket(ctx, want)
	})
}

func (s *intercepted) DeleteBucket(ctx context.Context, name string) error {
	return s.do(ctx, write("DeleteBucket", name), func(ctx context.Context) error {
		return s.Session.DeleteBucket(ctx, name)
	})
}

func (s *intercepted) ListPage(ctx context.Context, bucket string, request ListRequest) (ListPage, error) {
	return run(ctx, s, read("ListPage", bucket), func(ctx context.Context) (ListPage, error) {
		return s.Session.ListPage(ctx, bucket, request)
	})
}

func (s *intercepted) ListVersionsPage(ctx context.Context, bucket string, request VersionsRequest) (VersionsPage, error) {
	return run(ctx, s, read("ListVersionsPage", bucket), func(ctx context.Context) (VersionsPage, error) {
		return s.Session.ListVersionsPage(ctx, bucket, request)
	})
}

func (s *intercepted) Head(ctx context.Context, ref Ref) (Object, error) {
	return run(ctx, s, read("Head", ref.Bucket), func(ctx context.Context) (Object, error) {
		return s.Session.Head(ctx, ref)
	})
}

func (s *intercepted) Get(ctx context.Context, ref Ref, options GetOptions) (io.ReadCloser, Object, error) {
	var object Object
	body, err := run(ctx, s, read("Get", ref.Bucket), func(ctx context.Context) (body io.ReadCloser, err error) {
		body, object, err = s.Session.Get(ctx, ref, options)
		return body, err
	})
	return body, object, err
}

func (s *intercepted) Put(ctx context.Context, ref Ref, content Content, attributes Attributes) (Object, error) {
	return run(ctx, s, write("Put", ref.Bucket), func(ctx context.Context) (Object, error) {
		return s.Session.Put(ctx, ref, content, attributes)
	})
}

func (s *intercepted) Remove(ctx context.Context, ref Ref) error {
	return s.do(ctx, write("Remove", ref.Bucket), func(ctx context.Context) error {
		return s.Session.Remove(ctx, ref)
	})
}

func (s *intercepted) Tags(ctx context.Context, ref Ref) (map[string]string, error) {
	return run(ctx, s, read("Tags", ref.Bucket), func(ctx context.Context) (map[string]string, error) {
		return s.Session.Tags(ctx, ref)
	})
}

func (s *intercepted) StartUpload(ctx context.Context, ref Ref, attributes Attributes) (string, error) {
	return run(ctx, s, write("StartUpload", ref.Bucket), func(ctx context.Context) (string, error) {
		return s.Session.StartUpload(ctx, ref, attributes)
	})
}

func (s *intercepted) UploadPart(ctx context.Context, ref Ref, uploadID string, number int, content Content) (Part, error) {
	return run(ctx, s, write("UploadPart", ref.Bucket), func(ctx context.Context) (Part, error) {
		return s.Session.UploadPart(ctx, ref, uploadID, number, content)
	})
}

func (s *intercepted) CompleteUpload(ctx context.Context, ref Ref, uploadID string, parts []Part) (Object, error) {
	return run(ctx, s, write("CompleteUpload", ref.Bucket), func(ctx context.Context) (Object, error) {
		return s.Session.CompleteUpload(ctx, ref, uploadID, parts)
	})
}

func (s *intercepted) AbortUpload(ctx context.Context, ref Ref, uploadID string) error {
	return s.do(ctx, write("AbortUpload", ref.Bucket), func(ctx context.Context) error {
		return s.Session.AbortUpload(ctx, ref, uploadID)
	})
}

func (s *intercepted) ListUploads(ctx context.Context, bucket, prefix string) ([]Upload, error) {
	return run(ctx, s, read("ListUploads", bucket), func(ctx context.Context) ([]Upload, error) {
		return s.Session.ListUploads(ctx, bucket, prefix)
	})
}

func (s *intercepted) Keys() (KeyIssuer, bool) {
	keys, ok := s.Session.Keys()
	if !ok {
		return nil, false
	}
	return &interceptedKeys{keys: keys, session: s}, true
}

type interceptedKeys struct {
	keys    KeyIssuer
	session *intercepted
}

func (k *interceptedKeys) IssueKey(ctx context.Context, grant Grant) (Key, error) {
	return run(ctx, k.session, write("IssueKey", grant.Bucket), func(ctx context.Context) (Key, error) {
		return k.keys.IssueKey(ctx, grant)
	})
}

func (k *interceptedKeys) RevokeKey(ctx context.Context, grant Grant) error {
	return k.session.do(ctx, write("RevokeKey", grant.Bucket), func(ctx context.Context) error {
		return k.keys.RevokeKey(ctx, grant)
	})
}

func (s *intercepted) Account() (Account, bool) {
	account, ok := s.Session.Account()
	if !ok {
		return nil, false
	}
	return &interceptedAccount{account: account, session: s}, true
}

type interceptedAccount struct {
	account Account
	session *intercepted
}

func (a *interceptedAccount) Discover(ctx context.Context) ([]Region, error) {
	return run(ctx, a.session, read("Discover", ""), a.account.Discover)
}

func (a *interceptedAccount) Footprint(ctx context.Context, since time.Time) (Footprint, error) {
	return run(ctx, a.session, read("Footprint", ""), func(ctx context.Context) (Footprint, error) {
		return a.account.Footprint(ctx, since)
	})
}

func (a *interceptedAccount) Machines(ctx context.Context) ([]Machine, error) {
	return run(ctx, a.session, read("Machines", ""), a.account.Machines)
}
