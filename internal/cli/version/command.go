// Package version says which build this is.
package version

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/output"
)

// Build is what is said of a build.
type Build struct {
	Version    string `json:"version"`
	APIVersion string `json:"apiVersion"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

// NewCommand makes the verb version.
func NewCommand(environment *env.Environment, version string) *cobra.Command {
	var format output.Format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: env.Run(func(*cobra.Command, []string) error {
			build := Build{
				Version: version, APIVersion: v1alpha1.GroupVersion.String(),
				Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
			}
			return output.Write(environment.Out, format, build, build.String)
		}),
	}
	format.AddFlag(cmd.Flags())
	return cmd
}

// String reads: kubectl-rempart v1.2.3 (rempart.dev/v1alpha1, go1.26.0, linux/amd64).
func (b Build) String() string {
	return fmt.Sprintf("kubectl-rempart %s (%s, %s, %s)\n", b.Version, b.APIVersion, b.Go, b.Platform)
}
