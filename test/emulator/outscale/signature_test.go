package outscale_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/outscale"
)

// osc4 signs as the vendor's client in Python does: under the vendor's own names,
// and over a path with one slash where two are sent.
func osc4(accessKey, secretKey, region, action string) func(*http.Request, []byte) {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	sum := func(text string) string {
		digest := sha256.Sum256([]byte(text))
		return hex.EncodeToString(digest[:])
	}
	return func(r *http.Request, body []byte) {
		now := time.Now().UTC()
		stamp, target := now.Format("20060102T150405Z"), "OutscaleService."+action
		r.Header.Set("X-Osc-Date", stamp)
		r.Header.Set("X-Osc-Target", target)
		const signed = "host;x-osc-date;x-osc-target"
		canonical := strings.Join([]string{
			"POST", "/api/latest/" + action, "",
			"host:" + r.URL.Host + "\nx-osc-date:" + stamp + "\nx-osc-target:" + target + "\n", signed, sum(string(body)),
		}, "\n")
		scope := []string{now.Format("20060102"), region, "api", "osc4_request"}
		key := []byte("OSC4" + secretKey)
		for _, part := range scope {
			key = mac(key, part)
		}
		text := strings.Join([]string{"OSC4-HMAC-SHA256", stamp, strings.Join(scope, "/"), sum(canonical)}, "\n")
		r.Header.Set("Authorization", "OSC4-HMAC-SHA256 Credential="+accessKey+"/"+strings.Join(scope, "/")+
			", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac(key, text)))
	}
}

func basic(login, password string) func(*http.Request, []byte) {
	return func(r *http.Request, _ []byte) { r.SetBasicAuth(login, password) }
}

func TestRequestsAreTakenByTheirSignature(t *testing.T) {
	server := start(t, outscale.Options{Region: "cloudgouv-eu-west-1", Login: "root@example.fr", Password: "a password"})
	root := strings.TrimSuffix(server.URL, "/api/v1")
	eim, eimSecret, err := server.AddUser("reader", `{"Statement": [{"Effect": "Allow", "Action": ["api:ReadSub*"], "Resource": ["*"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	unknown := "NOBODYSKEY0123456789"
	tests := map[string]struct {
		path, action string
		sign         func(*http.Request, []byte)
		status       int
		code         string
	}{
		"with AWS's, for oapi":                       {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "oapi", server.Region), 200, ""},
		"for osc, as the newer client does":          {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "osc", server.Region), 200, ""},
		"for api":                                    {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "api", server.Region), 200, ""},
		"in a region that is another one":            {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "oapi", "eu-west-2"), 200, ""},
		"under latest":                               {"/api/latest/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "oapi", server.Region), 200, ""},
		"with the vendor's own":                      {"/api/latest/", "ReadSubregions", osc4(server.AccessKey, server.SecretKey, server.Region, "ReadSubregions"), 200, ""},
		"with two slashes, and signed with one":      {"//api/latest/", "ReadSubregions", osc4(server.AccessKey, server.SecretKey, server.Region, "ReadSubregions"), 200, ""},
		"of an EIM user who may":                     {"/api/v1/", "ReadSubregions", aws4(eim, eimSecret, "oapi", server.Region), 200, ""},
		"of an EIM user who may not":                 {"/api/v1/", "ReadAccounts", aws4(eim, eimSecret, "oapi", server.Region), 403, "4"},
		"for a service of another name":              {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, server.SecretKey, "s3", server.Region), 401, "1"},
		"with a wrong secret":                        {"/api/v1/", "ReadSubregions", aws4(server.AccessKey, "wrong", "oapi", server.Region), 401, "1"},
		"over another action":                        {"/api/latest/", "ReadAccounts", osc4(server.AccessKey, server.SecretKey, server.Region, "ReadSubregions"), 401, "1"},
		"with a key that nobody has":                 {"/api/v1/", "ReadSubregions", aws4(unknown, "wrong", "oapi", server.Region), 400, "4120"},
		"not without any":                            {"/api/v1/", "ReadSubregions", nil, 401, "1"},
		"with login and password, for keys":          {"/api/v1/", "ReadAccessKeys", basic("root@example.fr", "a password"), 200, ""},
		"with a wrong password":                      {"/api/v1/", "ReadAccessKeys", basic("root@example.fr", "another"), 401, "1"},
		"with login and password, for anything else": {"/api/v1/", "ReadAccounts", basic("root@example.fr", "a password"), 401, "9"},
		"where nobody needs one":                     {"/api/v1/", "ReadRegions", nil, 200, ""},
		"and for an action that there is":            {"/api/v1/", "ReadNothing", aws4(server.AccessKey, server.SecretKey, "oapi", server.Region), 404, "12000"},
		"and at a path that there is":                {"/api/v9/", "ReadRegions", nil, 404, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := request(t, http.MethodPost, root+test.path+test.action, "{}", test.sign)
			if got.status != test.status || got.code != test.code {
				t.Errorf("got %d %q, want %d %q", got.status, got.code, test.status, test.code)
			}
		})
	}
}

func TestOnlyWhatWasSignedIsTaken(t *testing.T) {
	server := start(t, outscale.Options{})
	sign := aws4(server.AccessKey, server.SecretKey, "oapi", server.Region)
	tests := map[string]func(*http.Request, []byte){
		"another body": func(r *http.Request, body []byte) {
			sign(r, []byte(`{"Tag": "b"}`))
			r.Body = io.NopCloser(bytes.NewReader(body))
		},
		"another time": func(r *http.Request, body []byte) {
			sign(r, body)
			r.Header.Set("X-Amz-Date", time.Now().UTC().Add(-time.Minute).Format("20060102T150405Z"))
		},
		"a signature cut short": func(r *http.Request, body []byte) {
			sign(r, body)
			r.Header.Set("Authorization", strings.TrimRight(r.Header.Get("Authorization"), "0123456789abcdef"))
		},
		"no signature at all": func(r *http.Request, _ []byte) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") },
	}
	for name, forge := range tests {
		if got := request(t, http.MethodPost, server.URL+"/ReadAccessKeys", `{"Tag": "a"}`, forge); got.status != 401 || got.code != "1" {
			t.Errorf("%s: got %d %q", name, got.status, got.code)
		}
	}
	if got := request(t, http.MethodGet, server.URL+"/ReadRegions", "", nil); got.status != 405 {
		t.Errorf("a GET is answered %d", got.status)
	}
}

func TestTheClockOfTheClientMustBeRight(t *testing.T) {
	clock := newClock()
	server := start(t, outscale.Options{Clock: clock.Now})
	if got := ask(t, server, "ReadAccounts", ""); got.status != 200 {
		t.Fatalf("got %d %q", got.status, got.code)
	}
	clock.advance(16 * time.Minute)
	if got := ask(t, server, "ReadAccounts", ""); got.status != 401 || got.code != "1" {
		t.Errorf("16 minutes later: got %d %q", got.status, got.code)
	}
}

func TestBodiesMayBeLeftOut(t *testing.T) {
	server := start(t, outscale.Options{})
	for _, body := range []string{"", "null", "null\n", "{}", " { } "} {
		if got := ask(t, server, "ReadAccessKeys", body); got.status != 200 || len(got.document["AccessKeys"].([]any)) != 1 {
			t.Errorf("%q: got %d %v", body, got.status, got.document)
		}
	}
	for _, body := range []string{"[]", "{", `{"Nothing": 1}`, `{"Tag": 1}`} {
		if got := ask(t, server, "ReadAccessKeys", body); got.status != 400 || got.code != "3001" {
			t.Errorf("%q: got %d %q", body, got.status, got.code)
		}
	}
}

func TestADryRunChecksRightsAndDoesNothing(t *testing.T) {
	server := start(t, outscale.Options{})
	if got := ask(t, server, "CreateAccessKey", `{"DryRun": true}`); got.status != 200 || len(got.document) != 1 {
		t.Errorf("got %d %v", got.status, got.document)
	}
	if got := ask(t, server, "ReadAccessKeys", ""); len(got.document["AccessKeys"].([]any)) != 1 {
		t.Errorf("a dry run made a key: %v", got.document)
	}
	eim, secret, err := server.AddUser("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	got := request(t, http.MethodPost, server.URL+"/CreateAccessKey", `{"DryRun": true}`, aws4(eim, secret, "oapi", server.Region))
	if got.status != 403 || got.code != "4" {
		t.Errorf("without the right: got %d %q", got.status, got.code)
	}
}
