package ovh_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// step is what is done with a session in a table.
type step = func(context.Context, provider.Session) error

var (
	observe = func(ctx context.Context, s provider.Session) error {
		_, err := s.ObserveBucket(ctx, "actes")
		return err
	}
	list = func(ctx context.Context, s provider.Session) error {
		_, err := s.ListBuckets(ctx)
		return err
	}
	ping = func(ctx context.Context, s provider.Session) error {
		_, err := s.Ping(ctx)
		return err
	}
	create = func(ctx context.Context, s provider.Session) error {
		return s.CreateBucket(ctx, provider.Bucket{Name: "actes"})
	}
	update = func(ctx context.Context, s provider.Session) error {
		return s.UpdateBucket(ctx, provider.Bucket{Name: "actes", Mark: provider.Mark{Owner: "a/b/c", Signature: "d"}})
	}
	remove = func(ctx context.Context, s provider.Session) error { return s.DeleteBucket(ctx, "actes") }
	head   = func(ctx context.Context, s provider.Session) error {
		_, err := s.Head(ctx, provider.Ref{Bucket: "actes", Key: "k"})
		return err
	}
	discover = func(ctx context.Context, s provider.Session) error {
		account, _ := s.Account()
		_, err := account.Discover(ctx)
		return err
	}
	issue = func(ctx context.Context, s provider.Session) error {
		keys, _ := s.Keys()
		_, err := keys.IssueKey(ctx, provider.Grant{Consumer: "mairie", Bucket: "actes", Mode: provider.ReadWrite})
		return err
	}
)

// Questions that cases answer.
const (
	askTime    = "GET /auth/time"
	askKey     = "GET /auth/currentCredential"
	askProject = "GET " + inProject
	askRegions = "GET " + inProject + "/region"
	askRegion  = "GET " + inProject + "/region/GRA"
	askBuckets = "GET " + inRegion
	askBucket  = "GET " + inRegion + "/actes"
	makeBucket = "POST " + inRegion
	putBucket  = "PUT " + inRegion + "/actes"
	dropBucket = "DELETE " + inRegion + "/actes"
	askUsers   = "GET " + inProject + "/user"
	makeUser   = "POST " + inProject + "/user"
	setPolicy  = "POST " + ofUser + "/policy"
	askKeys    = "GET " + ofUser + "/s3Credentials"
	ofConsumer = inProject + "/user/9"
)

func container(name string) answer {
	return good(map[string]any{"name": name, "region": "GRA", "ownerId": operatorID, "versioning": map[string]string{"status": "disabled"}})
}

// buckets is a list of so many.
func buckets(count int) answer {
	list := make([]map[string]string, count)
	for i := range list {
		list[i] = map[string]string{"name": "other-" + strconv.Itoa(i)}
	}
	return good(list)
}

func users(count int) answer {
	list := make([]map[string]any, count)
	for i := range list {
		list[i] = map[string]any{"id": 100 + i, "description": "somebody", "status": "ok"}
	}
	return good(list)
}

func regionIn(status string) answer {
	return good(map[string]any{"name": "GRA", "type": "region", "status": status, "countryCode": "FR"})
}

var page = answer{status: http.StatusOK, body: "<html>Log in</html>", header: map[string]string{"Content-Type": "text/html"}}

func pageOf(status int) answer {
	a := page
	a.status = status
	return a
}

func later(a answer, after string) answer {
	a.header = map[string]string{"Retry-After": after}
	return a
}

// A key that owns no bucket of the store.
const otherAccess, otherSecret = "other-access", "other-secret"

// withOtherKey adds that the operator's key is that one.
func withOtherKey(answers map[string][]answer) map[string][]answer {
	all := map[string][]answer{
		askKeys: {good([]any{map[string]string{"access": otherAccess}})},
		"POST " + ofUser + "/s3Credentials/" + otherAccess + "/secret": {good(map[string]string{"secret": otherSecret})},
	}
	maps.Copy(all, answers)
	return all
}

type failure struct {
	sentinel error
	class    fault.Class
	reason   fault.Reason
	after    time.Duration
}

var (
	authentication = failure{provider.ErrAuthentication, fault.Terminal, fault.AuthenticationFailed, 0}
	denied         = failure{provider.ErrDenied, fault.Terminal, fault.AccessDenied, 0}
	unreachable    = failure{provider.ErrUnreachable, fault.Transient, fault.ControlPlaneUnreachable, 0}
	unavailable    = failure{provider.ErrServer, fault.Transient, fault.ControlPlaneUnreachable, 0}
	noProject      = failure{provider.ErrInvalidConfiguration, fault.Terminal, fault.ProjectNotFound, 0}
	noRegion       = failure{provider.ErrNotReady, fault.Waiting, fault.RegionNotActivated, 0}
	maintenance    = failure{provider.ErrMaintenance, fault.Waiting, fault.ProviderMaintenance, 0}
	expired        = failure{provider.ErrExpired, fault.Terminal, fault.ServiceExpired, 0}
	taken          = failure{provider.ErrOwnedByOther, fault.Terminal, fault.NameConflict, 0}
	noBucket       = failure{provider.ErrNotFound, fault.Terminal, fault.BucketMissing, 0}
	inTheMaking    = failure{provider.ErrNotReady, fault.Throttled, fault.Progressing, 3 * time.Second}
	none           = failure{}
)

func TestWhatAnswersMean(t *testing.T) {
	old := userNow("operator", operatorID, "creating")
	old["creationDate"] = time.Now().Add(-11 * time.Minute).UTC().Format(time.RFC3339)
	full := map[string][]answer{makeBucket: {refusal(400, "Client::BadRequest", "cannot be made")}, askBuckets: {buckets(100)}}
	consumer := func(more map[string][]answer) map[string][]answer {
		answers := map[string][]answer{
			askBucket: {container("actes")}, askUsers: {good([]any{userNow("consumer/mairie", 9, "ok")})},
			"POST " + ofConsumer + "/policy": {good(nil)}, "GET " + ofConsumer + "/s3Credentials": {good([]any{map[string]string{"access": "old"}})},
		}
		maps.Copy(answers, more)
		return answers
	}
	cases := map[string]struct {
		do      step
		answers map[string][]answer
		want    failure
	}{
		"an application key that is wrong, by its code":     {list, map[string][]answer{askBuckets: {refusalCode(403, "INVALID_KEY", "Invalid application key")}}, authentication},
		"an application key that is wrong, by its words":    {list, map[string][]answer{askBuckets: {refusal(403, "Client::Forbidden", "This application key is invalid")}}, authentication},
		"a consumer key that does not exist":                {list, map[string][]answer{askBuckets: {refusalCode(403, "NOT_CREDENTIAL", "This credential does not exist")}}, authentication},
		"a secret that is wrong":                            {list, map[string][]answer{askBuckets: {refusal(400, "Client::BadRequest", "Invalid signature")}}, authentication},
		"a refusal of who asks":                             {list, map[string][]answer{askBuckets: {refusal(401, "Client::Unauthorized", "You must login first")}}, authentication},
		"a refusal of who asks, as a page":                  {list, map[string][]answer{askBuckets: {pageOf(401)}}, authentication},
		"a consumer key that nobody confirmed":              {list, map[string][]answer{askBuckets: {refusal(403, "Client::Forbidden", "This credential is pending validation")}}, failure{provider.ErrNotReady, fault.Waiting, fault.ConsumerKeyPending, 0}},
		"a consumer key that is over":                       {list, map[string][]answer{askBuckets: {refusal(403, "Client::Forbidden", "This credential has expired")}}, failure{provider.ErrAuthentication, fault.Terminal, fault.TokenExpired, 0}},
		"a consumer key that is refused and pending":        {list, map[string][]answer{askBuckets: {refusalCode(403, "INVALID_CREDENTIAL", "This credential is not valid")}, askKey: {good(map[string]string{"status": "pendingValidation"})}}, failure{provider.ErrNotReady, fault.Waiting, fault.ConsumerKeyPending, 0}},
		"a consumer key that is refused and over":           {list, map[string][]answer{askBuckets: {refusalCode(403, "INVALID_CREDENTIAL", "This credential is not valid")}, askKey: {good(map[string]string{"status": "expired"})}}, failure{provider.ErrAuthentication, fault.Terminal, fault.TokenExpired, 0}},
		"a consumer key that is refused for good":           {list, map[string][]answer{askBuckets: {refusalCode(403, "INVALID_CREDENTIAL", "This credential is not valid")}, askKey: {good(map[string]string{"status": "refused"})}}, authentication},
		"an owner that is gone":                             {create, map[string][]answer{makeBucket: {refusal(404, "Client::NotFound", "user 7 not found")}}, failure{provider.ErrNotReady, fault.Transient, fault.Progressing, 0}},
		"a login that lacks a right":                        {list, map[string][]answer{askBuckets: {refusalCode(403, "NOT_GRANTED_CALL", "This call has not been granted")}}, denied},
		"a login that lacks a right, while making a bucket": {create, map[string][]answer{makeBucket: {refusal(403, "Client::Forbidden", "This call has not been granted")}}, denied},
		"a clock that is far from the API's":                {list, map[string][]answer{askBuckets: {refusal(400, "Client::BadRequest", "Query out of time")}}, failure{provider.ErrClockSkew, fault.Transient, fault.ClockSkew, 0}},

		"a project that is not there, asked for its regions": {discover, map[string][]answer{askRegions: {refusal(404, "Client::NotFound", "This service does not exist")}, askProject: {refusal(404, "Client::NotFound", "This service does not exist")}}, noProject},
		"a project that is not there, asked for its buckets": {list, map[string][]answer{askBuckets: {refusal(404, "Client::NotFound", "This service does not exist")}, askRegion: {refusal(404, "Client::NotFound", "This service does not exist")}, askProject: {refusal(404, "Client::NotFound", "This service does not exist")}}, noProject},
		"a project that is not there, asked for a bucket":    {observe, map[string][]answer{askBuckets: {refusal(404, "Client::NotFound", "This service does not exist")}, askRegion: {refusal(404, "Client::NotFound", "This service does not exist")}, askProject: {refusal(404, "Client::NotFound", "This service does not exist")}}, noProject},
		"a project that is not there, asked for an object":   {head, map[string][]answer{askUsers: {refusal(404, "Client::NotFound", "This service does not exist")}}, noProject},
		"a region that is not activated":                     {list, map[string][]answer{askBuckets: {refusal(404, "Client::NotFound", "no such region")}, askRegion: {refusal(404, "Client::NotFound", "no such region")}}, noRegion},
		"a region that is not activated, asked for a bucket": {observe, map[string][]answer{askBuckets: {refusal(404, "Client::NotFound", "no such region")}, askRegion: {refusal(404, "Client::NotFound", "no such region")}}, noRegion},
		"a region that is not activated, told to make one":   {create, map[string][]answer{makeBucket: {refusal(404, "Client::NotFound", "no such region")}, askBuckets: {refusal(404, "Client::NotFound", "no such region")}, askRegion: {refusal(404, "Client::NotFound", "no such region")}}, noRegion},
		"a region under maintenance, that fails":             {list, map[string][]answer{askBuckets: {refusal(500, "Server::InternalServerError", "oops")}, askRegion: {regionIn("MAINTENANCE")}}, maintenance},
		"a region under maintenance, that refuses":           {update, map[string][]answer{askBucket: {container("actes")}, putBucket: {refusal(400, "Client::BadRequest", "no")}, askRegion: {regionIn("MAINTENANCE")}}, maintenance},
		"a region that says so itself":                       {list, map[string][]answer{askBuckets: {refusal(503, "Server::Unavailable", "The region is under maintenance")}}, maintenance},

		"a service that has ended, observed":  {observe, map[string][]answer{askBucket: {refusal(460, "Client::Expired", "This service is expired")}}, expired},
		"a service that has ended, deleted":   {remove, map[string][]answer{dropBucket: {refusal(460, "Client::Expired", "This service is expired")}}, expired},
		"a service that has ended, and a key": {issue, map[string][]answer{askBucket: {refusal(460, "Client::Expired", "This service is expired")}}, expired},
		"a service that has ended, in words":  {list, map[string][]answer{askBuckets: {refusal(403, "Client::Forbidden", "This service is expired")}}, expired},

		"a bucket that is not there":                  {update, nil, noBucket},
		"a bucket that is not there, and a key":       {issue, nil, noBucket},
		"a bucket that is not there, observed":        {observe, nil, none},
		"a bucket that is not there, deleted":         {remove, nil, none},
		"a bucket that is missing and listed":         {observe, map[string][]answer{askBuckets: {good([]map[string]string{{"name": "actes"}})}}, failure{provider.ErrNotReady, fault.Transient, fault.Progressing, 0}},
		"a 404 that is a page":                        {observe, map[string][]answer{askBucket: {pageOf(404)}}, unreachable},
		"a 404 without the API's word":                {remove, map[string][]answer{dropBucket: {{status: 404, body: "not found"}}}, unreachable},
		"a bucket that is another one":                {observe, map[string][]answer{askBucket: {container("other")}}, failure{provider.ErrServer, fault.Transient, fault.Unclassified, 0}},
		"a bucket that was made before":               {create, map[string][]answer{makeBucket: {refusal(409, "Client::Conflict", "exists")}, askBucket: {container("actes")}}, none},
		"a name that another account has, by S3":      {create, withOtherKey(map[string][]answer{makeBucket: {refusal(400, "Client::BadRequest", "no")}}), taken},
		"a bucket that S3 has and the API not yet":    {create, map[string][]answer{makeBucket: {refusal(409, "Client::Conflict", "exists")}}, failure{provider.ErrNotReady, fault.Transient, fault.Progressing, 0}},
		"a bucket of another account, by S3":          {observe, withOtherKey(nil), taken},
		"a bucket that is ours and closed in S3":      {observe, withOtherKey(map[string][]answer{askBucket: {container("actes")}}), none},
		"a bucket that only S3 has":                   {observe, nil, failure{provider.ErrNotReady, fault.Transient, fault.Progressing, 0}},
		"a name that another account has, by a 409":   {create, map[string][]answer{makeBucket: {refusal(409, "Client::Conflict", "no")}}, taken},
		"a project with all the buckets it may have":  {create, full, failure{provider.ErrQuota, fault.Terminal, fault.QuotaExceeded, 0}},
		"a refusal that names a quota, without facts": {create, map[string][]answer{makeBucket: {refusal(400, "Client::BadRequest::QuotaExceeded", "quota exceeded")}}, failure{provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0}},
		"a bucket that came with another owner": {
			create,
			map[string][]answer{makeBucket: {good(nil)}, askBucket: {good(map[string]any{"name": "actes", "ownerId": 8})}},
			failure{provider.ErrNotKept, fault.Terminal, fault.CapabilityMissing, 0},
		},

		"an operator's user in the making":           {head, map[string][]answer{askUsers: {good([]any{userNow("operator", operatorID, "creating")})}}, inTheMaking},
		"an operator's user that is stuck":           {head, map[string][]answer{askUsers: {good([]any{old})}}, failure{provider.ErrNotReady, fault.Terminal, fault.UserCreationStuck, 0}},
		"a project with all the users it may have":   {head, map[string][]answer{askUsers: {users(1000)}, makeUser: {refusal(403, "Client::Forbidden", "no")}}, failure{provider.ErrQuota, fault.Terminal, fault.UserLimitReached, 0}},
		"a project that may have fewer users":        {head, map[string][]answer{askUsers: {users(20)}, makeUser: {refusal(409, "Client::Conflict", "User quota reached")}}, failure{provider.ErrQuota, fault.Terminal, fault.UserLimitReached, 0}},
		"a consumer's user in the making":            {issue, map[string][]answer{askBucket: {container("actes")}, askUsers: {good([]any{userNow("consumer/mairie", 9, "creating")})}}, inTheMaking},
		"a user with all the keys it may have":       {issue, consumer(map[string][]answer{"POST " + ofConsumer + "/s3Credentials": {refusal(409, "Client::Conflict", "no")}}), failure{provider.ErrQuota, fault.Terminal, fault.KeyLimitReached, 0}},
		"a key that a login may not make":            {issue, consumer(map[string][]answer{"POST " + ofConsumer + "/s3Credentials": {refusalCode(403, "NOT_GRANTED_CALL", "This call has not been granted")}}), denied},
		"a key without a secret":                     {issue, consumer(map[string][]answer{"POST " + ofConsumer + "/s3Credentials": {good(map[string]string{"access": "new"})}}), failure{provider.ErrServer, fault.Transient, fault.Unclassified, 0}},
		"something that is busy":                     {head, map[string][]answer{setPolicy: {refusal(403, "Client::Forbidden::Busy", "busy")}}, failure{provider.ErrNotReady, fault.Transient, fault.Progressing, 0}},
		"secrets of keys that a login may not see":   {head, map[string][]answer{"POST " + ofUser + "/s3Credentials/root-access/secret": {refusalCode(403, "NOT_GRANTED_CALL", "This call has not been granted")}, askKeys: {good([]any{map[string]string{"access": "root-access"}})}}, denied},
		"an API that is throttling":                  {list, map[string][]answer{askBuckets: {later(refusal(429, "Client::TooManyRequests", "slow"), "7")}}, failure{provider.ErrThrottled, fault.Throttled, fault.Throttling, 7 * time.Second}},
		"an API that is throttling, as a page":       {list, map[string][]answer{askBuckets: {pageOf(429)}}, failure{provider.ErrThrottled, fault.Throttled, fault.Throttling, 0}},
		"an API that asks to come back":              {list, map[string][]answer{askBuckets: {later(refusal(503, "Server::Unavailable", "later"), "9")}}, failure{provider.ErrThrottled, fault.Throttled, fault.Throttling, 9 * time.Second}},
		"an API that waited too long":                {list, map[string][]answer{askBuckets: {refusal(408, "Client::Timeout", "slow")}}, unreachable},
		"an API that fails":                          {list, map[string][]answer{askBuckets: {refusal(500, "Server::InternalServerError", "oops")}}, failure{provider.ErrServer, fault.Transient, fault.Unclassified, 0}},
		"an API that fails for a while":              {list, map[string][]answer{askBuckets: {later(refusal(500, "Server::InternalServerError", "oops"), "5")}}, failure{provider.ErrServer, fault.Transient, fault.Unclassified, 5 * time.Second}},
		"a front end without an API":                 {list, map[string][]answer{askBuckets: {refusal(502, "Server::BadGateway", "oops")}}, unavailable},
		"an API that hangs up":                       {list, map[string][]answer{askBuckets: {{cut: true}}}, unreachable},
		"an API that hangs up when asked for a time": {list, map[string][]answer{askTime: {{cut: true}}}, unreachable},
		"a portal in the place of the API":           {list, map[string][]answer{askBuckets: {page}}, unreachable},
		"a portal that takes a deletion":             {remove, map[string][]answer{dropBucket: {page}}, unreachable},
		"an API that is elsewhere":                   {list, map[string][]answer{askBuckets: {{status: 301, header: map[string]string{"Location": "https://elsewhere.example/"}}}}, failure{provider.ErrInvalidConfiguration, fault.Terminal, fault.EndpointMoved, 0}},
		"a success without an answer":                {list, map[string][]answer{askBuckets: {good(nil)}}, failure{provider.ErrServer, fault.Transient, fault.Unclassified, 0}},
		"a success that cannot be read":              {list, map[string][]answer{askBuckets: {{status: 200, body: "{"}}}, failure{provider.ErrServer, fault.Transient, fault.Unclassified, 0}},
		"a request that is refused as such":          {update, map[string][]answer{askBucket: {container("actes")}, putBucket: {refusal(400, "Client::BadRequest::InvalidParameter", "no")}}, failure{provider.ErrUnsupported, fault.Terminal, fault.CapabilityMissing, 0}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, store, session := scripted(t, test.answers)
			if strings.Contains(name, "S3") {
				store.CreateBucket("actes")
			}
			if err := store.AddUser(otherAccess, otherSecret, ""); err != nil {
				t.Fatal(err)
			}
			wantFailure(t, test.do(t.Context(), session), test.want)
		})
	}
}

func wantFailure(t *testing.T, err error, want failure) {
	t.Helper()
	wantFailureOf(t, "it", err, want)
}

func wantFailureOf(t *testing.T, what string, err error, want failure) {
	t.Helper()
	if want == none {
		if err != nil {
			t.Errorf("%s: got %v", what, err)
		}
		return
	}
	if err == nil {
		t.Errorf("%s: nothing failed", what)
		return
	}
	got := fault.Of(err)
	if !errors.Is(err, want.sentinel) || got.Class != want.class || got.Reason != want.reason || got.After != want.after {
		t.Errorf("%s: got %s %s after %s: %v", what, got.Class, got.Reason, got.After, err)
	}
	for _, value := range credentials() {
		if strings.Contains(err.Error(), value.Reveal()) {
			t.Errorf("the message has a credential: %v", err)
		}
	}
}

func TestRefusalsNameNoQueryAndNoCredential(t *testing.T) {
	said := "no: app-k3y-value with app-s3cret-value and consumer-k3y-value"
	_, _, session := scripted(t, map[string][]answer{askBuckets: {{status: 403, body: map[string]any{
		"class": "Client::Forbidden", "message": said, "details": map[string]string{"unauthorizedActionsByIAM": "publicCloudProject:apiovh:region/storage/get"},
	}}}})
	err := list(t.Context(), session)
	wantFailure(t, err, denied)
	for _, changing := range []string{queryID, "k3y-value", "s3cret"} {
		if strings.Contains(err.Error(), changing) {
			t.Errorf("%q names %q", err, changing)
		}
	}
	for _, part := range []string{"publicCloudProject:apiovh:region/storage/get", projectID, "Client::Forbidden"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
}

func TestLongRefusalsStillNameWhatIsMissing(t *testing.T) {
	_, _, session := scripted(t, map[string][]answer{askBuckets: {{status: 403, body: map[string]any{
		"class": "Client::Forbidden", "message": strings.Repeat("long\n", 1000), "details": map[string]string{"unauthorizedActionsByIAM": "region/storage/get"},
	}}}})
	err := list(t.Context(), session)
	if text := err.Error(); len(text) > 800 || strings.Contains(text, "\n") || !strings.Contains(text, "region/storage/get") {
		t.Errorf("the message is %q", text)
	}
}

func TestNamesOfBuckets(t *testing.T) {
	s, _, session := scripted(t, nil)
	if err := ping(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	asked := len(s.asked)
	for _, name := range []string{"", "..", "a/b", "?x", "Actes", "é"} {
		for what, err := range map[string]error{
			"create": session.CreateBucket(t.Context(), provider.Bucket{Name: name}), "update": session.UpdateBucket(t.Context(), provider.Bucket{Name: name}),
			"delete": session.DeleteBucket(t.Context(), name),
		} {
			wantFailureOf(t, what+" "+name, err, failure{provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration, 0})
		}
		if _, err := session.ObserveBucket(t.Context(), name); err == nil {
			t.Errorf("%q was observed", name)
		}
	}
	if len(s.asked) != asked {
		t.Errorf("asked %q", s.asked[asked:])
	}
}

func TestOnePlaneMayBeDownAlone(t *testing.T) {
	t.Run("the API is up and S3 is down", func(t *testing.T) {
		_, store, session := scripted(t, nil)
		store.Faults().Down()
		wantFailure(t, list(t.Context(), session), none)
		wantFailure(t, ping(t.Context(), session), failure{provider.ErrUnreachable, fault.Transient, fault.ProviderUnreachable, 0})
	})
	t.Run("S3 is down since the region is under maintenance", func(t *testing.T) {
		_, store, session := scripted(t, map[string][]answer{askRegion: {regionIn("MAINTENANCE")}})
		store.Faults().Down()
		wantFailure(t, ping(t.Context(), session), maintenance)
	})
	t.Run("S3 is up and the API is down", func(t *testing.T) {
		s, _, session := scripted(t, nil)
		wantFailure(t, ping(t.Context(), session), none)
		s.goDown()
		wantFailure(t, ping(t.Context(), session), none)
		wantFailure(t, list(t.Context(), session), unreachable)
	})
	t.Run("S3 is up and the API is down, and a bucket is looked at", func(t *testing.T) {
		s, store, session := scripted(t, map[string][]answer{askBucket: {container("actes")}})
		store.CreateBucket("actes")
		if err := update(t.Context(), userOf(t, store)); err != nil {
			t.Fatal(err)
		}
		wantFailure(t, ping(t.Context(), session), none)
		s.goDown()
		state, err := session.ObserveBucket(t.Context(), "actes")
		if err != nil || state.Mark == nil || state.Mark.Owner != "a/b/c" {
			t.Errorf("a marked bucket is %+v, %v", state, err)
		}
		// Nothing is concluded from what S3 does not have.
		for _, name := range []string{"gone", "unmarked"} {
			if name == "unmarked" {
				store.CreateBucket(name)
			}
			_, err := session.ObserveBucket(t.Context(), name)
			wantFailureOf(t, name, err, unreachable)
		}
	})
	t.Run("S3 is up and the API is down from the beginning", func(t *testing.T) {
		s, _, session := scripted(t, nil)
		s.goDown()
		wantFailure(t, ping(t.Context(), session), unreachable)
	})
}
