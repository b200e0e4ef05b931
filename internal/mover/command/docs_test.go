package command

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/spec"
)

func page(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../../docs/mover.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// block gives the first block of the page in a language.
func block(t *testing.T, language string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(page(t))
	if found == nil {
		t.Fatalf("the page has no block of %s", language)
	}
	return found[1]
}

func TestTheSpecOfThePageIsTheDefault(t *testing.T) {
	documented, err := spec.Parse([]byte(block(t, "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	const least = `
source: {endpoint: "https://s3.dc1.bruz.example", bucket: actes, credentials: {accessKeyEnv: SRC_KEY, secretKeyEnv: SRC_SECRET}}
target: {endpoint: "https://s3.gra.example.net", bucket: actes-copy, credentials: {accessKeyEnv: DST_KEY, secretKeyEnv: DST_SECRET}}`
	short, err := spec.Parse([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	want := short.Options()
	// What an empty value stands for.
	want.Deletes, want.Verification, want.BytesInFlight = mover.PropagateDeletes, mover.VerifyTransferred, 128<<20
	if diff := cmp.Diff(want, documented.Options()); diff != "" {
		t.Errorf("options (-least +page):\n%s", diff)
	}
}

func TestTheReportOfThePageIsOne(t *testing.T) {
	decoder := json.NewDecoder(strings.NewReader(block(t, "json")))
	decoder.DisallowUnknownFields()
	var report mover.Report
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	if code, _ := Outcome(conclude(report, nil, nil)); code != ExitPartial {
		t.Errorf("exit code %d", code)
	}
}

func TestThePageListsEveryExitCode(t *testing.T) {
	var got []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d) \|`).FindAllStringSubmatch(page(t), -1) {
		got = append(got, row[1])
	}
	var want []string
	for _, code := range []ExitCode{ExitComplete, ExitFailed, ExitUsage, ExitPartial, ExitGuarded} {
		want = append(want, fmt.Sprint(int(code)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exit codes (-want +page):\n%s", diff)
	}
}
