package condition_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/internal/condition"
)

func at(second int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 11, 22, 0, 0, second, 0, time.UTC))
}

func TestSetKeepsTheTimeOfTransitionAsLongAsTheStatusStays(t *testing.T) {
	var list []metav1.Condition
	condition.Set(&list, condition.False("Ready", "A", "first"), 1, at(1))
	condition.Set(&list, condition.False("Ready", "B", "second"), 2, at(2))
	want := metav1.Condition{Type: "Ready", Status: "False", Reason: "B", Message: "second", ObservedGeneration: 2, LastTransitionTime: at(1)}
	if diff := cmp.Diff([]metav1.Condition{want}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	condition.Set(&list, condition.True("Ready", "C", ""), 3, at(3))
	if list[0].LastTransitionTime != at(3) {
		t.Errorf("the time of transition is %s", list[0].LastTransitionTime)
	}
	condition.Remove(&list, "Ready")
	if len(list) != 0 {
		t.Errorf("left: %v", list)
	}
}

func TestJoin(t *testing.T) {
	yes, no, dunno := condition.True("a", "Yes", ""), condition.False("b", "No", "not so"), condition.Unknown("c", "Who", "knows")
	for name, test := range map[string]struct {
		parts []metav1.Condition
		want  metav1.Condition
	}{
		"all True is True":            {[]metav1.Condition{yes, yes}, condition.True("j", "Succeeded", "")},
		"nothing is True":             {nil, condition.True("j", "Succeeded", "")},
		"one Unknown makes Unknown":   {[]metav1.Condition{yes, dunno}, condition.Unknown("j", "Who", "knows")},
		"one False makes False first": {[]metav1.Condition{dunno, yes, no}, condition.False("j", "No", "not so")},
	} {
		if diff := cmp.Diff(test.want, condition.Join("j", test.parts...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTransitions(t *testing.T) {
	before := []metav1.Condition{condition.True("same", "A", "x"), condition.True("status", "A", ""), condition.False("reason", "A", "")}
	after := []metav1.Condition{
		condition.True("same", "A", "another message"), condition.False("status", "A", ""),
		condition.False("reason", "B", ""), condition.True("new", "A", ""),
	}
	var got []string
	for _, transition := range condition.Transitions(before, after) {
		got = append(got, transition.After.Type+" from "+string(transition.Before.Status))
	}
	if diff := cmp.Diff([]string{"status from True", "reason from False", "new from "}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMessagesAreCutAtACharacter(t *testing.T) {
	for _, length := range []int{1022, 1024, 1026, 1027, 5000} {
		message := condition.True("x", "y", strings.Repeat("é", length/2)+strings.Repeat("x", length%2)).Message
		if len(message) > 1024 || !utf8.ValidString(message) || (length > 1024) != strings.HasSuffix(message, "…") {
			t.Errorf("a message of %d bytes became %d bytes: …%q", length, len(message), message[len(message)-8:])
		}
	}
}

func TestPrefixed(t *testing.T) {
	if got := condition.Prefixed(condition.False("a", "b", "down"), "copy at x").Message; got != "copy at x: down" {
		t.Errorf("the message is %q", got)
	}
	if got := condition.Prefixed(condition.True("a", "b", ""), "copy at x").Message; got != "copy at x" {
		t.Errorf("the message is %q", got)
	}
}
