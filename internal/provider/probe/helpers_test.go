package probe_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

const (
	bucket = "actes"
	prefix = provider.ReservedPrefix + "probe/"
)

func start(t *testing.T, options emulator.Options) (*emulator.Server, provider.Session) {
	t.Helper()
	server := emulator.Start(t, options)
	server.CreateBucket(bucket)
	return server, open(t, server, server.URL)
}

func open(t *testing.T, server *emulator.Server, endpoint string) provider.Session {
	t.Helper()
	session, err := s3.Driver{}.Open(
		provider.Place{Provider: "onprem", Location: "dc1", Endpoint: endpoint, Region: server.Region},
		provider.Credentials{provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey)})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// behind puts a handler in front of the emulator; it returns true when it has
// answered itself.
func behind(t *testing.T, server *emulator.Server, front func(http.ResponseWriter, *http.Request) bool) provider.Session {
	t.Helper()
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !front(w, r) {
			server.Handler().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(listener.Close)
	return open(t, server, listener.URL)
}

func refuse(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>no</Message></Error>"))
	return true
}
