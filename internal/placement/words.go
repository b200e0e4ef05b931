package placement

import (
	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/message"
)

// String says it in English.
func (o Objection) String() string { return o.Text().String() }

// Text reads: policy etat-civil, residency: CA is outside FR (OutsidePerimeter).
func (o Objection) Text() message.Text {
	who := message.Verbatim(string(o.Rule))
	if o.Policy != "" {
		who = message.Of("policy %s, %s", o.Policy, o.Rule)
	}
	switch o.Role {
	case v1alpha1.RolePrimary:
		who = message.Of("%s, not as primary", who)
	case v1alpha1.RoleReplica:
		who = message.Of("%s, not as replica", who)
	}
	switch {
	case o.Exception != "":
		who = message.Of("%s, excepted", who)
	case o.Action == v1alpha1.ActionWarn:
		who = message.Of("%s, only a warning", who)
	case o.Action == v1alpha1.ActionAudit:
		who = message.Of("%s, only recorded", who)
	}
	return message.Of("%s: %s (%s)", who, o.Message, o.Reason)
}

// counted is a number with its noun: one of them is said without the number.
func counted(n int, one, many message.Format) message.Text {
	if n == 1 {
		return message.Of(one)
	}
	return message.Of(many, n)
}
