package sigv4

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// canonicalRequest is what the client must have signed. Path and query enter as
// they came over the wire: decoding and encoding them again would accept a
// client that signs another encoding than it sends.
func canonicalRequest(r *http.Request, sig *Signature) string {
	return strings.Join([]string{
		r.Method,
		cmp.Or(RawPath(r), "/"),
		canonicalQuery(r.URL.RawQuery),
		canonicalHeaders(r, sig.headers),
		strings.Join(sig.headers, ";"),
		sig.payload,
	}, "\n")
}

// canonicalQuery sorts the parameters by name, then by value, and gives those
// without a value an empty one. The signature itself is left out.
func canonicalQuery(raw string) string {
	type parameter struct{ name, value string }
	var params []parameter
	for field := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(field, "=")
		if name == "" || name == "X-Amz-Signature" {
			continue
		}
		params = append(params, parameter{name, value})
	}
	slices.SortFunc(params, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	fields := make([]string, len(params))
	for i, p := range params {
		fields[i] = p.name + "=" + p.value
	}
	return strings.Join(fields, "&")
}

// canonicalHeaders renders the signed headers, sorted by name.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(slices.Values(names)) {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(canonicalValue(r, name))
		b.WriteByte('\n')
	}
	return b.String()
}

func canonicalValue(r *http.Request, name string) string {
	if name == "host" {
		return r.Host
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}
