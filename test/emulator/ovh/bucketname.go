package ovh

import (
	"net/netip"
	"regexp"
	"strings"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validName holds a name against the vendor's rules: 3 to 63 characters, no two
// punctuation characters in a row, nothing that looks like an address.
func validName(name string) bool {
	if !bucketName.MatchString(name) {
		return false
	}
	for _, pair := range []string{"--", "..", "-.", ".-"} {
		if strings.Contains(name, pair) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}
