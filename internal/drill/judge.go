package drill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/fault"
)

// TagsNotTested says what no drill shows of tags. What was read from the source
// when an object was copied is in its metadata digest, tags included, and is
// compared. A change of the tags alone moves neither the object's time nor its
// ETag at most stores, and asking for the tags of every object at the source would
// cost a request each.
const TagsNotTested = "tags that were changed in place at the source after their object was copied: its time and ETag do not tell"

// judge answers every check and comes to a verdict. What stopped the drill makes
// it inconclusive, unless the verification had already found the copy wanting.
func (r *run) judge(err error) {
	r.outcome.Checks = []Check{r.integrity(err), r.completeness(err), r.rto(), r.rpo()}
	r.outcome.NotTested = append(r.outcome.NotTested,
		TagsNotTested,
		"object ACLs, which are not copied",
		"older versions of objects: the current ones are restored")
	if between := r.outcome.Changes.Between; between > 0 {
		r.outcome.NotTested = append(r.outcome.NotTested,
			fmt.Sprintf("the content of %d objects that changed during the drill, in a state that no manifest describes", between))
	}
	switch {
	case r.isWrong():
		r.outcome.Verdict, r.outcome.Err = Failed, err
	case errors.Is(err, context.DeadlineExceeded):
		r.outcome.Verdict = Inconclusive
		r.outcome.Err = fault.New(fault.Terminal, fault.DeadlineExceeded, "the drill did not end in time: %w", err)
	case errors.Is(err, context.Canceled):
		r.outcome.Verdict, r.outcome.Err = Inconclusive, fmt.Errorf("the drill was stopped before its end: %w", err)
	case err != nil:
		r.outcome.Verdict, r.outcome.Err = Inconclusive, err
	case r.has(Fail):
		r.outcome.Verdict = Failed
	case r.outcome.Measured.Objects == 0 && !r.outcome.Changes.IsNone():
		r.outcome.Verdict, r.outcome.Err = Inconclusive, errors.New("every object of the copy changed during the drill, so nothing was shown")
	case r.outcome.Measured.Objects == 0:
		r.outcome.Verdict, r.outcome.Err = Inconclusive, errors.New("the copy holds no object, so nothing was shown")
	case r.Objectives.RPO > 0 && r.outcome.Measured.RPO == nil:
		r.outcome.Verdict, r.outcome.Err = Inconclusive, errors.New("the source did not answer, so what the copy lacks is not known")
	default:
		r.outcome.Verdict = Passed
	}
}

// isWrong tells whether the verification found the copy wanting, however far it
// came.
func (r *run) isWrong() bool { return !r.audit.IsClean() }

func (r *run) has(result CheckResult) bool {
	for _, check := range r.outcome.Checks {
		if check.Result == result {
			return true
		}
	}
	return false
}

// integrity: is what was restored what the source had?
func (r *run) integrity(err error) Check {
	const name = "Integrity"
	switch {
	case r.audit.Different > 0:
		return check(name, Fail, fmt.Sprintf("%d of %d objects are not what the source had: %s%s",
			r.audit.Different, r.audit.Digest.Count(), r.firstFinding("different"), atLeast(err)))
	case err != nil:
		return check(name, Skip, unfinished)
	}
	expected := r.audit.Digest.Count()
	matched := r.outcome.Measured.Objects
	return check(name, Pass, fmt.Sprintf("%d of %d objects match the source's manifest%s", matched, expected, whatChanged(r.outcome.Changes)))
}

// whatChanged says what changed during the drill, or nothing.
func whatChanged(c Changes) string {
	var parts []string
	add := func(n int64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(c.Newer, "of them in a newer state, which a later manifest describes")
	add(c.Between, "were restored in a state between two manifests")
	add(c.Gone, "were deleted before they were restored")
	if len(parts) == 0 {
		return ""
	}
	return "; meanwhile the replication went on: " + strings.Join(parts, ", ")
}

// completeness: is everything there, and nothing else?
func (r *run) completeness(err error) Check {
	const name = "Completeness"
	switch {
	case r.audit.Missing > 0:
		return check(name, Fail, fmt.Sprintf("%d objects are missing: %s%s", r.audit.Missing, r.firstFinding("missing"), atLeast(err)))
	case r.audit.Extra > 0:
		return check(name, Fail, fmt.Sprintf("%d objects are there that nobody expects: %s%s",
			r.audit.Extra, r.firstFinding("extra"), atLeast(err)))
	case err != nil:
		return check(name, Skip, unfinished)
	}
	return check(name, Pass, "nothing is missing and nothing is there that should not be")
}

const unfinished = "the verification did not come to its end"

// atLeast says that there may be more to find, if the drill was stopped.
func atLeast(err error) string {
	if err == nil {
		return ""
	}
	return "; " + unfinished + ", so there may be more"
}

// firstFinding names the first object of a kind.
func (r *run) firstFinding(kind string) string {
	for _, finding := range r.audit.Findings {
		if finding.Kind == kind {
			return fmt.Sprintf("%q: %s", finding.Key, finding.Message)
		}
	}
	return "none of them is among the first findings"
}

func (r *run) rto() Check {
	return objective("RTO", r.outcome.Measured.RTO, r.Objectives.RTO, "")
}

func (r *run) rpo() Check {
	return objective("RPO", r.outcome.Measured.RPO, r.Objectives.RPO, r.lag.note())
}

func objective(name string, measured *time.Duration, wanted time.Duration, note string) Check {
	switch {
	case measured == nil:
		return check(name, Skip, "it was not measured")
	case wanted == 0:
		return check(name, Skip, fmt.Sprintf("%s was measured, no objective is set%s", round(*measured), note))
	case *measured > wanted:
		return check(name, Fail, fmt.Sprintf("%s was measured, %s is the objective%s", round(*measured), wanted, note))
	}
	return check(name, Pass, fmt.Sprintf("%s was measured, %s is the objective%s", round(*measured), wanted, note))
}

func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}

func check(name string, result CheckResult, message string) Check {
	return Check{Name: name, Result: result, Message: message}
}
