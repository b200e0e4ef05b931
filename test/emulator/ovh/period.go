package ovh

import (
	"fmt"
	"regexp"
	"strconv"
)

var isoPeriod = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$`)

// Days of a month and of a year, where S3 knows days only.
const (
	daysOfWeek  = 7
	daysOfMonth = 30
	daysOfYear  = 365
)

// periodDays returns how many days an ISO 8601 period lasts.
func periodDays(period string) (int, error) {
	parts := isoPeriod.FindStringSubmatch(period)
	if parts == nil || period == "P" {
		return 0, errInvalidParameter(fmt.Sprintf("%q is no ISO 8601 period of days", period))
	}
	days := 0
	for i, each := range []int{daysOfYear, daysOfMonth, daysOfWeek, 1} {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(parts[i+1])
		if err != nil {
			return 0, errInvalidParameter(fmt.Sprintf("%q is too long", period))
		}
		days += n * each
	}
	if days < 1 {
		return 0, errInvalidParameter(fmt.Sprintf("%q is shorter than a day", period))
	}
	return days, nil
}

// period writes days as the vendor gives them back, whatever was sent: P7D becomes
// P1W.
func period(days int) string {
	if days%daysOfWeek == 0 {
		return fmt.Sprintf("P%dW", days/daysOfWeek)
	}
	return fmt.Sprintf("P%dD", days)
}
