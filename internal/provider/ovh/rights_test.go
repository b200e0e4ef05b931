package ovh_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	emulator "github.com/rempart/rempart/test/emulator/ovh"
)

// leastRules are the rules of an application key that docs/ovhcloud.md asks for.
func leastRules() []emulator.AccessRule {
	rules := []emulator.AccessRule{
		{Method: "GET", Path: ""},
		{Method: "GET", Path: "/region"},
		{Method: "GET", Path: "/region/*"},
		{Method: "POST", Path: "/region/*/storage"},
		{Method: "PUT", Path: "/region/*/storage/*"},
		{Method: "DELETE", Path: "/region/*/storage/*"},
		{Method: "GET", Path: "/user"},
		{Method: "GET", Path: "/user/*/s3Credentials"},
		{Method: "POST", Path: "/user"},
		{Method: "POST", Path: "/user/*/policy"},
		{Method: "POST", Path: "/user/*/s3Credentials"},
		{Method: "POST", Path: "/user/*/s3Credentials/*/secret"},
		{Method: "DELETE", Path: "/user/*"},
	}
	for i := range rules {
		rules[i].Path = inProject + rules[i].Path
	}
	return rules
}

// What platform teams are told to grant is what the tests run with.
func TestPageAsksForTheLeastRights(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "ovhcloud.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rules []emulator.AccessRule
	for _, row := range regexp.MustCompile("(?m)^\\| (GET|POST|PUT|DELETE) \\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		rules = append(rules, emulator.AccessRule{Method: row[1], Path: strings.ReplaceAll(row[2], "{id}", projectID)})
	}
	if diff := cmp.Diff(leastRules(), rules); diff != "" {
		t.Errorf("rules of an application key (-tested +told):\n%s", diff)
	}
	actions := regexp.MustCompile("`(publicCloudProject:apiovh:[^`]+)`").FindAllStringSubmatch(string(text), -1)
	var told []string
	for _, action := range actions {
		told = append(told, action[1])
	}
	if diff := cmp.Diff(leastActions, told); diff != "" {
		t.Errorf("actions of a service account (-tested +told):\n%s", diff)
	}
}
