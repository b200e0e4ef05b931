package explain

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/cli/output"
	"github.com/rempart/rempart/internal/message"
	"github.com/rempart/rempart/internal/placement"
)

// page is a text in a language.
type page struct {
	output.Text
	language message.Language
}

// say gives a message in the language of the page.
func (p *page) say(format message.Format, args ...any) string {
	return message.Of(format, args...).In(p.language)
}

// line adds a line that is a message.
func (p *page) line(format message.Format, args ...any) { p.Line("%s", p.say(format, args...)) }

// render writes the answer for people: one block for each bucket.
func render(a answer) string {
	p := &page{language: a.language}
	if a.at != nil {
		p.line("as of %s", a.at.UTC().Format(time.RFC3339))
		p.Break()
	}
	for i, explanation := range a.buckets {
		if i > 0 {
			p.Break()
		}
		explanation.render(p)
	}
	return p.String()
}

func (e Explanation) render(p *page) {
	p.line("BUCKET    %s: %s", e.Bucket, e.title)
	if e.rules.IsZero() {
		p.line("POLICY    %s", e.policy)
	} else {
		p.line("POLICY    %s: %s", e.policy, e.rules)
	}
	for _, baseline := range e.baselines {
		p.line("BASELINE  %s", baseline)
	}
	if e.Satisfied {
		p.line("DECISION  SATISFIED")
	} else {
		p.line("DECISION  NOT SATISFIED, %s: %s", e.Reason, e.shortage)
	}
	for _, objection := range e.Excepted {
		p.line("EXCEPTED  %s", objection.text)
	}
	e.renderCopies(p)
	e.renderCandidates(p)
}

func (e Explanation) renderCopies(p *page) {
	p.Break()
	if len(e.Copies)+len(e.illegal) == 0 {
		p.line("  no copy")
		return
	}
	grid := output.NewGrid("  ", p.say("COPY"), p.say("PLACE"), p.say("STATE"))
	for _, copied := range e.Copies {
		place := v1alpha1.PlaceReference{ProviderName: copied.ProviderName, Location: copied.Location}
		switch {
		case e.isIllegal(place): // it is shown below
		case copied.isPlaced:
			grid.Add(string(copied.Role), place.String(), p.say("in place"))
		default:
			grid.Add(string(copied.Role), place.String(), p.say("to be made"))
		}
	}
	for _, copied := range e.illegal {
		grid.Add(string(copied.Role), copied.String(), p.say("in place, and may not stay"))
	}
	p.Grid(*grid)
}

func (e Explanation) isIllegal(place v1alpha1.PlaceReference) bool {
	return slices.ContainsFunc(e.illegal, func(c placement.IllegalCopy) bool { return c.PlaceReference == place })
}

func (e Explanation) renderCandidates(p *page) {
	p.Break()
	if len(e.Candidates) == 0 {
		p.line("  no candidate: there is no SovereignProvider with a location")
		return
	}
	header := []string{p.say("CANDIDATE"), p.say("OPERATOR"), p.say("COUNTRY"), p.say("PERIMETER"), p.say("ELIGIBLE"), p.say("SCORE")}
	isAssumed := slices.ContainsFunc(e.Candidates, func(c Candidate) bool { return len(c.Assumed) > 0 })
	if isAssumed {
		header = append(header, p.say("ASSUMED"))
	}
	grid := output.NewGrid("  ", header...)
	for _, c := range e.Candidates {
		cells := []string{
			c.ProviderName + "/" + c.Location, output.Shorten(c.operator, 32), c.whichCountry().In(p.language), c.whichPerimeter().In(p.language),
			c.eligibility().In(p.language), c.rank(),
		}
		if isAssumed {
			cells = append(cells, c.whatIsAssumed().In(p.language))
		}
		grid.Add(cells...)
		for _, objection := range c.gravestFirst() {
			grid.Note("%s", objection.text.In(p.language))
		}
	}
	p.Grid(*grid)
}

func (c Candidate) whichCountry() message.Text {
	if c.country == "" {
		return message.Of("unknown")
	}
	return message.Verbatim(c.country)
}

func (c Candidate) whichPerimeter() message.Text {
	if c.perimeter == "" || c.perimeter == string(v1alpha1.PerimeterNone) {
		return message.Of("outside EEA")
	}
	return message.Verbatim(c.perimeter)
}

func (c Candidate) eligibility() message.Text {
	switch {
	case !c.Eligible:
		return message.Of("no")
	case len(c.roles) > 1:
		return message.Of("yes")
	case c.roles[0] == v1alpha1.RolePrimary:
		return message.Of("as primary only")
	}
	return message.Of("as replica only")
}

// whatIsAssumed says in words which facts nobody confirmed.
func (c Candidate) whatIsAssumed() message.Text {
	var words []message.Text
	for _, fact := range c.Assumed {
		switch fact {
		case "capabilities":
			words = append(words, message.Of("capabilities"))
		case "reachable":
			words = append(words, message.Of("reachable"))
		case "location":
			words = append(words, message.Of("location"))
		default:
			words = append(words, message.Verbatim(fact))
		}
	}
	return message.Join(", ", words...)
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

// describe says in a line what a policy asks of places and copies.
func describe(spec v1alpha1.SovereigntyPolicySpec) message.Text {
	parts := append([]message.Text{describeWhere(spec.Residency)}, describeFacts(spec)...)
	copies := message.Of("1 copy")
	if spec.Copies.Minimum > 1 {
		copies = message.Of("at least %d copies", spec.Copies.Minimum)
	}
	parts = append(parts, copies)
	say := func(format message.Format, args ...any) { parts = append(parts, message.Of(format, args...)) }
	if spec.Copies.DistinctOperators > 1 {
		say("%d operators", spec.Copies.DistinctOperators)
	}
	if spec.Copies.MinimumDistanceKm > 0 {
		say("%d km between any two", spec.Copies.MinimumDistanceKm)
	}
	switch spec.Copies.OnPremise {
	case v1alpha1.Required:
		say("one on own premises")
	case v1alpha1.Preferred:
		say("own premises preferred")
	case v1alpha1.Forbidden:
		say("none on own premises")
	case v1alpha1.Only:
		say("on own premises only")
	default: // allowed, which needs no word
	}
	if spec.Access.MinimumGrant == v1alpha1.GrantScoped {
		say("keys of one bucket only")
	}
	if spec.Protection.Versioning == v1alpha1.Required {
		say("old versions kept")
	}
	if action := spec.Action(); action != v1alpha1.ActionDeny {
		say("and keeps nothing away: %s", action)
	}
	return message.Join(", ", parts...)
}

// describeWhere says where a policy wants copies to stand.
func describeWhere(residency v1alpha1.Residency) message.Text {
	where := message.Of("every copy in %s", residency.Perimeter)
	if countries := residency.AllowedCountries; len(countries) > 0 {
		where = where.Then(message.Of(" and there in %s", strings.Join(countries, ", ")))
	}
	if residency.Location == v1alpha1.AssuranceConfirmed {
		where = where.Then(message.Of(", confirmed by its provider's API"))
	}
	return where
}

// describeFacts says what a policy asks of who runs places, and of what is known of
// them.
func describeFacts(spec v1alpha1.SovereigntyPolicySpec) []message.Text {
	var parts []message.Text
	say := func(format message.Format, args ...any) { parts = append(parts, message.Of(format, args...)) }
	law := spec.Jurisdiction
	if law.Perimeter != "" {
		say("operators seated in and controlled from %s", law.Perimeter)
	}
	if law.MaxNonEUHolderPercent != "" {
		say("at most %s %% of them with one holder from outside the Union", law.MaxNonEUHolderPercent)
	}
	if law.MaxNonEUTotalPercent != "" {
		say("at most %s %% of them outside the Union", law.MaxNonEUTotalPercent)
	}
	if law.ExtraterritorialLaw == v1alpha1.Forbidden {
		say("no extraterritorial law")
	}
	for _, asked := range spec.Attestations {
		parts = append(parts, describeAttestation(asked))
	}
	switch seal := spec.Seal; {
	case seal.Minimum == 0:
	case seal.Evidence == v1alpha1.SealEvidenced:
		say("SEAL-%d evidenced", seal.Minimum)
	default:
		say("SEAL-%d claimed", seal.Minimum)
	}
	if limit := spec.Environment.MaximumGridIntensity; limit != nil {
		say("at most %d g CO2e/kWh", *limit)
	}
	if limit := spec.Environment.MaximumPUE; limit != "" {
		say("PUE at most %s", limit)
	}
	return parts
}

func describeAttestation(asked v1alpha1.AttestationRule) message.Text {
	what := message.Verbatim(strings.TrimSuffix(asked.Scheme+" "+asked.MinimumVersion, " "))
	if asked.Requirement == v1alpha1.Preferred {
		what = message.Of("%s preferred", what)
	}
	switch asked.AppliesTo {
	case v1alpha1.AttestCloudCopies:
		return message.Of("%s outside own premises", what)
	case v1alpha1.AttestAnyCopy:
		return message.Of("%s at one copy", what)
	case v1alpha1.AttestPrimary:
		return message.Of("%s at the primary", what)
	default:
		return message.Of("%s everywhere", what)
	}
}
