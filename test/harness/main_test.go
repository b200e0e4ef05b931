package harness

import (
	"fmt"
	"os"
	"testing"
)

// controlPlane is shared by the tests that need no other one.
var controlPlane = SharedControlPlane{Options: ControlPlaneOptions{ControllerManager: true, CRDs: []string{"testdata/crds"}}}

// TestMain lets the test binary also be the parent that is killed; see
// orphan_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(parentRole); role != "" {
		if err := beParent(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(controlPlane.Run(m))
}
