package s3

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rempart/rempart/internal/provider"
)

// everybody is the principal that needs no key.
const everybody = "*"

// openStatement is as much of a statement as tells whether it opens the bucket.
type openStatement struct {
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       json.RawMessage
}

// isOpen tells whether a statement lets anybody in, with or without a condition:
// no key of Rempart's is needed then.
func (s openStatement) isOpen() bool {
	return strings.EqualFold(s.Effect, "Allow") && (len(s.NotPrincipal) > 0 || slices.Contains(principals(s.Principal), everybody))
}

// actions names what a statement allows.
func (s openStatement) actions() string {
	if len(s.NotAction) > 0 {
		return "all but " + strings.Join(principals(s.NotAction), ", ")
	}
	return strings.Join(principals(s.Action), ", ")
}

// openStatements names what a policy allows everybody to do. Text that is no
// policy at all is not an answer.
func openStatements(document []byte) (string, bool) {
	read, err := parsePolicy(document)
	if err != nil {
		return "", false
	}
	var actions []string
	for _, text := range read.statements {
		var s openStatement
		if json.Unmarshal(text, &s) != nil {
			return "", false
		}
		if s.isOpen() {
			actions = append(actions, s.actions())
		}
	}
	return openTo(actions), true
}

// withoutOpenStatements takes everybody out of a policy. What it says of others,
// the keys that Rempart issued among them, stays as it was written.
func withoutOpenStatements(bucket string, document []byte) ([]byte, error) {
	read, err := parsePolicy(document)
	if err != nil {
		return nil, err
	}
	kept := policy{fields: read.fields}
	for _, text := range read.statements {
		if left, some := closed(text); some {
			kept.statements = append(kept.statements, left)
		}
	}
	if len(kept.statements) == 0 {
		kept = kept.with(nobody(bucket))
	}
	return kept.encode()
}

// closed gives a statement without everybody, or false when nothing is left of it.
func closed(text json.RawMessage) (json.RawMessage, bool) {
	var s openStatement
	if json.Unmarshal(text, &s) != nil || !s.isOpen() {
		return text, true
	}
	if len(s.NotPrincipal) > 0 {
		return nil, false
	}
	return strip(text, everybody)
}

// nobody stands where the last statement was taken out, for the same reasons as
// placeholder, whose name it has, at any store: it denies everybody one key that
// nobody writes.
func nobody(bucket string) json.RawMessage {
	return statement{
		ID:       placeholderID,
		Effect:   "Deny",
		Action:   []string{"s3:PutObject"},
		Resource: []string{"arn:aws:s3:::" + bucket + "/" + provider.ReservedPrefix + "nobody"},
	}.by(everybody)
}
