package serving_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/serving"
)

// listen gives a listener and the URL of what it serves.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

// get asks over a connection of its own.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestServiceEndsWhole(t *testing.T) {
	begun, ended := make(chan struct{}), false
	var service *serving.Service
	service = serving.NewService(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/slow" {
			_, _ = io.WriteString(w, "there")
			return
		}
		close(begun)
		<-r.Context().Done()
		<-service.Closing()
		time.Sleep(20 * time.Millisecond) // as long as Close would need not to wait
		ended = true
	})
	listener, url := listen(t)
	service.Serve(listener)
	if body, err := get(t.Context(), url); body != "there" {
		t.Fatalf("got %q, %v", body, err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := get(t.Context(), url+"/slow")
		answered <- err
	}()
	<-begun
	if service.IsClosing() {
		t.Error("it is closing already")
	}
	service.Close()
	if !ended || !service.IsClosing() {
		t.Error("a request was left in progress")
	}
	if err := <-answered; err == nil {
		t.Error("who was cut off got an answer")
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("it listens after Close: %v", err)
	}
	service.Close()
	late, _ := listen(t)
	if err := late.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	service.Serve(late)
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a listener that came late is served: %v", err)
	}
}

func TestWaitsEndWithWhatTheyWaitFor(t *testing.T) {
	service := serving.NewService(nil)
	open, shut := make(chan struct{}), make(chan struct{})
	close(open)
	left, leave := context.WithCancel(t.Context())
	leave()
	service.Hold(t.Context(), open)
	service.Hold(left, shut)
	service.Pause(left, time.Hour)
	service.Pause(t.Context(), time.Nanosecond)
	service.Close()
	service.Hold(t.Context(), shut)
	service.Pause(t.Context(), time.Hour)
}

// told is what a server was told of its answers.
type told struct{ Status, Bytes int }

func TestAnswersAreToldSwallowedAndCut(t *testing.T) {
	var log serving.Log[told]
	service := serving.NewService(func(w http.ResponseWriter, r *http.Request) {
		record := &told{}
		log.Add(record)
		a := &serving.Answer{
			ResponseWriter: w, Swallow: r.URL.Path == "/swallow",
			OnStatus: func(status int) { log.Note(func() { record.Status = status }) },
			OnBytes:  func(n int) { log.Note(func() { record.Bytes += n }) },
		}
		a.WriteHeader(http.StatusTeapot)
		a.Send([]byte("four"))
		if a.Swallow {
			serving.Cut(a)
		}
	})
	t.Cleanup(service.Close)
	listener, url := listen(t)
	service.Serve(listener)
	if body, err := get(t.Context(), url); body != "four" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	if body, err := get(t.Context(), url+"/swallow"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("swallowed: got %q, %v", body, err)
	}
	want := []told{{http.StatusTeapot, 4}, {http.StatusTeapot, 0}}
	if diff := cmp.Diff(want, log.Requests(nil)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
