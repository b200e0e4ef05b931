package ovh_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rempart/rempart/test/emulator/ovh"
)

func TestFaultsHitWhatTheyAreArmedFor(t *testing.T) {
	const users = "/cloud/project/{serviceName}/user"
	tests := map[string]struct {
		match  ovh.Match
		answer ovh.Answer
		status int
		class  string
	}{
		"throttled":          {ovh.Match{Path: users}, ovh.Answer{Status: 429, RetryAfter: 3 * time.Second}, 429, ""},
		"timed out":          {ovh.Match{Path: users, Method: "GET"}, ovh.Answer{Status: 408}, 408, ""},
		"broken":             {ovh.Match{}, ovh.Answer{Status: 500, Class: "Server::InternalServerError", Message: "Oops"}, 500, "Server::InternalServerError"},
		"unavailable":        {ovh.Match{Path: "/cloud/project"}, ovh.Answer{Status: 503}, 503, ""},
		"not even JSON":      {ovh.Match{Path: users}, ovh.Answer{Status: 502, Body: "<html>Bad Gateway</html>"}, 502, ""},
		"an ended service":   {ovh.Match{Path: users}, ovh.Answer{Status: 460}, 460, ""},
		"another call stays": {ovh.Match{Path: users, Method: "POST"}, ovh.Answer{Status: 500}, 200, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := start(t, ovh.Options{})
			if err := a.Get("/me", nil); err != nil {
				t.Fatal(err)
			}
			fault := a.Fail(test.match, test.answer, 1)
			err := a.Get(a.path("/user"), nil)
			if test.status == http.StatusOK {
				if err != nil || fault.Hits() != 0 {
					t.Errorf("error is %v with %d hits", err, fault.Hits())
				}
				return
			}
			wantStatus(t, err, test.status)
			if got := apiError(t, err); got.Class != test.class || test.answer.Body != "" && got.Message != test.answer.Body {
				t.Errorf("answer is %+v", got)
			}
			if fault.Hits() != 1 {
				t.Errorf("%d hits, want 1", fault.Hits())
			}
			a.get("/user", nil)
		})
	}
}

func TestAThrottledClientIsToldWhenToComeBack(t *testing.T) {
	a := start(t, ovh.Options{})
	a.Fail(ovh.Match{Path: "/auth/time"}, ovh.Answer{Status: 429, RetryAfter: 3 * time.Second}, 0)
	res, err := http.Get(a.Server.URL + "/auth/time")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After is %q, want 3", got)
	}
}

func TestConnectionsAreReset(t *testing.T) {
	a := start(t, ovh.Options{})
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
	post := func(answer ovh.Answer) error {
		a.Fail(ovh.Match{Method: "POST"}, answer, 1)
		return a.Post(a.path("/user"), document{"description": "one"}, nil)
	}
	if err := post(ovh.Answer{Reset: true}); !isReset(err) {
		t.Errorf("error is %v, want a reset", err)
	}
	if n := len(a.Users()); n != 0 {
		t.Errorf("there are %d users after a call that was not carried out", n)
	}
	if err := post(ovh.Answer{Lost: true}); !isReset(err) {
		t.Errorf("error is %v, want a reset", err)
	}
	if n := len(a.Users()); n != 1 {
		t.Errorf("there are %d users after a call whose answer was lost, want 1", n)
	}
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

func TestAnAnswerMayTakeLong(t *testing.T) {
	a := start(t, ovh.Options{})
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
	a.Fail(ovh.Match{}, ovh.Answer{Delay: time.Hour}, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := a.GetWithContext(ctx, "/me", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the deadline", err)
	}
}

func TestFaultsSkipAndEnd(t *testing.T) {
	a := start(t, ovh.Options{})
	fault := a.Fail(ovh.Match{Path: "/me", Skip: 1}, ovh.Answer{Status: 500}, 0)
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a.Get("/me", nil), 500)
	fault.Clear()
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
	a.Fail(ovh.Match{}, ovh.Answer{Status: 500}, 0)
	a.Down()
	a.ClearFaults()
	if err := a.Get("/me", nil); err != nil {
		t.Fatal(err)
	}
}

func TestAnExpiredServiceIsNotAbsent(t *testing.T) {
	a := start(t, ovh.Options{})
	a.SetServiceExpired(true)
	wantStatus(t, a.Get(a.path("/region/GRA/storage/any"), nil), 460)
	wantStatus(t, a.Get(a.path("/user"), nil), 460)
	if err := a.Get("/me", nil); err != nil {
		t.Errorf("the account is gone with one service of it: %v", err)
	}
	a.SetServiceExpired(false)
	a.get("/user", nil)
}

func TestTheRequestsAreRemembered(t *testing.T) {
	a := start(t, ovh.Options{})
	a.get("/region/GRA", nil)
	requests := a.Requests()
	last := requests[len(requests)-1]
	if last.Route != "/cloud/project/{serviceName}/region/{regionName}" || last.Path != a.path("/region/GRA") || last.Status != 200 || last.Auth != "application" {
		t.Errorf("request is %+v", last)
	}
	for _, r := range requests {
		if strings.Contains(r.Path+r.Query, a.ApplicationSecret) {
			t.Errorf("request %s shows a secret", r.Path)
		}
	}
}
