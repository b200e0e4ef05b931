package ovh_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/ovh"
)

// ticking is a clock that moves only when it is told to.
type ticking struct{ at time.Time }

func (c *ticking) now() time.Time          { return c.at }
func (c *ticking) advance(d time.Duration) { c.at = c.at.Add(d) }

func TestAUserIsMadeInItsOwnTime(t *testing.T) {
	clock := &ticking{at: time.Now()}
	a := start(t, ovh.Options{Clock: clock.now, UserDelay: 15 * time.Second})
	var made userDocument
	a.post("/user", document{"description": "rempart", "roles": []string{"objectstore_operator"}}, &made)
	if made.Status != "creating" || !strings.HasPrefix(made.Username, "user-") || made.Password == "" || made.Roles[0].Name != "objectstore_operator" {
		t.Fatalf("user is %+v", made)
	}
	wantStatus(t, a.Post(a.path("/user/%d/s3Credentials", made.ID), nil, nil), http.StatusConflict)

	clock.advance(15 * time.Second)
	var seen userDocument
	a.get(fmt.Sprintf("/user/%d", made.ID), &seen)
	if seen.Status != "ok" || seen.Description != "rempart" {
		t.Errorf("user is %+v, want one that is ok", seen)
	}
	if seen.Password != "" {
		t.Error("the password is shown again")
	}
	a.key(made.ID)

	a.delete(fmt.Sprintf("/user/%d", made.ID))
	a.get(fmt.Sprintf("/user/%d", made.ID), &seen)
	if seen.Status != "deleting" {
		t.Errorf("status is %s after the deletion began", seen.Status)
	}
	clock.advance(15 * time.Second)
	wantStatus(t, a.Get(a.path("/user/%d", made.ID), nil), http.StatusNotFound)
	wantStatus(t, a.Delete(a.path("/user/%d", made.ID), nil), http.StatusNotFound)
}

func TestAUserMayStayBeingMade(t *testing.T) {
	clock := &ticking{at: time.Now()}
	a := start(t, ovh.Options{Clock: clock.now})
	a.SetUsersStuck(true)
	var made, seen userDocument
	a.post("/user", document{}, &made)
	clock.advance(4 * time.Minute)
	a.AgeUsers(time.Hour)
	a.get(fmt.Sprintf("/user/%d", made.ID), &seen)
	if seen.Status != "creating" {
		t.Errorf("status is %s, want creating", seen.Status)
	}
	if age := clock.at.Sub(seen.CreationDate); age < time.Hour {
		t.Errorf("the user is %s old, want more than an hour", age)
	}
	a.SetUsersStuck(false)
	a.get(fmt.Sprintf("/user/%d", made.ID), &seen)
	clock.advance(time.Second)
	a.get(fmt.Sprintf("/user/%d", made.ID), &seen)
	if seen.Status != "ok" {
		t.Errorf("status is %s, want ok", seen.Status)
	}
}

func TestUsersAreLimited(t *testing.T) {
	a := start(t, ovh.Options{UserLimit: 1})
	a.user("the only one")
	err := a.Post(a.path("/user"), document{}, nil)
	if code := apiError(t, err).Code; code < 400 || code >= 500 {
		t.Errorf("status is %d, want one of the client's", code)
	}
}

func TestRolesAreNamedByTheirID(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("a user", "compute_operator")
	var roles struct{ Roles []struct{ ID, Name string } }
	a.get("/role", &roles)
	if len(roles.Roles) != 15 {
		t.Errorf("there are %d roles, want the vendor's 15", len(roles.Roles))
	}
	ids := map[string]string{}
	for _, r := range roles.Roles {
		ids[r.Name] = r.ID
	}
	a.put(fmt.Sprintf("/user/%d/role", u.ID), document{"rolesIds": []string{ids["objectstore_operator"]}})
	a.post(fmt.Sprintf("/user/%d/role", u.ID), document{"roleId": ids["volume_operator"]}, nil)
	var seen userDocument
	a.get(fmt.Sprintf("/user/%d", u.ID), &seen)
	var names []string
	for _, r := range seen.Roles {
		names = append(names, r.Name)
	}
	diff(t, "roles", []string{"objectstore_operator", "volume_operator"}, names)
	wantStatus(t, a.Put(a.path("/user/%d/role", u.ID), document{"rolesIds": []string{"objectstore_operator"}}, nil), http.StatusBadRequest)
	wantStatus(t, a.Post(a.path("/user"), document{"roles": []string{"no_such_role"}}, nil), http.StatusBadRequest)
}

func TestSecretsOfKeysAreShownWhenAskedFor(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("a user")
	made := a.key(u.ID)
	if made.Access == "" || made.Secret == "" || made.TenantID != a.Project || made.UserID != fmt.Sprint(u.ID) {
		t.Fatalf("key is %+v", made)
	}
	keys := fmt.Sprintf("/user/%d/s3Credentials", u.ID)
	without := keyDocument{Access: made.Access, TenantID: made.TenantID, UserID: made.UserID}
	var all []keyDocument
	a.get(keys, &all)
	diff(t, "list", []keyDocument{without}, all)
	var one keyDocument
	a.get(keys+"/"+made.Access, &one)
	diff(t, "key", without, one)
	var secret document
	a.post(keys+"/"+made.Access+"/secret", nil, &secret)
	diff(t, "secret", document{"secret": made.Secret}, secret)

	a.delete(keys + "/" + made.Access)
	wantStatus(t, a.Get(a.path("%s/%s", keys, made.Access), nil), http.StatusNotFound)
	wantStatus(t, a.Delete(a.path("%s/%s", keys, made.Access), nil), http.StatusNotFound)
	wantStatus(t, a.Post(a.path("%s/%s/secret", keys, made.Access), nil, nil), http.StatusNotFound)
}

func TestKeysOfAUserCanBeLimited(t *testing.T) {
	a := start(t, ovh.Options{})
	a.SetKeyLimit(2)
	u := a.user("a user")
	a.key(u.ID)
	second := a.key(u.ID)
	err := a.Post(a.path("/user/%d/s3Credentials", u.ID), nil, nil)
	if code := apiError(t, err).Code; code < 400 || code >= 500 {
		t.Errorf("status is %d, want one of the client's", code)
	}
	a.delete(fmt.Sprintf("/user/%d/s3Credentials/%s", u.ID, second.Access))
	a.key(u.ID)
}

func TestAPolicyIsReplacedAsAWhole(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("a user")
	path := fmt.Sprintf("/user/%d/policy", u.ID)
	var seen struct{ Policy string }
	for _, want := range []string{
		`{"Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::a/*"]}]}`,
		`{"Statement":[{"Sid":"b","Effect":"Deny","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}]}`,
		`{"Statement":[]}`,
	} {
		a.policy(u.ID, want)
		a.get(path, &seen)
		if seen.Policy != want {
			t.Errorf("policy is %s, want %s", seen.Policy, want)
		}
	}
	for name, bad := range map[string]string{
		"no JSON":           `Statement`,
		"no effect":         `{"Statement":[{"Action":["s3:*"],"Resource":["*"]}]}`,
		"another condition": `{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::a"],"Condition":{"StringEquals":{"s3:prefix":"a"}}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, a.Post(a.path("%s", path), document{"policy": bad}, nil), http.StatusBadRequest)
		})
	}
	a.get(path, &seen)
	if seen.Policy != `{"Statement":[]}` {
		t.Errorf("a policy that was refused holds: %s", seen.Policy)
	}
}

func TestATestCanLookAtUsers(t *testing.T) {
	a := start(t, ovh.Options{})
	u := a.user("looked at", "objectstore_operator")
	k := a.key(u.ID)
	a.policy(u.ID, `{"Statement":[]}`)
	diff(t, "users", []ovh.User{{
		ID: u.ID, Username: u.Username, Description: "looked at", Status: ovh.UserOK,
		Roles: []string{"objectstore_operator"}, Policy: `{"Statement":[]}`, Keys: []ovh.Key{{Access: k.Access, Secret: k.Secret}},
	}}, a.Users())
}

func TestWhatWasMadeMayBeSeenLater(t *testing.T) {
	clock := &ticking{at: time.Now()}
	a := start(t, ovh.Options{Clock: clock.now})
	a.SetVisibility(time.Minute)
	var made userDocument
	a.post("/user", document{}, &made)
	wantStatus(t, a.Get(a.path("/user/%d", made.ID), nil), http.StatusNotFound)
	clock.advance(time.Minute)
	a.await(made.ID)
}

func TestNoSecretIsForgotten(t *testing.T) {
	a := start(t, ovh.Options{})
	var made userDocument
	a.post("/user", document{}, &made)
	a.await(made.ID)
	k := a.key(made.ID)
	a.delete(fmt.Sprintf("/user/%d/s3Credentials/%s", made.ID, k.Access))
	a.delete(fmt.Sprintf("/user/%d", made.ID))
	for name, secret := range map[string]string{
		"the application's": a.ApplicationSecret, "the consumer key": a.Server.ConsumerKey, "the service account's": a.Server.ClientSecret,
		"a token": a.IssueToken(), "a password": made.Password, "a deleted key's": k.Secret,
	} {
		if !slices.Contains(a.Secrets(), secret) {
			t.Errorf("%s is not among the secrets", name)
		}
	}
}
