package verify

import (
	"fmt"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/evidence"
)

// Outcome is what was found of one evidence.
type Outcome string

// Outcomes.
const (
	Valid     Outcome = "valid"
	Invalid   Outcome = "invalid"
	Untrusted Outcome = "untrusted"
)

// Report is the answer for programs.
type Report struct {
	Evidence []Entry `json:"evidence"`
	// Chain is what is wrong with the rows in which evidence stands.
	Chain []evidence.Problem `json:"chain"`
}

// Entry is the answer about one evidence. What it says is left out where it cannot be
// read.
type Entry struct {
	Name     string             `json:"name"`
	Outcome  Outcome            `json:"outcome"`
	Digest   string             `json:"digest"`
	KeyID    string             `json:"keyID,omitempty"`
	Bucket   string             `json:"bucket,omitempty"`
	Drill    string             `json:"drill,omitempty"`
	Verdict  evidence.Verdict   `json:"verdict,omitempty"`
	Ended    *time.Time         `json:"ended,omitempty"`
	Previous *evidence.Link     `json:"previous,omitempty"`
	Problems []evidence.Problem `json:"problems"`

	said *evidence.Drill
}

func reportOf(results []evidence.Result, chain []evidence.Problem) Report {
	report := Report{Chain: append([]evidence.Problem{}, chain...)}
	for _, r := range results {
		entry := Entry{
			Name: r.Name, Outcome: outcomeOf(r), Digest: r.Digest, KeyID: r.KeyID, Problems: append([]evidence.Problem{}, r.Problems...),
		}
		if r.Statement != nil {
			said := &r.Statement.Predicate
			entry.said, entry.Verdict, entry.Ended, entry.Previous = said, said.Verdict, &said.Ended, said.Previous
			entry.Bucket, entry.Drill = said.Names.Namespace+"/"+said.Names.Bucket, said.Names.Drill
		}
		report.Evidence = append(report.Evidence, entry)
	}
	return report
}

func outcomeOf(r evidence.Result) Outcome {
	switch {
	case len(r.Problems) > 0:
		return Invalid
	case !r.IsTrusted:
		return Untrusted
	}
	return Valid
}

// code is that of the worst that was found.
func (r Report) code() env.ExitCode {
	code := env.ExitOK
	if len(r.Chain) > 0 {
		code = env.ExitNo
	}
	for _, e := range r.Evidence {
		switch {
		case e.Outcome == Invalid:
			code = env.ExitNo
		case e.Outcome == Untrusted && code == env.ExitOK:
			code = env.ExitInconclusive
		}
	}
	return code
}

// text is the answer for people.
func (r Report) text() string {
	var text output.Text
	for i, entry := range r.Evidence {
		if i > 0 {
			text.Break()
		}
		entry.write(&text)
	}
	if len(r.Chain) > 0 {
		text.Break()
		for _, problem := range r.Chain {
			text.Line("%s: %s", problem.Where, problem.What)
		}
	}
	return text.String()
}

func (e Entry) write(text *output.Text) {
	text.Line("%s: %s", strings.ToUpper(string(e.Outcome)), e.Name)
	for _, problem := range e.Problems {
		text.Line("  - %s: %s", problem.Where, problem.What)
	}
	grid := output.NewGrid("  ")
	grid.Add("SHA-256", e.Digest)
	if e.KeyID != "" {
		grid.Add("signed by", e.KeyID+", "+e.trust())
	}
	if e.said != nil {
		e.describe(grid)
	}
	text.Grid(*grid)
}

// trust says what the signature is worth.
func (e Entry) trust() string {
	switch e.Outcome {
	case Valid:
		return "a key that you trust"
	case Untrusted:
		return "which is none of the keys that you trust (--key): anybody can have made this"
	case Invalid:
	}
	return "as it says"
}

// describe says what the evidence says.
func (e Entry) describe(grid *output.Grid) {
	said := e.said
	grid.Add("bucket", e.Bucket+": "+said.Names.Dataset)
	grid.Add("drill", fmt.Sprintf("%s, ended %s", e.Drill, said.Ended.UTC().Format(time.RFC3339)))
	grid.Add("verdict", string(said.Verdict))
	if said.Reason != "" {
		grid.Add("because", said.Reason)
	}
	grid.Add("restored", fmt.Sprintf("%s to %s", place(said.From), place(said.To)))
	grid.Add("RTO, RPO", fmt.Sprintf("%s, %s", seconds(said.Measured.RTOSeconds), seconds(said.Measured.RPOSeconds)))
	tally := said.Manifest.Tally
	grid.Add("objects", fmt.Sprintf("%d match (%d of them newer), %d between, %d different, %d missing, %d extra",
		tally.Match+tally.Newer, tally.Newer, tally.Between, tally.Different, tally.Missing, tally.Extra))
	for _, check := range said.Checks {
		grid.Add("check", fmt.Sprintf("%s %s: %s", check.Result, check.Name, check.Message))
	}
	for _, left := range said.NotTested {
		grid.Add("not tested", left)
	}
	if said.Previous == nil {
		grid.Add("follows", "nothing: it says to be the first of its bucket")
		return
	}
	grid.Add("follows", said.Previous.Digest+", "+said.Previous.Name)
}

func place(p evidence.Place) string {
	return fmt.Sprintf("%s/%s (%s, %s)", p.Provider, p.Location, p.Operator, p.Country)
}

func seconds(n *float64) string {
	if n == nil {
		return "not measured"
	}
	return time.Duration(*n * float64(time.Second)).Round(time.Millisecond).String()
}
