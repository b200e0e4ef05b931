package drill

import (
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/output"
)

// report says what a drill came to, for people.
func report(drill *v1alpha1.ReversibilityDrill) string {
	var text output.Text
	reportVerdict(&text, drill)
	reportMeasures(&text, drill)
	reportChecks(&text, drill)
	reportEvidence(&text, drill)
	return text.String()
}

func reportVerdict(text *output.Text, drill *v1alpha1.ReversibilityDrill) {
	status := drill.Status
	text.Line("%s: %s/%s", strings.ToUpper(string(status.Verdict)), drill.Namespace, drill.Name)
	if effective := status.Effective; effective != nil {
		text.Line("  bucket %s, the copy at %s restored to %s", drill.Spec.BucketRef.Name, effective.From.PlaceReference, effective.To.PlaceReference)
	}
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready != nil && ready.Status != metav1.ConditionTrue && ready.Message != "" {
		text.Line("  %s: %s", ready.Reason, ready.Message)
	}
}

func reportMeasures(text *output.Text, drill *v1alpha1.ReversibilityDrill) {
	measured := drill.Status.Measured
	if measured == nil {
		return
	}
	var objectives v1alpha1.Objectives
	if effective := drill.Status.Effective; effective != nil {
		objectives = effective.Objectives
	}
	text.Break()
	grid := output.NewGrid("  ", "", "MEASURED", "OBJECTIVE")
	grid.Add("RTO", seconds(measured.RTOSeconds), length(objectives.RTO))
	grid.Add("RPO", seconds(measured.RPOSeconds), length(objectives.RPO))
	text.Grid(*grid)
	text.Break()
	text.Line("  %d objects, %s, at %s/s", measured.Objects, output.Bytes(&measured.Bytes), output.Bytes(&measured.ThroughputBytesPerSecond))
	if estimate := measured.FullExitEstimateSeconds; estimate != nil {
		text.Line("  all of the data would take %s at this rate", seconds(estimate))
	}
}

func seconds(n *int64) string {
	if n == nil {
		return "not measured"
	}
	return (time.Duration(*n) * time.Second).String()
}

func length(d *metav1.Duration) string {
	if d == nil {
		return "none"
	}
	return d.Duration.String()
}

func reportChecks(text *output.Text, drill *v1alpha1.ReversibilityDrill) {
	if checks := drill.Status.Checks; len(checks) > 0 {
		text.Break()
		text.Line("  Checks:")
		for _, check := range checks {
			text.Line("    %s %s: %s", mark(check.Result), check.Name, check.Message)
		}
	}
	if notTested := drill.Status.NotTested; len(notTested) > 0 {
		text.Break()
		text.Line("  Not tested:")
		for _, left := range notTested {
			text.Line("    - %s", left)
		}
	}
}

func mark(result v1alpha1.CheckResult) string {
	switch result {
	case v1alpha1.CheckPass:
		return "✓"
	case v1alpha1.CheckFail:
		return "✗"
	default:
		return "- (" + string(result) + ")"
	}
}

func reportEvidence(text *output.Text, drill *v1alpha1.ReversibilityDrill) {
	text.Break()
	evidence := drill.Status.Evidence
	if evidence == nil {
		text.Line("  No evidence was stored.")
		return
	}
	text.Line("  Evidence, stored %s:", times(len(evidence.URIs)))
	text.Line("    %s", evidence.Digest)
	if evidence.KeyID != "" {
		text.Line("    signed with the key %s", evidence.KeyID)
	}
	for _, uri := range evidence.URIs {
		text.Line("    %s", uri)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}
