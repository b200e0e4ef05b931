// Package concentration tells how what is stored is spread over operators, and what
// would be left if the largest of them were gone.
//
// It is pure. Start reading at Measure.
package concentration

import (
	"cmp"
	"math"
	"slices"
)

// Dataset is a dataset with its copies, the primary among them.
type Dataset []Copy

// Copy is what one copy of a dataset holds.
type Copy struct {
	// Operator identifies who runs the place: one identity for each group.
	Operator string
	// Bytes that it holds; negative is not known.
	Bytes int64
	// IsReliable tells that it could go on alone: it is the primary, or complete and
	// within its objective.
	IsReliable bool
}

// Share is what one operator holds.
type Share struct {
	Operator string
	// Fraction of all stored bytes.
	Fraction float64
}

// Concentration is how stored bytes are spread.
type Concentration struct {
	// Shares of the operators, the largest first, and of equal ones by name. Empty
	// while nothing is known to be stored.
	Shares []Share
	// Survivors are the datasets that have a reliable copy with another operator than
	// the largest, of all Placed ones.
	Survivors, Placed int
	// Unmeasured are the placed datasets of which it is not known of any copy how much
	// it holds. They are in no share.
	Unmeasured int
}

// Measure adds up what datasets hold. A copy of which it is not known how much it
// holds counts as the largest copy of its dataset of which it is: they hold the same.
func Measure(datasets []Dataset) Concentration {
	var c Concentration
	stored := map[string]float64{}
	for _, dataset := range datasets {
		if len(dataset) == 0 {
			continue
		}
		c.Placed++
		if !dataset.addTo(stored) {
			c.Unmeasured++
		}
	}
	if c.Shares = sharesOf(stored); len(c.Shares) == 0 {
		return c
	}
	for _, dataset := range datasets {
		if dataset.survives(c.Shares[0].Operator) {
			c.Survivors++
		}
	}
	return c
}

// addTo adds what the copies of a dataset hold to what is stored with their
// operators, unless that is not known of any of them.
func (d Dataset) addTo(stored map[string]float64) (isKnown bool) {
	largest := slices.MaxFunc(d, func(a, b Copy) int { return cmp.Compare(a.Bytes, b.Bytes) }).Bytes
	if largest < 0 {
		return false
	}
	for _, copied := range d {
		bytes := copied.Bytes
		if bytes < 0 {
			bytes = largest
		}
		stored[copied.Operator] += float64(bytes)
	}
	return true
}

// sharesOf are the shares of all that is stored, the largest first.
func sharesOf(stored map[string]float64) []Share {
	var shares []Share
	total := 0.0
	for operator, bytes := range stored {
		if bytes > 0 {
			shares = append(shares, Share{Operator: operator, Fraction: bytes})
			total += bytes
		}
	}
	for i := range shares {
		shares[i].Fraction /= total
	}
	slices.SortFunc(shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Fraction, a.Fraction), cmp.Compare(a.Operator, b.Operator))
	})
	return shares
}

// survives tells whether a dataset can go on without an operator.
func (d Dataset) survives(without string) bool {
	return slices.ContainsFunc(d, func(c Copy) bool { return c.IsReliable && c.Operator != without })
}

// EffectiveOperators is how many operators of equal size would be as concentrated: 1
// over the Herfindahl-Hirschman index, the sum of the squares of the shares. It is 0
// while nothing is known to be stored.
func (c Concentration) EffectiveOperators() float64 {
	index := 0.0
	for _, share := range c.Shares {
		index += share.Fraction * share.Fraction
	}
	if index == 0 {
		return 0
	}
	return 1 / index
}

// SurvivalPercent is the share of the placed datasets that survive the loss of the
// largest operator, rounded down: 100 is all of them.
func (c Concentration) SurvivalPercent() int {
	if c.Placed == 0 {
		return 0
	}
	return c.Survivors * 100 / c.Placed
}

// Percent is the share in percent, rounded.
func (s Share) Percent() int { return int(math.Round(s.Fraction * 100)) }
