package probe_test

import (
	"testing"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

func TestPartCRC(t *testing.T) {
	tests := map[string]struct {
		options emulator.Options
		match   emulator.Match
		effect  *emulator.Effect
		want    provider.Support
		fails   bool
	}{
		"a store that checks":            {want: provider.Supported},
		"a store that ignores sums":      {options: emulator.Options{IgnoreChecksums: true}, want: provider.Broken},
		"uploads with sums are refused":  {match: emulator.Match{Operation: "CreateMultipartUpload"}, effect: new(emulator.Fail(501, "NotImplemented")), want: provider.Unsupported},
		"parts with sums are refused":    {match: emulator.Match{Operation: "UploadPart"}, effect: new(emulator.Fail(400, "InvalidRequest")), want: provider.Unsupported},
		"the whole with sums is refused": {match: emulator.Match{Operation: "CompleteMultipartUpload"}, effect: new(emulator.Fail(501, "NotImplemented")), want: provider.Unsupported},
		"a store that does not answer":   {match: emulator.Match{Operation: "UploadPart"}, effect: new(emulator.ResetBefore()), want: provider.Unknown, fails: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.MinPartSize = -1
			server, session := start(t, test.options)
			if test.effect != nil {
				server.Faults().Add(test.match, *test.effect)
			}
			got, err := probe.PartCRC(t.Context(), session, bucket, prefix)
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
			if left := server.Buckets()[bucket]; left.Uploads != 0 || left.Keys != 0 {
				t.Errorf("the trial left %+v", left)
			}
		})
	}
}
