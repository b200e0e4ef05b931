package ovh

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/provider"
)

func TestPeriodsAreComparedInDays(t *testing.T) {
	tests := map[string]int{
		"P30D": 30, "P1D": 1, "P1W": 7, "P4W2D": 30, "P1Y": 365, "P1M": 30, "P1Y1M1W1D": 403, "P7DT0H": 7, "P400D": 400,
		"": 0, "P": 0, "30": 0, "P-1D": 0, "P1.5D": 0, "PT24H": 0,
	}
	for text, want := range tests {
		if got := daysOf(text); got != want {
			t.Errorf("%q is %d days, want %d", text, got, want)
		}
	}
}

func TestContainerSaysHowItIs(t *testing.T) {
	mark := &provider.Mark{Owner: "i/n/a", Signature: "0f"}
	tests := map[string]struct {
		text       string
		versioning provider.Versioning
		mark       *provider.Mark
		protection provider.Protection
	}{
		"as a list shows it": {text: `{"name":"b","ownerId":7}`, versioning: provider.VersioningDisabled},
		"with everything off": {
			text:       `{"versioning":{"status":"disabled"},"encryption":{"sseAlgorithm":"plaintext"},"objectLock":{"status":"disabled"},"tags":{}}`,
			versioning: provider.VersioningDisabled,
		},
		"with everything on": {
			text: `{"versioning":{"status":"enabled"},"encryption":{"sseAlgorithm":"AES256"},
				"objectLock":{"status":"enabled","rule":{"mode":"governance","period":"P1W"}},
				"tags":{"rempart.dev/owner":"i/n/a","rempart.dev/signature":"0f","team":"x"}}`,
			versioning: provider.VersioningEnabled, mark: mark,
			protection: provider.Protection{
				ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 7}, Encryption: provider.ProviderManaged,
			},
		},
		"suspended": {text: `{"versioning":{"status":"suspended"},"objectLock":null,"tags":null}`, versioning: provider.VersioningSuspended},
		"with a mark that nobody signed": {
			text: `{"tags":{"rempart.dev/owner":"i/n/a"}}`, versioning: provider.VersioningDisabled, mark: &provider.Mark{Owner: "i/n/a"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c container
			if err := json.Unmarshal([]byte(test.text), &c); err != nil {
				t.Fatal(err)
			}
			if c.versioning() != test.versioning {
				t.Errorf("versioning is %s", c.versioning())
			}
			if diff := cmp.Diff(test.mark, c.mark()); diff != "" {
				t.Errorf("mark (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.protection, c.protection()); diff != "" {
				t.Errorf("protection (-want +got):\n%s", diff)
			}
		})
	}
}

// A PUT has what was there before, with what this driver does not know about it.
func TestChangeKeepsWhatWasTold(t *testing.T) {
	var c container
	text := `{"name":"b","ownerId":7,"createdAt":"2026","objects":[],"versioning":{"status":"enabled"},"encryption":{"sseAlgorithm":"AES256","other":1},
		"objectLock":{"status":"disabled"},"replication":{"rules":[{"id":"r","status":"enabled","new":true}]},"lifecycle":{"rules":[]},"tags":{"a":"b"}}`
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c.change())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"encryption":{"sseAlgorithm":"AES256","other":1},"lifecycle":{"rules":[]},"replication":{"rules":[{"id":"r","status":"enabled","new":true}]},` +
		`"tags":{"a":"b"},"versioning":{"status":"enabled"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
}

func TestOrderOfABucket(t *testing.T) {
	tests := map[string]struct {
		want provider.Bucket
		text string
	}{
		"plain":     {provider.Bucket{Name: "b"}, `{"name":"b","ownerId":7}`},
		"versioned": {provider.Bucket{Name: "b", Versioning: provider.VersioningEnabled}, `{"name":"b","ownerId":7,"versioning":{"status":"enabled"}}`},
		"protected, and never marked": {
			provider.Bucket{Name: "b", Mark: provider.Mark{Owner: "o"}, Protection: provider.Protection{
				ObjectLock: true, Retention: provider.Retention{Mode: provider.Compliance, Days: 30}, Encryption: provider.ProviderManaged,
			}},
			`{"name":"b","ownerId":7,"versioning":{"status":"enabled"},"encryption":{"sseAlgorithm":"AES256"},` +
				`"objectLock":{"status":"enabled","rule":{"mode":"compliance","period":"P30D"}}}`,
		},
		"locked without a default": {
			provider.Bucket{Name: "b", Protection: provider.Protection{ObjectLock: true}},
			`{"name":"b","ownerId":7,"versioning":{"status":"enabled"},"objectLock":{"status":"enabled"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(orderFor(test.want, 7))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.text, string(got)); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplicationInForceIsHarm(t *testing.T) {
	tests := map[string]struct {
		rules string
		harm  string
		known bool
	}{
		"none":            {`[]`, "", true},
		"one that is off": {`[{"status":"disabled","destination":{"name":"b2","region":"BHS"}}]`, "", true},
		"one to Canada":   {`[{"id":"r","status":"enabled","destination":{"name":"b2","region":"BHS"}}]`, "on, to b2 in BHS", true},
		"two, and one that is off": {
			`[{"status":"enabled","destination":{"name":"b2","region":"BHS"}},{"status":"disabled"},{"status":"enabled","destination":{"name":"b3","region":"SBG"}}]`,
			"on, to b2 in BHS and on, to b3 in SBG", true,
		},
		"one to who knows where": {`[{"status":"enabled"}]`, "on, to somewhere", true},
		"one without a region":   {`[{"status":"enabled","destination":{"name":"b2"}}]`, "on, to b2 in an unknown region", true},
		"one of another kind":    {`["rule"]`, "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var r replication
			if err := json.Unmarshal([]byte(`{"rules":`+test.rules+`}`), &r); err != nil {
				t.Fatal(err)
			}
			want := provider.SettingState{Setting: provider.SettingReplication, Known: test.known, Harm: test.harm}
			if diff := cmp.Diff(want, r.state()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if !test.known {
				return
			}
			cured, err := r.withoutHarm()
			if err != nil || cured.state().Harm != "" || len(cured.Rules) != len(r.Rules) {
				t.Errorf("without its harm it is %s, %v", cured.Rules, err)
			}
		})
	}
}

func TestRightsOfConsumers(t *testing.T) {
	const bucket, objects = "arn:aws:s3:::actes", "arn:aws:s3:::actes/*"
	// decide is the rule of OVHcloud for who owns neither: nothing but an explicit
	// Allow that no Deny takes back.
	decide := func(p policy, action, resource string) bool {
		is := func(effect string) bool {
			return slices.ContainsFunc(p.Statement, func(s statement) bool {
				return s.Effect == effect && (slices.Contains(s.Action, action) || slices.Contains(s.Action, "s3:*")) &&
					slices.ContainsFunc(s.Resource, func(pattern string) bool {
						prefix, isPrefix := strings.CutSuffix(pattern, "*")
						return pattern == resource || isPrefix && strings.HasPrefix(resource, prefix)
					})
			})
		}
		return is("Allow") && !is("Deny")
	}
	tests := []struct {
		action, resource string
		modes            string
	}{
		{"s3:ListBucket", bucket, "ReadWrite ReadOnly FullControl"},
		{"s3:ListBucketVersions", bucket, "ReadWrite ReadOnly FullControl"},
		{"s3:ListBucketMultipartUploads", bucket, "ReadWrite FullControl"},
		{"s3:GetBucketLocation", bucket, "ReadWrite ReadOnly WriteOnly FullControl"},
		{"s3:GetObject", bucket + "/k", "ReadWrite ReadOnly FullControl"},
		{"s3:PutObject", bucket + "/k", "ReadWrite WriteOnly FullControl"},
		{"s3:DeleteObject", bucket + "/k", "ReadWrite FullControl"},
		{"s3:PutObjectAcl", bucket + "/k", "FullControl"},
		{"s3:BypassGovernanceRetention", bucket + "/k", "FullControl"},
		{"s3:GetObject", bucket + "/.rempart/owner", "FullControl"},
		{"s3:PutObject", bucket + "/.rempart/manifest/1", "FullControl"},
		{"s3:PutObject", bucket + "/.rempart", "FullControl"},
		{"s3:PutObject", bucket + "/.rempart2", "ReadWrite WriteOnly FullControl"},
		{"s3:PutBucketVersioning", bucket, "FullControl"},
		{"s3:PutReplicationConfiguration", bucket, "FullControl"},
		{"s3:GetObject", "arn:aws:s3:::actes2/k", ""},
		{"s3:ListBucket", "arn:aws:s3:::actes2", ""},
		{"s3:ListAllMyBuckets", "arn:aws:s3:::", ""},
		{"s3:CreateBucket", "arn:aws:s3:::mine", ""},
	}
	for _, mode := range modes {
		p := rightsFor(provider.Grant{Consumer: "mairie", Bucket: "actes", Mode: mode})
		for _, test := range tests {
			want := slices.Contains(strings.Fields(test.modes), string(mode))
			if got := decide(p, test.action, test.resource); got != want {
				t.Errorf("%s may %s on %s: %t, want %t", mode, test.action, test.resource, got, want)
			}
		}
		for _, s := range p.Statement {
			if s.Effect == deny && slices.Contains(s.Action, listEveryBucket) && slices.Equal(s.Resource, []string{"*"}) {
				continue
			}
			for _, resource := range s.Resource {
				if resource != bucket && resource != objects && !strings.HasPrefix(resource, bucket+"/") {
					t.Errorf("%s: the statement %s is about %s", mode, s.ID, resource)
				}
			}
		}
		if strings.Contains(p.encode(), "Principal") {
			t.Errorf("%s: a user's policy has no principal: %s", mode, p.encode())
		}
	}
}

// What a mode does not allow is denied: an object belongs to who wrote it, and
// where a policy says nothing its owner may do everything.
func TestNothingIsLeftToOwnership(t *testing.T) {
	for _, mode := range []provider.AccessMode{provider.ReadWrite, provider.ReadOnly, provider.WriteOnly} {
		p := rightsFor(provider.Grant{Consumer: "mairie", Bucket: "actes", Mode: mode})
		for _, action := range documentedOnes {
			if !slices.ContainsFunc(p.Statement, func(s statement) bool { return slices.Contains(s.Action, action) }) {
				t.Errorf("%s: nothing is said of %s", mode, action)
			}
		}
	}
}
