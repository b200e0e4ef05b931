package ovh_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/ovh"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const (
	projectID    = "0123456789abcdef0123456789abcdef"
	installation = "commune-7f3k2"
	operatorID   = 7
	queryID      = "EU.ext-3.5f3c1e0a.123.456"

	inProject = "/cloud/project/" + projectID
	inRegion  = inProject + "/region/GRA/storage"
	ofUser    = inProject + "/user/7"
)

// answer is what the scripted API says to a question.
type answer struct {
	status int
	// body is sent as JSON, or as it is when it is a string.
	body   any
	header map[string]string
	// cut ends the connection without an answer.
	cut bool
}

func refusal(status int, class, message string) answer {
	return answer{status: status, body: map[string]any{"class": class, "message": message}}
}

// refusalCode is the older form of a refusal.
func refusalCode(status int, code, message string) answer {
	return answer{status: status, body: map[string]any{"errorCode": code, "httpCode": fmt.Sprint(status), "message": message}}
}

func good(body any) answer { return answer{status: http.StatusOK, body: body} }

// script answers for an API, each question by its method and path. What a case
// does not say is that of a project where all is well.
type script struct {
	t       *testing.T
	server  *httptest.Server
	mu      sync.Mutex
	answers map[string][]answer
	asked   []string
	// down hangs up on everybody. The port is kept: one that is closed is soon somebody
	// else's.
	down bool
}

func (s *script) goDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// startScript gives a project with the region GRA, whose S3 is the store.
func startScript(t *testing.T, store *emulator.Server, answers map[string][]answer) *script {
	t.Helper()
	s := &script{t: t, answers: map[string][]answer{
		askTime:    {good(time.Now().Unix())},
		askProject: {good(map[string]any{"project_id": projectID})},
		askRegions: {good([]string{"GRA"})},
		askRegion: {good(map[string]any{
			"name": "GRA", "type": "region", "status": "UP", "continentCode": "EU", "countryCode": "fr", "datacenterLocation": "GRA",
			"services": []map[string]string{{"name": "storage-s3-standard", "status": "UP", "endpoint": store.URL + "/"}},
		})},
		askBuckets: {good([]any{})},
		askUsers:   {good([]any{userNow("operator", operatorID, "ok")})},
		setPolicy:  {good(nil)},
		askKeys:    {good([]any{map[string]string{"access": store.AccessKey}})},
		"POST " + ofUser + "/s3Credentials/" + store.AccessKey + "/secret": {good(map[string]string{"secret": store.SecretKey})},
	}}
	maps.Copy(s.answers, answers)
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

func userNow(of string, id int, status string) map[string]any {
	return map[string]any{
		"id": id, "description": "rempart/" + installation + "/" + of, "status": status, "creationDate": time.Now().UTC().Format(time.RFC3339),
	}
}

// ServeHTTP implements http.Handler. The last answer to a question goes on.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	question := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/1.0")
	s.mu.Lock()
	s.asked = append(s.asked, question)
	list, down := s.answers[question], s.down
	if len(list) > 1 {
		s.answers[question] = list[1:]
	}
	s.mu.Unlock()
	if down {
		panic(http.ErrAbortHandler)
	}
	a := refusal(http.StatusNotFound, "Client::NotFound", "nothing is there")
	if len(list) > 0 {
		a = list[0]
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Ovh-Queryid", queryID)
	w.Header().Set("Content-Type", "application/json")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if text, isText := a.body.(string); isText {
		_, _ = io.WriteString(w, text)
		return
	}
	if err := json.NewEncoder(w).Encode(a.body); err != nil {
		s.t.Error(err)
	}
}

// credentials of an application key, none of which may ever be shown.
func credentials() provider.Credentials {
	return provider.Credentials{
		provider.ApplicationKey: secret.New("app-k3y-value"), provider.ApplicationSecret: secret.New("app-s3cret-value"),
		provider.ConsumerKey: secret.New("consumer-k3y-value"),
	}
}

// quick are options without a pace to wait for.
func quick() ovh.Options { return ovh.Options{Requests: ovh.Pace{PerSecond: 1e6, Burst: 1e6}} }

func placeAt(api, endpoint string) provider.Place {
	return provider.Place{
		Provider: "ovh", Location: "GRA", Endpoint: endpoint, Region: "us-east-1", API: api, Project: projectID, Installation: installation,
	}
}

func open(t testing.TB, driver *ovh.Driver, place provider.Place, keys provider.Credentials) provider.Session {
	t.Helper()
	session, err := driver.Open(place, keys)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// scripted gives a session on a scripted API and a store.
func scripted(t *testing.T, answers map[string][]answer) (*script, *emulator.Server, provider.Session) {
	t.Helper()
	store := emulator.Start(t, emulator.Options{})
	s := startScript(t, store, answers)
	return s, store, open(t, ovh.New(quick()), placeAt(s.server.URL+"/1.0", store.URL), credentials())
}

func content(text string) provider.Content {
	digest := sha256.Sum256([]byte(text))
	return provider.Content{Reader: strings.NewReader(text), Size: int64(len(text)), SHA256: hex.EncodeToString(digest[:])}
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// userOf gives a session with the store's own key.
func userOf(t testing.TB, store *emulator.Server) provider.Session {
	t.Helper()
	return open(t, ovh.New(quick()), placeAt("ovh-eu", store.URL), provider.Credentials{
		provider.AccessKey: secret.New(store.AccessKey), provider.SecretKey: secret.New(store.SecretKey),
	})
}
