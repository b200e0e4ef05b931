package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/spec"
)

// run is the verb run.
type run struct {
	Environment
	specFile string
	progress progressMode
	spec     spec.Spec
}

func newRun(environment Environment) *cobra.Command {
	r := &run{Environment: environment, progress: progressAuto}
	cmd := &cobra.Command{
		Use:   "run --spec FILE",
		Short: "Carry out the job that a file describes",
		Long: `Carry out the job that a file describes. The last line of the standard output is a
JSON report. Exit code 0: complete; 3: partial, some objects failed or the run was
stopped; 4: the run stopped itself before it deleted anything; 2: the spec or the
command line makes no sense; 1: anything else.`,
		Args: cobra.NoArgs,
		RunE: r.do,
	}
	cmd.Flags().StringVar(&r.specFile, "spec", "", "the file that describes the job, in YAML or JSON; - is the standard input")
	cmd.Flags().Var(&r.progress, "progress", "how to show progress: auto, bar, json or none; auto draws a bar on a terminal and nothing elsewhere")
	_ = cmd.MarkFlagRequired("spec") // it exists
	return cmd
}

// do reads the spec, carries the job out and reports.
func (r *run) do(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	if err := r.readSpec(); err != nil {
		return misuse(err)
	}
	job, err := r.job()
	if err != nil {
		return misuse(err)
	}
	display := r.show()
	job.Options.Observer = display
	if job.Options.Resume, err = r.readCheckpoint(); err != nil {
		display.warn(err)
	}
	report, runErr := mover.Run(ctx, job)
	display.close()
	var keepErr error
	if runErr == nil && report.Result != mover.Aborted {
		keepErr = r.keepManifest(ctx, job)
	}
	return conclude(report, runErr, errors.Join(keepErr, r.print(report)))
}

// conclude gives the exit code of a run. What went wrong after it counts more:
// who asked for a manifest must not take its absence for success.
func conclude(report mover.Report, runErr, afterwards error) error {
	switch {
	case afterwards != nil:
		return &ended{code: ExitFailed, err: afterwards}
	case report.Result == mover.Complete:
		return nil
	case report.Result == mover.Partial:
		return &ended{code: ExitPartial, err: errors.New(report.Message)}
	case runErr == nil:
		return &ended{code: ExitGuarded, err: errors.New(report.Message)}
	}
	return &ended{code: ExitFailed, err: runErr}
}

// print writes the report as one line.
func (r *run) print(report mover.Report) error {
	encoder := json.NewEncoder(r.Out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(report); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// maximumSpec is far more than any spec has.
const maximumSpec = 1 << 20

func (r *run) readSpec() error {
	document, err := r.readSpecFile()
	if err != nil {
		return fmt.Errorf("read the spec: %w", err)
	}
	if len(document) > maximumSpec {
		return fmt.Errorf("read the spec: it has more than %d bytes", maximumSpec)
	}
	if r.spec, err = spec.Parse(document); err != nil {
		return fmt.Errorf("the spec is not valid:\n%w", err)
	}
	return nil
}

func (r *run) readSpecFile() ([]byte, error) {
	if r.specFile == "-" {
		return io.ReadAll(io.LimitReader(r.In, maximumSpec+1))
	}
	file, err := os.Open(r.specFile)
	if err != nil {
		return nil, err
	}
	document, err := io.ReadAll(io.LimitReader(file, maximumSpec+1))
	return document, errors.Join(err, file.Close())
}
