package explain

import (
	"cmp"
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
	for _, baseline := range e.baselines {
		text.Line("BASELINE  %s", baseline)
	}
	if e.Satisfied {
		text.Line("DECISION  SATISFIED")
	} else {
		// The candidates are not in a status here but below.
		text.Line("DECISION  NOT SATISFIED, %s: %s", e.Reason, strings.TrimSuffix(e.Message, placement.SeeCandidates))
	}
	for _, objection := range e.Excepted {
		text.Line("EXCEPTED  %s", objection)
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
// role, and what keeps none away last.
func (c Candidate) gravestFirst() []Objection {
	return slices.SortedStableFunc(slices.Values(c.Objections), func(a, b Objection) int {
		return a.lightness() - b.lightness()
	})
}

func (o Objection) lightness() int {
	switch {
	case !o.denies():
		return 2
	case o.Role != "":
		return 1
	}
	return 0
}

func (o Objection) denies() bool { return o.Action == string(v1alpha1.ActionDeny) && o.Exception == "" }

// String says it as refusals at admission do.
func (o Objection) String() string {
	said := placement.Objection{
		Policy: o.Policy, Rule: placement.Rule(o.Rule), Reason: o.Reason, Message: o.Message, Role: v1alpha1.CopyRole(o.Role),
		Exception: o.Exception,
	}
	if !o.denies() {
		said.Action = v1alpha1.ValidationAction(o.Action)
	}
	return said.String()
}

// describe says in a line what a policy asks of places and copies.
func describe(spec v1alpha1.SovereigntyPolicySpec) string {
	where := "every copy in " + string(spec.Residency.Perimeter)
	if countries := spec.Residency.AllowedCountries; len(countries) > 0 {
		where += " and there in " + strings.Join(countries, ", ")
	}
	if spec.Residency.Location == v1alpha1.AssuranceConfirmed {
		where += ", confirmed by its provider's API"
	}
	parts := append([]string{where}, describeFacts(spec)...)
	parts = append(parts, count(max(spec.Copies.Minimum, 1), "copy", "copies"))
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
	if action := spec.Action(); action != v1alpha1.ActionDeny {
		parts = append(parts, "and keeps nothing away: "+string(action))
	}
	return strings.Join(parts, ", ")
}

// describeFacts says what a policy asks of who runs places, and of what is known of
// them.
func describeFacts(spec v1alpha1.SovereigntyPolicySpec) []string {
	var parts []string
	law := spec.Jurisdiction
	if law.Perimeter != "" {
		parts = append(parts, "operators seated in and controlled from "+string(law.Perimeter))
	}
	if law.MaxNonEUHolderPercent != "" {
		parts = append(parts, "at most "+law.MaxNonEUHolderPercent+" % of them with one holder from outside the Union")
	}
	if law.MaxNonEUTotalPercent != "" {
		parts = append(parts, "at most "+law.MaxNonEUTotalPercent+" % of them outside the Union")
	}
	if law.ExtraterritorialLaw == v1alpha1.Forbidden {
		parts = append(parts, "no extraterritorial law")
	}
	for _, asked := range spec.Attestations {
		parts = append(parts, describeAttestation(asked))
	}
	if spec.Seal.Minimum > 0 {
		parts = append(parts, fmt.Sprintf("SEAL-%d %s", spec.Seal.Minimum, strings.ToLower(string(cmp.Or(spec.Seal.Evidence, v1alpha1.SealClaimed)))))
	}
	if limit := spec.Environment.MaximumGridIntensity; limit != nil {
		parts = append(parts, fmt.Sprintf("at most %d g CO2e/kWh", *limit))
	}
	if limit := spec.Environment.MaximumPUE; limit != "" {
		parts = append(parts, "PUE at most "+limit)
	}
	return parts
}

func describeAttestation(asked v1alpha1.AttestationRule) string {
	what := strings.TrimSuffix(asked.Scheme+" "+asked.MinimumVersion, " ")
	if asked.Requirement == v1alpha1.Preferred {
		what += " preferred"
	}
	switch asked.AppliesTo {
	case v1alpha1.AttestCloudCopies:
		return what + " outside own premises"
	case v1alpha1.AttestAnyCopy:
		return what + " at one copy"
	case v1alpha1.AttestPrimary:
		return what + " at the primary"
	default:
		return what + " everywhere"
	}
}

func count(n int32, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("at least %d %s", n, many)
}
