package app

import (
	"github.com/go-logr/logr"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// deepestLevel is the most that the operator logs, whatever it is asked for. At 6
// the library that speaks to the API server logs which requests it makes; at 7 it
// would add their headers, and from 8 on whole requests and answers, with all
// Secrets in them (client-go v0.37, rest.Request and transport.DebugWrappers).
const deepestLevel = 6

// NewLogger makes the logger of the operator. No credential reaches it at any
// level.
func NewLogger(options ...zap.Opts) logr.Logger {
	return zap.New(append(options, func(o *zap.Options) {
		if o.Level != nil { // the default is far above
			o.Level = boundedLevel{o.Level}
		}
	})...)
}

// boundedLevel is a level that goes no deeper than deepestLevel.
type boundedLevel struct{ zapcore.LevelEnabler }

// Enabled implements zapcore.LevelEnabler, to which deeper levels are lower.
func (b boundedLevel) Enabled(level zapcore.Level) bool {
	return level >= -deepestLevel && b.LevelEnabler.Enabled(level)
}
