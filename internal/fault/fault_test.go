package fault_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/fault"
)

func TestOf(t *testing.T) {
	cause := errors.New("cause")
	throttled := &fault.Error{Class: fault.Throttled, Reason: fault.Throttling, After: time.Minute, Err: cause}
	for name, test := range map[string]struct {
		err    error
		class  fault.Class
		reason fault.Reason
		after  time.Duration
	}{
		"an unclassified error is transient":     {cause, fault.Transient, fault.Unclassified, 0},
		"a classified one keeps its class":       {throttled, fault.Throttled, fault.Throttling, time.Minute},
		"also when it is wrapped":                {fmt.Errorf("put: %w", throttled), fault.Throttled, fault.Throttling, time.Minute},
		"of several joined the first one counts": {errors.Join(cause, fault.New(fault.Terminal, fault.ClockSkew, "x"), throttled), fault.Terminal, fault.ClockSkew, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := fault.Of(test.err)
			if got.Class != test.class || got.Reason != test.reason || got.After != test.after {
				t.Errorf("Of gives %+v", got)
			}
			if !errors.Is(got, test.err) || got.Error() != test.err.Error() {
				t.Errorf("Of loses the message: %q", got)
			}
		})
	}
	if fault.Of(nil) != nil {
		t.Error("no error is classified")
	}
}

func TestErrorWithoutACauseSaysItsReason(t *testing.T) {
	if got := (&fault.Error{Reason: fault.ClockSkew}).Error(); got != "ClockSkew" {
		t.Errorf("the message is %q", got)
	}
}

func TestHasReason(t *testing.T) {
	err := fmt.Errorf("x: %w", fault.New(fault.Terminal, fault.NotOwner, "y"))
	if !fault.HasReason(err, fault.NotOwner) || fault.HasReason(err, fault.ClockSkew) || fault.HasReason(nil, fault.NotOwner) {
		t.Error("HasReason does not look at the chain")
	}
}

func TestClassNames(t *testing.T) {
	want := map[fault.Class]string{fault.Transient: "transient", fault.Throttled: "throttled", fault.Waiting: "waiting", fault.Terminal: "terminal"}
	for class, name := range want {
		if class.String() != name {
			t.Errorf("class %d is called %s, want %s", class, class, name)
		}
	}
}

// Reasons reach users as reasons of conditions, so every one has a documented
// constant in the API.
func TestEveryReasonIsInTheAPI(t *testing.T) {
	documented := map[string]bool{}
	for _, value := range constants(t, "../../api/v1alpha1/reasons.go") {
		documented[value] = true
	}
	reasons := constants(t, "reason.go")
	if len(reasons) < 20 {
		t.Fatalf("only %d reasons were read", len(reasons))
	}
	for _, reason := range reasons {
		if !documented[reason] {
			t.Errorf("the reason %s has no constant in api/v1alpha1", reason)
		}
	}
}

// constants gives the values of the string constants in a file.
func constants(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, isValue := node.(*ast.ValueSpec)
		if !isValue {
			return true
		}
		for _, value := range spec.Values {
			if literal, isLiteral := value.(*ast.BasicLit); isLiteral && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
		return true
	})
	return values
}
