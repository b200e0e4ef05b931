// Package crd holds the CustomResourceDefinitions of rempart.dev, for programs
// that judge manifests without a cluster. They are generated from api/v1alpha1.
package crd

import (
	"embed"
	"io/fs"
)

//go:embed bases/*.yaml
var bases embed.FS

// Definitions are the definitions as they are installed, one file each.
func Definitions() fs.FS { return bases }
