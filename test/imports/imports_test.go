// Package imports holds who may import whom. It is the second lock beside
// depguard: it looks at what the go command says and not at paths of files, and
// through packages at what they bring along.
//
// Start reading at rules.
package imports

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rempart/rempart/"

// rule says what some packages may not import.
type rule struct {
	name string
	// in and except choose the packages, and no packages are their end: folders
	// from the root, "" being all.
	in, except []string
	// not are what they may not import; but are exceptions.
	not, but []string
	// only, if it is given, is all that they may import beside the standard
	// library.
	only []string
	// deep also counts what imported packages import.
	deep bool
}

var drivers = []string{module + "internal/provider/s3", module + "internal/provider/ovh", module + "internal/provider/outscale"}

var rules = []rule{
	{
		name: "the API is vocabulary", in: []string{"api"},
		only: []string{"k8s.io/apimachinery", module + "api"},
	},
	{
		name: "drivers, the mover and drills run without a cluster", deep: true,
		in:  []string{"internal/provider", "internal/mover", "internal/drill"},
		not: []string{"k8s.io", "sigs.k8s.io", module + "api"}, but: []string{"k8s.io/utils/clock", "k8s.io/utils/internal/third_party"},
	},
	{
		name: "the program of the mover holds no cluster's client", deep: true,
		in:  []string{"cmd/mover", "internal/app/standalone"},
		not: []string{"k8s.io", "sigs.k8s.io", module + "api"}, but: []string{"k8s.io/utils/clock", "k8s.io/utils/internal/third_party"},
	},
	{
		name: "only the composition root knows concrete drivers", in: []string{""},
		except: []string{"internal/app", "internal/provider/s3", "internal/provider/ovh", "internal/provider/outscale", "test"},
		not:    drivers,
	},
	{
		name: "only its driver speaks with OVHcloud", in: []string{""}, except: []string{"internal/provider/ovh", "test"},
		not: []string{"github.com/ovh/go-ovh"},
	},
	{
		name: "only its driver speaks with Outscale", in: []string{""}, except: []string{"internal/provider/outscale", "test"},
		not: []string{"github.com/outscale/osc-sdk-go"},
	},
	{
		name: "decisions and reports do no I/O and are the same every time",
		in:   []string{"internal/placement", "internal/geo", "internal/message", "internal/catalogue", "internal/nodeplace", "internal/seal", "internal/report"},
		not:  []string{"net", "os", "math/rand", "crypto/rand", "k8s.io/client-go", "sigs.k8s.io/controller-runtime"},
		but:  []string{"net/netip", "net/url"},
	},
	{
		name: "only commands build the programs", in: []string{""}, except: []string{"cmd", "test"},
		not: []string{module + "internal/app"},
	},
	{
		name: "only tests import what is made for tests", in: []string{""}, except: []string{"test"}, deep: true,
		not: []string{module + "test"},
	},
}

// goPackage is what the go command says about a package, its tests left out.
type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func (p goPackage) folder() string { return strings.TrimPrefix(p.ImportPath, module) }

func TestPackagesImportWhatTheyMay(t *testing.T) {
	packages := list(t)
	for _, violation := range violations(packages) {
		t.Error(violation)
	}
}

func list(t *testing.T) []goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,Deps", module+"...")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 20 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	return packages
}

// violations lists every import that breaks a rule.
func violations(packages []goPackage) []string {
	var found []string
	for _, p := range packages {
		for _, r := range rules {
			if !within(p.folder(), r.in) || within(p.folder(), r.except) {
				continue
			}
			for _, imported := range r.forbidden(p) {
				found = append(found, fmt.Sprintf("%s: %s imports %s", r.name, p.folder(), imported))
			}
		}
		found = append(found, siblings(p)...)
	}
	return found
}

func (r rule) forbidden(p goPackage) []string {
	imported := p.Imports
	if r.deep {
		imported = p.Deps
	}
	return slices.DeleteFunc(slices.Clone(imported), func(path string) bool {
		if len(r.only) > 0 {
			return isStandard(path) || within(path, r.only)
		}
		return !within(path, r.not) || within(path, r.but)
	})
}

// siblings lists the controllers that a controller imports.
func siblings(p goPackage) []string {
	own, isController := strings.CutPrefix(p.folder(), "controllers/")
	if !isController {
		return nil
	}
	var found []string
	for _, path := range p.Deps {
		other, isToo := strings.CutPrefix(path, module+"controllers")
		if isToo && !within(strings.TrimPrefix(other, "/"), []string{own}) {
			found = append(found, fmt.Sprintf("controllers meet in objects: %s imports %s", p.folder(), path))
		}
	}
	return found
}

// within tells whether a path is one of the folders or below one.
func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return folder == "" || path == folder || strings.HasPrefix(path, folder+"/")
	})
}

// isStandard goes by the dot that every module's path has.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// Each rule is broken once, so that none is there for show.
func TestEveryRuleBites(t *testing.T) {
	tests := []struct{ folder, imported, want string }{
		{"api/v1alpha1", "k8s.io/client-go/rest", "the API is vocabulary"},
		{"api/v1alpha1", module + "internal/fault", "the API is vocabulary"},
		{"api/v1alpha1", "k8s.io/apimachinery/pkg/types", ""},
		{"api/v1alpha1", "strings", ""},
		{"internal/provider/s3", "k8s.io/apimachinery/pkg/types", "drivers, the mover and drills"},
		{"internal/mover/spec", module + "api/v1alpha1", "drivers, the mover and drills"},
		{"internal/drill", "sigs.k8s.io/controller-runtime", "drivers, the mover and drills"},
		{"internal/drill", "k8s.io/utils/clock", ""},
		{"cmd/mover", "k8s.io/client-go/rest", "the program of the mover"},
		{"controllers/bucket", module + "internal/provider/s3", "only the composition root"},
		{"internal/cli/verify", module + "internal/provider/ovh", "only the composition root"},
		{"internal/app", module + "internal/provider/s3", ""},
		{"internal/provider/ovh", module + "internal/provider/s3", ""},
		{"internal/app", module + "internal/provider/ovh", ""},
		{"internal/app", "github.com/ovh/go-ovh/ovh", "only its driver speaks with OVHcloud"},
		{"internal/provider/ovh", "github.com/ovh/go-ovh/ovh", ""},
		{"internal/app", "github.com/outscale/osc-sdk-go/v2", "only its driver speaks with Outscale"},
		{"internal/provider/outscale", "github.com/outscale/osc-sdk-go/v2", ""},
		{"internal/placement", "net/http", "decisions and reports"},
		{"internal/report", "os/exec", "decisions and reports"},
		{"internal/geo", "math/rand/v2", "decisions and reports"},
		{"internal/catalogue", "net/url", ""},
		{"controllers/bucket", module + "controllers/drill", "controllers meet"},
		{"controllers/bucket", module + "controllers", "controllers meet"},
		{"controllers", module + "controllers/drill", ""},
		{"internal/loop", module + "internal/app", "only commands"},
		{"cmd/manager", module + "internal/app", ""},
		{"internal/session", module + "test/harness", "only tests"},
		{"test/bench", module + "test/harness", ""},
	}
	for _, test := range tests {
		p := goPackage{ImportPath: module + test.folder, Imports: []string{test.imported}, Deps: []string{test.imported}}
		got := violations([]goPackage{p})
		switch {
		case test.want == "" && len(got) > 0:
			t.Errorf("%s may import %s: %v", test.folder, test.imported, got)
		case test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)):
			t.Errorf("%s may not import %s: want %q, got %v", test.folder, test.imported, test.want, got)
		}
	}
}
