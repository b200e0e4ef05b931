package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// mutant is one break of a file.
type mutant struct {
	file string
	// what was broken, as file:line and words.
	what string
	// content is the whole file with the break.
	content string
}

// find makes the mutants of a file: lists has one made of each list of functions
// without each of its entries, turns one with each condition turned round.
func find(name, content string, lists, turns bool) ([]mutant, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, content, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	text := source{files: files, name: name, content: content}
	var mutants []mutant
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			if lists {
				mutants = append(mutants, text.without(node)...)
			}
		case *ast.IfStmt:
			if turns {
				mutants = append(mutants, text.turned(node.Cond))
			}
		case *ast.SwitchStmt:
			if turns && node.Tag == nil {
				mutants = append(mutants, text.cases(node)...)
			}
		}
		return true
	})
	return mutants, nil
}

type source struct {
	files         *token.FileSet
	name, content string
}

// without makes a list without each of its entries. The comma after one goes with it.
func (s source) without(spec *ast.ValueSpec) []mutant {
	var mutants []mutant
	for _, value := range spec.Values {
		list, isList := value.(*ast.CompositeLit)
		if !isList {
			continue
		}
		for i, entry := range list.Elts {
			end := list.Rbrace
			if i+1 < len(list.Elts) {
				end = list.Elts[i+1].Pos()
			}
			mutants = append(mutants, s.replaced(entry, end, "", fmt.Sprintf("%s without %s", spec.Names[0].Name, s.text(entry))))
		}
	}
	return mutants
}

// turned makes the opposite of a condition.
func (s source) turned(condition ast.Expr) mutant {
	return s.replaced(condition, condition.End(), "!("+s.text(condition)+")", "not: "+s.text(condition))
}

// cases turns every condition of a switch without a tag round, one at a time.
func (s source) cases(statement *ast.SwitchStmt) []mutant {
	var mutants []mutant
	for _, clause := range statement.Body.List {
		for _, condition := range clause.(*ast.CaseClause).List {
			mutants = append(mutants, s.turned(condition))
		}
	}
	return mutants
}

func (s source) replaced(from ast.Node, end token.Pos, by, what string) mutant {
	position := s.files.Position(from.Pos())
	return mutant{
		file:    s.name,
		what:    fmt.Sprintf("%s:%d: %s", s.name, position.Line, strings.Join(strings.Fields(what), " ")),
		content: s.content[:position.Offset] + by + s.content[s.files.Position(end).Offset:],
	}
}

func (s source) text(of ast.Node) string {
	return s.content[s.files.Position(of.Pos()).Offset:s.files.Position(of.End()).Offset]
}
