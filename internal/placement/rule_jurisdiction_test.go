package placement_test

import (
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func TestJurisdiction(t *testing.T) {
	run := func(by v1alpha1.Operator) placement.Candidate {
		by.LegalEntity = "100% Nuage SA"
		return place("a", "x", func(c *placement.Candidate) { c.RunBy = by })
	}
	under := func(j v1alpha1.Jurisdiction) placement.Policy {
		return policy("p", func(s *v1alpha1.SovereigntyPolicySpec) { s.Jurisdiction = j })
	}
	inEU, inFR := under(v1alpha1.Jurisdiction{Perimeter: "EU"}), under(v1alpha1.Jurisdiction{Perimeter: "FR"})
	secNumCloud := under(v1alpha1.Jurisdiction{MaxNonEUHolderPercent: "24", MaxNonEUTotalPercent: "39"})
	immune := under(v1alpha1.Jurisdiction{ExtraterritorialLaw: v1alpha1.Forbidden})
	refused := []string{"p/jurisdiction/JurisdictionNotAllowed"}
	twice := append(refused, refused...)

	holds(t, map[string]ruling{
		"nothing is asked": {candidate: run(v1alpha1.Operator{SeatCountry: "US", ControlCountry: "US", NonEUTotalPercent: "100", ExtraterritorialLaw: "Exposed"}), policy: policy("p")},

		"seat and control are inside":           {candidate: run(v1alpha1.Operator{SeatCountry: "DE", ControlCountry: "FR"}), policy: inEU},
		"a seat overseas is inside":             {candidate: run(v1alpha1.Operator{SeatCountry: "RE", ControlCountry: "FR"}), policy: inFR},
		"the Commission's name of Greece is":    {candidate: run(v1alpha1.Operator{SeatCountry: "EL", ControlCountry: "EL"}), policy: inEU},
		"Norway is inside the EEA":              {candidate: run(v1alpha1.Operator{SeatCountry: "NO", ControlCountry: "NO"}), policy: under(v1alpha1.Jurisdiction{Perimeter: "EEA"})},
		"and outside the Union, in both":        {candidate: run(v1alpha1.Operator{SeatCountry: "NO", ControlCountry: "NO"}), policy: inEU, want: twice},
		"adequacy is not membership":            {candidate: run(v1alpha1.Operator{SeatCountry: "CH", ControlCountry: "FR"}), policy: inEU, want: refused, message: "100% Nuage SA has its seat in CH, which is outside EU"},
		"a subsidiary of an American group":     {candidate: run(v1alpha1.Operator{SeatCountry: "FR", ControlCountry: "US"}), policy: inEU, want: refused, message: "100% Nuage SA is controlled from US, which is outside EU"},
		"Germany is outside France, in both":    {candidate: run(v1alpha1.Operator{SeatCountry: "DE", ControlCountry: "DE"}), policy: inFR, want: twice},
		"an unknown seat is outside":            {candidate: run(v1alpha1.Operator{ControlCountry: "FR"}), policy: inEU, want: refused, message: "it is not known in which country 100% Nuage SA has its seat, and unknown is outside EU: see operator.seatCountry"},
		"unknown control is outside":            {candidate: run(v1alpha1.Operator{SeatCountry: "FR"}), policy: inEU, want: refused, message: "it is not known from which country 100% Nuage SA is controlled, and unknown is outside EU: see operator.controlCountry"},
		"what is no country is outside":         {candidate: run(v1alpha1.Operator{SeatCountry: "QQ", ControlCountry: "FR"}), policy: inEU, want: refused},
		"where the store stands does not count": {candidate: run(v1alpha1.Operator{}), policy: inEU, want: twice},

		"shares at the limits": {candidate: run(v1alpha1.Operator{NonEUHolderPercent: "24", NonEUTotalPercent: "39.00"}), policy: secNumCloud},
		"no share at all":      {candidate: run(v1alpha1.Operator{NonEUHolderPercent: "0", NonEUTotalPercent: "0"}), policy: secNumCloud},
		"one holder has a little too much": {
			candidate: run(v1alpha1.Operator{NonEUHolderPercent: "24.01", NonEUTotalPercent: "30"}), policy: secNumCloud, want: refused,
			message: "one holder from outside the Union has 24.01 % of 100% Nuage SA, and the policy allows 24 %",
		},
		"all together have too much": {
			candidate: run(v1alpha1.Operator{NonEUHolderPercent: "20", NonEUTotalPercent: "100"}), policy: secNumCloud, want: refused,
			message: "holders from outside the Union together have 100 % of 100% Nuage SA, and the policy allows 39 %",
		},
		"both are too much": {candidate: run(v1alpha1.Operator{NonEUHolderPercent: "25", NonEUTotalPercent: "40"}), policy: secNumCloud, want: twice},
		"an unknown holder": {
			candidate: run(v1alpha1.Operator{NonEUTotalPercent: "5"}), policy: secNumCloud, want: refused,
			message: "it is not known how much of 100% Nuage SA its largest holder from outside the Union has, and the policy allows 24 %: see operator.nonEUHolderPercent",
		},
		"an unknown total": {
			candidate: run(v1alpha1.Operator{NonEUHolderPercent: "5"}), policy: secNumCloud, want: refused,
			message: "it is not known how much of 100% Nuage SA holders from outside the Union have together, and the policy allows 39 %: see operator.nonEUTotalPercent",
		},
		"a share that is no number is unknown":     {candidate: run(v1alpha1.Operator{NonEUHolderPercent: "NaN", NonEUTotalPercent: "-1"}), policy: secNumCloud, want: twice},
		"a limit that is no number allows nothing": {candidate: run(v1alpha1.Operator{NonEUTotalPercent: "0"}), policy: under(v1alpha1.Jurisdiction{MaxNonEUTotalPercent: "Inf"}), want: refused},
		"a limit of nothing allows nothing":        {candidate: run(v1alpha1.Operator{NonEUTotalPercent: "0.1"}), policy: under(v1alpha1.Jurisdiction{MaxNonEUTotalPercent: "0"}), want: refused},
		"no law from outside reaches it":           {candidate: run(v1alpha1.Operator{ExtraterritorialLaw: "None"}), policy: immune},
		"one does": {
			candidate: run(v1alpha1.Operator{ExtraterritorialLaw: "Exposed"}), policy: immune, want: refused,
			message: "laws of a country outside the Union reach 100% Nuage SA",
		},
		"one may": {
			candidate: run(v1alpha1.Operator{ExtraterritorialLaw: "Unknown"}), policy: immune, want: refused,
			message: "it is not known whether laws of a country outside the Union reach 100% Nuage SA: see operator.extraterritorialLaw",
		},
		"nobody says":                {candidate: run(v1alpha1.Operator{}), policy: immune, want: refused},
		"one does, and may":          {candidate: run(v1alpha1.Operator{ExtraterritorialLaw: "Exposed"}), policy: under(v1alpha1.Jurisdiction{ExtraterritorialLaw: v1alpha1.Allowed})},
		"a provider without a name":  {candidate: place("a", "x"), policy: immune, want: refused, message: "it is not known whether laws of a country outside the Union reach the operator of provider a: see operator.extraterritorialLaw"},
		"every shortfall is told of": {candidate: run(v1alpha1.Operator{}), policy: under(v1alpha1.Jurisdiction{Perimeter: "EU", MaxNonEUHolderPercent: "24", MaxNonEUTotalPercent: "39", ExtraterritorialLaw: v1alpha1.Forbidden}), want: append(append(twice, twice...), refused...)},
	})
}
