package output

import (
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Bytes writes an amount of bytes as people read it, such as 1.2 GiB. Nil is not
// known.
func Bytes(n *int64) string {
	if n == nil {
		return ""
	}
	return humanize.IBytes(uint64(max(*n, 0)))
}

// Count writes a number. Nil is not known.
func Count(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// Age writes how long ago something was, as kubectl does: 5m, 3d. A time that is
// not known has no age.
func Age(now time.Time, then *time.Time) string {
	if then == nil || then.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(now.Sub(*then), 0))
}

// Shorten cuts a text to a number of characters.
func Shorten(s string, characters int) string {
	runes := []rune(s)
	if len(runes) <= characters {
		return s
	}
	return string(runes[:max(characters-1, 0)]) + "…"
}
