// Package plugin puts the kubectl plugin together, without what only the operator
// needs: it links no driver of a vendor.
//
// Start reading at NewCLI.
package plugin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/rempart/rempart/internal/cli/drill"
	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/explain"
	"github.com/rempart/rempart/internal/cli/status"
	"github.com/rempart/rempart/internal/cli/verify"
	"github.com/rempart/rempart/internal/cli/version"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/terminal"
)

// RunCLI runs the kubectl plugin with the given arguments and gives its exit code.
// The first interrupt ends what is waited for, the second ends the process.
func RunCLI(args []string, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	return ExecuteCLI(ctx, NewCLI(streams, version), streams.ErrOut, args)
}

// ExecuteCLI runs a command line, says what went wrong and gives the exit code.
func ExecuteCLI(ctx context.Context, root *cobra.Command, errOut io.Writer, args []string) int {
	root.SetArgs(append([]string{}, args...)) // cobra takes none for those of the process
	cmd, err := root.ExecuteContextC(ctx)
	if message := env.MessageOf(err); message != "" {
		for line := range strings.SplitSeq(message, "\n") {
			_, _ = fmt.Fprintln(errOut, "error:", terminal.Clean(line)) // nobody else can be told
		}
	}
	if env.IsMisuse(err) {
		_, _ = fmt.Fprintf(errOut, "See '%s --help' for how to use it.\n", cmd.CommandPath())
	}
	return int(env.CodeOf(err))
}

// NewCLI puts the kubectl plugin together. Beside the language of the environment, it
// reads nothing and reaches for nothing before a verb runs.
func NewCLI(streams genericiooptions.IOStreams, build string) *cobra.Command {
	environment := &env.Environment{
		IOStreams: streams,
		Clock:     clock.RealClock{},
		Cluster:   env.NewCluster(streams.ErrOut),
		Width: func() (int, bool) {
			if os.Getenv("TERM") == "dumb" {
				return 0, false
			}
			return terminal.Width(streams.Out)
		},
		Language: languageOf(os.Getenv),
	}
	root := &cobra.Command{
		Use:   "kubectl-rempart",
		Short: "Sovereign multicloud object storage: see it, explain it, prove it",
		Long: `See how datasets fare under Rempart, why they are where they are, and prove by drill
that they can leave any one provider.`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl rempart"},
		// Errors are printed once, by ExecuteCLI, and without the usage.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	environment.Cluster.AddFlags(root.PersistentFlags())
	root.AddCommand(
		status.NewCommand(environment),
		explain.NewCommand(environment),
		drill.NewCommand(environment),
		verify.NewCommand(environment, openStore),
		version.NewCommand(environment, build),
	)
	return root
}

// languageOf gives the language that messages are to be in by an environment. POSIX has
// the first of three variables that is not empty decide.
func languageOf(getenv func(string) string) message.Language {
	return message.OfLocale(cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG")))
}
