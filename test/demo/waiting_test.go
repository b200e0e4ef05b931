package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waiting is a demo whose operator runs until it ends.
func waiting(out io.Writer) (d *demo, ended chan struct{}) {
	ended = make(chan struct{})
	return &demo{out: out, operator: &operator{
		log: "no such log", ended: ended, failure: func() error { return errors.New("the operator ended") },
	}}, ended
}

func TestWhatMovesIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := waiting(io.Discard)
		started := time.Now()
		err := d.poll(t.Context(), "the copies", func() (string, bool, error) {
			took := time.Since(started)
			return fmt.Sprintf("%d minutes of copying", int(took.Minutes())), took > 10*patience, nil
		})
		if err != nil {
			t.Errorf("given up after %s although something moved: %v", time.Since(started), err)
		}
	})
}

func TestWhatDoesNotMoveIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := waiting(io.Discard)
		started := time.Now()
		err := d.poll(t.Context(), "the copies", func() (string, bool, error) {
			if time.Since(started) < time.Minute {
				return "one copy is missing", false, nil
			}
			return "the other copy is missing", false, nil
		})
		if took := time.Since(started).Round(time.Second); took != patience+time.Minute {
			t.Errorf("given up after %s, want %s", took, patience+time.Minute)
		}
		if err == nil || !strings.Contains(err.Error(), "the copies: nothing moved for 3m0s: the other copy is missing") {
			t.Errorf("it says %v", err)
		}
	})
}

func TestAnOperatorThatEndsIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ended := waiting(io.Discard)
		time.AfterFunc(time.Second, func() { close(ended) })
		started := time.Now()
		err := d.poll(t.Context(), "the copies", func() (string, bool, error) { return "waiting", false, nil })
		if err == nil || err.Error() != "the operator ended" || time.Since(started) > 2*time.Second {
			t.Errorf("after %s: %v", time.Since(started), err)
		}
	})
}

func TestProgressIsShownAfterTwoSeconds(t *testing.T) {
	defer func(before func() bool) { isTerminal = before }(isTerminal)
	for name, test := range map[string]struct {
		terminal bool
		takes    time.Duration
		want     string
	}{
		"what is quick shows nothing":           {false, 1500 * time.Millisecond, ""},
		"what is quick shows nothing to people": {true, 1500 * time.Millisecond, ""},
		"a plain line where nobody is watching": {false, 5 * time.Second, "   storing …\n"},
		"and more of them when it takes longer": {
			false, 14 * time.Second,
			"   storing …\n   storing [███████████████░░░░░░░░░░░░░░░] 50 B of 100 B 12s\n",
		},
		"a line drawn again for people, and taken away": {
			true, 2300 * time.Millisecond,
			"\r\x1b[K   storing [███████████████░░░░░░░░░░░░░░░] 50 B of 100 B 2s" +
				"\r\x1b[K   storing [███████████████░░░░░░░░░░░░░░░] 50 B of 100 B 2s\r\x1b[K",
		},
	} {
		t.Run(name, func(t *testing.T) {
			isTerminal = func() bool { return test.terminal }
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				d, _ := waiting(&out)
				bar := d.bar("storing", 100)
				bar.add(50)
				time.Sleep(test.takes)
				bar.done()
				if diff := cmp.Diff(test.want, out.String()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}
