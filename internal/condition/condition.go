// Package condition works on lists of conditions: setting one, comparing two
// lists, joining several conditions into one. It is pure.
//
// Start reading at Set.
package condition

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maximumMessage bounds a condition's message: the API allows more, readers do not.
const maximumMessage = 1024

// True makes a condition that holds.
func True(conditionType, reason, message string) metav1.Condition {
	return build(conditionType, metav1.ConditionTrue, reason, message)
}

// False makes a condition that does not hold.
func False(conditionType, reason, message string) metav1.Condition {
	return build(conditionType, metav1.ConditionFalse, reason, message)
}

// Unknown makes a condition of which it is not known whether it holds.
func Unknown(conditionType, reason, message string) metav1.Condition {
	return build(conditionType, metav1.ConditionUnknown, reason, message)
}

func build(conditionType string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: Shorten(message)}
}

// Shorten cuts a message to what a condition may hold.
func Shorten(message string) string {
	if len(message) <= maximumMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maximumMessage-len("…")], "") + "…"
}

// Set puts a condition into a list. The time of transition changes only with the
// status.
func Set(conditions *[]metav1.Condition, condition metav1.Condition, generation int64, now metav1.Time) {
	condition.ObservedGeneration = generation
	condition.LastTransitionTime = now
	existing := meta.FindStatusCondition(*conditions, condition.Type)
	if existing == nil {
		*conditions = append(*conditions, condition)
		return
	}
	if existing.Status == condition.Status {
		condition.LastTransitionTime = existing.LastTransitionTime
	}
	*existing = condition
}

// Remove takes a condition out of a list.
func Remove(conditions *[]metav1.Condition, conditionType string) {
	*conditions = slices.DeleteFunc(*conditions, func(c metav1.Condition) bool { return c.Type == conditionType })
}

// Join makes one condition of several: False if one is False, else Unknown if one
// is Unknown, else True. Reason and message are those of the first that decides.
func Join(conditionType string, parts ...metav1.Condition) metav1.Condition {
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, part := range parts {
			if part.Status == status {
				return build(conditionType, status, part.Reason, part.Message)
			}
		}
	}
	return True(conditionType, "Succeeded", "")
}

// Transition is a condition that is not what it was.
type Transition struct {
	// Before is the zero value for a condition that is new.
	Before, After metav1.Condition
}

// Transitions gives the conditions whose status or reason changed, in the order
// of the new list.
func Transitions(before, after []metav1.Condition) []Transition {
	var transitions []Transition
	for _, condition := range after {
		old := meta.FindStatusCondition(before, condition.Type)
		switch {
		case old == nil:
			transitions = append(transitions, Transition{After: condition})
		case old.Status != condition.Status || old.Reason != condition.Reason:
			transitions = append(transitions, Transition{Before: *old, After: condition})
		}
	}
	return transitions
}

// Prefixed gives the condition with its message beginning with what it is about.
func Prefixed(c metav1.Condition, about string) metav1.Condition {
	if c.Message == "" {
		c.Message = about
		return c
	}
	c.Message = about + ": " + c.Message
	return c
}
