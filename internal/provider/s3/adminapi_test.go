package s3_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func adminError(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"Code":"` + code + `","message":"in words"}`))
	}
}

// adminAnswers are what admin APIs, stores without one, proxies and portals say to
// the first request, and what it means. The advice is by credential API, and
// empty where there is nothing to do but wait.
var adminAnswers = map[string]struct {
	handle   http.HandlerFunc
	sentinel error
	class    fault.Class
	reason   fault.Reason
	advice   map[provider.CredentialAPI]string
}{
	"refused":                   {adminError(403, "AccessDenied"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"refused without words":     {document(403, ""), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"refused by a page":         {page(403), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"refused with 401":          {document(401, ""), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"suspended":                 {adminError(403, "UserSuspended"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"refused by S3":             {s3Error(403, "AccessDenied"), provider.ErrDenied, fault.Terminal, fault.AccessDenied, rightsAdvice},
	"wrong key":                 {adminError(403, "InvalidAccessKeyId"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, nil},
	"wrong signature, by S3":    {s3Error(403, "SignatureDoesNotMatch"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, nil},
	"clock":                     {adminError(403, "RequestTimeTooSkewed"), provider.ErrClockSkew, fault.Terminal, fault.ClockSkew, nil},
	"absent":                    {document(404, ""), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"absent, as a page":         {page(404), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"a store's missing bucket":  {s3Error(404, "NoSuchBucket"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"a store's missing object":  {s3Error(404, "NoSuchKey"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"a method not allowed":      {s3Error(405, "MethodNotAllowed"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"not implemented":           {document(501, ""), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"an older version":          {adminError(400, "InvalidRequest"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"another document":          {document(200, "<ListBucketResult/>"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"an object of that name":    {document(200, `{"a":"b"}`), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"a list":                    {document(200, `["a"]`), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"nothing":                   {document(200, ""), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, absenceAdvice},
	"a login page":              {page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable, networkAdvice},
	"a redirect":                {document(302, ""), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved, absenceAdvice},
	"throttled":                 {document(429, ""), provider.ErrThrottled, fault.Throttled, fault.Throttling, nil},
	"slow down":                 {adminError(503, "SlowDown"), provider.ErrThrottled, fault.Throttled, fault.Throttling, nil},
	"quota":                     {adminError(400, "LimitExceeded"), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded, nil},
	"somebody else at work":     {adminError(409, "ConcurrentModification"), provider.ErrServer, fault.Transient, fault.Unclassified, nil},
	"409":                       {document(409, ""), provider.ErrServer, fault.Transient, fault.Unclassified, nil},
	"failing":                   {adminError(500, "InternalError"), provider.ErrServer, fault.Transient, fault.Unclassified, nil},
	"500 of another code":       {document(599, ""), provider.ErrServer, fault.Transient, fault.Unclassified, nil},
	"down behind a proxy":       {page(502), provider.ErrServer, fault.Transient, fault.ProviderUnreachable, nil},
	"without a quorum":          {adminError(503, "ServiceUnavailable"), provider.ErrServer, fault.Transient, fault.ProviderUnreachable, nil},
	"504":                       {document(504, ""), provider.ErrServer, fault.Transient, fault.ProviderUnreachable, nil},
	"a connection that is lost": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable, networkAdvice},
}

var (
	rightsAdvice = map[provider.CredentialAPI]string{
		provider.CephCredentialAPI:   `--caps="users=*"`,
		provider.GarageCredentialAPI: "set adminToken in the Secret",
	}
	absenceAdvice = map[provider.CredentialAPI]string{
		provider.CephCredentialAPI:   "rgw_enable_apis",
		provider.GarageCredentialAPI: "correct spec.s3.credentialAPIEndpoint",
	}
	networkAdvice = map[provider.CredentialAPI]string{
		provider.CephCredentialAPI:   "whether the operator may connect",
		provider.GarageCredentialAPI: "whether the operator may connect",
	}
)

// keysAt gives the issuer of a credential API that is served by a handler, beside
// an emulated store with the usual bucket.
func keysAt(t *testing.T, api provider.CredentialAPI, handler http.Handler) (*emulator.Server, provider.KeyIssuer) {
	t.Helper()
	server, _ := start(t, emulator.Options{AnyPrincipal: true})
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	return server, issuerOf(t, server, api, listener.URL)
}

func issuerOf(t *testing.T, server *emulator.Server, api provider.CredentialAPI, endpoint string) provider.KeyIssuer {
	t.Helper()
	place := provider.Place{
		Provider: "onprem", Location: "dc1", Endpoint: server.URL, Region: server.Region, CredentialAPI: api, CredentialAPIEndpoint: endpoint,
	}
	keys, ok := openWith(t, place, server.AccessKey, server.SecretKey, adminToken).Keys()
	if !ok {
		t.Fatal("no key issuer where one is declared")
	}
	return keys
}

var jsonAPIs = []provider.CredentialAPI{provider.CephCredentialAPI, provider.GarageCredentialAPI}

func TestWhatAdminAPIsSay(t *testing.T) {
	for _, api := range jsonAPIs {
		for name, test := range adminAnswers {
			t.Run(string(api)+"/"+name, func(t *testing.T) {
				server, keys := keysAt(t, api, test.handle)
				_, issued := keys.IssueKey(t.Context(), grantTo("app"))
				revoked := keys.RevokeKey(t.Context(), grantTo("app"))
				for what, err := range map[string]error{"issue": issued, "revoke": revoked} {
					if api == provider.GarageCredentialAPI && what == "revoke" && name == "a list" {
						continue // of keys: it is what was asked for
					}
					wantAdminFault(t, what, err, test.sentinel, test.class, test.reason, test.advice[api])
				}
				if policy := server.Buckets()[bucket].Policy; policy != "" {
					t.Errorf("wrote %s", policy)
				}
			})
		}
	}
}

func wantAdminFault(t *testing.T, what string, err, sentinel error, class fault.Class, reason fault.Reason, advice string) {
	t.Helper()
	if !errors.Is(err, sentinel) || fault.Of(err).Class != class || !fault.HasReason(err, reason) {
		t.Errorf("%s: got %v/%v: %v", what, fault.Of(err).Class, fault.Of(err).Reason, err)
		return
	}
	if !strings.Contains(err.Error(), advice) || strings.Contains(err.Error(), adminToken) {
		t.Errorf("%s: says %q, want the advice %q", what, err, advice)
	}
}

func TestAdminAPIThatCannotBeReached(t *testing.T) {
	secured := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secured.Close)
	const nobody = "http://127.0.0.1:1" // a port that was closed is soon somebody else's
	for _, api := range jsonAPIs {
		server, _ := start(t, emulator.Options{})
		_, err := issuerOf(t, server, api, nobody).IssueKey(t.Context(), grantTo("app"))
		wantAdminFault(t, "nobody listens", err, provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable, "check spec.s3.credentialAPIEndpoint")
		_, err = issuerOf(t, server, api, secured.URL).IssueKey(t.Context(), grantTo("app"))
		wantAdminFault(t, "unknown authority", err, provider.ErrCertificate, fault.Terminal, fault.CertificateInvalid, "spec.s3.caBundleRef")
	}
}

// A store repeats in its errors what it was sent.
func TestAdminErrorsDoNotRepeatTheToken(t *testing.T) {
	_, keys := keysAt(t, provider.GarageCredentialAPI, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"code":"AccessDenied","message":"not a valid token: ` + r.Header.Get("Authorization") + `"}`))
	}))
	_, err := keys.IssueKey(t.Context(), grantTo("app"))
	if err == nil || strings.Contains(err.Error(), adminToken) || !strings.Contains(err.Error(), "[admin token]") {
		t.Errorf("says %v", err)
	}
}

func TestGrantsThatCannotBeAtAnyAPI(t *testing.T) {
	for _, api := range jsonAPIs {
		_, keys := keysAt(t, api, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }))
		for name, grant := range map[string]provider.Grant{
			"consumer in upper case": {Consumer: "ABC", Bucket: bucket, Mode: provider.ReadOnly},
			"unknown mode":           {Consumer: "abc", Bucket: bucket, Mode: "Everything"},
		} {
			if _, err := keys.IssueKey(t.Context(), grant); !errors.Is(err, provider.ErrInvalidConfiguration) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A Versity gateway may have an admin port of its own.
func TestVersityIsAskedWhereItsAdminCallsAre(t *testing.T) {
	server, _ := start(t, emulator.Options{VersityAdmin: true})
	var asked []string
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		server.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	keys := issuerOf(t, server, provider.VersityCredentialAPI, listener.URL)
	if _, err := keys.IssueKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 1 || asked[0] != "PATCH /create-user" {
		t.Errorf("asked there: %q", asked)
	}
}
