package drill

import (
	"errors"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
)

// A drill that is stopped proves nothing, unless it had found something wrong by
// then: that stays found.
func TestWhatAStoppedDrillFoundStands(t *testing.T) {
	broken := errors.New("the store went away")
	for name, test := range map[string]struct {
		audit mover.AuditReport
		want  Verdict
		says  string
	}{
		"nothing":       {mover.AuditReport{Matched: 3}, Inconclusive, ""},
		"another byte":  {mover.AuditReport{Different: 1}, Failed, "there may be more"},
		"a missing one": {mover.AuditReport{Missing: 1}, Failed, "there may be more"},
		"one too many":  {mover.AuditReport{Extra: 1}, Failed, "there may be more"},
	} {
		t.Run(name, func(t *testing.T) {
			test.audit.Digest = manifest.NewDigest()
			r := &run{audit: test.audit}
			r.judge(broken)
			if r.outcome.Verdict != test.want || !errors.Is(r.outcome.Err, broken) {
				t.Errorf("the verdict is %s: %v; want %s", r.outcome.Verdict, r.outcome.Err, test.want)
			}
			said := ""
			for _, check := range r.outcome.Checks {
				if check.Result == Fail {
					said += check.Message
				}
			}
			if (said == "") != (test.says == "") || !strings.Contains(said, test.says) {
				t.Errorf("says %q, want %q", said, test.says)
			}
		})
	}
}
