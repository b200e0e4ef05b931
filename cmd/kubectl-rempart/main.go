// Command kubectl-rempart is the plugin behind kubectl rempart; it also works
// without kubectl.
package main

import (
	"os"

	"github.com/rempart/rempart/internal/app"
)

// version is set at the build.
var version = "dev"

func main() { os.Exit(app.RunCLI(os.Args[1:], version)) }
