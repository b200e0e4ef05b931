package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rempart/rempart/test/bench/document"
)

// bench is one run of all that is measured.
type bench struct {
	out      io.Writer
	rounds   int
	document string
	quick    bool
	// onlyPlacement and onlyAdmission leave everything else out.
	onlyPlacement, onlyAdmission bool
}

// run measures, and writes the figures where they are wanted.
func (b *bench) run(ctx context.Context) error {
	if !b.onlyAdmission {
		decided, err := b.decide(ctx)
		if err != nil {
			return err
		}
		if err := b.write("## Choosing places", decided.table()); err != nil {
			return err
		}
	}
	if b.onlyPlacement {
		return nil
	}
	admitted, err := b.admission(ctx)
	if err != nil {
		return err
	}
	return b.write("## Admission", admissionAbout+admitted)
}

func (b *bench) write(heading, text string) error {
	if b.document == "" {
		return nil
	}
	fmt.Fprintf(b.out, "writing %q into %s\n", heading, b.document)
	return document.Write(b.document, heading, text)
}
