// Package clitest runs verbs of the command line in tests, and compares what they
// write with golden files, which -update writes anew.
package clitest

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rempart/rempart/internal/cli/env"
)

var update = flag.Bool("update", false, "write the golden files anew")

// IsUpdate tells whether golden files are to be written anew.
func IsUpdate() bool { return *update }

// Now is the time of day in every test.
var Now = time.Date(2026, time.November, 22, 8, 43, 0, 0, time.UTC)

// Outcome is what a command line came to.
type Outcome struct {
	Out, ErrOut string
	Code        env.ExitCode
}

// Run runs a verb. Its environment reads the input, has a clock that stands still
// and no cluster.
func Run(t testing.TB, input string, verb func(*env.Environment) *cobra.Command, args ...string) Outcome {
	t.Helper()
	// Nobody's own cluster is to be found by accident.
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	streams.In = strings.NewReader(input)
	environment := &env.Environment{
		IOStreams: streams, Clock: Clock{}, Cluster: env.NewCluster(errOut),
		Width: func() (int, bool) { return 0, false },
	}
	cmd := verb(environment)
	environment.Cluster.AddFlags(cmd.PersistentFlags())
	return Execute(cmd, out, errOut, args...)
}

// Execute runs a command whose streams are these buffers.
func Execute(cmd *cobra.Command, out, errOut *bytes.Buffer, args ...string) Outcome {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.SetArgs(append([]string{}, args...)) // cobra takes none for those of the process
	err := cmd.ExecuteContext(context.Background())
	if message := env.MessageOf(err); message != "" {
		errOut.WriteString("error: " + message + "\n")
	}
	return Outcome{Out: out.String(), ErrOut: errOut.String(), Code: env.CodeOf(err)}
}

// Clock stands still and lets nobody wait.
type Clock struct{}

// Now gives the time of day in every test.
func (Clock) Now() time.Time { return Now }

// After gives the time at once.
func (Clock) After(time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	fired <- Now
	return fired
}

// Golden compares a text with testdata/NAME.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got), -update writes it anew:\n%s", path, diff)
	}
}
