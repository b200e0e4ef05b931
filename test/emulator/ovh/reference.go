package ovh

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Headers by which version 2 of the API pages.
const (
	headerSize   = "X-Pagination-Size"
	headerCursor = "X-Pagination-Cursor"
	headerNext   = "X-Pagination-Cursor-Next"
)

// referenceRegion is a region as version 2 tells it: statuses have other names
// there, and services are names only.
func referenceRegion(r RegionSpec) map[string]any {
	status := map[string]string{Up: "ENABLED", Down: "DISABLED", Maintenance: "MAINTENANCE"}[cmp.Or(r.Status, Up)]
	return map[string]any{
		"name":              r.Name,
		"status":            status,
		"continent":         r.Continent,
		"country":           r.Country,
		"datacenterName":    cmp.Or(r.Datacenter, r.Name),
		"availabilityZones": orEmpty(r.Zones),
		"services":          orEmpty(r.Services),
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func listReferenceRegions(c *call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []map[string]any{}
	for _, name := range c.order {
		all = append(all, referenceRegion(c.regions[name].spec))
	}
	return page(c, all)
}

// page cuts one page out of a list. A cursor is opaque to clients.
func page[T any](c *call, all []T) ([]T, error) {
	size, start := c.options.PageSize, 0
	if wanted := c.r.Header.Get(headerSize); wanted != "" {
		n, err := strconv.Atoi(wanted)
		if err != nil || n < 1 {
			return nil, errInvalidParameter(headerSize + " is no positive number")
		}
		size = n
	}
	if cursor := c.r.Header.Get(headerCursor); cursor != "" {
		n, ok := fromCursor(cursor)
		if !ok || n > len(all) {
			return nil, errInvalidParameter(headerCursor + " is no cursor of this list")
		}
		start = n
	}
	end := min(start+size, len(all))
	if end < len(all) {
		c.w.Header().Set(headerNext, toCursor(end))
	}
	return slices.Clip(all[start:end]), nil
}

const cursorPrefix = "from:"

func toCursor(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + strconv.Itoa(n)))
}

func fromCursor(cursor string) (int, bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(string(decoded), cursorPrefix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0
}

func getReferenceRegion(c *call) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.regions[c.vars["regionName"]]
	if !ok {
		return nil, errRegionNotFound(c.vars["regionName"])
	}
	return referenceRegion(r.spec), nil
}
