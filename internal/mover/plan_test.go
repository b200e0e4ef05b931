package mover

import (
	"testing"
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

func TestEveryCombinationOfStreamsHasItsAction(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	source := &provider.Object{Key: "k", ETag: "s1", Size: 5, Modified: at}
	target := &provider.Object{Key: "k", ETag: "t1", Size: 5, Modified: at.Add(time.Hour)}
	known := &manifest.Entry{Key: "k", ETag: "s1", Size: 5, Modified: at, TargetETag: "t1"}
	changed := func(o provider.Object, change func(*provider.Object)) *provider.Object { change(&o); return &o }
	tests := map[string]struct {
		source, target *provider.Object
		known          *manifest.Entry
		want           action
		ignoring       action // what is done where deletes are not propagated
	}{
		"nowhere but in the manifest":                   {nil, nil, known, forget, forget},
		"at the target only":                            {nil, target, nil, remove, keep},
		"at the target and in the manifest":             {nil, target, known, remove, keep},
		"at the source only":                            {source, nil, nil, create, create},
		"at the source and in the manifest":             {source, nil, known, create, create},
		"everywhere and as it was":                      {source, target, known, skip, skip},
		"at both sides and not known":                   {source, target, nil, compare, compare},
		"at both sides with other sizes":                {changed(*source, func(o *provider.Object) { o.Size = 6 }), target, nil, overwrite, overwrite},
		"changed at the source":                         {changed(*source, func(o *provider.Object) { o.ETag = "s2" }), target, known, overwrite, overwrite},
		"written at the source again":                   {changed(*source, func(o *provider.Object) { o.Modified = at.Add(1) }), target, known, overwrite, overwrite},
		"changed and of another size":                   {changed(*source, func(o *provider.Object) { o.Size = 6 }), target, known, overwrite, overwrite},
		"changed at the target":                         {source, changed(*target, func(o *provider.Object) { o.ETag = "t2" }), known, compare, compare},
		"changed at the target and of another size":     {source, changed(*target, func(o *provider.Object) { o.Size = 6 }), known, overwrite, overwrite},
		"changed at both sides":                         {changed(*source, func(o *provider.Object) { o.ETag = "s2" }), changed(*target, func(o *provider.Object) { o.ETag = "t2" }), known, overwrite, overwrite},
		"of another size at the target, under its ETag": {source, changed(*target, func(o *provider.Object) { o.Size = 6 }), known, overwrite, overwrite},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := step{key: "k", source: test.source, target: test.target, known: test.known}
			if got := (policy{deletes: PropagateDeletes}).decide(s); got != test.want {
				t.Errorf("action %d, want %d", got, test.want)
			}
			if got := (policy{deletes: IgnoreDeletes}).decide(s); got != test.ignoring {
				t.Errorf("action %d where deletes are ignored, want %d", got, test.ignoring)
			}
		})
	}
}

func TestReservedKeysAreRefused(t *testing.T) {
	tests := map[string]struct {
		key, sourcePrefix, targetPrefix string
		want                            action
	}{
		"an ordinary key":                       {"a", "", "", create},
		"a key that only looks like it":         {".rempart", "", "", create},
		"a key with it in the middle":           {"a/.rempart/x", "", "", create},
		"a reserved key":                        {".rempart/x", "", "", refuse},
		"reserved at the source by its prefix":  {"x", ".rempart/", "", refuse},
		"reserved at the target by its prefix":  {"x", "", ".rempart/", refuse},
		"reserved by prefix and key together":   {"part/x", "", ".rem", refuse},
		"not reserved behind the prefix":        {".rempart/x", "data/", "copy/", create},
		"reserved once the prefix is taken off": {".rempart/x", "data/", "", refuse},
		"the prefix itself":                     {"", "data/", "copy/", refuse},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := policy{sourcePrefix: test.sourcePrefix, targetPrefix: test.targetPrefix}
			if got := p.decide(step{key: test.key, source: &provider.Object{}}); got != test.want {
				t.Errorf("action %d, want %d", got, test.want)
			}
		})
	}
}

func TestAnEntryCountsOnlyWhileTheTargetHoldsIt(t *testing.T) {
	known := &manifest.Entry{Key: "k", Size: 5, TargetETag: "t1"}
	tests := map[string]struct {
		target *provider.Object
		want   bool
	}{
		"as it was":       {&provider.Object{ETag: "t1", Size: 5}, true},
		"gone":            {nil, false},
		"another ETag":    {&provider.Object{ETag: "t2", Size: 5}, false},
		"of another size": {&provider.Object{ETag: "t1", Size: 6}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := step{key: "k", target: test.target, known: known}.outcome()
			if (o.entry != nil) != test.want || o.atTarget != (test.target != nil) || o.atSource {
				t.Errorf("outcome %+v", o)
			}
		})
	}
}
