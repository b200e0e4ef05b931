package s3_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// garage is an admin API of Garage in front of an emulated store, which is made
// after its documentation. It notes what it is asked.
type garage struct {
	provider.KeyIssuer
	server *emulator.Server
	// refuse answers a call in its place.
	refuse map[string]http.HandlerFunc

	mu    sync.Mutex
	asked []string
}

func startGarage(t *testing.T) *garage {
	t.Helper()
	g := &garage{refuse: map[string]http.HandlerFunc{}}
	var admin http.Handler
	g.server, g.KeyIssuer = keysAt(t, provider.GarageCredentialAPI, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.asked = append(g.asked, r.URL.Path)
		g.mu.Unlock()
		if refused, set := g.refuse[r.URL.Path]; set {
			refused(w, r)
			return
		}
		admin.ServeHTTP(w, r)
	}))
	admin = g.server.GarageAdmin(adminToken)
	return g
}

func (g *garage) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer func() { g.asked = nil }()
	return g.asked
}

func TestGarageRequests(t *testing.T) {
	g := startGarage(t)
	for what, want := range map[string][]string{
		"issue":   {"/v2/GetKeyInfo", "/v2/ListKeys", "/v2/CreateKey", "/v2/AddBucketAlias", "/v2/AllowBucketKey"},
		"replace": {"/v2/GetKeyInfo", "/v2/ListKeys", "/v2/DeleteKey", "/v2/CreateKey", "/v2/AddBucketAlias", "/v2/AllowBucketKey"},
	} {
		if what == "issue" {
			if err := g.RevokeKey(t.Context(), grantTo("app")); err != nil {
				t.Fatal(err)
			}
		} else if _, err := g.IssueKey(t.Context(), grantTo("app")); err != nil {
			t.Fatal(err)
		}
		g.requests()
		if _, err := g.IssueKey(t.Context(), grantTo("app")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, g.requests()); diff != "" {
			t.Errorf("%s sent (-want +got):\n%s", what, diff)
		}
	}
	if err := g.RevokeKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/v2/ListKeys", "/v2/DeleteKey"}, g.requests()); diff != "" {
		t.Errorf("revoke sent (-want +got):\n%s", diff)
	}
}

// Keys of other consumers and of people have other names, and stay.
func TestGarageKeysOfOthersStay(t *testing.T) {
	g := startGarage(t)
	other, err := g.IssueKey(t.Context(), grantTo("other"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := g.IssueKey(t.Context(), grantTo("app")); err != nil {
			t.Fatal(err)
		}
	}
	if known := len(g.server.AccessKeys()); known != 3 {
		t.Errorf("%d keys are known, want those of root and two consumers", known)
	}
	if err := g.RevokeKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	if known := g.server.AccessKeys(); len(known) != 2 || !slices.Contains(known, other.AccessKey) {
		t.Errorf("known are %q", known)
	}
}

func TestGarageKeysWithoutRightsAreFoundAgain(t *testing.T) {
	g := startGarage(t)
	g.refuse["/v2/AllowBucketKey"] = adminError(500, "InternalError")
	if _, err := g.IssueKey(t.Context(), grantTo("app")); !errors.Is(err, provider.ErrServer) {
		t.Fatalf("issue: %v", err)
	}
	delete(g.refuse, "/v2/AllowBucketKey")
	key, err := g.IssueKey(t.Context(), grantTo("app"))
	if err != nil {
		t.Fatal(err)
	}
	if known := g.server.AccessKeys(); len(known) != 2 || !slices.Contains(known, key.AccessKey) {
		t.Errorf("known are %q", known)
	}
}

// A token without the scope DeleteKey must not let keys pile up.
func TestGarageMakesNoKeyWhereItMayRemoveNone(t *testing.T) {
	g := startGarage(t)
	if _, err := g.IssueKey(t.Context(), grantTo("app")); err != nil {
		t.Fatal(err)
	}
	g.refuse["/v2/DeleteKey"] = adminError(403, "AccessDenied")
	for range 3 {
		_, err := g.IssueKey(t.Context(), grantTo("app"))
		wantAdminFault(t, "issue", err, provider.ErrDenied, fault.Terminal, fault.AccessDenied, "DeleteKey")
	}
	if known := g.server.AccessKeys(); len(known) != 2 {
		t.Errorf("known are %q", known)
	}
}

func TestGarageOfAnotherCluster(t *testing.T) {
	g := startGarage(t)
	g.refuse["/v2/GetKeyInfo"] = adminError(404, "NoSuchAccessKey")
	_, err := g.IssueKey(t.Context(), grantTo("app"))
	wantAdminFault(t, "issue", err, provider.ErrInvalidConfiguration, fault.Terminal, fault.InvalidConfiguration, "another cluster")
}

// A bucket that everybody knows by its name needs no alias; another bucket that
// only the account calls so goes before it.
func TestGarageBucketsByTheirAliases(t *testing.T) {
	for name, test := range map[string]struct {
		buckets string
		alias   bool
		want    string
	}{
		"known to everybody": {`[{"id":"a","globalAliases":["actes"],"localAliases":[]}]`, false, "a"},
		"known to us":        {`[{"id":"a","globalAliases":["x"],"localAliases":["actes"]}]`, true, "a"},
		"known to both":      {`[{"id":"a","globalAliases":["actes"],"localAliases":[]},{"id":"b","globalAliases":[],"localAliases":["actes"]}]`, true, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGarage(t)
			var granted string
			g.refuse["/v2/GetKeyInfo"] = document(200, `{"accessKeyId":"`+g.server.AccessKey+`","buckets":`+test.buckets+`}`)
			g.refuse["/v2/AddBucketAlias"] = document(200, "{}")
			g.refuse["/v2/AllowBucketKey"] = func(w http.ResponseWriter, r *http.Request) {
				body := make([]byte, r.ContentLength)
				_, _ = r.Body.Read(body)
				granted = string(body)
				document(200, "{}")(w, r)
			}
			key, err := g.IssueKey(t.Context(), grantTo("app"))
			if err != nil {
				t.Fatal(err)
			}
			want := `{"bucketId":"` + test.want + `","accessKeyId":"` + key.AccessKey + `","permissions":{"read":true,"write":true,"owner":false}}`
			if !sameJSON(t, granted, want) {
				t.Errorf("granted %s, want %s", granted, want)
			}
			if aliased := slices.Contains(g.requests(), "/v2/AddBucketAlias"); aliased != test.alias {
				t.Errorf("alias added: %t", aliased)
			}
		})
	}
}

func TestGarageWithoutATokenIssuesNoKeys(t *testing.T) {
	place := provider.Place{Endpoint: "http://s3.example.fr", CredentialAPI: provider.GarageCredentialAPI, CredentialAPIEndpoint: "http://admin.example.fr"}
	if keys, ok := openAs(t, place, "a", "b").Keys(); ok || keys != nil {
		t.Errorf("got %v", keys)
	}
}
