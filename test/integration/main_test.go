// Package integration runs the whole operator against a real API server and real
// or emulated stores, and plays what users and faults do to it.
//
// Start reading at world in world_test.go.
package integration

import (
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/rempart/rempart/test/harness"
)

var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{
	ControllerManager: true, CRDs: []string{"../../config/crd/bases"},
}}

func TestMain(m *testing.M) {
	ctrl.SetLogger(logger())
	os.Exit(controlPlane.Run(m))
}

// logger is silent unless somebody wants to read along.
func logger() logr.Logger {
	if os.Getenv("REMPART_TEST_LOG") == "" {
		return logr.Discard()
	}
	return zap.New(zap.UseDevMode(true))
}
