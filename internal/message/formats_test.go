package message_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module  = "github.com/rempart/rempart"
	itself  = module + "/internal/message"
	aFormat = itself + ".Format"
)

// goPackage is what the go command says about a package, its tests left out.
type goPackage struct {
	ImportPath, Dir, Export string
	GoFiles, Imports        []string
}

// list asks the go command about packages.
func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,Imports"}, args...)...)
	command.Stderr = os.Stderr
	listed, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// speaking are the packages of the module that have messages.
func speaking(t *testing.T) []goPackage {
	t.Helper()
	packages := slices.DeleteFunc(list(t, module+"/..."), func(p goPackage) bool { return !slices.Contains(p.Imports, itself) })
	if len(packages) < 5 {
		t.Fatalf("only %d packages import %s", len(packages), itself)
	}
	return packages
}

// readerOfExports reads what packages import.
func readerOfExports(t *testing.T, files *token.FileSet, packages []goPackage) types.Importer {
	t.Helper()
	args := []string{"-deps", "-export"}
	for _, p := range packages {
		args = append(args, p.ImportPath)
	}
	exports := map[string]string{}
	for _, p := range list(t, args...) {
		exports[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}

// formatsInCode finds every format in the code by its type, with the place where it
// stands, and complains of calls whose arguments do not fit.
func formatsInCode(t *testing.T) map[string]string {
	t.Helper()
	packages, files := speaking(t), token.NewFileSet()
	read := readerOfExports(t, files, packages)
	found := map[string]string{}
	for _, p := range packages {
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := (&types.Config{Importer: read}).Check(p.ImportPath, files, parsed, info); err != nil {
			t.Fatal(err)
		}
		for expression, is := range info.Types {
			at := files.Position(expression.Pos())
			where := fmt.Sprintf("%s/%s:%d", strings.TrimPrefix(p.ImportPath, module+"/"), filepath.Base(at.Filename), at.Line)
			if is.Type != nil && is.Type.String() == aFormat && is.Value != nil && constant.StringVal(is.Value) != "" {
				found[constant.StringVal(is.Value)] = where
			}
			if call, isCall := expression.(*ast.CallExpr); isCall {
				for _, problem := range problemsOf(call, info) {
					t.Errorf("%s: %s", where, problem)
				}
			}
		}
	}
	return found
}

// problemsOf says what is wrong with a call that is given a format.
func problemsOf(call *ast.CallExpr, info *types.Info) []string {
	if function := info.Types[call.Fun]; function.IsType() {
		if function.Type.String() == aFormat && info.Types[call].Value == nil {
			return []string{"a format is made of what is no constant, so that nothing can look for its French"}
		}
		return nil
	}
	if function, isNamed := call.Fun.(*ast.SelectorExpr); isNamed && function.Sel.Name == "Verbatim" && isWords(call.Args[0], info) {
		return []string{"words of the code are said verbatim, in English alone"}
	}
	signature, isFunction := types.Unalias(info.Types[call.Fun].Type).(*types.Signature)
	if !isFunction || !signature.Variadic() || signature.Params().Len() < 2 || call.Ellipsis.IsValid() {
		return nil
	}
	position := signature.Params().Len() - 2
	if rest := signature.Params().At(position + 1).Type().(*types.Slice); rest.Elem().String() != "any" {
		return nil // it joins texts
	}
	if signature.Params().At(position).Type().String() != aFormat || info.Types[call.Args[position]].Value == nil {
		return nil
	}
	return misfits(constant.StringVal(info.Types[call.Args[position]].Value), call.Args[position+1:], info)
}

// misfits says which arguments do not fit a format.
func misfits(format string, args []ast.Expr, info *types.Info) []string {
	wanted, err := verbsOf(format)
	if err != nil {
		return []string{err.Error()}
	}
	if len(wanted) != len(args) {
		return []string{fmt.Sprintf("%q takes %d arguments and is given %d", format, len(wanted), len(args))}
	}
	var problems []string
	for i, arg := range args {
		if isWords(arg, info) {
			problems = append(problems, fmt.Sprintf("%q: argument %d is words of the code, which belong into the format", format, i+1))
		}
		if isNumber := isInteger(info.Types[arg].Type); isNumber != (wanted[i+1] == "d") {
			problems = append(problems, fmt.Sprintf("%q: argument %d is a %s", format, i+1, info.Types[arg].Type))
		}
	}
	return problems
}

// isWords tells whether an argument is a text that the code itself has.
func isWords(arg ast.Expr, info *types.Info) bool {
	value := info.Types[arg].Value
	return value != nil && value.Kind() == constant.String
}

func isInteger(of types.Type) bool {
	basic, isBasic := of.Underlying().(*types.Basic)
	if !isBasic || basic.Info()&types.IsInteger == 0 {
		return false
	}
	return types.NewMethodSet(of).Lookup(nil, "String") == nil
}
