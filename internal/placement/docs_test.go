package placement_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
)

// row is one of the table of rules in docs/spec/sovereigntypolicy.md.
type row struct{ rule, field, reason, message, test string }

func documentedRules(t *testing.T) []row {
	t.Helper()
	page, err := os.ReadFile("../../docs/spec/sovereigntypolicy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| rule | field | reason | message | test |\n|---|---|---|---|---|\n")
	if !found {
		t.Fatal("the page has no table of rules")
	}
	var rows []row
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 {
			t.Fatalf("a row has %d cells: %s", len(cells), line)
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		rows = append(rows, row{cells[0], cells[1], cells[2], cells[3], cells[4]})
	}
	return rows
}

// source is what the code of the package says, tests left out or alone.
type source struct {
	// texts are the constant strings, with … for what is filled in.
	texts map[string]bool
	// raised are the rules and reasons of objections, as rule/reason.
	raised map[string]bool
	// rules are the names of rules by their constants.
	rules map[string]string
	tests map[string]bool
}

var verb = regexp.MustCompile(`%(\[\d+\])?[sdvq]`)

func readSource(t *testing.T) source {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("source: %v (%v)", files, err)
	}
	read := source{texts: map[string]bool{}, raised: map[string]bool{}, rules: map[string]string{}, tests: map[string]bool{}}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			for _, declared := range parsed.Decls {
				if function, is := declared.(*ast.FuncDecl); is {
					read.tests[function.Name.Name] = true
				}
			}
			continue
		}
		ast.Inspect(parsed, read.take)
	}
	return read
}

// take takes up what a node says.
func (s source) take(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.BinaryExpr, *ast.BasicLit:
		if text, is := constant(node.(ast.Expr)); is {
			text = strings.ReplaceAll(verb.ReplaceAllString(text, "…"), "%%", "%")
			s.texts[strings.ReplaceAll(text, "…/…", "…")] = true
		}
	case *ast.ValueSpec:
		if kind, is := node.Type.(*ast.Ident); is && kind.Name == "Rule" {
			s.rules[node.Names[0].Name], _ = constant(node.Values[0])
		}
	case *ast.CallExpr:
		if function, is := node.Fun.(*ast.Ident); is && function.Name == "object" {
			rule, isRule := node.Args[0].(*ast.Ident)
			reason, isReason := node.Args[1].(*ast.SelectorExpr)
			if isRule && isReason {
				s.raised[rule.Name+"/"+strings.TrimPrefix(reason.Sel.Name, "Reason")] = true
			}
		}
	}
	return true
}

// constant is the text of a constant string, which may be written in parts.
func constant(expression ast.Expr) (string, bool) {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expression.Value)
		return text, err == nil && expression.Kind == token.STRING
	case *ast.BinaryExpr:
		left, isLeft := constant(expression.X)
		right, isRight := constant(expression.Y)
		return left + right, isLeft && isRight && expression.Op == token.ADD
	}
	return "", false
}

// The table in the page is what the code does: every rule with every reason, in the
// code's words, of fields that there are, shown by tests that there are.
func TestThePageSaysWhatEveryRuleDoes(t *testing.T) {
	rows, code := documentedRules(t), readSource(t)
	if len(rows) < 20 || len(code.raised) < 15 {
		t.Fatalf("%d rows, %d kinds of objections", len(rows), len(code.raised))
	}
	var raised, documented []string
	for pair := range code.raised {
		constant, reason, _ := strings.Cut(pair, "/")
		raised = append(raised, code.rules[constant]+"/"+reason)
	}
	for _, row := range rows {
		documented = append(documented, row.rule+"/"+row.reason)
		if !code.texts[row.message] {
			t.Errorf("rule %s does not say %q", row.rule, row.message)
		}
		if !code.tests[row.test] {
			t.Errorf("rule %s: there is no test %s", row.rule, row.test)
		}
		if row.field != "" && !hasField(reflect.TypeFor[v1alpha1.SovereigntyPolicySpec](), row.field) {
			t.Errorf("rule %s: a policy has no field %s", row.rule, row.field)
		}
	}
	for _, pairs := range []*[]string{&raised, &documented} {
		slices.Sort(*pairs)
		*pairs = slices.Compact(*pairs)
	}
	if diff := cmp.Diff(raised, documented); diff != "" {
		t.Errorf("rules with their reasons (-code +page):\n%s", diff)
	}
	for constant, rule := range code.rules {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.rule == rule }) {
			t.Errorf("rule %s (%s) is not in the page", rule, constant)
		}
	}
}

// hasField tells whether a path such as attestations[].scheme leads somewhere in the
// JSON of a type.
func hasField(in reflect.Type, path string) bool {
	name, rest, _ := strings.Cut(path, ".")
	for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
		in = in.Elem()
	}
	if in.Kind() != reflect.Struct {
		return false
	}
	for field := range in.Fields() {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == strings.TrimSuffix(name, "[]") {
			return rest == "" || hasField(field.Type, rest)
		}
	}
	return false
}
