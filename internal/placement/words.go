package placement

import (
	"fmt"
	"strings"

	"github.com/rempart/rempart/api/v1alpha1"
)

// String reads: policy etat-civil, residency: CA is outside FR (OutsidePerimeter).
func (o Objection) String() string {
	who := string(o.Rule)
	if o.Policy != "" {
		who = "policy " + o.Policy + ", " + who
	}
	if o.Role != "" {
		who += ", not as " + strings.ToLower(string(o.Role))
	}
	switch {
	case o.Exception != "":
		who += ", excepted"
	case o.Action == v1alpha1.ActionWarn:
		who += ", only a warning"
	case o.Action == v1alpha1.ActionAudit:
		who += ", only recorded"
	}
	return fmt.Sprintf("%s: %s (%s)", who, o.Message, o.Reason)
}
