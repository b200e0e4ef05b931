package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/env"
)

const (
	// interval is how often the drill is looked at, and its view drawn again.
	interval = time.Second
	// patience is how long one look may take.
	patience = 15 * time.Second
)

// poller looks at the drill.
type poller func(ctx context.Context) (*v1alpha1.ReversibilityDrill, error)

// errOutOfTime and errInterrupted: it was not waited to the end.
var (
	errOutOfTime   = errors.New("no verdict in time")
	errInterrupted = errors.New("the waiting was stopped")
)

// follow waits for the verdict, shows how far the drill is meanwhile, and ends
// with the exit code of the verdict.
func (c *command) follow(ctx context.Context, created *v1alpha1.ReversibilityDrill, poll poller) error {
	drill, err := c.await(ctx, poll, c.view())
	switch {
	case errors.Is(err, errOutOfTime):
		return fmt.Errorf("after %s: %w; the drill goes on: %s", c.timeout, err, followWith(created))
	case errors.Is(err, errInterrupted):
		return fmt.Errorf("%w; the drill goes on: %s", err, followWith(created))
	case err != nil:
		return err
	}
	c.print("\n%s", report(drill))
	return env.Answer(codeOf(drill.Status.Verdict))
}

// await looks at the drill until it has a verdict. What passes, such as a
// connection that breaks, is shown and waited out.
func (c *command) await(ctx context.Context, poll poller, shown view) (*v1alpha1.ReversibilityDrill, error) {
	progress := newProgress(c.env.Clock.Now())
	for {
		drill, err := poll(ctx)
		now := c.env.Clock.Now()
		switch {
		case ctx.Err() != nil:
			return nil, errInterrupted
		case err != nil && !passes(err):
			return nil, fmt.Errorf("look at the drill: %w", err)
		case err != nil:
			progress.lose(err)
		default:
			progress.take(drill, now)
		}
		shown.show(progress, now)
		if err == nil && drill.Status.Verdict != "" {
			return drill, nil
		}
		left := c.timeout - now.Sub(progress.began)
		if left <= 0 {
			return nil, errOutOfTime
		}
		select {
		case <-ctx.Done():
			return nil, errInterrupted
		case <-c.env.Clock.After(min(interval, left)):
		}
	}
}

// passes tells whether an error may go away by itself: everything but an answer
// that says no.
func passes(err error) bool {
	return !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err)
}

func codeOf(verdict v1alpha1.DrillVerdict) env.ExitCode {
	switch verdict {
	case v1alpha1.VerdictPassed:
		return env.ExitOK
	case v1alpha1.VerdictFailed:
		return env.ExitNo
	default:
		return env.ExitInconclusive
	}
}
