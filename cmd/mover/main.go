// Command mover copies the objects of one bucket to another, without Kubernetes.
package main

import (
	"os"

	"github.com/rempart/rempart/internal/app/standalone"
)

// version is set at the build.
var version = "dev"

func main() { os.Exit(standalone.RunMover(os.Args[1:], version)) }
