package outscale_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/test/emulator/outscale"
)

var update = flag.Bool("update", false, "write the transcripts of the vendor's clients")

// transcript is what went between a client and the API.
type transcript struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (t *transcript) observe(e outscale.Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.lines, "> %s %s\n  %s\n< %d %s\n", e.Action, compact(e.Body), signedFor(e.Request), e.Status, compact(e.Answer))
}

// signedFor tells the algorithm, the region and the service of a signature.
func signedFor(r *http.Request) string {
	found := regexp.MustCompile(`^(\S+) Credential=[^/]+/[0-9]+/([^/]+)/([^/]+)/`).FindStringSubmatch(r.Header.Get("Authorization"))
	if found == nil {
		return "not signed"
	}
	return fmt.Sprintf("signed with %s for %s in %s", found[1], found[3], found[2])
}

func compact(text []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, bytes.TrimSpace(text)) != nil {
		return string(text)
	}
	return b.String()
}

// changing is what is another one every time.
var changing = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "<request>"},
	{regexp.MustCompile(`"SecretKey":"[A-Z0-9]{40}"`), `"SecretKey":"<secret>"`},
	{regexp.MustCompile(`"UserId":"[A-Z0-9]{32}"`), `"UserId":"<user>"`},
	{regexp.MustCompile(`"[A-Z0-9]{20}"`), `"<key>"`},
	{regexp.MustCompile(`"(Creation|LastModification)Date":"[^"]+"`), `"${1}Date":"<time>"`},
}

// check holds the transcript against the recorded one, or records it.
func (t *transcript) check(tb testing.TB, server *outscale.Server, file string) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range server.Store.Requests(nil) {
		fmt.Fprintf(&t.lines, "> OOS %s /%s/%s\n< %d %s\n", r.Operation, r.Bucket, r.Key, r.Status, r.Code)
	}
	got := t.lines.String()
	for _, c := range changing {
		got = c.form.ReplaceAllString(got, c.name)
	}
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s; record it anew with -update (-recorded +now):\n%s", file, diff)
	}
}

// recorded are the options of a region that clients walk through.
func recorded(t *transcript) outscale.Options {
	return outscale.Options{
		Observe: t.observe,
		// Else the policy of a user would count after the walk.
		PolicyDelay: -1,
		VMs: []outscale.VM{
			{ID: "i-00000001", Subregion: "eu-west-2a", State: "running", Type: "tinav5.c1r1p2"},
			{ID: "i-00000002", Subregion: "eu-west-2b", State: "stopped", Type: "tinav5.c1r1p2"},
		},
		Consumption: []outscale.Consumption{{
			From: day(2026, 10, 1), To: day(2026, 11, 1), Service: "TinaOS-OOS", Type: "StorageUsage", Operation: "StandardStorage",
			Category: "storage", Title: "Object storage, per gibibyte and month", SubregionName: "eu-west-2", Value: 12.5,
		}},
		Emissions: []outscale.Emission{{Month: day(2026, 10, 1), Kilograms: map[string]float64{"compute": 1.5, "storage": 0.5}}},
	}
}

// TestTheVendorsClientForGoWorks walks through what its version 2 can do here.
func TestTheVendorsClientForGoWorks(t *testing.T) {
	var heard transcript
	server := start(t, recorded(&heard))
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	must := func(_ any, answer *http.Response, err error) {
		t.Helper()
		if err != nil {
			_, code := codes(t, answer, err)
			t.Fatalf("code %s: %v", code, err)
		}
	}
	must(wide(client.RegionApi.ReadRegions(t.Context()).Execute()))
	must(wide(client.LocationApi.ReadLocations(t.Context()).Execute()))
	must(wide(client.SubregionApi.ReadSubregions(ctx).Execute()))
	must(wide(client.AccountApi.ReadAccounts(ctx).Execute()))
	must(wide(client.QuotaApi.ReadQuotas(ctx).Execute()))
	must(wide(client.AccountApi.ReadConsumptionAccount(ctx).ReadConsumptionAccountRequest(
		osc.ReadConsumptionAccountRequest{FromDate: "2026-10-01", ToDate: "2026-11-01"}).Execute()))
	must(wide(client.AccountApi.ReadCO2EmissionAccount(ctx).ReadCO2EmissionAccountRequest(
		osc.ReadCO2EmissionAccountRequest{FromMonth: "2026-10-01", ToMonth: "2026-11-01"}).Execute()))
	must(wide(client.VmApi.ReadVms(ctx).ReadVmsRequest(osc.ReadVmsRequest{ResultsPerPage: new(int32(1))}).Execute()))

	made, answer, err := client.AccessKeyApi.CreateAccessKey(ctx).CreateAccessKeyRequest(
		osc.CreateAccessKeyRequest{Tag: new("rotation"), ExpirationDate: new("2063-04-05")}).Execute()
	must(made, answer, err)
	id := *made.AccessKey.AccessKeyId
	must(wide(client.AccessKeyApi.UpdateAccessKey(ctx).UpdateAccessKeyRequest(osc.UpdateAccessKeyRequest{AccessKeyId: id, State: new("INACTIVE")}).Execute()))
	must(wide(client.AccessKeyApi.ReadAccessKeys(ctx).ReadAccessKeysRequest(
		osc.ReadAccessKeysRequest{Filters: &osc.FiltersAccessKeys{States: &[]string{"INACTIVE"}}}).Execute()))
	must(wide(client.AccessKeyApi.DeleteAccessKey(ctx).DeleteAccessKeyRequest(osc.DeleteAccessKeyRequest{AccessKeyId: id}).Execute()))

	must(wide(client.UserApi.CreateUser(ctx).CreateUserRequest(osc.CreateUserRequest{UserName: "reader"}).Execute()))
	must(wide(client.PolicyApi.PutUserPolicy(ctx).PutUserPolicyRequest(
		osc.PutUserPolicyRequest{UserName: "reader", PolicyName: "read", PolicyDocument: mayRead}).Execute()))
	must(wide(client.PolicyApi.ReadUserPolicies(ctx).ReadUserPoliciesRequest(osc.ReadUserPoliciesRequest{UserName: "reader"}).Execute()))
	must(wide(client.UserApi.DeleteUser(ctx).DeleteUserRequest(osc.DeleteUserRequest{UserName: "reader"}).Execute()))

	// And what it is refused.
	_, wrong := sdk(t, server, server.AccessKey, "wrong")
	_, answer, err = client.AccountApi.ReadAccounts(wrong).Execute()
	if status, code := codes(t, answer, err); status != 401 || code != "1" {
		t.Errorf("a wrong secret: %d %q", status, code)
	}
	server.Fail("ReadAccounts", 1, outscale.AccountThrottled())
	_, answer, err = client.AccountApi.ReadAccounts(ctx).Execute()
	if status, code := codes(t, answer, err); status != 429 || code != "24" {
		t.Errorf("throttled: %d %q", status, code)
	}
	heard.check(t, server, "sdk-v2.txt")
}

// wide forgets what kind of answer it is.
func wide[T any](document T, answer *http.Response, err error) (any, *http.Response, error) {
	return document, answer, err
}

// TestTheVendorsNewerClientWorks walks with its version 3, and with its client for
// OOS, in a process of their own. See sdk3/main.go.
func TestTheVendorsNewerClientWorks(t *testing.T) {
	program := filepath.Join(t.TempDir(), "sdk3")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "sdk3", "-o", program, ".")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	began := time.Now()
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	t.Logf("built in %s", time.Since(began).Round(time.Second))

	var heard transcript
	server := start(t, recorded(&heard))
	walk := exec.CommandContext(t.Context(), program, "-api", server.URL, "-oos", server.OOS,
		"-region", server.Region, "-access-key", server.AccessKey, "-secret-key", server.SecretKey)
	walk.Env = []string{"HOME=" + t.TempDir()}
	if output, err := walk.CombinedOutput(); err != nil {
		t.Fatalf("walk: %v\n%s", err, output)
	}
	heard.check(t, server, "sdk-v3.txt")
}
