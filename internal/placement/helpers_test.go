package placement_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

// noon of a day in the middle of what the tests are about.
var noon = time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC)

// ruling is a candidate under a policy, and the objections there are.
type ruling struct {
	candidate placement.Candidate
	policy    placement.Policy
	// at is noon where nothing is said.
	at     time.Time
	placed []placement.Copy
	// want are policy/rule/reason[/role], message the only one's where it is given.
	want    []string
	message string
}

// holds judges every ruling of a table.
func holds(t *testing.T, rulings map[string]ruling) {
	t.Helper()
	for name, test := range rulings {
		t.Run(name, func(t *testing.T) {
			request := placement.Request{
				Namespace: placement.Namespace{Name: "ns"}, Policies: []placement.Policy{test.policy}, Placed: test.placed, Now: noon,
			}
			if !test.at.IsZero() {
				request.Now = test.at
			}
			got := placement.Judge(request, test.candidate)
			if diff := cmp.Diff(test.want, named(got)); diff != "" {
				t.Errorf("objections (-want +got):\n%s", diff)
			}
			if test.message != "" && (len(got) != 1 || got[0].Message.String() != test.message) {
				t.Errorf("objections %+v, want one that says:\n%s", got, test.message)
			}
		})
	}
}

// here is a copy at the place that most tests are about.
func here(role v1alpha1.CopyRole) []placement.Copy {
	return []placement.Copy{{PlaceReference: v1alpha1.PlaceReference{ProviderName: "a", Location: "x"}, Role: role}}
}
