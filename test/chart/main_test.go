// Package chart installs the chart into a real API server and finds out what the
// operator and the users of a namespace may do under it.
//
// Start reading at TestRelease.
package chart

import (
	"flag"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/test/harness"
)

var update = flag.Bool("update", false, "write the golden files")

// The controllers aggregate roles and end namespaces.
var controlPlane = harness.SharedControlPlane{Options: harness.ControlPlaneOptions{ControllerManager: true}}

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(controlPlane.Run(m))
}
