package ovh_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	goovh "github.com/ovh/go-ovh/ovh"

	"github.com/rempart/rempart/test/emulator/ovh"
)

func TestTheVendorsClientSignsIn(t *testing.T) {
	a := start(t, ovh.Options{})
	var details struct{ Account, Method string }
	if err := a.Get("/auth/details", &details); err != nil {
		t.Fatal(err)
	}
	if details.Account == "" || details.Method != "account" {
		t.Errorf("details are %+v", details)
	}
	var me struct{ Nichandle string }
	if err := a.Get("/me", &me); err != nil {
		t.Fatal(err)
	}
	if err := a.Get("/me/", nil); err != nil {
		t.Errorf("a slash at the end, as ovhcloud-cli sends it: %v", err)
	}
	if me.Nichandle != details.Account {
		t.Errorf("me is %s, want %s", me.Nichandle, details.Account)
	}
}

func TestTheTimeIsABareNumberThatNeedsNobody(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	s := ovh.Start(t, ovh.Options{Clock: func() time.Time { return at }})
	res, err := http.Get(s.URL + "/auth/time")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(body), strconv.FormatInt(at.Unix(), 10); got != want {
		t.Errorf("time is %q, want %q", got, want)
	}
}

// The API's clock may be anywhere: clients ask for it and sign by it.
func TestAClientWithAnotherClockIsServed(t *testing.T) {
	a := start(t, ovh.Options{Clock: func() time.Time { return time.Now().Add(-9000 * time.Hour) }})
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
}

func TestWhoIsRefused(t *testing.T) {
	tests := map[string]struct {
		prepare func(s *ovh.Server)
		// replace the application key, its secret and the consumer key.
		application, secret, consumer string
		status                        int
		message                       string
	}{
		"an unknown application key": {application: "unknown", status: 403, message: "Invalid application key"},
		"a wrong application secret": {secret: "wrong", status: 400, message: "Invalid signature"},
		"an unknown consumer key":    {consumer: "unknown", status: 403, message: "This credential does not exist"},
		"a consumer key that waits for validation": {
			prepare: func(s *ovh.Server) { s.SetConsumerKey(ovh.PendingValidation) }, status: 403, message: "This credential is not valid",
		},
		"a consumer key that has expired": {
			prepare: func(s *ovh.Server) { s.SetConsumerKey(ovh.Expired) }, status: 403, message: "This credential is not valid",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := ovh.Start(t, ovh.Options{})
			if test.prepare != nil {
				test.prepare(s)
			}
			or := func(replaced, valid string) string {
				if replaced != "" {
					return replaced
				}
				return valid
			}
			c := client(t, s, or(test.application, s.ApplicationKey), or(test.secret, s.ApplicationSecret), or(test.consumer, s.ConsumerKey))
			err := c.Get("/cloud/project", nil)
			wantStatus(t, err, test.status)
			refused := apiError(t, err)
			if refused.Message != test.message {
				t.Errorf("message is %q, want %q", refused.Message, test.message)
			}
			if !strings.HasPrefix(refused.QueryID, "EU.ext-") {
				t.Errorf("query id is %q", refused.QueryID)
			}
		})
	}
}

// What tells the two states apart that are refused alike.
func TestTheCredentialTellsItsState(t *testing.T) {
	for _, state := range []string{ovh.Validated, ovh.PendingValidation, ovh.Expired} {
		t.Run(state, func(t *testing.T) {
			a := start(t, ovh.Options{})
			a.SetConsumerKey(state)
			var credential struct{ Status string }
			if err := a.Get("/auth/currentCredential", &credential); err != nil {
				t.Fatal(err)
			}
			if credential.Status != state {
				t.Errorf("status is %q, want %q", credential.Status, state)
			}
		})
	}
}

// TestAKeyChangesWhileItIsAsked is for the race detector.
func TestAKeyChangesWhileItIsAsked(t *testing.T) {
	a := start(t, ovh.Options{})
	asked := make(chan error, 1)
	go func() {
		var err error
		for range 50 {
			err = errors.Join(err, a.Get("/auth/currentCredential", nil))
		}
		asked <- err
	}()
	for {
		select {
		case err := <-asked:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			a.SetConsumerKey(ovh.Expired)
		}
	}
}

// signed sends a request whose signature covers something that may differ from
// what is sent.
func signed(t *testing.T, s *ovh.Server, sent, covered string, body, coveredBody string, at time.Time) (int, string) {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha1.Sum([]byte(strings.Join([]string{s.ApplicationSecret, s.ConsumerKey, method, covered, coveredBody, stamp}, "+")))
	req, err := http.NewRequestWithContext(t.Context(), method, sent, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Ovh-Application", s.ApplicationKey)
	req.Header.Set("X-Ovh-Consumer", s.ConsumerKey)
	req.Header.Set("X-Ovh-Timestamp", stamp)
	req.Header.Set("X-Ovh-Signature", "$1$"+hex.EncodeToString(sum[:]))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestASignatureCoversEverythingThatIsSent(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	users := s.URL + "/cloud/project/" + s.Project + "/user"
	now := time.Now()
	tests := map[string]struct {
		sent, covered, body, coveredBody string
		at                               time.Time
		status                           int
		code                             string
	}{
		"what was signed is served":         {sent: users, covered: users, at: now, status: 200},
		"a query belongs to it":             {sent: users + "?a=1", covered: users + "?a=1", at: now, status: 200},
		"a query was added":                 {sent: users + "?a=1", covered: users, at: now, status: 400, code: "INVALID_SIGNATURE"},
		"the path is another":               {sent: users, covered: s.URL + "/me", at: now, status: 400, code: "INVALID_SIGNATURE"},
		"the scheme is another":             {sent: users, covered: "https" + strings.TrimPrefix(users, "http"), at: now, status: 400, code: "INVALID_SIGNATURE"},
		"the host is another":               {sent: users, covered: strings.Replace(users, "127.0.0.1", "localhost", 1), at: now, status: 400, code: "INVALID_SIGNATURE"},
		"a body belongs to it":              {sent: users, covered: users, body: `{"description":"a"}`, coveredBody: `{"description":"a"}`, at: now, status: 200},
		"the body was changed":              {sent: users, covered: users, body: `{"description":"b"}`, coveredBody: `{"description":"a"}`, at: now, status: 400, code: "INVALID_SIGNATURE"},
		"it is from too long ago":           {sent: users, covered: users, at: now.Add(-time.Hour), status: 400, code: "QUERY_TIME_OUT"},
		"it is from the future":             {sent: users, covered: users, at: now.Add(time.Hour), status: 400, code: "QUERY_TIME_OUT"},
		"escapes are kept as they were":     {sent: users + "/%31", covered: users + "/%31", at: now, status: 404},
		"escapes are not the same undone":   {sent: users + "/%31", covered: users + "/1", at: now, status: 400, code: "INVALID_SIGNATURE"},
		"the alias of a version is its own": {sent: strings.Replace(users, "/1.0/", "/v1/", 1), covered: users, at: now, status: 400, code: "INVALID_SIGNATURE"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			status, answer := signed(t, s, test.sent, test.covered, test.body, test.coveredBody, test.at)
			if status != test.status {
				t.Errorf("status is %d, want %d: %s", status, test.status, answer)
			}
			if test.code != "" && !strings.Contains(answer, `"errorCode":"`+test.code+`"`) {
				t.Errorf("answer is %s, want code %s", answer, test.code)
			}
		})
	}
}

func TestAnUnsignedRequestHasToLogIn(t *testing.T) {
	a := start(t, ovh.Options{})
	wantStatus(t, a.GetUnAuth("/cloud/project", nil), http.StatusUnauthorized)
}

func TestAKeyMayDoWhatItsRulesSay(t *testing.T) {
	const project = "0123456789abcdef0123456789abcdef"
	a := start(t, ovh.Options{Project: project, Rules: ovh.LeastRules(project)})
	a.get("/region", nil)
	a.post("/user", document{"description": "made by rule"}, nil)
	for _, path := range []string{"/me", "/cloud/project", "/cloud/project/" + project} {
		err := a.Get(path, nil)
		wantStatus(t, err, http.StatusForbidden)
		if got, want := apiError(t, err).Message, "This call has not been granted"; got != want {
			t.Errorf("%s: message is %q, want %q", path, got, want)
		}
	}
}

func TestAConsumerKeyIsValidatedByItsOwner(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	c := client(t, s, s.ApplicationKey, s.ApplicationSecret, "")
	request := c.NewCkRequest()
	request.AddRecursiveRules(goovh.ReadOnly, "/cloud")
	state, err := request.Do()
	if err != nil {
		t.Fatal(err)
	}
	if state.State != "pendingValidation" || state.ValidationURL == "" || c.ConsumerKey != state.ConsumerKey {
		t.Fatalf("state is %+v", state)
	}
	wantStatus(t, c.Get("/cloud/project", nil), http.StatusForbidden)
	if !s.Validate(state.ConsumerKey, ovh.Validated) {
		t.Fatal("the key that was requested is unknown")
	}
	var projects []string
	if err := c.Get("/cloud/project", &projects); err != nil {
		t.Fatal(err)
	}
	diff(t, "projects", []string{s.Project}, projects)
	wantStatus(t, c.Post("/cloud/project/"+s.Project+"/user", document{}, nil), http.StatusForbidden)
}

func TestEveryAnswerHasAQueryID(t *testing.T) {
	a := start(t, ovh.Options{})
	_ = a.Get("/cloud/project", nil)
	_ = a.Get("/no/such/call", nil)
	seen := map[string]bool{}
	for _, r := range a.Requests() {
		if r.QueryID == "" || seen[r.QueryID] {
			t.Errorf("query id %q of %s is empty or not its own", r.QueryID, r.Path)
		}
		seen[r.QueryID] = true
	}
	if len(seen) < 3 {
		t.Errorf("%d requests are remembered, want the time and two calls", len(seen))
	}
}

func TestCallsThatDoNotExist(t *testing.T) {
	a := start(t, ovh.Options{})
	wantStatus(t, a.Get("/no/such/call", nil), http.StatusNotFound)
	wantStatus(t, a.Get("/cloud/project/somebodyelses/region", nil), http.StatusNotFound)
	wantStatus(t, a.Put("/cloud/project", document{}, nil), http.StatusMethodNotAllowed)
	// There is no call that deletes a policy.
	u := a.user("anybody")
	wantStatus(t, a.Delete(a.path("/user/%d/policy", u.ID), nil), http.StatusMethodNotAllowed)
}

func TestAnAccessTokenIsTaken(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	c, err := goovh.NewAccessTokenClient(s.URL, s.IssueToken())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get("/cloud/project", nil); err != nil {
		t.Fatal(err)
	}
	s.ExpireTokens()
	wantStatus(t, c.Get("/cloud/project", nil), http.StatusUnauthorized)
}

// serviceAccount routes what the vendor's client has built in to the server.
func serviceAccount(t *testing.T, s *ovh.Server, secret string) *goovh.Client {
	t.Helper()
	c, err := goovh.NewOAuth2Client("ovh-eu", s.ClientID, secret)
	if err != nil {
		t.Fatal(err)
	}
	c.Client.Transport = s.Transport()
	return c
}

// The vendor's client fetches its token with http.DefaultClient, so that has to be
// routed as well: this test replaces its transport and must not run beside others.
func TestAServiceAccountGetsAToken(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	before := http.DefaultClient.Transport
	http.DefaultClient.Transport = s.Transport()
	t.Cleanup(func() { http.DefaultClient.Transport = before })
	var projects []string
	if err := serviceAccount(t, s, s.ClientSecret).Get("/cloud/project", &projects); err != nil {
		t.Fatal(err)
	}
	diff(t, "projects", []string{s.Project}, projects)
	if err := serviceAccount(t, s, "wrong").Get("/cloud/project", nil); err == nil || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("error is %v, want invalid_client", err)
	}
}

func TestTheTokenEndpoint(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	endpoint := strings.TrimSuffix(s.URL, "/1.0") + "/auth/oauth2/token"
	tests := map[string]struct {
		form   url.Values
		status int
		want   string
	}{
		"a secret in the form": {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.ClientID}, "client_secret": {s.ClientSecret}, "scope": {"all"}}, 200, `"expires_in":3599`},
		"a wrong secret":       {url.Values{"grant_type": {"client_credentials"}, "client_id": {s.ClientID}, "client_secret": {"no"}}, 401, "invalid_client"},
		"another grant":        {url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res, err := http.PostForm(endpoint, test.form)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != test.status || !strings.Contains(string(answer), test.want) {
				t.Errorf("answer is %d %s, want %d and %s", res.StatusCode, answer, test.status, test.want)
			}
		})
	}
}

func TestAServiceAccountMayDoWhatItsPolicySays(t *testing.T) {
	s := ovh.Start(t, ovh.Options{Actions: []string{"publicCloudProject:apiovh:region/get", "publicCloudProject:apiovh:region/storage/*"}})
	c, err := goovh.NewAccessTokenClient(s.URL, s.IssueToken())
	if err != nil {
		t.Fatal(err)
	}
	project := "/cloud/project/" + s.Project
	if err := c.Get(project+"/region", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(project+"/region/GRA/storage", nil); err != nil {
		t.Fatal(err)
	}
	err = c.Get(project+"/user", nil)
	wantStatus(t, err, http.StatusForbidden)
	if got, want := apiError(t, err).Details["unauthorizedActionsByIAM"], "publicCloudProject:apiovh:user/get"; got != want {
		t.Errorf("missing action is %q, want %q", got, want)
	}
}

func TestTheTransportLeavesTheMachineForNobody(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://elsewhere.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Transport().RoundTrip(req)
	if err == nil {
		res.Body.Close()
		t.Fatal("the transport reached another host")
	}
}

// A signature over the vendor's own URL is checked over that URL.
func TestApplicationKeysWorkOnTheVendorsHost(t *testing.T) {
	s := ovh.Start(t, ovh.Options{})
	c, err := goovh.NewClient("ovh-eu", s.ApplicationKey, s.ApplicationSecret, s.ConsumerKey)
	if err != nil {
		t.Fatal(err)
	}
	c.Client.Transport = s.Transport()
	if err := c.Get(fmt.Sprintf("/cloud/project/%s/region", s.Project), nil); err != nil {
		t.Fatal(err)
	}
}
