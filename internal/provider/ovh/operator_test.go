package ovh_test

import (
	"sync"
	"testing"
	"time"

	goovh "github.com/ovh/go-ovh/ovh"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/breaker"
	"github.com/rempart/rempart/internal/provider/ovh"
	emulator "github.com/rempart/rempart/test/emulator/ovh"
)

const operatorMark = "rempart/" + installation + "/operator"

// operators are the users that could own buckets of this installation.
func (a *account) operators() []emulator.User {
	var found []emulator.User
	for _, user := range a.server.Users() {
		if user.Description == operatorMark && user.Status != emulator.UserDeleting {
			found = append(found, user)
		}
	}
	return found
}

// client is the vendor's own, for what somebody else does in the project.
func (a *account) client(t testing.TB) *goovh.Client {
	t.Helper()
	client, err := goovh.NewClient(a.server.URL, a.server.ApplicationKey, a.server.ApplicationSecret, a.server.ConsumerKey)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (a *account) path(parts string) string { return "/cloud/project/" + a.server.Project + parts }

// Two processes that start at once end with one operator's user, which both use.
func TestRacingProcessesEndWithOneUser(t *testing.T) {
	for range 5 {
		a := startAccount(t, emulator.Options{})
		sessions := make([]provider.Session, 4)
		for i := range sessions {
			sessions[i] = patient(open(t, ovh.New(quick()), a.place, a.credentials()))
		}
		var group sync.WaitGroup
		for _, session := range sessions {
			group.Go(func() {
				if err := ping(t.Context(), session); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if found := a.operators(); len(found) != 1 || len(found[0].Roles) != 1 || found[0].Roles[0] != "objectstore_operator" {
			t.Errorf("there are the users %+v", found)
		}
	}
}

// A second user without keys goes; one with keys may be at work in a process that
// knows nothing better.
func TestUsersBesideTheFirst(t *testing.T) {
	for name, withKey := range map[string]bool{"unused": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			a := startAccount(t, emulator.Options{UserDelay: time.Millisecond})
			var ids []int64
			for range 2 {
				var made struct{ ID int64 }
				order := map[string]string{"description": operatorMark, "role": "objectstore_operator"}
				if err := a.client(t).Post(a.path("/user"), order, &made); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, made.ID)
			}
			time.Sleep(5 * time.Millisecond)
			if withKey {
				for _, user := range a.operators() {
					if user.ID == ids[1] {
						if err := a.client(t).Post(a.path("/user/"+itoa(user.ID)+"/s3Credentials"), nil, nil); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if err := create(t.Context(), a.open(t)); err != nil {
				t.Fatal(err)
			}
			found := a.operators()
			want := 1
			if withKey {
				want = 2
			}
			if len(found) != want || found[0].ID != ids[0] || len(found[0].Keys) != 1 {
				t.Errorf("there are the users %+v", found)
			}
			if owner := a.owner(t, "actes"); owner != ids[0] {
				t.Errorf("the bucket belongs to %d, not %d", owner, ids[0])
			}
		})
	}
}

// A new process finds the user and its key again, and makes neither.
func TestNothingOfTheUserIsStored(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	if err := create(t.Context(), a.open(t)); err != nil {
		t.Fatal(err)
	}
	before := a.operators()
	again := patient(open(t, ovh.New(quick()), a.place, a.credentials()))
	if err := head(t.Context(), again); fault.HasReason(err, fault.BucketMissing) {
		t.Error(err)
	}
	after := a.operators()
	if len(after) != 1 || after[0].ID != before[0].ID || len(after[0].Keys) != 1 {
		t.Errorf("there are the users %+v", after)
	}
}

// What somebody deletes in the control panel is made again, and is no reason not to
// use the login any more.
func TestDeletedUsersAndKeysAreMadeAgain(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	fuse := breaker.New()
	session := patient(provider.Intercept(open(t, a.driver, a.place, a.credentials()), fuse.Intercept))
	if err := ping(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	user := a.operators()[0]
	if err := a.client(t).Delete(a.path("/user/"+itoa(user.ID)+"/s3Credentials/"+user.Keys[0].Access), nil); err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), session); err != nil {
		t.Errorf("after its key was deleted: %v", err)
	}
	if err := a.client(t).Delete(a.path("/user/"+itoa(user.ID)), nil); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), session); err != nil {
		t.Errorf("after the user was deleted: %v", err)
	}
	if fuse.Tripped() != nil {
		t.Errorf("the login is not used any more: %v", fuse.Tripped())
	}
	if found := a.operators(); len(found) != 1 || found[0].ID == user.ID {
		t.Errorf("there are the users %+v", found)
	}
}

func TestUsersThatAreSlow(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.server.SetUsersStuck(true)
	bare := open(t, a.driver, a.place, a.credentials())
	wantFailure(t, ping(t.Context(), bare), inTheMaking)
	a.server.AgeUsers(11 * time.Minute)
	wantFailure(t, ping(t.Context(), bare), failure{provider.ErrNotReady, fault.Terminal, fault.UserCreationStuck, 0})
	a.server.SetUsersStuck(false)
	for a.operators()[0].Status != emulator.UserOK {
		time.Sleep(time.Millisecond)
	}
	wantFailure(t, ping(t.Context(), bare), none)
	if found := a.operators(); len(found) != 1 {
		t.Errorf("there are the users %+v", found)
	}
}

// What was made and is not shown yet is not made twice.
func TestWhatIsNotVisibleYetIsNotMadeTwice(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.server.SetVisibility(50 * time.Millisecond)
	session := a.open(t)
	if err := create(t.Context(), session); err != nil {
		t.Error(err)
	}
	if err := issue(t.Context(), session); err != nil {
		t.Error(err)
	}
	if users := a.server.Users(); len(users) != 2 {
		t.Errorf("there are the users %+v", users)
	}
	// A user that nobody sees yet is not forgotten when its key is revoked.
	a.server.SetVisibility(time.Hour)
	keys, _ := open(t, a.driver, a.place, a.credentials()).Keys()
	grant := grantOf("other", "actes", provider.ReadOnly)
	_, err := keys.IssueKey(t.Context(), grant)
	wantFailureOf(t, "issue", err, inTheMaking)
	wantFailureOf(t, "revoke", keys.RevokeKey(t.Context(), grant), inTheMaking)
}
