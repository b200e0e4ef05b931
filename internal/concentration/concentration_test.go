package concentration_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/concentration"
)

const unknown = -1

func held(operator string, bytes int64) concentration.Copy {
	return concentration.Copy{Operator: operator, Bytes: bytes, IsReliable: true}
}

func unreliable(operator string, bytes int64) concentration.Copy {
	return concentration.Copy{Operator: operator, Bytes: bytes}
}

func TestMeasure(t *testing.T) {
	type set = concentration.Dataset
	for name, test := range map[string]struct {
		datasets   []set
		shares     string
		effective  string
		survival   int
		unmeasured int
	}{
		"nothing at all":      {nil, "[]", "0.00", 0, 0},
		"nothing stored yet":  {[]set{{held("a", 0), held("b", 0)}}, "[]", "0.00", 0, 0},
		"one operator":        {[]set{{held("a", 5)}}, "[a 100]", "1.00", 0, 0},
		"two of equal size":   {[]set{{held("a", 5), held("b", 5)}}, "[a 50 b 50]", "2.00", 100, 0},
		"four fifths and one": {[]set{{held("a", 80)}, {held("b", 20)}}, "[a 80 b 20]", "1.47", 50, 0},
		"19 of 20":            {[]set{{held("b", 95)}, {held("a", 5)}}, "[b 95 a 5]", "1.10", 50, 0},
		"a primary counts what its copies hold": {
			[]set{{held("a", unknown), held("b", 10)}}, "[a 50 b 50]", "2.00", 100, 0,
		},
		"and it is the largest copy that tells": {
			[]set{{held("a", unknown), held("b", 10), held("c", 30)}}, "[a 43 c 43 b 14]", "2.58", 100, 0,
		},
		"a dataset of which nothing is known is in no share, and survives like any other": {
			[]set{{held("a", unknown)}, {held("a", 10)}, {held("b", unknown)}}, "[a 100]", "1.00", 33, 2,
		},
		"what is not placed counts nowhere":    {[]set{{}, {held("a", 1), held("b", 1)}}, "[a 50 b 50]", "2.00", 100, 0},
		"a copy that is late is no survivor":   {[]set{{held("a", 9), unreliable("b", 8)}}, "[a 53 b 47]", "1.99", 0, 0},
		"two copies with one operator are one": {[]set{{held("a", 9), held("a", 9)}}, "[a 100]", "1.00", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := concentration.Measure(test.datasets)
			shares := []string{}
			for _, share := range got.Shares {
				shares = append(shares, fmt.Sprintf("%s %d", share.Operator, share.Percent()))
			}
			if diff := cmp.Diff(test.shares, fmt.Sprint(shares)); diff != "" {
				t.Errorf("shares (-want +got):\n%s", diff)
			}
			if effective := fmt.Sprintf("%.2f", got.EffectiveOperators()); effective != test.effective {
				t.Errorf("%s effective operators, want %s", effective, test.effective)
			}
			if got.SurvivalPercent() != test.survival || got.Unmeasured != test.unmeasured {
				t.Errorf("survival %d %%, %d unmeasured; want %d %%, %d", got.SurvivalPercent(), got.Unmeasured, test.survival, test.unmeasured)
			}
		})
	}
}

func TestConcentrationIsBounded(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		datasets := make([]concentration.Dataset, r.IntN(6))
		for i := range datasets {
			for range r.IntN(4) {
				datasets[i] = append(datasets[i], concentration.Copy{
					Operator: string(rune('a' + r.IntN(4))), Bytes: r.Int64N(100) - 20, IsReliable: r.IntN(2) == 0,
				})
			}
		}
		got := concentration.Measure(datasets)
		sum := 0.0
		for i, share := range got.Shares {
			sum += share.Fraction
			if i > 0 && share.Fraction > got.Shares[i-1].Fraction {
				t.Fatalf("seed %d: the largest is not first: %+v", seed, got)
			}
		}
		if len(got.Shares) == 0 {
			continue
		}
		effective := got.EffectiveOperators()
		if math.Abs(sum-1) > 1e-9 || effective < 1-1e-9 || effective > float64(len(got.Shares))+1e-9 || got.Survivors > got.Placed {
			t.Fatalf("seed %d: shares add up to %f, %f effective operators of %d, %d of %d survive",
				seed, sum, effective, len(got.Shares), got.Survivors, got.Placed)
		}
	}
}
