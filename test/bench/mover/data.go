package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/test/harness"
)

const keyPrefix = "registres/"

// keyOf is the key of an object.
func keyOf(i int) string { return fmt.Sprintf("%s%04d/%06d", keyPrefix, i/100, i) }

// data are the objects of a work, by their sizes.
type data struct{ sizes []int64 }

func (d data) total() (total int64) {
	for _, size := range d.sizes {
		total += size
	}
	return total
}

// alike gives objects of one size.
func alike(objects int, size int64) data { return data{slices.Repeat([]int64{size}, objects)} }

// Bounds and spread of the mixed sizes: half of the objects are below a quarter of
// a MiB, and a few hold most of the bytes.
const (
	mixedLeast, mixedMost = 1 << 10, 64 << 20
	mixedSpread           = 2.2
)

// mixed gives objects of log-normal sizes with about so many bytes in all, the same
// every time. The middle of the distribution is found by halving.
func mixed(objects int, total int64) data {
	low, high := math.Log(mixedLeast), math.Log(mixedMost)
	var drawn data
	for range 40 {
		middle := (low + high) / 2
		drawn = drawMixed(objects, middle)
		if drawn.total() < total {
			low = middle
		} else {
			high = middle
		}
	}
	return drawn
}

func drawMixed(objects int, middle float64) data {
	random := rand.New(rand.NewPCG(1, 2))
	sizes := make([]int64, objects)
	for i := range sizes {
		size := math.Exp(middle + mixedSpread*random.NormFloat64())
		sizes[i] = int64(min(max(size, mixedLeast), mixedMost))
	}
	return data{sizes}
}

// fill makes the source of a work: no two objects have the same content.
func (d data) fill(ctx context.Context, s store) (end, error) {
	made, err := s.newBucket(ctx)
	if err != nil {
		return end{}, err
	}
	server := harness.S3Server{Endpoint: s.endpoint, Region: s.region, AccessKey: s.accessKey, SecretKey: s.secretKey, CAFile: s.caFile}
	client, err := server.Client()
	if err != nil {
		return end{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, size := range d.sizes {
		group.Go(func() error {
			_, err := client.PutObject(ctx, made.bucket, keyOf(i), bytes.NewReader(contentOf(i, size)), size,
				minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
			return err
		})
	}
	return made, group.Wait()
}

func contentOf(i int, size int64) []byte {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(i))
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(content)
	return content
}
