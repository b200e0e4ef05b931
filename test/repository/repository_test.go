// Package repository holds the files at the root, and what the pages point to, to
// their word.
package repository

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/rempart/rempart/internal/app"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The image is built from copied folders; a command that imports from another one
// would build everywhere but there.
func TestTheImageIsBuiltFromAllThatTheCommandsNeed(t *testing.T) {
	var copied []string
	for _, found := range regexp.MustCompile(`(?m)^COPY (\S+) (\S+)$`).FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		copied = append(copied, found[1])
		if found[1] != found[2] {
			t.Errorf("%s is copied to %s", found[1], found[2])
		}
	}
	ignore := strings.Split(read(t, ".dockerignore"), "\n")
	if !slices.Contains(ignore, "*") {
		t.Error(".dockerignore lets everything through")
	}
	for _, folder := range append(copied, "go.mod", "go.sum") {
		if !slices.Contains(ignore, "!"+folder) {
			t.Errorf("%s is copied and .dockerignore leaves it out", folder)
		}
	}
	needed := foldersOf(t, "./cmd/...")
	if len(needed) < 10 {
		t.Fatalf("the commands need only %v", needed)
	}
	for _, folder := range needed {
		if !slices.ContainsFunc(copied, func(c string) bool { return folder == c || strings.HasPrefix(folder, c+"/") }) {
			t.Errorf("the commands need %s, which the Dockerfile does not copy", folder)
		}
	}
}

// The plugin runs on people's own machines and the mover beside their data: what
// only the operator needs stays out of both.
func TestOnlyTheOperatorLinksTheVendorsClients(t *testing.T) {
	for name, links := range map[string]bool{"manager": true, "kubectl-rempart": false, "mover": false} {
		command := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/"+name)
		command.Dir = root
		output, err := command.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for _, vendor := range []string{"github.com/ovh/go-ovh", "github.com/outscale/osc-sdk-go"} {
			if got := strings.Contains(string(output), vendor); got != links {
				t.Errorf("%s links %s: %t, want %t", name, vendor, got, links)
			}
		}
	}
}

// foldersOf are the folders of ours that packages are built from.
func foldersOf(t *testing.T, pattern string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}", pattern)
	command.Dir = root
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for dir := range strings.FieldsSeq(string(output)) {
		relative, err := filepath.Rel(absolute, dir)
		if err != nil {
			t.Fatal(err)
		}
		folders = append(folders, filepath.ToSlash(relative))
	}
	return folders
}

func TestPROJECTNamesEveryKind(t *testing.T) {
	var project struct {
		Repo      string
		Resources []struct {
			Domain, Kind, Version string
			API                   struct{ Namespaced bool }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "PROJECT")), &project); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, resource := range project.Resources {
		got[resource.Kind] = true
		plural := strings.ToLower(resource.Kind) + "s"
		switch resource.Kind {
		case "SovereigntyPolicy":
			plural = "sovereigntypolicies"
		case "SovereignBucketAccess":
			plural = "sovereignbucketaccesses"
		}
		definition := fmt.Sprintf("config/crd/bases/%s_%s.yaml", resource.Domain, plural)
		if isNamespaced := strings.Contains(read(t, definition), "\n  scope: Namespaced\n"); isNamespaced != resource.API.Namespaced {
			t.Errorf("%s: namespaced is %t", resource.Kind, resource.API.Namespaced)
		}
	}
	for kind, goType := range app.Scheme().KnownTypes(schema.GroupVersion{Group: "rempart.dev", Version: "v1alpha1"}) {
		isOurs := strings.HasPrefix(goType.PkgPath(), project.Repo)
		if isOurs && !strings.HasSuffix(kind, "List") && !got[kind] {
			t.Errorf("PROJECT does not name %s", kind)
		}
	}
}

// What version 0.7 of the publiccode.yml standard asks for.
func TestPubliccodeIsValid(t *testing.T) {
	type description struct {
		ShortDescription, LongDescription string
		Features                          []string
	}
	var publiccode struct {
		PubliccodeYmlVersion, Name, URL, DevelopmentStatus, SoftwareType string
		Platforms, Categories                                            []string
		IntendedAudience                                                 struct{ Countries, Scope []string }
		Description                                                      map[string]description
		Legal                                                            struct{ License string }
		Maintenance                                                      struct {
			Type     string
			Contacts []struct{ Name string }
		}
		Localisation struct {
			LocalisationReady  *bool
			AvailableLanguages []string
		}
		LandingURL string
		DependsOn  map[string][]struct{ Name, VersionMin string }
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "publiccode.yml")), &publiccode); err != nil {
		t.Fatal(err)
	}
	p := publiccode
	for what, ok := range map[string]bool{
		"publiccodeYmlVersion": p.PubliccodeYmlVersion == "0.7",
		"name":                 p.Name != "",
		"url":                  strings.HasPrefix(p.URL, "https://"),
		"platforms":            len(p.Platforms) > 0,
		"categories":           subset(p.Categories, "backup", "cloud-management", "compliance-management", "it-management", "it-security"),
		"developmentStatus":    subset([]string{p.DevelopmentStatus}, "concept", "development", "beta", "stable", "obsolete"),
		"softwareType":         subset([]string{p.SoftwareType}, "standalone/backend", "standalone/other", "addon"),
		"countries":            subset(p.IntendedAudience.Countries, "FR"),
		"scope":                subset(p.IntendedAudience.Scope, "government", "infrastructures", "local-authorities", "security"),
		"license":              p.Legal.License == "Apache-2.0",
		"maintenance":          subset([]string{p.Maintenance.Type}, "internal", "community") && len(p.Maintenance.Contacts) > 0 && p.Maintenance.Contacts[0].Name != "",
		"localisation":         p.Localisation.LocalisationReady != nil && len(p.Localisation.AvailableLanguages) > 0,
		"two languages":        len(p.Description) == 2,
	} {
		if !ok {
			t.Errorf("%s is not valid", what)
		}
	}
	for language, d := range p.Description {
		short, long := utf8.RuneCountInString(d.ShortDescription), utf8.RuneCountInString(d.LongDescription)
		if short == 0 || short > 150 || long < 150 || long > 10_000 || len(d.Features) == 0 {
			t.Errorf("description %s: %d and %d characters, %d features", language, short, long, len(d.Features))
		}
	}
}

func subset(values []string, of ...string) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(of, v) })
}

func TestDecisionsAreNumbered(t *testing.T) {
	records, err := filepath.Glob(filepath.Join(root, "docs/adr/[0-9]*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range records {
		name := filepath.Base(record)
		number, _, _ := strings.Cut(name, "-")
		if want := fmt.Sprintf("%04d", i+1); number != want {
			t.Errorf("%s has a number that is taken or leaves a gap: want %s", name, want)
		}
		if !strings.HasPrefix(read(t, "docs/adr/"+name), "# "+number+". ") {
			t.Errorf("the heading of %s does not begin with its number", name)
		}
	}
}

// A page that points to a file which is not there is worse than none.
func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s#]+)(?:#[^)]*)?\)`)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".md") {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, found := range link.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			if _, err := os.Stat(path.Join(filepath.ToSlash(filepath.Dir(file)), found[1])); err != nil {
				t.Errorf("%s points to %s, which is not there", file, found[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
