// Package openapi holds what goes to and comes from the emulator of Outscale
// against the OpenAPI document that the vendor ships with its SDK.
//
// Start reading at Observer.
package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/rempart/rempart/test/emulator/outscale"
)

// sdk is the module that the document is in.
const sdk = "github.com/outscale/osc-sdk-go/v2"

// load reads the document once; it has more than a megabyte.
var load = sync.OnceValues(func() (*openapi3.T, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", sdk).Output()
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", sdk, err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "api", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
})

// Observer gives what goes into outscale.Options.Observe: it fails the test at
// every exchange that is not as the document says.
func Observer(tb testing.TB) func(outscale.Exchange) {
	tb.Helper()
	document, err := load()
	if err != nil {
		tb.Fatalf("read the OpenAPI document of Outscale: %v", err)
	}
	return func(e outscale.Exchange) {
		if err := check(document, e); err != nil {
			tb.Errorf("%s answered %d: %v\nrequest: %s\nanswer: %s", e.Action, e.Status, err, e.Body, e.Answer)
		}
	}
}

// check holds one exchange against the document. What a refused request looks like
// is nobody's business; that it was refused is the test's.
func check(document *openapi3.T, e outscale.Exchange) error {
	if kind := e.Header.Get("Content-Type"); kind != "application/json" {
		return fmt.Errorf("the answer is %q", kind)
	}
	if e.Status >= http.StatusBadRequest {
		return visit(document.Components.Schemas["ErrorResponse"], e.Answer, openapi3.VisitAsResponse())
	}
	path := document.Paths.Find("/" + e.Action)
	if path == nil || path.Post == nil {
		return fmt.Errorf("the document does not know the action")
	}
	if e.Request.Method != http.MethodPost {
		return fmt.Errorf("the method is %s", e.Request.Method)
	}
	response := path.Post.Responses.Status(e.Status)
	if response == nil {
		return fmt.Errorf("the document does not know the status")
	}
	if err := visit(response.Value.Content.Get("application/json").Schema, e.Answer, openapi3.VisitAsResponse()); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	// The SDK sends null where all parameters are left out, which the document has
	// no word for.
	if body := bytes.TrimSpace(e.Body); len(body) == 0 || string(body) == "null" {
		return nil
	}
	if err := visit(path.Post.RequestBody.Value.Content.Get("application/json").Schema, e.Body, openapi3.VisitAsRequest()); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	return nil
}

// visit holds a JSON text against a schema.
func visit(schema *openapi3.SchemaRef, text []byte, options ...openapi3.SchemaValidationOption) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	options = append(options, openapi3.MultiErrors(), openapi3.EnableFormatValidation())
	return schema.Value.VisitJSON(value, options...)
}
