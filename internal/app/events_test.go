package app

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/notification"
)

func TestTheEndpointForNotificationsServesUntilItEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	server := &eventsServer{address: address, handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })}
	if server.NeedLeaderElection() {
		t.Error("only the replica that works serves, so that others cannot say that they do not")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Start(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := client.Get("http://" + address)
		if err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusTeapot {
				t.Errorf("answered %s", response.Status)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	// What is no end of a header is not waited for without bounds.
	request, err := http.NewRequest(http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 4*maximumHeader))
	if response, err := client.Do(request); err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("an endless header is answered %s", response.Status)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAnEndpointForNotificationsNeedsBothFiles(t *testing.T) {
	for _, o := range []EventsOptions{{Address: ":0", CertificateFile: "tls.crt"}, {Address: ":0", KeyFile: "tls.key"}} {
		if err := o.addTo(nil, notification.Config{}); err == nil || !strings.Contains(err.Error(), "belong together") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []EventsOptions{{}, {Address: "0"}} {
		if err := o.addTo(nil, notification.Config{}); err != nil || o.isOn() {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
