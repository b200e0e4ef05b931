package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// hunter tries mutants.
type hunter struct {
	out io.Writer
	dir string
	// quick matches the tests that the page about policies names for its rules, which
	// are tried first.
	quick string
	// survived are the mutants that no test noticed, broken those that are no program.
	survived, broken []string
	tried            int
}

// hunt tries the mutants of all targets, and fails if one survives or if there was no
// time for all.
func hunt(ctx context.Context, out io.Writer, wanted []target) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return fmt.Errorf("make a folder for what is broken: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	page, err := os.ReadFile(rulesPage)
	if err != nil {
		return fmt.Errorf("read which tests show the rules: %w", err)
	}
	h := &hunter{out: out, dir: dir, quick: quickTests(string(page))}
	for _, folder := range []string{rulesPackage, geoPackage} {
		if said, passes := h.test(ctx, folder); !passes {
			return fmt.Errorf("the tests of %s fail although nothing is broken:\n%s", folder, said)
		}
	}
	for _, t := range wanted {
		if err := h.tryAll(ctx, t); err != nil {
			return err
		}
	}
	return h.verdict()
}

// rulesPage has a table of every rule with the test that shows it.
const rulesPage = "docs/spec/sovereigntypolicy.md"

var testName = regexp.MustCompile("`(Test\\w+)`")

// quickTests matches the tests that a page names, and those of territories.
func quickTests(page string) string {
	names := []string{"TestClassify", "TestPerimetersNest"}
	for _, found := range testName.FindAllStringSubmatch(page, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return "^(" + strings.Join(slices.Compact(names), "|") + ")$"
}

// tryAll tries the mutants of a target.
func (h *hunter) tryAll(ctx context.Context, t target) error {
	mutants, err := mutantsOf(t)
	if err != nil {
		return err
	}
	for _, m := range mutants {
		if err := h.try(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// mutantsOf makes the mutants of a target, from the root of the repository.
func mutantsOf(t target) ([]mutant, error) {
	files, err := filepath.Glob(t.pattern)
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no file is %s: run it at the root of the repository", t.pattern)
	}
	var all []mutant
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read what is to be broken: %w", err)
		}
		mutants, err := find(file, string(content), t.lists, t.turns)
		if err != nil {
			return nil, err
		}
		all = append(all, mutants...)
	}
	return all, nil
}

// try runs the tests of a package with one file of it broken.
func (h *hunter) try(ctx context.Context, m mutant) error {
	overlay, err := h.overlay(m.file, m.content)
	if err != nil {
		return err
	}
	said, passes := h.test(ctx, filepath.Dir(m.file), "-overlay", overlay, "-run", h.quick)
	if passes { // none of those, which take a moment; so all of them, which take longer
		said, passes = h.test(ctx, filepath.Dir(m.file), "-overlay", overlay)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("there was no time for more than %d mutants: %w", h.tried, ctx.Err())
	}
	h.tried++
	verdict := "noticed "
	switch {
	case passes:
		verdict = "SURVIVED"
		h.survived = append(h.survived, m.what)
	case strings.Contains(said, "[build failed]"):
		verdict = "NO PROGRAM"
		h.broken = append(h.broken, m.what+"\n"+said)
	}
	_, err = fmt.Fprintln(h.out, verdict, m.what)
	return err
}

func (h *hunter) overlay(file, content string) (string, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", file, err)
	}
	broken, overlay := filepath.Join(h.dir, "broken.go"), filepath.Join(h.dir, "overlay.json")
	encoded, err := json.Marshal(map[string]any{"Replace": map[string]string{absolute: broken}})
	if err != nil {
		return "", fmt.Errorf("encode the overlay: %w", err)
	}
	return overlay, errors.Join(os.WriteFile(broken, []byte(content), 0o600), os.WriteFile(overlay, encoded, 0o600))
}

// test runs the tests of a folder until the first that fails.
func (h *hunter) test(ctx context.Context, folder string, flags ...string) (said string, passes bool) {
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off", "-timeout=2m"}, flags...)
	command := exec.CommandContext(ctx, "go", append(args, "./"+folder)...)
	output, err := command.CombinedOutput()
	return string(output), err == nil
}

func (h *hunter) verdict() error {
	_, err := fmt.Fprintf(h.out, "%d mutants, %d survived\n", h.tried, len(h.survived))
	switch {
	case len(h.broken) > 0:
		return fmt.Errorf("%d mutants are no programs, so nothing was tried:\n%s", len(h.broken), strings.Join(h.broken, "\n"))
	case len(h.survived) > 0:
		return fmt.Errorf("no test notices:\n  %s", strings.Join(h.survived, "\n  "))
	}
	return err
}
