package s3_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

var tellsAll = emulator.Options{VersityAdmin: true, StoredConfigurations: []string{"acl", "replication", "lifecycle"}}

const (
	everybodyReads = `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>me</ID></Owner><AccessControlList>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>partner</ID></Grantee><Permission>READ</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI></Grantee><Permission>WRITE</Permission></Grant>` +
		`</AccessControlList></AccessControlPolicy>`
	everybodyMay = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::actes/*"},` +
		`{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::actes/*"}]}`
	leadsAway = `<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Role>arn:role</Role>` +
		`<Rule><ID>old</ID><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::before</Bucket></Destination></Rule>` +
		`<Rule><ID>new</ID><Status>Enabled</Status><Filter><Prefix/></Filter><Destination><Bucket>arn:aws:s3:::elsewhere</Bucket></Destination></Rule>` +
		`</ReplicationConfiguration>`
	deletesEarly = `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
		`<Rule><ID>tidy</ID><Status>Enabled</Status><Filter><Prefix/></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>` +
		`<Rule><ID>markers</ID><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>` +
		`<Rule><ID>purge</ID><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule>` +
		`<Rule><ID>history</ID><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays></NoncurrentVersionExpiration></Rule>` +
		`<Rule><ID>asleep</ID><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule>` +
		`</LifecycleConfiguration>`
)

// harms are what somebody else's hand does to a bucket, what is seen of it, and
// what is left once it was set right.
var harms = map[provider.Setting]struct {
	set  func(t *testing.T, s *emulator.Server)
	seen string
	// gone must not be in what is left, kept must.
	gone, kept []string
}{
	provider.SettingACL: {
		set:  func(_ *testing.T, s *emulator.Server) { s.SetConfiguration(bucket, "acl", everybodyReads) },
		seen: "acl is open to everybody (READ, WRITE), should be private",
		gone: []string{"AllUsers", "AuthenticatedUsers"}, kept: []string{"<ID>me</ID>", "<ID>partner</ID>", "FULL_CONTROL"},
	},
	provider.SettingPolicy: {
		set: func(t *testing.T, s *emulator.Server) {
			t.Helper()
			if err := s.SetBucketPolicy(bucket, everybodyMay); err != nil {
				t.Fatal(err)
			}
		},
		seen: "policy is open to everybody (s3:GetObject), should be closed to the public",
		gone: []string{"s3:GetObject"}, kept: []string{"s3:DeleteObject"},
	},
	provider.SettingReplication: {
		set:  func(_ *testing.T, s *emulator.Server) { s.SetConfiguration(bucket, "replication", leadsAway) },
		seen: "replication is on, to arn:aws:s3:::elsewhere, should be off",
		gone: []string{"Enabled"}, kept: []string{"arn:role", "arn:aws:s3:::before", "arn:aws:s3:::elsewhere", "<Prefix/>"},
	},
	provider.SettingLifecycle: {
		set: func(_ *testing.T, s *emulator.Server) { s.SetConfiguration(bucket, "lifecycle", deletesEarly) },
		seen: "lifecycle is deleting objects after 1 days (rule purge) and deleting old versions after 3 days (rule history), " +
			"should be without expiry",
		gone: []string{"<ID>purge</ID><Status>Enabled", "<ID>history</ID><Status>Enabled"},
		kept: []string{"<ID>tidy</ID><Status>Enabled", "<ID>markers</ID><Status>Enabled", "<ID>purge</ID><Status>Disabled"},
	},
}

// stored is what the store has of a setting.
func stored(s *emulator.Server, setting provider.Setting) string {
	if setting == provider.SettingPolicy {
		return s.Buckets()[bucket].Policy
	}
	return s.Configuration(bucket, string(setting))
}

func observed(t *testing.T, session provider.Session) map[provider.Setting]string {
	t.Helper()
	states, err := session.ObserveSettings(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	told := map[provider.Setting]string{}
	for i, state := range states {
		if state.Setting != provider.AllSettings[i] {
			t.Errorf("state %d is of %s, want %s", i, state.Setting, provider.AllSettings[i])
		}
		switch drift, drifted := state.Drift(); {
		case drifted:
			told[state.Setting] = drift.String()
		case state.Known:
			told[state.Setting] = "clean"
		default:
			told[state.Setting] = "not known"
		}
	}
	return told
}

func everySetting(told string) map[provider.Setting]string {
	all := map[provider.Setting]string{}
	for _, setting := range provider.AllSettings {
		all[setting] = told
	}
	return all
}

func TestHarmIsSeenAndSetRight(t *testing.T) {
	for setting, harm := range harms {
		t.Run(string(setting), func(t *testing.T) {
			server, session := start(t, tellsAll)
			if diff := cmp.Diff(everySetting("clean"), observed(t, session)); diff != "" {
				t.Fatalf("a new bucket (-want +got):\n%s", diff)
			}
			harm.set(t, server)
			want := everySetting("clean")
			want[setting] = harm.seen
			if diff := cmp.Diff(want, observed(t, session)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if err := session.CorrectSetting(t.Context(), bucket, setting); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(everySetting("clean"), observed(t, session)); diff != "" {
				t.Errorf("after the correction (-want +got):\n%s", diff)
			}
			left := stored(server, setting)
			for _, gone := range harm.gone {
				if strings.Contains(left, gone) {
					t.Errorf("%q is still in %s", gone, left)
				}
			}
			for _, kept := range harm.kept {
				if !strings.Contains(left, kept) {
					t.Errorf("%q is lost from %s", kept, left)
				}
			}
			server.ForgetRequests()
			if err := session.CorrectSetting(t.Context(), bucket, setting); err != nil {
				t.Error(err)
			}
			if sent := server.Requests(func(r emulator.Request) bool { return r.Method != http.MethodGet }); len(sent) != 0 {
				t.Errorf("correcting what is right wrote: %+v", sent)
			}
		})
	}
}

// The statements of issued keys are the application's access.
func TestClosingAPolicyLeavesIssuedKeysAlone(t *testing.T) {
	server, session := start(t, tellsAll)
	issuer, _ := session.Keys()
	key, err := issuer.IssueKey(t.Context(), provider.Grant{Consumer: "actes", Bucket: bucket, Mode: provider.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	own := server.Buckets()[bucket].Policy
	open := strings.Replace(own, `],"Version"`,
		`,{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::actes/*"}`+
			`,{"Effect":"Allow","Principal":{"AWS":["*","`+key.AccessKey+`"]},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::actes"}],"Version"`, 1)
	if err := server.SetBucketPolicy(bucket, open); err != nil {
		t.Fatal(err)
	}
	if told := observed(t, session)[provider.SettingPolicy]; told != "policy is open to everybody (s3:GetObject, s3:PutObject, s3:ListBucket), should be closed to the public" {
		t.Errorf("told %q", told)
	}
	if err := session.CorrectSetting(t.Context(), bucket, provider.SettingPolicy); err != nil {
		t.Fatal(err)
	}
	left := server.Buckets()[bucket].Policy
	if strings.Contains(left, `"*"]}`) || strings.Contains(left, `"Principal":"*"`) || !strings.Contains(left, `{"AWS":["`+key.AccessKey+`"]},"Resource":"arn:aws:s3:::actes"}`) {
		t.Errorf("the policy became %s", left)
	}
	application := openAs(t, session.Place(), key.AccessKey, key.SecretKey.Reveal())
	if _, err := application.ListPage(t.Context(), bucket, provider.ListRequest{}); err != nil {
		t.Errorf("the application lost its access: %v", err)
	}
}

func TestAPolicyOfNothingButOpenStatements(t *testing.T) {
	server, session := start(t, tellsAll)
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::actes","arn:aws:s3:::actes/*"]}]}`
	if err := server.SetBucketPolicy(bucket, open); err != nil {
		t.Fatal(err)
	}
	if err := session.CorrectSetting(t.Context(), bucket, provider.SettingPolicy); err != nil {
		t.Fatal(err)
	}
	answer, err := server.HTTPClient().Get(server.URL + "/" + bucket + "?list-type=2")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger is answered %d: the policy is %s", answer.StatusCode, server.Buckets()[bucket].Policy)
	}
	if told := observed(t, session)[provider.SettingPolicy]; told != "clean" {
		t.Errorf("told %q", told)
	}
	// The next key takes the place of the statement that stands for none.
	issuer, _ := session.Keys()
	if _, err := issuer.IssueKey(t.Context(), provider.Grant{Consumer: "actes", Bucket: bucket, Mode: provider.ReadOnly}); err != nil {
		t.Fatal(err)
	}
	if left := server.Buckets()[bucket].Policy; strings.Contains(left, "nobody") {
		t.Errorf("the placeholder stays: %s", left)
	}
}

// What a store answers to a question that it does not know proves nothing.
func TestBadAnswersAreNotKnown(t *testing.T) {
	bad := func(text string) emulator.Options {
		answers := map[string]string{}
		for _, setting := range provider.AllSettings {
			answers[string(setting)] = text
		}
		return emulator.Options{BadAnswers: answers}
	}
	for name, options := range map[string]emulator.Options{
		"501":                          {},
		"the bare verb is carried out": {CarelessSubresources: true},
		"an empty body":                bad(""),
		"a listing":                    bad(`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>actes</Name></ListBucketResult>`),
		"a success that is a refusal":  bad(`<Error><Code>NotImplemented</Code></Error>`),
		"half a document":              bad(`<ReplicationConfiguration><Rule><Status>Enabled`),
		"plain text":                   bad("OK"),
		"an empty JSON object":         bad("{}"),
	} {
		t.Run(name, func(t *testing.T) {
			server, session := start(t, options)
			want := everySetting("not known")
			if options.BadAnswers == nil {
				want[provider.SettingPolicy] = "clean" // the emulator knows policies
			}
			if diff := cmp.Diff(want, observed(t, session)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for setting, told := range want {
				err := session.CorrectSetting(t.Context(), bucket, setting)
				if told == "not known" && !errors.Is(err, provider.ErrUnsupported) {
					t.Errorf("correct %s: %v, want unsupported", setting, err)
				}
			}
			if sent := server.Requests(func(r emulator.Request) bool { return r.Method != http.MethodGet }); len(sent) != 0 {
				t.Errorf("a guess was written: %+v", sent)
			}
		})
	}
}

func TestAStoreThatKeepsTheHarm(t *testing.T) {
	server, _ := start(t, tellsAll)
	server.SetConfiguration(bucket, "replication", leadsAway)
	session := behind(t, server, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusOK) // and nothing is stored
		return true
	})
	if err := session.CorrectSetting(t.Context(), bucket, provider.SettingReplication); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("got %v, want unsupported", err)
	}
}

func TestSettingsOfABucketThatIsNotThere(t *testing.T) {
	server, session := start(t, tellsAll)
	if _, err := session.ObserveSettings(t.Context(), "absent"); !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("got %v, want not found", err)
	}
	server.Faults().Add(emulator.Match{}, emulator.Fail(http.StatusForbidden, "InvalidAccessKeyId"))
	if _, err := session.ObserveSettings(t.Context(), bucket); !errors.Is(err, provider.ErrAuthentication) {
		t.Errorf("got %v, want refused credentials", err)
	}
}

func TestListBuckets(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.CreateBucket("other")
	list, err := session.ListBuckets(t.Context())
	if err != nil || !cmp.Equal(list.Names, []string{"actes", "other"}) || list.Health.ServerTime.IsZero() {
		t.Errorf("got %+v, %v", list, err)
	}
	server.Faults().Add(emulator.Match{Operation: "ListBuckets"}, emulator.Fail(http.StatusForbidden, "AccessDenied"))
	if _, err := session.ListBuckets(t.Context()); !errors.Is(err, provider.ErrDenied) {
		t.Errorf("got %v, want denied", err)
	}
}
