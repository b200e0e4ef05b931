package outscale_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/test/emulator/outscale"
)

func TestFailuresComeWhenTheyAreArmed(t *testing.T) {
	server := start(t, outscale.Options{})
	server.Fail("ReadAccounts", 1, outscale.PlatformThrottled())
	server.Fail("ReadAccounts", 1, outscale.AccountThrottled())
	server.Fail("ReadAccounts", 1, outscale.CallThrottled())
	server.Fail("ReadAccounts", 1, outscale.Denied())
	server.Fail("ReadAccounts", 1, outscale.Quota())
	server.Fail("ReadAccounts", 1, outscale.Failure{Delay: time.Millisecond})
	var got []string
	for range 7 {
		answer := ask(t, server, "ReadAccounts", "")
		got = append(got, http.StatusText(answer.status)+" "+answer.code)
	}
	want := []string{
		"Service Unavailable 6", "Too Many Requests 24", "Too Many Requests 25", "Forbidden 4", "Bad Request 10014", "OK ", "OK ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if got := ask(t, server, "ReadSubregions", ""); got.status != 200 {
		t.Errorf("another action: %d %q", got.status, got.code)
	}
	if diff := cmp.Diff(map[string]int{"ReadAccounts": 7, "ReadSubregions": 1}, server.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestFailuresLastUntilRecovery(t *testing.T) {
	server := start(t, outscale.Options{})
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	read := func() error { _, _, err := client.SubregionApi.ReadSubregions(ctx).Execute(); return err }
	for name, arm := range map[string]func(){
		"down":       server.Down,
		"reset":      func() { server.Fail("", 0, outscale.Failure{Reset: true}) },
		"a web page": func() { server.Fail("", 0, outscale.Failure{Status: 200, Page: "<html>Log in</html>"}) },
	} {
		arm()
		for range 3 {
			if err := read(); err == nil {
				t.Errorf("%s: an answer came", name)
			}
		}
		server.Recover()
		if err := read(); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	server.Fail("", 1, outscale.Failure{Status: 429, Code: "24", RetryAfter: 7 * time.Second})
	_, answer, err := client.SubregionApi.ReadSubregions(ctx).ReadSubregionsRequest(osc.ReadSubregionsRequest{}).Execute()
	if err == nil || answer.Header.Get("Retry-After") != "7" {
		t.Errorf("got %v", err)
	}
}
