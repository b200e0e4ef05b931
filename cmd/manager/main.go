// Command manager is the operator.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/rempart/rempart/internal/app"
)

// version is set at the build.
var version = "dev"

func main() {
	err := app.RunManager(ctrl.SetupSignalHandler(), os.Args[1:], version)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "rempart:", err)
		os.Exit(1)
	}
}
