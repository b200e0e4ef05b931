package outscale_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// operations are what is asked of the API and of OOS.
var operations = map[string]func(context.Context, *testing.T, provider.Session) error{
	"discover": func(ctx context.Context, t *testing.T, s provider.Session) error {
		_, err := account(t, s).Discover(ctx)
		return err
	},
	"footprint": func(ctx context.Context, t *testing.T, s provider.Session) error {
		_, err := account(t, s).Footprint(ctx, today)
		return err
	},
	"ping": func(ctx context.Context, _ *testing.T, s provider.Session) error { _, err := s.Ping(ctx); return err },
	"create": func(ctx context.Context, _ *testing.T, s provider.Session) error {
		return s.CreateBucket(ctx, provider.Bucket{Name: bucket})
	},
	"delete": func(ctx context.Context, _ *testing.T, s provider.Session) error { return s.DeleteBucket(ctx, bucket) },
	"put": func(ctx context.Context, _ *testing.T, s provider.Session) error {
		_, err := s.Put(ctx, provider.Ref{Bucket: bucket, Key: "k"}, content("x"), provider.Attributes{})
		return err
	},
	"list": func(ctx context.Context, _ *testing.T, s provider.Session) error {
		_, err := s.ListPage(ctx, bucket, provider.ListRequest{})
		return err
	},
}

var ofAPI = []string{"discover", "footprint"}

// answers are what the API, OOS and what stands in front of them say, for each
// operation, and what it means.
var answers = map[string]struct {
	operations []string
	handle     http.HandlerFunc
	sentinel   error
	class      fault.Class
	reason     fault.Reason
	after      time.Duration
}{
	"a wrong signature":                       {ofAPI, apiError(401, "1"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a key that nobody has":                   {ofAPI, apiError(400, "4120"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a signature that cannot be read":         {ofAPI, apiError(400, "4000"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a request that is not authorised":        {ofAPI, apiError(401, "5"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a user that is not allowed":              {ofAPI, apiError(401, "7"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"an address that access rules keep out":   {ofAPI, apiError(401, "14"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a password that has expired":             {ofAPI, apiError(401, "20"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"401 of a code that nobody knows":         {ofAPI, apiError(401, "999"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"401 as a page":                           {ofAPI, page(401), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a key that is locked for a while":        {ofAPI, apiError(401, "13"), provider.ErrThrottled, fault.Throttled, fault.AccountLocked, time.Minute},
	"a key that is locked for good":           {ofAPI, apiError(401, "11"), provider.ErrAuthentication, fault.Terminal, fault.AccountLocked, 0},
	"a right that is missing":                 {ofAPI, apiError(403, "4"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0},
	"a right that is missing, by the page":    {ofAPI, apiError(401, "4"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0},
	"403 of another code":                     {ofAPI, apiError(403, "8"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0},
	"throttling of the platform":              {ofAPI, apiError(503, "6"), provider.ErrThrottled, fault.Throttled, fault.Throttling, 0},
	"throttling of the account":               {ofAPI, apiError(429, "24"), provider.ErrThrottled, fault.Throttled, fault.Throttling, 0},
	"throttling of a call":                    {ofAPI, apiError(429, "25"), provider.ErrThrottled, fault.Throttled, fault.Throttling, 0},
	"429 as a page":                           {ofAPI, page(429), provider.ErrThrottled, fault.Throttled, fault.Throttling, 0},
	"what does not exist":                     {ofAPI, apiError(400, "5076"), provider.ErrNotFound, fault.Terminal, fault.Unclassified, 0},
	"a quota":                                 {ofAPI, apiError(400, "10014"), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded, 0},
	"an action that the region does not have": {ofAPI, apiError(404, "12000"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0},
	"a parameter that is not taken":           {ofAPI, apiError(400, "4118"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0},
	"an internal error":                       {ofAPI, apiError(500, "2000"), provider.ErrServer, fault.Transient, fault.Unclassified, 0},
	"502":                                     {ofAPI, document("text/plain", 502, "bad gateway"), provider.ErrServer, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"503 without a code":                      {ofAPI, document("text/plain", 503, "later"), provider.ErrServer, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"504":                                     {ofAPI, document("text/plain", 504, ""), provider.ErrServer, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"408":                                     {ofAPI, document("text/plain", 408, ""), provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"a proxy that wants a password":           {ofAPI, document("text/plain", 407, ""), provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"a web page":                              {ofAPI, page(200), provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"503 as a page":                           {ofAPI, page(503), provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"a path that nobody serves":               {ofAPI, http.NotFound, provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration, 0},
	"a redirect":                              {ofAPI, document("text/plain", 301, ""), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved, 0},
	"a success that cannot be read":           {ofAPI, document("application/json", 200, "{"), provider.ErrServer, fault.Transient, fault.Unclassified, 0},
	"no answer from the API":                  {ofAPI, hangUp, provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"an answer that is cut":                   {ofAPI, cutShort, provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0},
	"no answer from OOS":                      {[]string{"ping", "put", "create"}, hangUp, provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable, 0},
	"a key that OOS does not know":            {[]string{"ping", "put", "create", "list"}, s3Error(403, "InvalidAccessKeyId"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a wrong signature at OOS":                {[]string{"ping", "put", "create", "list"}, s3Error(403, "SignatureDoesNotMatch"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0},
	"a clock that is wrong":                   {[]string{"ping", "put"}, s3Error(403, "RequestTimeTooSkewed"), provider.ErrClockSkew, fault.Terminal, fault.ClockSkew, 0},
	"a bucket of another account":             {[]string{"put", "list"}, s3Error(403, "AccessDenied"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0},
	"as many buckets as the account can have": {[]string{"create"}, s3Error(400, "TooManyBuckets"), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded, 0},
	"a name that is taken":                    {[]string{"create"}, s3Error(409, "BucketAlreadyExists"), provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict, 0},
	"a region that OOS is not in":             {[]string{"ping", "list"}, s3Error(400, "AuthorizationHeaderMalformed"), provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration, 0},
	"a bucket that is not there":              {[]string{"put", "list"}, s3Error(404, "NoSuchBucket"), provider.ErrNotFound, fault.Terminal, fault.BucketMissing, 0},
	"what OOS does not know":                  {[]string{"put", "list"}, s3Error(501, "NotImplemented"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0},
	"throttling of a bucket":                  {[]string{"put", "list"}, s3Error(503, "SlowDown"), provider.ErrThrottled, fault.Throttled, fault.Throttling, 0},
	"an upload that lasted too long":          {[]string{"put"}, s3Error(400, "RequestTimeout"), provider.ErrServer, fault.Transient, fault.ProviderUnreachable, 0},
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte("{"))
	panic(http.ErrAbortHandler)
}

func TestAnswersAreTranslated(t *testing.T) {
	for name, test := range answers {
		for _, operation := range test.operations {
			t.Run(name+" to "+operation, func(t *testing.T) {
				t.Parallel()
				err := operations[operation](t.Context(), t, answering(t, test.handle))
				got := fault.Of(err)
				if got == nil || !errors.Is(err, test.sentinel) || got.Class != test.class || got.Reason != test.reason || got.After != test.after {
					t.Errorf("got %#v: %v\nwant %v, %s, %s, %s", got, err, test.sentinel, test.class, test.reason, test.after)
				}
			})
		}
	}
}

func TestEveryRefusalOfTheAPICostsOneRequest(t *testing.T) {
	for _, code := range []string{"1", "4120", "13", "11", "24"} {
		for _, operation := range ofAPI {
			asked := 0
			session := answering(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				apiError(401, code)(w, r)
			})
			if err := operations[operation](t.Context(), t, session); err == nil || asked != 1 {
				t.Errorf("%s, code %s: %d requests, %v", operation, code, asked, err)
			}
		}
	}
}

func TestDelayOfTheAPIIsPassedOn(t *testing.T) {
	for name, test := range map[string]struct {
		code, value string
		want        time.Duration
	}{
		"of throttling":                 {"24", "7", 7 * time.Second},
		"of a lock, when it is longer":  {"13", "120", 2 * time.Minute},
		"of a lock, when it is shorter": {"13", "7", time.Minute},
		"that cannot be read":           {"24", "soon", 0},
		"of the past":                   {"24", "-7", 0},
	} {
		session := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", test.value)
			apiError(429, test.code)(w, r)
		})
		_, err := account(t, session).Discover(t.Context())
		if got := fault.Of(err); got.Class != fault.Throttled || got.After != test.want {
			t.Errorf("%s: got %s after %s: %v", name, got.Class, got.After, err)
		}
	}
}

func TestMessagesNameEverythingButCredentials(t *testing.T) {
	details := "KEYID0123456789ABCDE with s3cr3t-value\nsigned otherwise " + strings.Repeat("x", 5000)
	session := answering(t, document("application/json", 401, `{"Errors":[{"Code":"1","Type":"AccessDenied","Details":"`+strings.ReplaceAll(details, "\n", `\n`)+`"}]}`))
	_, err := account(t, session).Discover(t.Context())
	want := "read subregions at the API of outscale (eu-west-2): credentials were refused (HTTP 401, code 1 AccessDenied: [access key] with [secret key] signed otherwise x"
	if err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 600 {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
	refused := answering(t, s3Error(403, "InvalidAccessKeyId"))
	if _, err := refused.Ping(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "OOS takes access keys of the account's root user only, and not those of EIM users") {
		t.Errorf("got %v", err)
	}
	denied := answering(t, s3Error(403, "AccessDenied"))
	if _, err := denied.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "EIM") {
		t.Errorf("got %v", err)
	}
}

func TestCertificatesMustBeTrusted(t *testing.T) {
	listener := httptest.NewTLSServer(apiError(500, "2000"))
	t.Cleanup(listener.Close)
	place := provider.Place{Endpoint: listener.URL, API: listener.URL + "/api/v1"}
	_, err := account(t, open(t, place, "KEYID0123456789ABCDE", "s3cr3t-value")).Discover(t.Context())
	if got := fault.Of(err); !errors.Is(err, provider.ErrCertificate) || got.Class != fault.Terminal || got.Reason != fault.CertificateInvalid {
		t.Errorf("got %v", err)
	}
	place.CABundle = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listener.Certificate().Raw})
	if _, err := account(t, open(t, place, "KEYID0123456789ABCDE", "s3cr3t-value")).Discover(t.Context()); !errors.Is(err, provider.ErrServer) {
		t.Errorf("a certificate of the place's own: %v", err)
	}
}

func TestNobodyListeningIsUnreachable(t *testing.T) {
	const address = "http://127.0.0.1:1" // a port that was closed is soon somebody else's
	session := open(t, provider.Place{Endpoint: address, API: address + "/api/v1"}, "KEYID0123456789ABCDE", "s3cr3t-value")
	for operation, reason := range map[string]fault.Reason{
		"discover": fault.ControlPlaneUnreachable, "footprint": fault.ControlPlaneUnreachable, "ping": fault.ProviderUnreachable,
	} {
		err := operations[operation](t.Context(), t, session)
		if !errors.Is(err, provider.ErrUnreachable) || !fault.HasReason(err, reason) {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

func TestEndOfTheContextPassesUnclassified(t *testing.T) {
	gate := make(chan struct{})
	session := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(gate) })
	ended, end := context.WithCancel(t.Context())
	end()
	late, free := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer free()
	for _, operation := range ofAPI {
		for want, ctx := range map[error]context.Context{context.Canceled: ended, context.DeadlineExceeded: late} {
			err := operations[operation](ctx, t, session)
			if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, want) || classified {
				t.Errorf("%s: got %#v, want %v", operation, err, want)
			}
		}
	}
}
