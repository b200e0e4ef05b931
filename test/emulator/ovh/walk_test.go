package ovh_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/ovh"
)

var update = flag.Bool("update", false, "write the recorded walks anew")

// transcript is what a client and the server said, with what differs from run to
// run replaced by what it is.
type transcript struct {
	bytes.Buffer
	names *strings.Replacer
}

// unpredictable is what nobody knows in advance.
var unpredictable = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`user-[0-9a-f]{12}`), "user-…"},
	{regexp.MustCompile(`\b[0-9a-f]{32,}\b`), "<hex>"},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\dT[0-9:.]+Z`), "<time>"},
	{regexp.MustCompile(`\b20\d\d/\d\d/\d\d \d\d:\d\d:\d\d `), ""},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "<address>"},
	{regexp.MustCompile(`X-OVH-Query-Id: [^)]+`), "X-OVH-Query-Id: <id>"},
	{regexp.MustCompile(`X-Amz-(Credential|Date|Signature)=[^&"\s\\]+`), "X-Amz-$1=…"},
}

func (w *transcript) add(text string) {
	text = w.names.Replace(text)
	for _, u := range unpredictable {
		text = u.pattern.ReplaceAllString(text, u.name)
	}
	w.WriteString(text)
}

// hold compares the transcript with the recorded one, or records it.
func (w *transcript) hold(t *testing.T, file string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, w.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), w.String()); d != "" {
		t.Errorf("the walk differs from %s (-want +got); -update writes it anew:\n%s", path, d)
	}
}

// recorder notes calls as they go over the wire.
type recorder struct {
	wire http.RoundTripper
	to   *transcript
}

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.to.add(fmt.Sprintf("> %s %s\n", req.Method, req.URL.RequestURI()))
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		sent, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		if len(sent) > 0 {
			r.to.add("> " + string(sent) + "\n")
		}
	}
	res, err := r.wire.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(answer))
	if req.URL.Path == "/1.0/auth/time" {
		answer = []byte("<seconds>")
	}
	r.to.add(fmt.Sprintf("< %d %s\n\n", res.StatusCode, indented(answer)))
	return res, nil
}

func indented(document []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, document, "", "  ") != nil {
		return string(document)
	}
	return b.String()
}

// The vendor's own Go client walks through an account as the operator does, with
// every call recorded as it went over the wire.
func TestTheWalkOfGoOVH(t *testing.T) {
	a := start(t, ovh.Options{Regions: []ovh.RegionSpec{
		{Name: "GRA", Type: ovh.OneZone, Country: "FR", Continent: "EU", Services: []string{ovh.StorageHighPerformance, ovh.StorageStandard}},
		{Name: "UK", Type: ovh.OneZone, Country: "GB", Continent: "EU", Services: []string{ovh.StorageStandard}},
	}})
	w := &transcript{names: strings.NewReplacer(a.Project, "<project>")}
	a.Client.Client.Transport = recorder{http.DefaultTransport, w}

	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Get("/cloud/project", nil); err != nil {
		t.Fatal(err)
	}
	a.get("/region", nil)
	a.get("/region/GRA", nil)
	a.get("/region/UK", nil)
	var made userDocument
	a.post("/user", document{"description": "rempart: operator", "roles": []string{"objectstore_operator"}}, &made)
	a.Client.Client.Transport = nil
	a.await(made.ID)
	a.Client.Client.Transport = recorder{http.DefaultTransport, w}
	a.get("/user", nil)
	k := a.key(made.ID)
	w.names = strings.NewReplacer(a.Project, "<project>", k.Access, "<access key>", k.Secret, "<secret key>")
	a.get(fmt.Sprintf("/user/%d/s3Credentials", made.ID), nil)
	a.post(fmt.Sprintf("/user/%d/s3Credentials/%s/secret", made.ID, k.Access), nil, nil)
	a.policy(made.ID, `{"Statement":[{"Effect":"Deny","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}]}`)
	a.get(fmt.Sprintf("/user/%d/policy", made.ID), nil)
	a.bucket("GRA", "actes", made.ID, document{
		"objectLock": document{"status": "enabled", "rule": document{"mode": "governance", "period": "P7D"}},
		"tags":       document{"rempart": "etat-civil"},
	})
	a.get("/region/GRA/storage", nil)
	a.get("/region/GRA/storage/actes", nil)
	a.put("/region/GRA/storage/actes", document{"tags": document{"rempart": "other"}})
	wantStatus(t, a.Post(a.path("/region/UK/storage"), document{"name": "actes", "ownerId": made.ID}, nil), http.StatusConflict)
	a.delete("/region/GRA/storage/actes")
	wantStatus(t, a.Get(a.path("/region/GRA/storage/actes"), nil), http.StatusNotFound)
	a.delete(fmt.Sprintf("/user/%d/s3Credentials/%s", made.ID, k.Access))
	a.delete(fmt.Sprintf("/user/%d", made.ID))
	w.hold(t, "go-ovh.golden")
}

// The vendor's command line client walks through an account. It is no Go module that
// can be had by its name, so it is used where it is installed; the recorded walk is
// one of commit 546f3c8 (2 October 2025).
func TestTheWalkOfOvhcloudCLI(t *testing.T) {
	binary, err := exec.LookPath("ovhcloud")
	if err != nil {
		t.Skip("ovhcloud is not on the PATH, and it is no Go module that can be had by its name, so it is not built like the other tools. Install it from the vendor to run this walk.")
	}
	a := start(t, ovh.Options{Regions: []ovh.RegionSpec{
		{Name: "GRA", Type: ovh.OneZone, Country: "FR", Continent: "EU", Services: []string{ovh.StorageStandard}},
	}})
	w := &transcript{names: strings.NewReplacer(a.Project, "<project>")}
	home := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), binary, append(args, "--json")...)
		command.Dir = home
		command.Env = []string{
			"HOME=" + home, "OVH_ENDPOINT=" + a.Server.URL, "OVH_APPLICATION_KEY=" + a.ApplicationKey,
			"OVH_APPLICATION_SECRET=" + a.ApplicationSecret, "OVH_CONSUMER_KEY=" + a.Server.ConsumerKey,
			"OVH_CLOUD_PROJECT_SERVICE=" + a.Project,
		}
		said, err := command.CombinedOutput()
		end := ""
		if err != nil {
			end = fmt.Sprintf("(%v)\n", err)
		}
		w.add(fmt.Sprintf("$ ovhcloud %s\n%s%s\n", strings.Join(args, " "), strings.TrimRight(string(said), "\n")+"\n", end))
	}
	run("account", "get")
	run("cloud", "project", "list")
	run("cloud", "region", "list")
	run("cloud", "user", "create", "--description", "made by the client", "--roles", "objectstore_operator")
	users := a.Users()
	if len(users) != 1 {
		t.Fatalf("the client made %d users, want 1: %s", len(users), w)
	}
	id := fmt.Sprint(users[0].ID)
	a.await(users[0].ID)
	run("cloud", "user", "list")
	run("cloud", "user", "get", id)
	run("cloud", "storage-s3", "credentials", "create", id)
	run("cloud", "storage-s3", "credentials", "list", id)
	run("cloud", "storage-s3", "create", "GRA", "--name", "made-by-cli", "--owner-id", id, "--versioning-status", "enabled")
	run("cloud", "storage-s3", "list")
	run("cloud", "storage-s3", "get", "made-by-cli")
	run("cloud", "storage-s3", "object", "list", "made-by-cli")
	run("cloud", "storage-s3", "generate-presigned-url", "made-by-cli", "--method", "GET", "--object", "o", "--expire", "60")
	run("cloud", "storage-s3", "delete", "made-by-cli")
	run("cloud", "storage-s3", "get", "made-by-cli")
	run("cloud", "user", "delete", id)
	w.hold(t, "ovhcloud-cli.golden")
}
