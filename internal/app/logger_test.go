package app

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// The levels at which the client of the API server logs Secrets are out of reach.
func TestTheLogGoesNoDeeperThanIsSafe(t *testing.T) {
	for args, want := range map[string]string{
		"":                                  "0",
		"--zap-log-level=debug":             "0 1",
		"--zap-log-level=6":                 "0 1 6",
		"--zap-log-level=10":                "0 1 6",
		"--zap-log-level=100":               "0 1 6",
		"--zap-devel --zap-log-level=9":     "0 1 6",
		"--zap-encoder=console --zap-devel": "0 1",
	} {
		options := zap.Options{}
		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		options.BindFlags(flags)
		if err := flags.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		logger := NewLogger(zap.UseFlagOptions(&options), zap.WriteTo(&logged))
		var got []string
		for _, level := range []int{0, 1, 6, 7, 8, 10} {
			before := logged.Len()
			logger.V(level).Info("said")
			if logged.Len() > before {
				got = append(got, fmt.Sprint(level))
			}
			if (logged.Len() > before) != logger.V(level).Enabled() {
				t.Errorf("%q: level %d says that it is enabled: %t", args, level, logger.V(level).Enabled())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q logs the levels %s, want %s", args, got, want)
		}
	}
}
