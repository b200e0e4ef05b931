package outscale_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
	"github.com/rempart/rempart/internal/provider/instrument"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/throttle"
	"github.com/rempart/rempart/test/emulator/dataplane"
	emulator "github.com/rempart/rempart/test/emulator/outscale"
)

// stack gives what the operator puts around every session with one set of
// credentials: retries outermost, then the breaker and the account's limits, each
// try counted.
func stack(t *testing.T) (wrap func(provider.Session) provider.Session, fuse *breaker.Breaker) {
	t.Helper()
	metrics, err := instrument.New(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	limits, fuse := throttle.NewAccount(throttle.Limits{RequestsPerSecond: 10_000}), breaker.New()
	again := retry.New(retry.Options{Sleep: func(context.Context, time.Duration) error { return nil }})
	return func(session provider.Session) provider.Session {
		return limits.Bytes(provider.Intercept(session, again, fuse.Intercept, limits.Intercept, metrics.Intercept))
	}, fuse
}

// sent counts the requests that reached the API and OOS.
func sent(server *emulator.Server) map[string]int {
	return map[string]int{"API": len(server.Requests()), "OOS": len(server.Store.Requests(nil))}
}

func TestAWrongSecretIsSentOnce(t *testing.T) {
	all := map[string]map[string]int{
		"discover": {"API": 1, "OOS": 0}, "footprint": {"API": 1, "OOS": 0},
		"ping": {"API": 0, "OOS": 1}, "put": {"API": 0, "OOS": 1}, "create": {"API": 0, "OOS": 1},
	}
	for first, want := range all {
		t.Run("and first to "+first, func(t *testing.T) {
			server := start(t, emulator.Options{})
			wrap, fuse := stack(t)
			// One session tells of the account, the other serves its location.
			ofAccount := wrap(open(t, placeOf(server), server.AccessKey, "wrong"))
			ofLocation := wrap(open(t, placeOf(server), server.AccessKey, "wrong"))
			check := func(operation string, session provider.Session) {
				t.Helper()
				if err := operations[operation](t.Context(), t, session); !errors.Is(err, provider.ErrAuthentication) || fault.Of(err).Class != fault.Terminal {
					t.Errorf("%s: %v", operation, err)
				}
			}
			check(first, ofLocation)
			for range 5 {
				for operation := range all {
					check(operation, ofAccount)
					check(operation, ofLocation)
				}
			}
			if diff := cmp.Diff(want, sent(server)); diff != "" || fuse.Tripped() == nil {
				t.Errorf("tripped by %v, requests (-want +got):\n%s", fuse.Tripped(), diff)
			}
			if server.IsLocked(server.AccessKey) {
				t.Error("the key is locked")
			}
		})
	}
}

// TestManyCallersAtOnceLockNothing: a new Secret is used by every controller at the
// same time.
func TestManyCallersAtOnceLockNothing(t *testing.T) {
	server := start(t, emulator.Options{})
	wrap, _ := stack(t)
	session := wrap(open(t, placeOf(server), server.AccessKey, "wrong"))
	var group sync.WaitGroup
	for i := range 40 {
		for _, operation := range []string{"discover", "ping"} {
			group.Go(func() {
				if err := operations[operation](t.Context(), t, session); !errors.Is(err, provider.ErrAuthentication) {
					t.Errorf("%s %d: %v", operation, i, err)
				}
			})
		}
	}
	group.Wait()
	if got := sent(server); got["API"]+got["OOS"] != 1 || server.IsLocked(server.AccessKey) {
		t.Errorf("sent %v, locked is %t", got, server.IsLocked(server.AccessKey))
	}
}

// TestWithoutTheBreakerTheKeyIsLocked shows that the emulator would tell.
func TestWithoutTheBreakerTheKeyIsLocked(t *testing.T) {
	server := start(t, emulator.Options{})
	wrong := account(t, open(t, placeOf(server), server.AccessKey, "wrong"))
	for range 4 {
		if _, err := wrong.Discover(t.Context()); !errors.Is(err, provider.ErrAuthentication) {
			t.Fatal(err)
		}
	}
	wrap, fuse := stack(t)
	good := account(t, wrap(open(t, placeOf(server), server.AccessKey, server.SecretKey)))
	_, err := good.Discover(t.Context())
	if got := fault.Of(err); got.Class != fault.Throttled || got.Reason != fault.AccountLocked || got.After != time.Minute {
		t.Errorf("a good secret meets %v", err)
	}
	if len(server.Requests()) != 5 || fuse.Tripped() != nil {
		t.Errorf("%d requests, tripped by %v: a lock is waited for by whoever asked, and says nothing of the credentials", len(server.Requests()), fuse.Tripped())
	}
}

func TestAKeyOfAnEIMUserWorksAtTheAPIOnly(t *testing.T) {
	server := start(t, emulator.Options{})
	accessKey, secretKey, err := server.AddUser("all", `{"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	wrap, fuse := stack(t)
	session := wrap(open(t, placeOf(server), accessKey, secretKey))
	if regions, err := account(t, session).Discover(t.Context()); err != nil || len(regions) != 1 {
		t.Errorf("discover: %+v, %v", regions, err)
	}
	if _, err := session.Ping(t.Context()); !errors.Is(err, provider.ErrAuthentication) || !fault.HasReason(err, fault.AuthenticationFailed) {
		t.Errorf("ping: %v", err)
	}
	if fuse.Tripped() == nil {
		t.Error("the key that OOS refused may be tried again")
	}
}

func TestKeysThatExpiredOrAreInactiveAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*emulator.Server) (string, string){
		"expired": func(s *emulator.Server) (string, string) { return s.AddKey(time.Now().Add(-time.Minute)) },
		"inactive": func(s *emulator.Server) (string, string) {
			accessKey, secretKey := s.AddKey(time.Time{})
			s.Deactivate(accessKey)
			return accessKey, secretKey
		},
	} {
		server := start(t, emulator.Options{})
		accessKey, secretKey := spoil(server)
		session := open(t, placeOf(server), accessKey, secretKey)
		for operation, ask := range operations {
			if err := ask(t.Context(), t, session); !errors.Is(err, provider.ErrAuthentication) {
				t.Errorf("%s, %s: %v", name, operation, err)
			}
		}
	}
}

// TestTheAPIAndOOSFailApart: each has a reason of its own, and says nothing of the
// other.
func TestTheAPIAndOOSFailApart(t *testing.T) {
	server := start(t, emulator.Options{})
	session := open(t, placeOf(server), server.AccessKey, server.SecretKey)
	server.Down()
	if _, err := account(t, session).Discover(t.Context()); !fault.HasReason(err, fault.ControlPlaneUnreachable) || fault.Of(err).Class != fault.Transient {
		t.Errorf("the API is down: %v", err)
	}
	if _, err := session.Ping(t.Context()); err != nil {
		t.Errorf("OOS is up: %v", err)
	}
	server.Recover()
	server.Store.Faults().Down()
	if _, err := session.Ping(t.Context()); !fault.HasReason(err, fault.ProviderUnreachable) || fault.Of(err).Class != fault.Transient {
		t.Errorf("OOS is down: %v", err)
	}
	if _, err := account(t, session).Discover(t.Context()); err != nil {
		t.Errorf("the API is up: %v", err)
	}
}

func TestThrottlingIsSurvived(t *testing.T) {
	server := start(t, emulator.Options{})
	wrap, _ := stack(t)
	session := account(t, wrap(open(t, placeOf(server), server.AccessKey, server.SecretKey)))
	for _, failure := range []emulator.Failure{emulator.PlatformThrottled(), emulator.AccountThrottled(), emulator.CallThrottled()} {
		server.Fail("", 1, failure)
	}
	if _, err := session.Discover(t.Context()); err != nil || len(server.Requests()) != 4 {
		t.Errorf("%v after %d requests", err, len(server.Requests()))
	}
}

// TestTheMarkIsAnObject: OOS has no tags of buckets, so the mark is kept in the
// bucket, and nothing is sent that another store might take for an order to
// delete it, which start watches.
func TestTheMarkIsAnObject(t *testing.T) {
	server := start(t, emulator.Options{})
	session := open(t, placeOf(server), server.AccessKey, server.SecretKey)
	want := provider.Bucket{Name: bucket, Versioning: provider.VersioningEnabled, Mark: provider.Mark{Owner: "i/ns/actes", Signature: "00ff"}}
	for range 2 {
		if err := errors.Join(session.CreateBucket(t.Context(), want), session.UpdateBucket(t.Context(), want)); err != nil {
			t.Fatal(err)
		}
	}
	state, err := session.ObserveBucket(t.Context(), bucket)
	if err != nil || state.Mark == nil || *state.Mark != want.Mark {
		t.Errorf("the mark is %+v, %v", state.Mark, err)
	}
	if _, err := session.Head(t.Context(), provider.Ref{Bucket: bucket, Key: provider.MarkKey}); err != nil {
		t.Errorf("the object of the mark: %v", err)
	}
	puts := server.Store.Requests(func(r dataplane.Request) bool { return r.Method == http.MethodPut && r.Key == provider.MarkKey })
	if len(puts) != 1 {
		t.Errorf("the mark was written %d times", len(puts))
	}
	// It is no content: the bucket is empty, and goes with it.
	if err := session.DeleteBucket(t.Context(), bucket); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestTheQuotaOfBucketsIsTold(t *testing.T) {
	server := start(t, emulator.Options{BucketLimit: 2})
	session := open(t, placeOf(server), server.AccessKey, server.SecretKey)
	for i := range 3 {
		err := session.CreateBucket(t.Context(), provider.Bucket{Name: fmt.Sprintf("bucket-%d", i)})
		if isOver := errors.Is(err, provider.ErrQuota) && fault.HasReason(err, fault.QuotaExceeded); isOver != (i == 2) {
			t.Errorf("bucket %d: %v", i, err)
		}
	}
}

func TestAnUploadThatLastsTooLongIsTransient(t *testing.T) {
	server := start(t, emulator.Options{UploadLimit: 100 * time.Millisecond})
	session := open(t, placeOf(server), server.AccessKey, server.SecretKey)
	if err := session.CreateBucket(t.Context(), provider.Bucket{Name: bucket}); err != nil {
		t.Fatal(err)
	}
	slow := content(strings.Repeat("x", 1<<20))
	slow.Reader = slowly{slow.Reader}
	_, err := session.Put(t.Context(), provider.Ref{Bucket: bucket, Key: "k"}, slow, provider.Attributes{})
	if got := fault.Of(err); !errors.Is(err, provider.ErrUnreachable) || got.Class != fault.Transient || got.Reason != fault.ProviderUnreachable {
		t.Errorf("got %v", err)
	}
}

// slowly reads ten kilobytes in twenty milliseconds.
type slowly struct{ io.ReadSeeker }

func (s slowly) Read(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return s.ReadSeeker.Read(p[:min(len(p), 10<<10)])
}
