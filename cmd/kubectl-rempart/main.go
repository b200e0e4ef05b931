// Command kubectl-rempart is the plugin behind kubectl rempart; it also works
// without kubectl.
package main

import (
	"os"

	"github.com/rempart/rempart/internal/app/plugin"
)

// version is set at the build.
var version = "dev"

func main() { os.Exit(plugin.RunCLI(os.Args[1:], version)) }
