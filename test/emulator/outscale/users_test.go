package outscale_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/outscale"
)

const mayRead = `{"Statement": [{"Effect": "Allow", "Action": ["api:Read*"], "Resource": ["*"]}]}`

func TestPoliciesTakeAWhileToCount(t *testing.T) {
	clock := newClock()
	server := start(t, outscale.Options{Clock: clock.Now})
	accessKey, secretKey, err := server.AddUser("reader", "")
	if err != nil {
		t.Fatal(err)
	}
	may := func() bool {
		t.Helper()
		return request(t, http.MethodPost, server.URL+"/ReadAccounts", "", aws4(accessKey, secretKey, "oapi", server.Region)).status == 200
	}
	if may() {
		t.Fatal("a user without a policy may read")
	}
	if got := ask(t, server, "PutUserPolicy", fmt.Sprintf(`{"UserName": "reader", "PolicyName": "p", "PolicyDocument": %q}`, mayRead)); got.status != 200 {
		t.Fatalf("put: %d %v", got.status, got.document)
	}
	if got := ask(t, server, "ReadUserPolicy", `{"UserName": "reader", "PolicyName": "p"}`); got.document["PolicyDocument"] != mayRead {
		t.Errorf("read at once: %v", got.document)
	}
	clock.advance(14 * time.Second)
	if may() {
		t.Error("the policy counts after 14 seconds")
	}
	clock.advance(2 * time.Second)
	if !may() {
		t.Error("the policy does not count after 16 seconds")
	}
	if got := ask(t, server, "DeleteUserPolicy", `{"UserName": "reader", "PolicyName": "p"}`); got.status != 200 {
		t.Fatalf("delete: %d %v", got.status, got.document)
	}
	if got := ask(t, server, "ReadUserPolicies", `{"UserName": "reader"}`); len(got.document["PolicyNames"].([]any)) != 0 {
		t.Errorf("after the deletion: %v", got.document)
	}
	if !may() {
		t.Error("the deletion counts at once")
	}
	clock.advance(16 * time.Second)
	if may() {
		t.Error("the deletion does not count after 16 seconds")
	}
}

func TestPoliciesDenyBeforeTheyAllow(t *testing.T) {
	tests := map[string]struct {
		document string
		status   int
	}{
		"by a wildcard":            {mayRead, 200},
		"by name":                  {`{"Statement": [{"Effect": "Allow", "Action": "api:ReadAccounts", "Resource": "*"}]}`, 200},
		"by everything":            {`{"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}`, 200},
		"by what is left out":      {`{"Statement": [{"Effect": "Allow", "NotAction": ["api:ReadVms"], "Resource": ["*"]}]}`, 200},
		"not by another action":    {`{"Statement": [{"Effect": "Allow", "Action": ["api:ReadVms"], "Resource": ["*"]}]}`, 403},
		"not by another service":   {`{"Statement": [{"Effect": "Allow", "Action": ["eim:*"], "Resource": ["*"]}]}`, 403},
		"not where it is denied":   {`{"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}, {"Effect": "Deny", "Action": ["api:*Accounts"], "Resource": ["*"]}]}`, 403},
		"not by an empty document": {`{"Statement": []}`, 403},
	}
	server := start(t, outscale.Options{})
	for name, test := range tests {
		accessKey, secretKey, err := server.AddUser(strings.ReplaceAll(name, " ", "-"), test.document)
		if err != nil {
			t.Fatal(err)
		}
		got := request(t, http.MethodPost, server.URL+"/ReadAccounts", "", aws4(accessKey, secretKey, "oapi", server.Region))
		if got.status != test.status {
			t.Errorf("%s: got %d %q", name, got.status, got.code)
		}
	}
}

func TestUsersComeAndGo(t *testing.T) {
	server := start(t, outscale.Options{})
	for i := range 101 {
		if got := ask(t, server, "CreateUser", fmt.Sprintf(`{"UserName": "user%d", "Path": "/etat_civil/"}`, i)); got.status != 200 {
			t.Fatalf("user %d: %d %v", i, got.status, got.document)
		}
	}
	first := ask(t, server, "ReadUsers", "")
	second := ask(t, server, "ReadUsers", `{"FirstItem": 100}`)
	if len(first.document["Users"].([]any)) != 100 || first.document["HasMoreItems"] != true ||
		len(second.document["Users"].([]any)) != 1 || second.document["HasMoreItems"] != false {
		t.Errorf("the pages are %v and %v", first.document, second.document)
	}
	key := ask(t, server, "CreateAccessKey", `{"UserName": "user7"}`).document["AccessKey"].(map[string]any)
	for _, change := range []struct{ body, code string }{
		{`{"UserName": "user7", "NewUserName": "user8"}`, "9087"},
		{`{"UserName": "user7", "NewUserName": "not a name"}`, "4123"},
		{`{"UserName": "user7", "NewUserName": "seven"}`, ""},
		{`{"UserName": "user7", "NewUserEmail": "x@example.fr"}`, "5083"},
		{`{"UserName": "user9", "NewUserEmail": "x@example.fr"}`, ""},
	} {
		if got := ask(t, server, "UpdateUser", change.body); got.code != change.code {
			t.Errorf("%s: got %d %q", change.body, got.status, got.code)
		}
	}
	if got := ask(t, server, "CreateUser", `{"UserName": "seven"}`); got.status != 409 {
		t.Errorf("a name that is taken: %d %q", got.status, got.code)
	}
	if got := ask(t, server, "DeleteUser", `{"UserName": "seven"}`); got.status != 200 {
		t.Errorf("delete: %d %q", got.status, got.code)
	}
	gone := request(t, http.MethodPost, server.URL+"/ReadAccounts", "",
		aws4(key["AccessKeyId"].(string), key["SecretKey"].(string), "oapi", server.Region))
	if gone.status != 400 || gone.code != "4120" {
		t.Errorf("the key of a user that is gone: %d %q", gone.status, gone.code)
	}
	if got := ask(t, server, "PutUserPolicy", `{"UserName": "user1", "PolicyName": "p", "PolicyDocument": "no document"}`); got.code != "4123" {
		t.Errorf("a policy that is none: %d %q", got.status, got.code)
	}
}
