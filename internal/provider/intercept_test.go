package provider_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
)

var errInner = errors.New("from the store")

// echo is a session that answers every call with a value and an error.
type echo struct {
	calls   []string
	keys    bool
	account bool
}

func (e *echo) note(call string) error { e.calls = append(e.calls, call); return errInner }

func (e *echo) Place() provider.Place { return provider.Place{Provider: "onprem", Location: "dc1"} }
func (e *echo) Ping(context.Context) (provider.Health, error) {
	return provider.Health{AskedAt: someTime}, e.note("Ping")
}

func (e *echo) ListBuckets(context.Context) (provider.BucketList, error) {
	return provider.BucketList{Names: []string{"b"}}, e.note("ListBuckets")
}

func (e *echo) ObserveSettings(_ context.Context, bucket string) ([]provider.SettingState, error) {
	return []provider.SettingState{{Setting: provider.SettingACL}}, e.note("ObserveSettings " + bucket)
}

func (e *echo) CorrectSetting(_ context.Context, bucket string, setting provider.Setting) error {
	return e.note("CorrectSetting " + bucket + string(setting))
}

func (e *echo) ObserveBucket(_ context.Context, name string) (provider.BucketState, error) {
	return provider.BucketState{Exists: true}, e.note("ObserveBucket " + name)
}

func (e *echo) ObserveProtection(_ context.Context, name string) (provider.Protection, error) {
	return provider.Protection{ObjectLock: true}, e.note("ObserveProtection " + name)
}

func (e *echo) TryConfiguration(_ context.Context, bucket string, _ provider.Configuration) (provider.Support, error) {
	return provider.Broken, e.note("TryConfiguration " + bucket)
}

func (e *echo) TryPut(_ context.Context, ref provider.Ref, content provider.Content, _ provider.PutTrial) (provider.Object, error) {
	return provider.Object{Key: ref.Key, Size: content.Size}, e.note("TryPut " + ref.Bucket)
}

func (e *echo) CreateBucket(_ context.Context, want provider.Bucket) error {
	return e.note("CreateBucket " + want.Name)
}

func (e *echo) UpdateBucket(_ context.Context, want provider.Bucket) error {
	return e.note("UpdateBucket " + want.Name)
}

func (e *echo) DeleteBucket(_ context.Context, name string) error {
	return e.note("DeleteBucket " + name)
}

func (e *echo) ListPage(_ context.Context, bucket string, request provider.ListRequest) (provider.ListPage, error) {
	return provider.ListPage{Next: request.Token}, e.note("ListPage " + bucket)
}

func (e *echo) ListVersionsPage(_ context.Context, bucket string, request provider.VersionsRequest) (provider.VersionsPage, error) {
	return provider.VersionsPage{NextKeyMarker: request.KeyMarker}, e.note("ListVersionsPage " + bucket)
}

func (e *echo) Head(_ context.Context, ref provider.Ref) (provider.Object, error) {
	return provider.Object{Key: ref.Key}, e.note("Head " + ref.Bucket)
}

func (e *echo) Get(_ context.Context, ref provider.Ref, _ provider.GetOptions) (io.ReadCloser, provider.Object, error) {
	return io.NopCloser(strings.NewReader("x")), provider.Object{Key: ref.Key}, e.note("Get " + ref.Bucket)
}

func (e *echo) Put(_ context.Context, ref provider.Ref, content provider.Content, _ provider.Attributes) (provider.Object, error) {
	return provider.Object{Key: ref.Key, Size: content.Size}, e.note("Put " + ref.Bucket)
}

func (e *echo) Remove(_ context.Context, ref provider.Ref) error {
	return e.note("Remove " + ref.Bucket)
}

func (e *echo) Tags(_ context.Context, ref provider.Ref) (map[string]string, error) {
	return map[string]string{"a": ref.Key}, e.note("Tags " + ref.Bucket)
}

func (e *echo) StartUpload(_ context.Context, ref provider.Ref, _ provider.Attributes) (string, error) {
	return "id", e.note("StartUpload " + ref.Bucket)
}

func (e *echo) UploadPart(_ context.Context, ref provider.Ref, _ string, number int, _ provider.Content) (provider.Part, error) {
	return provider.Part{Number: number}, e.note("UploadPart " + ref.Bucket)
}

func (e *echo) CompleteUpload(_ context.Context, ref provider.Ref, _ string, parts []provider.Part) (provider.Object, error) {
	return provider.Object{Key: ref.Key, Size: int64(len(parts))}, e.note("CompleteUpload " + ref.Bucket)
}

func (e *echo) AbortUpload(_ context.Context, ref provider.Ref, _ string) error {
	return e.note("AbortUpload " + ref.Bucket)
}

func (e *echo) ListUploads(_ context.Context, bucket, prefix string) ([]provider.Upload, error) {
	return []provider.Upload{{Key: prefix}}, e.note("ListUploads " + bucket)
}
func (e *echo) Keys() (provider.KeyIssuer, bool)  { return e, e.keys }
func (e *echo) Account() (provider.Account, bool) { return e, e.account }
func (e *echo) Limits() provider.StoreLimits      { return provider.StoreLimits{Buckets: 100} }
func (e *echo) Discover(context.Context) ([]provider.Region, error) {
	return []provider.Region{{Name: "GRA"}}, e.note("Discover")
}

func (e *echo) Machines(context.Context) ([]provider.Machine, error) {
	return []provider.Machine{{ID: "i-1", Region: "eu-west-2a"}}, e.note("Machines")
}

func (e *echo) Footprint(_ context.Context, since time.Time) (provider.Footprint, error) {
	return provider.Footprint{Consumption: []provider.Consumption{{Kind: since.String()}}}, e.note("Footprint")
}

func (e *echo) IssueKey(_ context.Context, grant provider.Grant) (provider.Key, error) {
	return provider.Key{AccessKey: grant.Consumer}, e.note("IssueKey " + grant.Bucket)
}

func (e *echo) RevokeKey(_ context.Context, grant provider.Grant) error {
	return e.note("RevokeKey " + grant.Bucket)
}

// callAll calls every method of the session that takes a context, by reflection,
// so that a method added to the contract is tried as well. Every string is "b".
func callAll(t *testing.T, ctx context.Context, session any) (names []string, results map[string][]any) {
	t.Helper()
	results = map[string][]any{}
	value := reflect.ValueOf(session)
	for i := range value.NumMethod() {
		method, name := value.Method(i), value.Type().Method(i).Name
		if method.Type().NumIn() == 0 {
			continue
		}
		in := []reflect.Value{reflect.ValueOf(ctx)}
		for j := 1; j < method.Type().NumIn(); j++ {
			in = append(in, argument(method.Type().In(j)))
		}
		names = append(names, name)
		for _, out := range method.Call(in) {
			if body, isBody := reflect.TypeAssert[io.ReadCloser](out); isBody {
				text, _ := io.ReadAll(body)
				results[name] = append(results[name], string(text))
				continue
			}
			results[name] = append(results[name], out.Interface())
		}
	}
	return names, results
}

// argument makes a value of a type, with "b" in every string at its top.
func argument(of reflect.Type) reflect.Value {
	value := reflect.New(of).Elem()
	switch of.Kind() { //nolint:exhaustive // other kinds stay zero
	case reflect.String:
		value.SetString("b")
	case reflect.Struct:
		for i := range of.NumField() {
			if field := value.Field(i); field.Kind() == reflect.String {
				field.SetString("b")
			}
		}
	}
	return value
}

func TestEveryCallPassesTheInterceptors(t *testing.T) {
	direct := &echo{keys: true, account: true}
	wantNames, want := callAll(t, t.Context(), direct)

	type key struct{}
	inner := &echo{keys: true, account: true}
	var seen []provider.Operation
	around := func(name string) provider.Interceptor {
		return func(ctx context.Context, operation provider.Operation, call func(context.Context) error) error {
			if path, _ := ctx.Value(key{}).(string); (name == "inner") != (path == "outer") {
				t.Errorf("%s sees the path %q", name, path)
			}
			if name == "inner" {
				seen = append(seen, operation)
			}
			return call(context.WithValue(ctx, key{}, name))
		}
	}
	session := provider.Intercept(inner, around("outer"), around("inner"))
	keys, ok := session.Keys()
	if !ok {
		t.Fatal("the power to issue keys is lost")
	}
	account, ok := session.Account()
	if !ok {
		t.Fatal("what the vendor tells of the account is lost")
	}
	names, got := callAll(t, t.Context(), session)
	for _, power := range []any{keys, account} {
		more, results := callAll(t, t.Context(), power)
		maps.Copy(got, results)
		names = append(names, more...)
	}
	slices.Sort(names)
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) }), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("results (-direct +intercepted):\n%s", diff)
	}
	slices.Sort(inner.calls)
	slices.Sort(direct.calls)
	if diff := cmp.Diff(direct.calls, inner.calls); diff != "" {
		t.Errorf("calls (-direct +intercepted):\n%s", diff)
	}
	checkOperations(t, seen, names)
}

// checkOperations holds what interceptors are told against the methods' names.
func checkOperations(t *testing.T, seen []provider.Operation, names []string) {
	t.Helper()
	ofAccount := []string{"Ping", "ListBuckets", "Discover", "Footprint", "Machines"}
	reads := []string{"Discover", "Footprint", "Machines", "Ping", "ListBuckets", "ObserveBucket", "ObserveSettings", "ObserveProtection", "ListPage", "ListVersionsPage", "Head", "Get", "Tags", "ListUploads"}
	var told []string
	for _, operation := range seen {
		told = append(told, operation.Name)
		if operation.Writes == slices.Contains(reads, operation.Name) {
			t.Errorf("%s: writes is %t", operation.Name, operation.Writes)
		}
		if operation.Place.String() != "onprem/dc1" || (operation.Bucket != "b" && !slices.Contains(ofAccount, operation.Name)) {
			t.Errorf("%s is at %s in %q", operation.Name, operation.Place, operation.Bucket)
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff(names, told); diff != "" {
		t.Errorf("operations (-methods +told):\n%s", diff)
	}
}

func TestInterceptorMayCallSeveralTimesOrNotAtAll(t *testing.T) {
	inner := &echo{}
	twice := func(ctx context.Context, _ provider.Operation, call func(context.Context) error) error {
		_ = call(ctx)
		return call(ctx)
	}
	if _, err := provider.Intercept(inner, twice).Ping(t.Context()); err != errInner || len(inner.calls) != 2 {
		t.Errorf("got %v after %q", err, inner.calls)
	}
	own := errors.New("of the interceptor")
	never := func(context.Context, provider.Operation, func(context.Context) error) error { return own }
	health, err := provider.Intercept(inner, never).Ping(t.Context())
	if err != own || len(inner.calls) != 2 || !health.AskedAt.IsZero() {
		t.Errorf("got %+v, %v after %q", health, err, inner.calls)
	}
	if body, _, _ := provider.Intercept(inner, never).Get(t.Context(), provider.Ref{}, provider.GetOptions{}); body != nil {
		t.Error("a body came of no call")
	}
	if keys, ok := provider.Intercept(inner, never).Keys(); ok || keys != nil {
		t.Error("the power to issue keys came of nothing")
	}
	if provider.Intercept(inner) != provider.Session(inner) {
		t.Error("no interceptor changed the session")
	}
}
