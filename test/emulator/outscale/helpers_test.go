package outscale_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws/credentials"      //nolint:staticcheck // it is what the vendor's client signs with
	signer "github.com/aws/aws-sdk-go/aws/signer/v4" //nolint:staticcheck // the same
	osc "github.com/outscale/osc-sdk-go/v2"

	"github.com/rempart/rempart/test/emulator/outscale"
	"github.com/rempart/rempart/test/emulator/outscale/openapi"
)

// start gives a region in which every exchange is held against the vendor's
// document.
func start(t *testing.T, options outscale.Options) *outscale.Server {
	t.Helper()
	check, observe := openapi.Observer(t), options.Observe
	options.Observe = func(e outscale.Exchange) {
		check(e)
		if observe != nil {
			observe(e)
		}
	}
	return outscale.Start(t, options)
}

// clock is one that a test moves. It begins at the real time, by which the
// vendor's client signs.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// sdk is the vendor's client with a key.
func sdk(t *testing.T, server *outscale.Server, accessKey, secretKey string) (*osc.APIClient, context.Context) {
	t.Helper()
	configuration := osc.NewConfiguration()
	configuration.Servers = osc.ServerConfigurations{{URL: server.URL}}
	return osc.NewAPIClient(configuration), context.WithValue(t.Context(), osc.ContextAWSv4, osc.AWSv4{AccessKey: accessKey, SecretKey: secretKey})
}

// codes gives the status and the code of what the vendor's client says.
func codes(t *testing.T, answer *http.Response, err error) (int, string) {
	t.Helper()
	if err == nil {
		return answer.StatusCode, ""
	}
	failure, isAnswer := errors.AsType[osc.GenericOpenAPIError](err)
	if !isAnswer {
		t.Fatalf("no answer: %v", err)
	}
	var document struct{ Errors []struct{ Code string } }
	if err := json.Unmarshal(failure.Body(), &document); err != nil || len(document.Errors) != 1 {
		t.Fatalf("not an error of the API: %s", failure.Body())
	}
	return answer.StatusCode, document.Errors[0].Code
}

// answered is what a raw request came to.
type answered struct {
	status   int
	code     string
	document map[string]any
}

// request makes one to the API. Sign may be nil.
func request(t *testing.T, method, url, body string, sign func(*http.Request, []byte)) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if sign != nil {
		sign(r, []byte(body))
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answered{status: response.StatusCode, document: map[string]any{}}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		var document struct{ Errors []struct{ Code string } }
		if err := errors.Join(json.Unmarshal(text, &got.document), json.Unmarshal(text, &document)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(document.Errors) > 0 {
			got.code = document.Errors[0].Code
		}
	}
	return got
}

// ask makes a request that is signed as the root user's.
func ask(t *testing.T, server *outscale.Server, action, body string) answered {
	t.Helper()
	return request(t, http.MethodPost, server.URL+"/"+action, body, aws4(server.AccessKey, server.SecretKey, "oapi", server.Region))
}

// aws4 signs with a library that has nothing to do with the emulator.
func aws4(accessKey, secretKey, service, region string) func(*http.Request, []byte) {
	return func(r *http.Request, body []byte) {
		by := signer.NewSigner(credentials.NewStaticCredentials(accessKey, secretKey, ""))
		if _, err := by.Sign(r, bytes.NewReader(body), service, region, time.Now()); err != nil {
			panic(err)
		}
	}
}
