// Package integration runs the whole operator against a real API server and real
// or emulated stores, and plays what users and faults do to it.
//
// Start reading at world in world_test.go.
package integration

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/rempart/rempart/internal/app"
	"github.com/rempart/rempart/test/harness"
)

var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{
	ControllerManager: true, CRDs: []string{"../../config/crd/bases"},
}}

func TestMain(m *testing.M) {
	logs.isShown = os.Getenv("REMPART_TEST_LOG") != ""
	// The logger can be set once in a process. It is the operator's own, and says
	// everything that it can; whether anybody listens is for logs.
	ctrl.SetLogger(app.NewLogger(zap.WriteTo(&logs), zap.Level(zapcore.Level(-127))))
	os.Exit(controlPlane.Run(m))
}

// logs takes what the operator logs.
var logs tap

// tap drops what is written to it unless somebody listens or wants to read along.
type tap struct {
	isShown bool

	mu    sync.Mutex
	heard *bytes.Buffer
}

// Write implements io.Writer.
func (t *tap) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isShown {
		_, _ = os.Stderr.Write(line)
	}
	if t.heard != nil {
		t.heard.Write(line)
	}
	return len(line), nil
}

// listen keeps what is written until the test ends.
func (t *tap) listen(tb testing.TB) {
	tb.Helper()
	t.set(&bytes.Buffer{})
	tb.Cleanup(func() { t.set(nil) })
}

func (t *tap) set(heard *bytes.Buffer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = heard
}

// text is what was heard so far.
func (t *tap) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heard.String()
}
