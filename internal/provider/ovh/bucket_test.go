package ovh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/ovh"
)

// The emulator's refusals come to what they mean by facts, since their words are
// assumed.
func TestRefusalsOfTheEmulatedAccount(t *testing.T) {
	quota := func(a *account) {
		session := a.open(t)
		for i := range 100 {
			if err := session.CreateBucket(t.Context(), provider.Bucket{Name: fmt.Sprintf("other-%d", i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		prepare func(*account)
		do      step
		want    failure
	}{
		"a name that another account has":   {func(a *account) { mustPing(t, a); a.server.TakeName("actes") }, create, taken},
		"a hundred buckets":                 {quota, create, failure{provider.ErrQuota, fault.Terminal, fault.QuotaExceeded, 0}},
		"a consumer key that is pending":    {func(a *account) { a.server.SetConsumerKey(emulator.PendingValidation) }, list, failure{provider.ErrNotReady, fault.Waiting, fault.ConsumerKeyPending, 0}},
		"a consumer key that is over":       {func(a *account) { a.server.SetConsumerKey(emulator.Expired) }, list, failure{provider.ErrAuthentication, fault.Terminal, fault.TokenExpired, 0}},
		"a consumer key that was refused":   {func(a *account) { a.server.SetConsumerKey(emulator.Refused) }, list, authentication},
		"an application key that is wrong":  {func(a *account) { a.server.ApplicationKey = "wrong" }, list, authentication},
		"a secret that is wrong":            {func(a *account) { a.server.ApplicationSecret = "wrong" }, list, authentication},
		"a consumer key that nobody made":   {func(a *account) { a.server.ConsumerKey = "wrong" }, list, authentication},
		"a project that is not there":       {func(a *account) { a.place.Project = "wrong" }, list, noProject},
		"a project without this region":     {func(a *account) { mustPing(t, a); a.server.SetRegionActive("GRA", false) }, observe, noRegion},
		"a region under maintenance":        {func(a *account) { mustPing(t, a); a.server.SetRegionStatus("GRA", emulator.Maintenance) }, create, maintenance},
		"a service that has ended":          {func(a *account) { mustPing(t, a); a.server.SetServiceExpired(true) }, observe, expired},
		"a service that has ended, deleted": {func(a *account) { a.server.SetServiceExpired(true) }, remove, expired},
		"as many users as there may be":     {func(a *account) { a.server.SetUserLimit(1) }, issue, failure{provider.ErrQuota, fault.Terminal, fault.UserLimitReached, 0}},
		"as many keys as there may be":      {func(a *account) { mustIssue(t, a); a.server.SetKeyLimit(1) }, issue, failure{provider.ErrQuota, fault.Terminal, fault.KeyLimitReached, 0}},
		"an API that is down":               {func(a *account) { a.server.Down() }, list, unreachable},
		"an API that is down, S3 up":        {func(a *account) { mustPing(t, a); a.server.Down() }, ping, none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := startAccount(t, emulator.Options{})
			if strings.Contains(name, "as there may be") {
				a.bucket(t, "actes")
			}
			test.prepare(a)
			wantFailureOf(t, name, test.do(t.Context(), open(t, a.driver, a.place, a.credentials())), test.want)
		})
	}
}

func mustPing(t *testing.T, a *account) {
	t.Helper()
	if err := ping(t.Context(), a.open(t)); err != nil {
		t.Fatal(err)
	}
}

func mustIssue(t *testing.T, a *account) {
	t.Helper()
	if err := issue(t.Context(), a.open(t)); err != nil {
		t.Fatal(err)
	}
}

// What others set stays as it is when the mark or the versioning is written.
func TestUpdateLeavesTheRest(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	path := a.path("/region/GRA/storage/actes")
	before := map[string]any{
		"tags": map[string]string{"team": "état civil"}, "encryption": map[string]string{"sseAlgorithm": "AES256"},
		"lifecycle": map[string]any{"rules": []map[string]any{{"id": "parts", "status": "enabled", "abortIncompleteMultipartUpload": map[string]int{"daysAfterInitiation": 3}}}},
	}
	if err := a.client(t).Put(path, before, nil); err != nil {
		t.Fatal(err)
	}
	mark := provider.Mark{Owner: "i/n/a", Signature: "0f"}
	want := provider.Bucket{Name: "actes", Versioning: provider.VersioningEnabled, Mark: mark}
	session := a.open(t)
	for range 2 {
		if err := session.UpdateBucket(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	var after struct {
		Tags       map[string]string
		Encryption map[string]string
		Lifecycle  struct{ Rules []struct{ ID string } }
	}
	if err := a.client(t).Get(path, &after); err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{"team": "état civil", provider.MarkOwnerTag: mark.Owner, provider.MarkSignatureTag: mark.Signature}
	if diff := cmp.Diff(tags, after.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if after.Encryption["sseAlgorithm"] != "AES256" || len(after.Lifecycle.Rules) != 1 || after.Lifecycle.Rules[0].ID != "parts" {
		t.Errorf("the rest is %+v", after)
	}
	puts := 0
	for _, request := range a.server.Requests() {
		if request.Method == "PUT" {
			puts++
		}
	}
	if puts != 2 { // one is the test's own
		t.Errorf("%d PUTs", puts)
	}
}

// A rule that somebody made in the control panel is seen with where it leads, and
// is disabled, never removed.
func TestReplicationToCanadaIsStopped(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	a.harm(t, "actes", provider.SettingReplication)
	session := a.open(t)
	harm := func() string {
		t.Helper()
		states, err := session.ObserveSettings(t.Context(), "actes")
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range states {
			if drift, drifted := state.Drift(); drifted && state.Setting == provider.SettingReplication {
				return drift.Got
			}
		}
		return ""
	}
	if told := harm(); !strings.HasPrefix(told, "on, to actes-copy-") || !strings.HasSuffix(told, " in BHS") {
		t.Errorf("it is told as %q", told)
	}
	if err := session.CorrectSetting(t.Context(), "actes", provider.SettingReplication); err != nil {
		t.Fatal(err)
	}
	if told := harm(); told != "" {
		t.Errorf("it is still there: %s", told)
	}
	bucket, _ := a.server.Region("GRA").Region.Bucket("actes")
	if len(bucket.Replication) != 1 || bucket.Replication[0].Enabled || bucket.Versioning != "Enabled" {
		t.Errorf("the bucket became %+v", bucket)
	}
	for _, request := range a.server.Requests() {
		if request.Method == "DELETE" {
			t.Errorf("sent DELETE %s", request.Path)
		}
	}
}

// A bucket's lock is made with it, with its period in days, and compared in days.
func TestLockIsMadeWithTheBucket(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	for _, days := range []int{7, 30, 365} {
		want := provider.Bucket{
			Name: fmt.Sprintf("actes-%d", days), Versioning: provider.VersioningEnabled,
			Protection: provider.Protection{
				ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: days}, Encryption: provider.ProviderManaged,
			},
		}
		session := a.open(t)
		if err := session.CreateBucket(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, err := session.ObserveProtection(t.Context(), want.Name)
		if diff := cmp.Diff(want.Protection, got); diff != "" || err != nil {
			t.Errorf("protection (-want +got):\n%s%v", diff, err)
		}
	}
}

// A bucket in use by an upload or a version is not empty, and one that is gone is
// gone.
func TestDeleteIsExplainedByFacts(t *testing.T) {
	a := startAccount(t, emulator.Options{})
	a.bucket(t, "actes")
	session, ref := a.open(t), provider.Ref{Bucket: "actes", Key: "k"}
	if _, err := session.Put(t.Context(), ref, content("x"), provider.Attributes{}); err != nil {
		t.Fatal(err)
	}
	wantFailureOf(t, "with an object", remove(t.Context(), session), failure{provider.ErrNotEmpty, fault.Waiting, fault.DeletionBlocked, 0})
	if err := session.Remove(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantFailureOf(t, "empty", remove(t.Context(), session), none)
	}
}
