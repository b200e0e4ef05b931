package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/placement"
)

// render writes the answer for people: one block for each bucket.
func render(a answer) string {
	var text output.Text
	if a.at != nil {
		text.Line("as of %s", a.at.UTC().Format(time.RFC3339))
		text.Break()
	}
	for i, explanation := range a.buckets {
		if i > 0 {
			text.Break()
		}
		explanation.render(&text)
	}
	return text.String()
}

func (e Explanation) render(text *output.Text) {
	text.Line("BUCKET    %s: %s", e.Bucket, e.title)
	if e.rules == "" {
		text.Line("POLICY    %s", e.policy)
	} else {
		text.Line("POLICY    %s: %s", e.policy, e.rules)
	}
	if e.Satisfied {
		text.Line("DECISION  SATISFIED")
	} else {
		// The candidates are not in a status here but below.
		text.Line("DECISION  NOT SATISFIED, %s: %s", e.Reason, strings.TrimSuffix(e.Message, placement.SeeCandidates))
	}
	e.renderCopies(text)
	e.renderCandidates(text)
}

func (e Explanation) renderCopies(text *output.Text) {
	text.Break()
	if len(e.Copies)+len(e.illegal) == 0 {
		text.Line("  no copy")
		return
	}
	grid := output.NewGrid("  ", "COPY", "PLACE", "STATE")
	for _, copied := range e.Copies {
		place := v1alpha1.PlaceReference{ProviderName: copied.ProviderName, Location: copied.Location}
		switch {
		case e.isIllegal(place): // it is shown below
		case copied.isPlaced:
			grid.Add(string(copied.Role), place.String(), "in place")
		default:
			grid.Add(string(copied.Role), place.String(), "to be made")
		}
	}
	for _, copied := range e.illegal {
		grid.Add(string(copied.Role), copied.String(), "in place, and may not stay")
	}
	text.Grid(*grid)
}

func (e Explanation) isIllegal(place v1alpha1.PlaceReference) bool {
	return slices.ContainsFunc(e.illegal, func(c placement.IllegalCopy) bool { return c.PlaceReference == place })
}

func (e Explanation) renderCandidates(text *output.Text) {
	text.Break()
	if len(e.Candidates) == 0 {
		text.Line("  no candidate: there is no SovereignProvider with a location")
		return
	}
	header := []string{"CANDIDATE", "OPERATOR", "COUNTRY", "PERIMETER", "ELIGIBLE", "SCORE"}
	isAssumed := slices.ContainsFunc(e.Candidates, func(c Candidate) bool { return len(c.Assumed) > 0 })
	if isAssumed {
		header = append(header, "ASSUMED")
	}
	grid := output.NewGrid("  ", header...)
	for _, c := range e.Candidates {
		cells := []string{c.ProviderName + "/" + c.Location, output.Shorten(c.operator, 32), c.whichCountry(), c.whichPerimeter(), c.eligibility(), c.rank()}
		if isAssumed {
			cells = append(cells, strings.Join(c.Assumed, ", "))
		}
		grid.Add(cells...)
		for _, objection := range c.gravestFirst() {
			grid.Note("%s", objection)
		}
	}
	text.Grid(*grid)
}

func (c Candidate) whichCountry() string {
	if c.country == "" {
		return "unknown"
	}
	return c.country
}

func (c Candidate) whichPerimeter() string {
	if c.perimeter == "" || c.perimeter == string(v1alpha1.PerimeterNone) {
		return "outside EEA"
	}
	return c.perimeter
}

func (c Candidate) eligibility() string {
	switch {
	case !c.Eligible:
		return "no"
	case len(c.roles) == 1:
		return "as " + strings.ToLower(string(c.roles[0])) + " only"
	}
	return "yes"
}

func (c Candidate) rank() string {
	if !c.Eligible {
		return ""
	}
	return strconv.Itoa(int(c.Score))
}

// gravestFirst gives what speaks against any copy before what speaks against one
// role.
func (c Candidate) gravestFirst() []Objection {
	return slices.SortedStableFunc(slices.Values(c.Objections), func(a, b Objection) int {
		return min(len(a.Role), 1) - min(len(b.Role), 1)
	})
}

// String reads: policy etat-civil, residency: CA is outside FR (OutsidePerimeter).
func (o Objection) String() string {
	who := o.Rule
	if o.Policy != "" {
		who = "policy " + o.Policy + ", " + o.Rule
	}
	if o.Role != "" {
		who += ", not as " + strings.ToLower(string(o.Role))
	}
	return fmt.Sprintf("%s: %s (%s)", who, o.Message, o.Reason)
}

// describe says in a line what a policy asks of places and copies.
func describe(spec v1alpha1.SovereigntyPolicySpec) string {
	where := "every copy in " + string(spec.Residency.Perimeter)
	if countries := spec.Residency.AllowedCountries; len(countries) > 0 {
		where += " and there in " + strings.Join(countries, ", ")
	}
	parts := []string{where, count(max(spec.Copies.Minimum, 1), "copy", "copies")}
	if spec.Copies.DistinctOperators > 1 {
		parts = append(parts, fmt.Sprintf("%d operators", spec.Copies.DistinctOperators))
	}
	if spec.Copies.MinimumDistanceKm > 0 {
		parts = append(parts, fmt.Sprintf("%d km between any two", spec.Copies.MinimumDistanceKm))
	}
	switch spec.Copies.OnPremise {
	case v1alpha1.Required:
		parts = append(parts, "one on own premises")
	case v1alpha1.Preferred:
		parts = append(parts, "own premises preferred")
	case v1alpha1.Forbidden:
		parts = append(parts, "none on own premises")
	case v1alpha1.Only:
		parts = append(parts, "on own premises only")
	default: // allowed, which needs no word
	}
	if spec.Access.MinimumGrant == v1alpha1.GrantScoped {
		parts = append(parts, "keys of one bucket only")
	}
	if spec.Protection.Versioning == v1alpha1.Required {
		parts = append(parts, "old versions kept")
	}
	return strings.Join(parts, ", ")
}

func count(n int32, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("at least %d %s", n, many)
}
