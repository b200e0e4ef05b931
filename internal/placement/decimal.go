package placement

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// within tells whether a decimal number is not above a limit. It is not known where
// one of them is no such number.
func within(value, limit string) (isWithin, isKnown bool) {
	number, isNumber := decimal(value)
	bound, isBound := decimal(limit)
	return isNumber && isBound && number <= bound, isNumber && isBound
}

func decimal(text string) (float64, bool) {
	if text == "" { // most often, and an error costs more than all the rest
		return 0, false
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil && number >= 0 && !math.IsInf(number, 0)
}

// isAtLeast compares versions part by part as numbers: 3.10 is after 3.2, and 3.2 is
// 3.2.0. What is no such version is before every other.
func isAtLeast(version, minimum string) bool {
	have, isVersion := parts(version)
	want, isMinimum := parts(minimum)
	for len(have) < len(want) {
		have = append(have, 0)
	}
	return isVersion && isMinimum && slices.CompareFunc(have, want, cmp.Compare[uint64]) >= 0
}

func parts(version string) ([]uint64, bool) {
	var numbers []uint64
	for text := range strings.SplitSeq(version, ".") {
		number, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, number)
	}
	return numbers, true
}
