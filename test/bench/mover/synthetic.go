package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// Who does the synthetic work: the mover with fewer objects, and with all of them.
var (
	few   = contestant{ours + ", fewer", moverRun, readMover(skippedAll)}
	ofAll = contestant{ours, moverRun, readMover(skippedAll)}
)

// generated is a stage whose listings a server in this process makes up, so that no
// disk has to hold a million objects. Both ends list the same, and the manifest knows
// it. The contents are never asked for.
type generated struct {
	b      *bench
	server *emulator.Server
	counts map[string]int
}

// syntheticSize is the size that the objects are said to have.
const syntheticSize = 4 << 10

func synthetic(s scale) func(ctx context.Context, b *bench, w work) (stage, error) {
	return func(ctx context.Context, b *bench, _ work) (stage, error) {
		g := generated{
			b: b, server: emulator.New(emulator.Options{RequestLog: 1}),
			counts: map[string]int{few.name: s.syntheticFew, ofAll.name: s.synthetics},
		}
		if err := g.server.Listen("127.0.0.1:0"); err != nil {
			return nil, err
		}
		for name := range g.counts {
			if err := g.know(ctx, name); err != nil {
				g.end()
				return nil, fmt.Errorf("make up what the manifest says: %w", err)
			}
		}
		return g, nil
	}
}

// turnOf gives the turn of a contestant.
func (g generated) turnOf(name string) turn {
	n := g.counts[name]
	s := store{endpoint: g.server.URL, region: g.server.Region, accessKey: g.server.AccessKey, secretKey: g.server.SecretKey}
	return turn{
		source: end{s, fmt.Sprintf("source-%d", n)}, target: end{s, fmt.Sprintf("target-%d", n)}, objects: n, workers: manyWorkers,
	}
}

// know makes the two buckets of a contestant, and the manifest as if everything had
// been copied.
func (g generated) know(ctx context.Context, name string) error {
	t := g.turnOf(name)
	g.server.Synthetic(t.source.bucket, t.objects, syntheticSize)
	g.server.Synthetic(t.target.bucket, t.objects, syntheticSize)
	opened, err := t.target.session()
	if err != nil {
		return err
	}
	kept := manifest.Store{Objects: opened, Bucket: t.target.bucket}
	before, err := kept.Load(ctx, func(error) {})
	if err != nil {
		return err
	}
	now := time.Now()
	writer := kept.NewWriter(before, manifest.Range{}, manifest.SourceID(t.source.endpoint, t.source.bucket, ""), now)
	for object, err := range provider.List(ctx, opened, t.source.bucket, provider.ListOptions{}) {
		if err != nil {
			return err
		}
		digest := sha256.Sum256([]byte(object.Key)) // of something, for what matters is how long it is
		err := writer.Add(ctx, manifest.Entry{
			Key: object.Key, ETag: object.ETag, Size: object.Size, Modified: object.Modified,
			SHA256: hex.EncodeToString(digest[:]), TargetETag: object.ETag,
		})
		if err != nil {
			return err
		}
	}
	_, _, err = writer.Finish(ctx, now)
	return err
}

func (g generated) turn(ctx context.Context, c contestant) (measure, error) {
	return g.b.do(ctx, c, g.turnOf(c.name))
}

func (g generated) counted(context.Context, contestant) (measure, error) {
	return measure{}, errors.New("every contestant here counts for itself")
}

func (g generated) end() { g.server.Close() }
