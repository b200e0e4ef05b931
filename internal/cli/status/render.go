package status

import (
	"cmp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/internal/cli/output"
)

// titleWidth is how much of a title a table shows.
const titleWidth = 36

// renderList writes a table of buckets.
func renderList(buckets []Bucket, now time.Time) string {
	if len(buckets) == 0 {
		return ""
	}
	var text output.Text
	grid := output.NewGrid("", "NAMESPACE", "NAME", "TITLE", "READY", "PRIMARY", "COPIES", "RESIDENCY", "UNREPLICATED", "VERIFIED", "LAST DRILL", "PROTECTED")
	for _, b := range buckets {
		grid.Add(b.Namespace, b.Name, output.Shorten(b.Title, titleWidth), b.readiness(), b.Primary, b.CopiesReady,
			string(b.Residency), b.unreplicated(now), string(b.Verified), b.lastDrill(now), string(b.Protected))
	}
	text.Grid(*grid)
	return text.String()
}

// readiness is what the column READY says.
func (b Bucket) readiness() string {
	switch {
	case b.Deleting:
		return "Deleting"
	case b.Suspended:
		return string(b.Ready) + " (suspended)"
	}
	return string(b.Ready)
}

// unreplicated is how old the oldest change is that some copy lacks; empty if none
// does. As long as nobody has seen that, it is not known.
func (b Bucket) unreplicated(now time.Time) string {
	if b.UnreplicatedSince == nil && b.Replicated != metav1.ConditionTrue {
		return "unknown"
	}
	return output.Age(now, b.UnreplicatedSince)
}

func (b Bucket) lastDrill(now time.Time) string {
	if b.LastDrill == nil {
		return ""
	}
	return string(b.LastDrill.Verdict) + " " + output.Age(now, &b.LastDrill.Time)
}

// renderOne writes all there is to say about one bucket.
func renderOne(b Bucket, now time.Time) string {
	var text output.Text
	b.renderSummary(&text, now)
	b.renderCopies(&text, now)
	b.renderAccesses(&text, now)
	b.renderNotTrue(&text)
	b.renderProviders(&text)
	b.renderHints(&text)
	return text.String()
}

func (b Bucket) renderSummary(text *output.Text, now time.Time) {
	text.Line("%s/%s: %s", b.Namespace, b.Name, b.Title)
	text.Break()
	line := func(label, value string) { text.Line("  %-13s %s", label, cmp.Or(value, "-")) }
	line("Policy", b.Policy)
	line("Ready", b.readiness())
	line("Primary", b.Primary)
	if b.BucketName != "" {
		line("", "bucket "+b.BucketName+" at "+b.Endpoint)
	}
	line("Copies ready", b.CopiesReady)
	line("Residency", string(b.Residency))
	line("Unreplicated", cmp.Or(b.unreplicated(now), "nothing"))
	line("Verified", string(b.Verified))
	line("Last drill", cmp.Or(b.lastDrill(now), "none"))
	if b.LastDrill != nil {
		line("", b.LastDrill.Name)
	}
	line("Protected", string(b.Protected))
}

func (b Bucket) renderCopies(text *output.Text, now time.Time) {
	text.Break()
	if len(b.Copies) == 0 {
		text.Line("There is no copy.")
		return
	}
	grid := output.NewGrid("  ", "COPY", "PLACE", "READY", "OBJECTS", "BYTES", "UNREPLICATED", "VERIFIED")
	for _, c := range b.Copies {
		ready := string(c.Ready)
		if c.Deleting {
			ready = "Deleting"
		}
		grid.Add(string(c.Role), c.Place, ready, output.Count(c.Objects), output.Bytes(c.Bytes),
			output.Age(now, c.UnreplicatedSince), output.Age(now, c.LastVerified))
		for _, condition := range c.NotTrue {
			grid.Note("%s", condition)
		}
		if c.FailedObjects > 0 {
			grid.Note("%d objects could not be copied: kubectl get bucketreplica %s -n %s -o yaml names the first", c.FailedObjects, c.Replica, b.Namespace)
		}
	}
	text.Grid(*grid)
}

func (b Bucket) renderAccesses(text *output.Text, now time.Time) {
	if len(b.Accesses) == 0 {
		return
	}
	text.Break()
	grid := output.NewGrid("  ", "ACCESS", "SECRET", "MODE", "GRANT", "READY", "KEY AGE", "REPLACED AT")
	for _, a := range b.Accesses {
		ready := string(a.Ready)
		if a.Deleting {
			ready = "Deleting"
		}
		grid.Add(a.Name, a.Secret, string(a.Mode), string(a.Grant), ready, output.Age(now, a.Issued), a.RotationInterval)
		for _, condition := range a.NotTrue {
			grid.Note("%s", condition)
		}
		if a.Retiring > 0 {
			grid.Note("the key before still works, until its overlap ends")
		}
	}
	text.Grid(*grid)
}

// String reads: Replicated is False, LagExceeded: a change is missing.
func (c Condition) String() string {
	s := c.Type + " is " + string(c.Status) + ", " + c.Reason
	if c.Message != "" {
		s += ": " + c.Message
	}
	return s
}

func (b Bucket) renderNotTrue(text *output.Text) {
	if len(b.NotTrue) == 0 {
		return
	}
	text.Break()
	text.Line("What is not well:")
	for _, condition := range b.NotTrue {
		text.Line("  - %s", condition)
	}
}

func (b Bucket) renderProviders(text *output.Text) {
	if len(b.Providers) == 0 {
		return
	}
	text.Break()
	text.Line("Providers that are not ready:")
	for _, p := range b.Providers {
		text.Line("  - %s: %s", p.Name, Condition{Type: "Ready", Status: p.Ready, Reason: p.Reason, Message: p.Message})
	}
}

func (b Bucket) renderHints(text *output.Text) {
	if len(b.Hints) == 0 {
		return
	}
	text.Break()
	text.Line("What you can do:")
	for _, hint := range b.Hints {
		text.Line("  - %s: %s", hint.Reason, hint.Text)
		for _, command := range hint.Commands {
			text.Line("      %s", command)
		}
	}
}
