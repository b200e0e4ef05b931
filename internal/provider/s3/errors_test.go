package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// calls are the requests whose failures are tried, by what they are.
var calls = map[string]func(context.Context, provider.Session) error{
	"ping": func(ctx context.Context, s provider.Session) error { _, err := s.Ping(ctx); return err },
	"list": func(ctx context.Context, s provider.Session) error {
		_, err := s.ListPage(ctx, bucket, provider.ListRequest{})
		return err
	},
	"head": func(ctx context.Context, s provider.Session) error { _, err := s.Head(ctx, ref("plain")); return err },
	"get": func(ctx context.Context, s provider.Session) error {
		_, _, err := s.Get(ctx, ref("plain"), provider.GetOptions{})
		return err
	},
	"put": func(ctx context.Context, s provider.Session) error {
		_, err := s.Put(ctx, ref("plain"), content("x"), provider.Attributes{})
		return err
	},
	"odd": func(ctx context.Context, s provider.Session) error {
		_, err := s.Put(ctx, ref("odd//key"), content("x"), provider.Attributes{})
		return err
	},
	"part": func(ctx context.Context, s provider.Session) error {
		_, err := s.UploadPart(ctx, ref("plain"), "id", 1, content("x"))
		return err
	},
	"remove": func(ctx context.Context, s provider.Session) error { return s.Remove(ctx, ref("plain")) },
	"create": func(ctx context.Context, s provider.Session) error {
		return s.CreateBucket(ctx, provider.Bucket{Name: bucket})
	},
	"delete": func(ctx context.Context, s provider.Session) error { return s.DeleteBucket(ctx, bucket) },
	"complete": func(ctx context.Context, s provider.Session) error {
		_, err := s.CompleteUpload(ctx, ref("plain"), "id", []provider.Part{{Number: 1, ETag: "e"}})
		return err
	},
}

// answers are what stores, proxies and portals say, and what it means.
var answers = map[string]struct {
	call     string
	handle   http.HandlerFunc
	sentinel error
	class    fault.Class
	reason   fault.Reason
}{
	"unknown key":                   {"put", s3Error(403, "InvalidAccessKeyId"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"wrong signature":               {"put", s3Error(403, "SignatureDoesNotMatch"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"wrong signature, odd key":      {"odd", s3Error(403, "SignatureDoesNotMatch"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"expired token":                 {"put", s3Error(400, "ExpiredToken"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"401":                           {"get", s3Error(401, "Anything"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"401 as a page":                 {"get", page(401), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"401 on HEAD":                   {"head", document(401, ""), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"denied":                        {"put", s3Error(403, "AccessDenied"), provider.ErrDenied, fault.Terminal, fault.AccessDenied},
	"403 of another code":           {"put", s3Error(403, "InvalidObjectState"), provider.ErrDenied, fault.Terminal, fault.AccessDenied},
	"403 on HEAD, wrong key":        {"head", s3Error(403, "InvalidAccessKeyId"), provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed},
	"403 on HEAD, denied":           {"head", s3Error(403, "AccessDenied"), provider.ErrDenied, fault.Terminal, fault.AccessDenied},
	"403 as a page":                 {"put", page(403), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"clock":                         {"put", s3Error(403, "RequestTimeTooSkewed"), provider.ErrClockSkew, fault.Terminal, fault.ClockSkew},
	"clock on HEAD":                 {"head", s3Error(403, "RequestTimeTooSkewed"), provider.ErrClockSkew, fault.Terminal, fault.ClockSkew},
	"no bucket":                     {"list", s3Error(404, "NoSuchBucket"), provider.ErrNotFound, fault.Terminal, fault.BucketMissing},
	"no bucket on HEAD":             {"head", s3Error(404, "NoSuchBucket"), provider.ErrNotFound, fault.Terminal, fault.BucketMissing},
	"no key":                        {"get", s3Error(404, "NoSuchKey"), provider.ErrNotFound, fault.Terminal, fault.Unclassified},
	"no key on HEAD":                {"head", s3Error(404, "NoSuchKey"), provider.ErrNotFound, fault.Terminal, fault.Unclassified},
	"no version":                    {"get", s3Error(404, "NoSuchVersion"), provider.ErrNotFound, fault.Terminal, fault.Unclassified},
	"no upload":                     {"complete", s3Error(404, "NoSuchUpload"), provider.ErrNotFound, fault.Terminal, fault.Unclassified},
	"404 as a page":                 {"get", page(404), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"404 without words":             {"get", document(404, ""), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"404 in other words":            {"get", document(404, `{"error":"not found"}`), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"404 of a page on HEAD":         {"head", page(404), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"404 of another code":           {"get", s3Error(404, "MissingSecurityHeader"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing},
	"429 as a page":                 {"get", page(429), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"200 without an ETag on put":    {"put", document(200, ""), provider.ErrServer, fault.Transient, fault.Unclassified},
	"200 without an ETag on a part": {"part", document(200, ""), provider.ErrServer, fault.Transient, fault.Unclassified},
	"429":                           {"get", document(429, ""), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"slow down":                     {"put", s3Error(503, "SlowDown"), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"slow down on HEAD":             {"head", document(429, ""), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"request limit":                 {"put", s3Error(400, "RequestLimitExceeded"), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"500":                           {"get", s3Error(500, "InternalError"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"500 on HEAD":                   {"head", document(500, ""), provider.ErrServer, fault.Transient, fault.Unclassified},
	"502":                           {"get", document(502, ""), provider.ErrServer, fault.Transient, fault.ProviderUnreachable},
	"503":                           {"get", s3Error(503, "ServiceUnavailable"), provider.ErrServer, fault.Transient, fault.ProviderUnreachable},
	"504":                           {"put", document(504, ""), provider.ErrServer, fault.Transient, fault.ProviderUnreachable},
	"502 as a page":                 {"put", page(502), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"501":                           {"put", s3Error(501, "NotImplemented"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing},
	"405":                           {"remove", s3Error(405, "MethodNotAllowed"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing},
	"too many buckets":              {"create", s3Error(400, "TooManyBuckets"), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded},
	"quota":                         {"put", s3Error(403, "QuotaExceeded"), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded},
	"disk full":                     {"put", document(507, ""), provider.ErrQuota, fault.Terminal, fault.QuotaExceeded},
	"wrong SHA-256":                 {"put", s3Error(400, "XAmzContentSHA256Mismatch"), provider.ErrContentMismatch, fault.Transient, fault.VerificationMismatch},
	"wrong digest":                  {"put", s3Error(400, "BadDigest"), provider.ErrContentMismatch, fault.Transient, fault.VerificationMismatch},
	"412":                           {"get", s3Error(412, "PreconditionFailed"), provider.ErrChanged, fault.Transient, fault.Unclassified},
	"416":                           {"get", s3Error(416, "InvalidRange"), provider.ErrChanged, fault.Transient, fault.Unclassified},
	"key too long":                  {"put", s3Error(400, "KeyTooLongError"), provider.ErrInvalidKey, fault.Terminal, fault.KeysNotExact},
	"key MinIO refuses":             {"odd", s3Error(400, "XMinioInvalidObjectName"), provider.ErrInvalidKey, fault.Terminal, fault.KeysNotExact},
	"file in the way":               {"put", s3Error(409, "ObjectParentIsFile"), provider.ErrInvalidKey, fault.Terminal, fault.KeysNotExact},
	"name taken":                    {"create", s3Error(409, "BucketAlreadyExists"), provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict},
	"409 on create":                 {"create", document(409, ""), provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict},
	"409 on create in progress":     {"create", s3Error(409, "OperationAborted"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"409 on put":                    {"put", s3Error(409, "SomethingElse"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"wrong region":                  {"put", s3Error(400, "AuthorizationHeaderMalformed"), provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration},
	"301":                           {"get", s3Error(301, "PermanentRedirect"), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved},
	"301 to https":                  {"put", document(301, ""), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved},
	"301 as a page":                 {"get", page(301), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved},
	"308 as a page":                 {"get", page(308), provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved},
	"302 to a login page":           {"get", page(302), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"400 of another code":           {"put", s3Error(400, "InvalidTag"), provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing},
	"511":                           {"put", document(511, ""), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on ping":         {"ping", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on put":          {"put", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on remove":       {"remove", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on delete":       {"delete", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on complete":     {"complete", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 as a page on create":       {"create", page(200), provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable},
	"200 without an object":         {"get", document(200, "hello"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"200 without an ETag on HEAD":   {"head", document(200, ""), provider.ErrServer, fault.Transient, fault.Unclassified},
	"200 with an error":             {"complete", s3Error(200, "InternalError"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"200 with throttling":           {"complete", s3Error(200, "SlowDown"), provider.ErrThrottled, fault.Throttled, fault.Throttling},
	"200 with another document":     {"ping", document(200, "<ListBucketResult/>"), provider.ErrServer, fault.Transient, fault.Unclassified},
	"200 with an error on ping":     {"ping", s3Error(200, "SlowDown"), provider.ErrThrottled, fault.Throttled, fault.Throttling},
}

func TestAnswersAreTranslated(t *testing.T) {
	for name, test := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := calls[test.call](t.Context(), answering(t, test.handle))
			classified := fault.Of(err)
			if !errors.Is(err, test.sentinel) || classified == nil || classified.Class != test.class || classified.Reason != test.reason {
				t.Errorf("got %#v: %v\nwant %v, %s, %s", classified, err, test.sentinel, test.class, test.reason)
			}
		})
	}
}

func TestMessagesNameEverythingButCredentials(t *testing.T) {
	session := answering(t, document(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>key-id with s3cr3t-value\nsigned otherwise "+strings.Repeat("x", 5000)+"</Message></Error>"))
	_, err := session.Put(t.Context(), ref("plain"), content("x"), provider.Attributes{})
	want := `put object "plain" in bucket "actes" at onprem/dc1: credentials were refused (HTTP 403 SignatureDoesNotMatch: [access key] with [secret key] signed otherwise x`
	if err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 600 {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
	if err := session.DeleteBucket(t.Context(), bucket); err == nil || !strings.HasPrefix(err.Error(), `delete bucket "actes" at onprem/dc1: `) {
		t.Errorf("got %v", err)
	}
}

func TestDelayOfTheStoreIsPassedOn(t *testing.T) {
	tests := map[string]struct {
		value    string
		from, to time.Duration
	}{
		"in seconds":  {"7", 7 * time.Second, 7 * time.Second},
		"as a date":   {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 50 * time.Second, time.Minute},
		"of the past": {time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat), 0, 0},
		"negative":    {"-7", 0, 0},
		"unreadable":  {"soon", 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := answering(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", test.value)
				s3Error(503, "ServiceUnavailable")(w, r)
			})
			_, err := session.Put(t.Context(), ref("plain"), content("x"), provider.Attributes{})
			classified := fault.Of(err)
			if classified.Class != fault.Throttled || classified.After < test.from || classified.After > test.to {
				t.Errorf("got %s after %s: %v", classified.Class, classified.After, err)
			}
		})
	}
}

func TestNoAnswerIsUnreachable(t *testing.T) {
	const endpoint = "http://127.0.0.1:1" // a port that was closed is soon somebody else's
	refusing := openAs(t, provider.Place{Provider: "onprem", Location: "dc1", Endpoint: endpoint}, "key-id", "s3cr3t-value")
	hangingUp := answering(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, call := range calls {
		for place, session := range map[string]provider.Session{"refused": refusing, "hung up": hangingUp} {
			err := call(t.Context(), session)
			if !errors.Is(err, provider.ErrUnreachable) || fault.Of(err).Class != fault.Transient || !fault.HasReason(err, fault.ProviderUnreachable) {
				t.Errorf("%s, %s: got %v", name, place, err)
			}
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
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended, end := context.WithCancel(t.Context())
			end()
			late, free := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer free()
			for want, ctx := range map[error]context.Context{context.Canceled: ended, context.DeadlineExceeded: late} {
				err := call(ctx, session)
				if _, classified := errors.AsType[*fault.Error](err); !errors.Is(err, want) || classified {
					t.Errorf("got %#v, want %v", err, want)
				}
			}
		})
	}
}

func TestBadSignatureOfAnOddRequestDoesNotBlameTheCredentials(t *testing.T) {
	// The store folds paths and headers in its own way before it signs.
	session := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			document(200, "<ListAllMyBucketsResult/>")(w, r)
			return
		}
		s3Error(403, "SignatureDoesNotMatch")(w, r)
	})
	tests := map[string]struct {
		key        string
		attributes provider.Attributes
		want       error
	}{
		"odd key":            {"a//b", provider.Attributes{}, provider.ErrInvalidKey},
		"dot segment":        {"a/./b", provider.Attributes{}, provider.ErrInvalidKey},
		"escaped key":        {"é", provider.Attributes{}, provider.ErrInvalidKey},
		"odd metadata":       {"plain", provider.Attributes{UserMetadata: map[string]string{"a": "b  c"}}, provider.ErrUnsupported},
		"odd disposition":    {"plain", provider.Attributes{ContentDisposition: "é"}, provider.ErrUnsupported},
		"tags":               {"plain", provider.Attributes{Tags: map[string]string{"a": "b"}}, provider.ErrUnsupported},
		"nothing odd":        {".rempart/manifest/a_b.c-d~e", provider.Attributes{ContentType: "text/plain; charset=utf-8"}, provider.ErrAuthentication},
		"nothing odd either": {"a", provider.Attributes{UserMetadata: map[string]string{"a": "b c"}}, provider.ErrAuthentication},
	}
	for name, test := range tests {
		_, err := session.Put(t.Context(), ref(test.key), content("x"), test.attributes)
		if !errors.Is(err, test.want) || fault.Of(err).Class != fault.Terminal {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	if _, err := session.Head(t.Context(), ref("a//b")); !errors.Is(err, provider.ErrInvalidKey) {
		t.Errorf("head: got %v", err)
	}
}

func TestKeysThatCannotBeSentAreNamed(t *testing.T) {
	session := answering(t, page(500)) // nobody may be asked
	ctx := t.Context()
	for _, key := range []string{"", " \t\n", strings.Repeat("k", 1025), "not \xff UTF-8"} {
		ref := ref(key)
		_, head := session.Head(ctx, ref)
		_, _, get := session.Get(ctx, ref, provider.GetOptions{})
		_, put := session.Put(ctx, ref, content("x"), provider.Attributes{})
		_, tags := session.Tags(ctx, ref)
		_, started := session.StartUpload(ctx, ref, provider.Attributes{})
		_, part := session.UploadPart(ctx, ref, "id", 1, content("x"))
		_, completed := session.CompleteUpload(ctx, ref, "id", nil)
		for name, err := range map[string]error{
			"head": head, "get": get, "put": put, "tags": tags, "start": started, "part": part, "complete": completed,
			"remove": session.Remove(ctx, ref), "abort": session.AbortUpload(ctx, ref, "id"),
		} {
			if !errors.Is(err, provider.ErrInvalidKey) || fault.Of(err).Class != fault.Terminal || !fault.HasReason(err, fault.KeysNotExact) {
				t.Errorf("%s %q: got %v", name, key, err)
			}
			if quoted := fmt.Sprintf("%q", key); key != "" && (err == nil || !strings.Contains(err.Error(), quoted)) {
				t.Errorf("%s: %v does not name %s", name, err, quoted)
			}
		}
	}
}
