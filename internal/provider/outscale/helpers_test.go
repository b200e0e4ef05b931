package outscale_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/outscale"
	"github.com/rempart/rempart/internal/secret"
)

// today is the date of the driver's clock in tests.
var today = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

const bucket = "actes"

var driver = outscale.Driver{Clock: clocktesting.NewFakePassiveClock(today)}

func credentials(accessKey, secretKey string) provider.Credentials {
	return provider.Credentials{provider.AccessKey: secret.New(accessKey), provider.SecretKey: secret.New(secretKey)}
}

// open gives a session with a key, at a place that is completed with the region
// and the names of things.
func open(t testing.TB, place provider.Place, accessKey, secretKey string) provider.Session {
	t.Helper()
	place.Provider, place.Location = "outscale", "eu-west-2"
	if place.Region == "" {
		place.Region = "eu-west-2"
	}
	session, err := driver.Open(place, credentials(accessKey, secretKey))
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// account is what the session tells of the account.
func account(t testing.TB, session provider.Session) provider.Account {
	t.Helper()
	account, ok := session.Account()
	if !ok {
		t.Fatal("the session tells nothing of the account")
	}
	return account
}

// answering gives a session on a server that answers everything alike, the API and
// OOS.
func answering(t *testing.T, handler http.HandlerFunc) provider.Session {
	t.Helper()
	listener := httptest.NewServer(handler)
	t.Cleanup(listener.Close)
	return open(t, provider.Place{Endpoint: listener.URL, API: listener.URL + "/api/v1"}, "KEYID0123456789ABCDE", "s3cr3t-value")
}

func document(kind string, status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// apiError is an error as the API tells it.
func apiError(status int, code string) http.HandlerFunc {
	return document("application/json", status, fmt.Sprintf(
		`{"Errors":[{"Code":%q,"Type":"AType","Details":"in words"}],"ResponseContext":{"RequestId":"0475ca1e-d0c5-441d-712a-da55a4175157"}}`, code))
}

// s3Error is an error as OOS tells it.
func s3Error(status int, code string) http.HandlerFunc {
	return document("application/xml", status, fmt.Sprintf("<Error><Code>%s</Code><Message>in words</Message></Error>", code))
}

func page(status int) http.HandlerFunc {
	return document("text/html; charset=utf-8", status, "<html><body><h1>Log in</h1></body></html>")
}

func content(text string) provider.Content {
	digest := sha256.Sum256([]byte(text))
	return provider.Content{Reader: bytes.NewReader([]byte(text)), Size: int64(len(text)), SHA256: hex.EncodeToString(digest[:])}
}
