package outscale_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/test/emulator/outscale"
)

func TestKeysShowTheirSecretOnce(t *testing.T) {
	server := start(t, outscale.Options{})
	client, ctx := sdk(t, server, server.AccessKey, server.SecretKey)
	made, _, err := client.AccessKeyApi.CreateAccessKey(ctx).CreateAccessKeyRequest(osc.CreateAccessKeyRequest{Tag: new("etat-civil")}).Execute()
	if err != nil {
		t.Fatal(err)
	}
	key := made.GetAccessKey()
	if !regexp.MustCompile(`^[A-Z0-9]{20}$`).MatchString(key.GetAccessKeyId()) || !regexp.MustCompile(`^[A-Z0-9]{40}$`).MatchString(key.GetSecretKey()) {
		t.Errorf("made the key %+v", key)
	}
	filter := osc.ReadAccessKeysRequest{Tag: new("etat-civil"), Filters: &osc.FiltersAccessKeys{States: &[]string{"ACTIVE"}}}
	read, _, err := client.AccessKeyApi.ReadAccessKeys(ctx).ReadAccessKeysRequest(filter).Execute()
	if err != nil || len(read.GetAccessKeys()) != 1 || *read.GetAccessKeys()[0].AccessKeyId != key.GetAccessKeyId() {
		t.Errorf("by its tag: %+v, %v", read.GetAccessKeys(), err)
	}
	if _, own := sdk(t, server, key.GetAccessKeyId(), key.GetSecretKey()); own != nil {
		if _, _, err := client.AccountApi.ReadAccounts(own).Execute(); err != nil {
			t.Errorf("the new key does not work: %v", err)
		}
	}
}

func TestTenKeysAreTheLimitOfTheRootUser(t *testing.T) {
	server := start(t, outscale.Options{})
	eim, _, err := server.AddUser("reader", "")
	if err != nil || eim == "" {
		t.Fatal(err)
	}
	for i := range 9 {
		if got := ask(t, server, "CreateAccessKey", ""); got.status != 200 {
			t.Fatalf("key %d: %d %q", i+2, got.status, got.code)
		}
	}
	if got := ask(t, server, "CreateAccessKey", ""); got.status != 400 || got.code != "10031" {
		t.Errorf("key 11: %d %q", got.status, got.code)
	}
	if got := ask(t, server, "CreateAccessKey", `{"UserName": "reader"}`); got.status != 200 {
		t.Errorf("a key of an EIM user: %d %q", got.status, got.code)
	}
}

func TestKeysThatExpiredOrAreInactiveAreRefused(t *testing.T) {
	clock := newClock()
	server := start(t, outscale.Options{Clock: clock.Now})
	accessKey, secretKey := server.AddKey(clock.Now().Add(time.Minute))
	try := func() answered {
		t.Helper()
		return request(t, http.MethodPost, server.URL+"/ReadAccounts", "", aws4(accessKey, secretKey, "oapi", server.Region))
	}
	update := func(format string, args ...any) {
		t.Helper()
		if got := ask(t, server, "UpdateAccessKey", fmt.Sprintf(format, args...)); got.status != 200 {
			t.Fatalf("update: %d %v", got.status, got.document)
		}
	}
	steps := []struct {
		name   string
		do     func()
		status int
	}{
		{"before it expires", func() {}, 200},
		{"after it expired", func() { clock.advance(2 * time.Minute) }, 401},
		{"with a later date", func() {
			update(`{"AccessKeyId": %q, "ExpirationDate": %q}`, accessKey, clock.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}, 200},
		{"inactive", func() { update(`{"AccessKeyId": %q, "State": "INACTIVE"}`, accessKey) }, 401},
		{"active again", func() { update(`{"AccessKeyId": %q, "State": "ACTIVE"}`, accessKey) }, 200},
		{"inactive by another hand", func() { server.Deactivate(accessKey) }, 401},
	}
	for _, step := range steps {
		step.do()
		if got := try(); got.status != step.status {
			t.Errorf("%s: got %d %q", step.name, got.status, got.code)
		}
	}
}

func TestAnUpdateWithoutADateTakesTheDateAway(t *testing.T) {
	server := start(t, outscale.Options{})
	accessKey, _ := server.AddKey(time.Now().Add(time.Hour))
	got := ask(t, server, "UpdateAccessKey", fmt.Sprintf(`{"AccessKeyId": %q, "Tag": "a"}`, accessKey))
	key, isKey := got.document["AccessKey"].(map[string]any)
	if _, expires := key["ExpirationDate"]; !isKey || expires || key["Tag"] != "a" {
		t.Errorf("got %d %v", got.status, got.document)
	}
}

func TestKeysAreRefusedByTheVendorsCodes(t *testing.T) {
	server := start(t, outscale.Options{})
	eim, _, err := server.AddUser("reader", "")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ action, body, code string }{
		"delete without an id":          {"DeleteAccessKey", "{}", "7000"},
		"delete with an empty id":       {"DeleteAccessKey", `{"AccessKeyId": ""}`, "7000"},
		"delete what nobody has":        {"DeleteAccessKey", `{"AccessKeyId": "foo"}`, "5076"},
		"delete another user's":         {"DeleteAccessKey", fmt.Sprintf(`{"AccessKeyId": %q}`, eim), "5076"},
		"update what is no id":          {"UpdateAccessKey", `{"AccessKeyId": "tot", "State": "ACTIVE"}`, "4122"},
		"update to another state":       {"UpdateAccessKey", fmt.Sprintf(`{"AccessKeyId": %q, "State": "tot"}`, server.AccessKey), "4123"},
		"update to what is no date":     {"UpdateAccessKey", fmt.Sprintf(`{"AccessKeyId": %q, "ExpirationDate": "foobar"}`, server.AccessKey), "4123"},
		"create for a user that is not": {"CreateAccessKey", `{"UserName": "nobody"}`, "5083"},
	}
	for name, test := range tests {
		if got := ask(t, server, test.action, test.body); got.status != 400 || got.code != test.code {
			t.Errorf("%s: got %d %q", name, got.status, got.code)
		}
	}
	if got := ask(t, server, "DeleteAccessKey", fmt.Sprintf(`{"AccessKeyId": %q, "UserName": "reader"}`, eim)); got.status != 200 {
		t.Errorf("delete with the user's name: %d %q", got.status, got.code)
	}
}
