package explain

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/internal/cli/clitest"
	"github.com/rempart/rempart/internal/cli/env"
)

func TestExplainsManifestsWithoutACluster(t *testing.T) {
	tests := map[string]struct {
		golden string
		args   []string
		code   env.ExitCode
	}{
		"a commune's data fits at three operators in France": {
			"commune.txt", []string{"-f", "testdata/commune"}, env.ExitOK,
		},
		"the same as JSON": {
			"commune.json", []string{"-f", "testdata/commune", "-o", "json"}, env.ExitOK,
		},
		"the same as YAML": {
			"commune.yaml.golden", []string{"-f", "testdata/commune", "-o", "yaml"}, env.ExitOK,
		},
		"what cannot be is refused with every reason": {
			"refused.txt", []string{
				"-f", "testdata/commune/00-namespace.yaml", "-f", "testdata/commune/10-providers.yaml",
				"-f", "testdata/refused/policy-and-buckets.yaml",
			}, env.ExitNo,
		},
		"the same as JSON, with reason and message": {
			"refused.json", []string{
				"-f", "testdata/commune/00-namespace.yaml", "testdata/commune/10-providers.yaml",
				"testdata/refused/policy-and-buckets.yaml", "-o", "json",
			}, env.ExitNo,
		},
		"what a cluster found out counts, and nothing is assumed": {
			"exported.txt", []string{"-f", "testdata/exported.yaml", "--at", "2026-12-01"}, env.ExitOK,
		},
		"a primary that is not allowed any more does not move": {
			"tightened.txt", []string{
				"-f", "testdata/tightened.yaml", "-f", "testdata/commune/10-providers.yaml", "-f", "testdata/commune/00-namespace.yaml",
			}, env.ExitNo,
		},
		"a bucket that is not listed is not adopted": {
			"adoption.txt", []string{
				"-f", "testdata/adoption.yaml", "-f", "testdata/commune/10-providers.yaml", "-f", "testdata/commune/00-namespace.yaml",
			}, env.ExitNo,
		},
		"of a vendor's account the catalogue tells where its regions are": {
			"vendors.txt", []string{
				"-f", "testdata/vendors.yaml", "-f", "testdata/commune/00-namespace.yaml", "-f", "testdata/commune/20-policy.yaml",
				"-f", "testdata/commune/30-buckets.yaml",
			}, env.ExitOK,
		},
		"a SEAL rests on answers that have not ended": {
			"sovereignty.txt", []string{"-f", "testdata/sovereignty.yaml", "--at", "2026-12-01"}, env.ExitOK,
		},
		"and on none once they all have": {
			"sovereignty-ended.txt", []string{"-f", "testdata/sovereignty.yaml", "--at", "2027-01-05"}, env.ExitNo,
		},
		"law, attestations and climate count, under every policy that binds the bucket": {
			"rules.txt", []string{"-f", "testdata/rules.yaml"}, env.ExitOK,
		},
		"an attestation that will be over does not": {
			"rules-later.txt", []string{"-f", "testdata/rules.yaml", "--at", "2027-07-01"}, env.ExitNo,
		},
		"what is only wanted of all copies is shown at each": {
			"advice.txt", []string{"-f", "testdata/commune", "-f", "testdata/advice.yaml"}, env.ExitOK,
		},
		"an exception is shown wherever its rules would have objected": {
			"exceptions.txt", []string{"-f", "testdata/exceptions.yaml", "--at", "2026-12-01"}, env.ExitOK,
		},
		"to programs as well": {
			"exceptions.json", []string{"-f", "testdata/exceptions.yaml", "--at", "2026-12-01", "-o", "json"}, env.ExitOK,
		},
		"and counts until its end": {
			"exceptions-over.txt", []string{"-f", "testdata/exceptions.yaml", "--at", "2027-04-01"}, env.ExitNo,
		},
		"a commune's data in French": {
			"commune-fr.txt", []string{"-f", "testdata/commune", "--lang", "fr"}, env.ExitOK,
		},
		"what cannot be, in French": {
			"refused-fr.txt", []string{
				"-f", "testdata/commune/00-namespace.yaml", "-f", "testdata/commune/10-providers.yaml",
				"-f", "testdata/refused/policy-and-buckets.yaml", "--lang", "fr",
			}, env.ExitNo,
		},
		"to programs reasons and rules are the same, and messages are French": {
			"refused-fr.json", []string{
				"-f", "testdata/commune/00-namespace.yaml", "testdata/commune/10-providers.yaml",
				"testdata/refused/policy-and-buckets.yaml", "-o", "json", "--lang", "fr",
			}, env.ExitNo,
		},
		"a primary that does not move, in French": {
			"tightened-fr.txt", []string{
				"-f", "testdata/tightened.yaml", "-f", "testdata/commune/10-providers.yaml", "-f", "testdata/commune/00-namespace.yaml", "--lang", "fr",
			}, env.ExitNo,
		},
		"answers that have ended, in French": {
			"sovereignty-ended-fr.txt", []string{"-f", "testdata/sovereignty.yaml", "--at", "2027-01-05", "--lang", "fr"}, env.ExitNo,
		},
		"law, attestations and climate in French": {
			"rules-later-fr.txt", []string{"-f", "testdata/rules.yaml", "--at", "2027-07-01", "--lang", "fr"}, env.ExitNo,
		},
		"an exception in French": {
			"exceptions-fr.txt", []string{"-f", "testdata/exceptions.yaml", "--at", "2026-12-01", "--lang", "fr"}, env.ExitOK,
		},
		"no place in French": {
			"no-provider-fr.txt", []string{
				"-f", "testdata/commune/20-policy.yaml", "-f", "testdata/commune/30-buckets.yaml", "--lang", "fr",
			}, env.ExitNo,
		},
		"without a provider there is no place": {
			"no-provider.txt", []string{"-f", "testdata/commune/20-policy.yaml", "-f", "testdata/commune/30-buckets.yaml"}, env.ExitNo,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := clitest.Run(t, "", NewCommand, test.args...)
			if got.Code != test.code || got.ErrOut != "" {
				t.Errorf("exit code %d, want %d; errors %q", got.Code, test.code, got.ErrOut)
			}
			clitest.Golden(t, test.golden, got.Out)
		})
	}
}

func TestTheStandardInputIsAFileToo(t *testing.T) {
	var joined strings.Builder
	for _, file := range []string{"00-namespace.yaml", "10-providers.yaml", "20-policy.yaml", "30-buckets.yaml"} {
		content, err := os.ReadFile("testdata/commune/" + file)
		if err != nil {
			t.Fatal(err)
		}
		joined.Write(content)
		joined.WriteString("---\n")
	}
	got := clitest.Run(t, joined.String(), NewCommand, "-f", "-")
	if got.Code != env.ExitOK || got.ErrOut != "" {
		t.Errorf("exit code %d, errors %q", got.Code, got.ErrOut)
	}
	clitest.Golden(t, "commune.txt", got.Out)
}

func TestTheJSONHasExactlyTheFieldsOfTheContract(t *testing.T) {
	got := clitest.Run(t, "", NewCommand, "-f", "testdata/commune", "-o", "json")
	var explanations []map[string]any
	if err := json.Unmarshal([]byte(got.Out), &explanations); err != nil {
		t.Fatal(err)
	}
	bucket := explanations[0]
	wantKeys(t, bucket, "bucket", "candidates", "copies", "primary", "satisfied")
	wantKeys(t, bucket["copies"].([]any)[0], "location", "providerName", "role", "score")
	candidates := bucket["candidates"].([]any)
	if len(candidates) != 7 {
		t.Errorf("%d candidates, want one for each of 7 locations", len(candidates))
	}
	for _, candidate := range candidates {
		wantKeys(t, candidate, "assumed", "eligible", "location", "objections", "providerName", "score")
		for _, objection := range candidate.(map[string]any)["objections"].([]any) {
			delete(objection.(map[string]any), "role")
			wantKeys(t, objection, "action", "message", "policy", "reason", "rule")
		}
	}
}

// Programs go by reasons and rules, which no language changes.
func TestTheLanguageChangesNothingInJSONButMessages(t *testing.T) {
	args := []string{
		"-f", "testdata/commune/00-namespace.yaml", "testdata/commune/10-providers.yaml", "testdata/refused/policy-and-buckets.yaml", "-o", "json",
	}
	english, french := clitest.Run(t, "", NewCommand, args...), clitest.Run(t, "", NewCommand, append(args, "--lang", "fr")...)
	messages := regexp.MustCompile(`"message": ".*"`)
	if english.Out == french.Out || english.Code != french.Code {
		t.Fatalf("exit codes %d and %d, and the same output: %v", english.Code, french.Code, english.Out == french.Out)
	}
	if diff := cmp.Diff(messages.ReplaceAllString(english.Out, ""), messages.ReplaceAllString(french.Out, "")); diff != "" {
		t.Errorf("JSON but for messages (-en +fr):\n%s", diff)
	}
}

func wantKeys(t *testing.T, object any, want ...string) {
	t.Helper()
	var got []string
	for key := range object.(map[string]any) {
		got = append(got, key)
	}
	less := func(a, b string) bool { return a < b }
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(less)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestRefusesWhatMakesNoSense(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no file":                       {nil, "name files with -f"},
		"a file that is not there":      {[]string{"-f", "testdata/nowhere.yaml"}, "testdata/nowhere.yaml"},
		"a time that is none":           {[]string{"-f", "testdata/commune", "--at", "tomorrow"}, `--at "tomorrow" is neither`},
		"to be against something else":  {[]string{"-f", "testdata/commune", "--against", "everything"}, `--against "everything"`},
		"another format":                {[]string{"-f", "testdata/commune", "-o", "xml"}, `"xml" is not one of table, json and yaml`},
		"another language":              {[]string{"-f", "testdata/commune", "--lang", "xx"}, `"xx" is not one of en and fr`},
		"a bucket without a name":       {[]string{"bucket"}, "accepts 1 arg"},
		"a policy and something beside": {[]string{"policy", "a", "b"}, "accepts 1 arg"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := clitest.Run(t, "", NewCommand, test.args...)
			if got.Code != env.ExitUsage || !strings.Contains(got.ErrOut, test.want) {
				t.Errorf("exit code %d, errors %q; want code %d and %q", got.Code, got.ErrOut, env.ExitUsage, test.want)
			}
		})
	}
}

func TestFilesWithoutABucketAreNoFailure(t *testing.T) {
	got := clitest.Run(t, "", NewCommand, "-f", "testdata/commune/20-policy.yaml", "-o", "json")
	want := clitest.Outcome{Out: "[]\n", ErrOut: "note: there is no SovereignBucket to explain\n", Code: env.ExitOK}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	french := clitest.Run(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n", NewCommand, "-f", "-", "--lang", "fr")
	want.Out, want.ErrOut = "", "remarque\u00a0: entrée standard\u00a0: un objet d’un autre type a été ignoré\u00a0: Secret\n"+
		"remarque\u00a0: il n’y a aucun SovereignBucket à expliquer\n"
	if diff := cmp.Diff(want, french); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutAClusterTheOnlineFormsFail(t *testing.T) {
	for _, args := range [][]string{{"bucket", "actes"}, {"policy", "etat-civil"}, {"-f", "testdata/commune", "--against", "cluster"}} {
		got := clitest.Run(t, "", NewCommand, append(args, "--server", "http://127.0.0.1:1")...)
		if got.Code != env.ExitFailure || !strings.Contains(got.ErrOut, "cannot reach the cluster") {
			t.Errorf("%v: exit code %d, errors %q", args, got.Code, got.ErrOut)
		}
	}
}
