package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/test/harness"
)

// store is one S3 server as a client sees it.
type store struct {
	endpoint, region, accessKey, secretKey string
	// caFile is empty without TLS.
	caFile string
	// folder is what the server keeps its data in.
	folder string
}

// end is a bucket in a store.
type end struct {
	store
	bucket string
}

// url is where the bucket is.
func (e end) url() string { return e.endpoint + "/" + e.bucket }

// pair are the stores of the two ends.
type pair struct{ source, target store }

// stores are two real servers, and the same two with TLS over the same folders.
type stores struct{ plain, secure pair }

func (s stores) of(w work) pair {
	if w.isTLS {
		return s.secure
	}
	return s.plain
}

func (b *bench) startStores(ctx context.Context) (err error) {
	for _, side := range []struct {
		name          string
		plain, secure *store
	}{
		{"source", &b.stores.plain.source, &b.stores.secure.source},
		{"target", &b.stores.plain.target, &b.stores.secure.target},
	} {
		if *side.plain, err = b.start(ctx, side.name, false, store{}); err != nil {
			return err
		}
		if *side.secure, err = b.start(ctx, side.name, true, *side.plain); err != nil {
			return err
		}
	}
	return nil
}

// start starts a server over the folder of a side, with the keys of the other one
// over it.
func (b *bench) start(ctx context.Context, name string, isTLS bool, other store) (store, error) {
	server, err := harness.StartVersity(ctx, harness.VersityOptions{
		Dir: filepath.Join(b.dir, name), TLS: isTLS, AccessKey: other.accessKey, SecretKey: other.secretKey, Output: b.out,
	})
	if err != nil {
		return store{}, err
	}
	b.undo = append(b.undo, server.Stop)
	return store{
		endpoint: server.Endpoint, region: server.Region, accessKey: server.AccessKey, secretKey: server.SecretKey,
		caFile: server.CAFile, folder: filepath.Join(b.dir, name),
	}, nil
}

func (s store) session() (provider.Session, error) {
	place := provider.Place{
		Provider: "bench", Location: "loopback", Endpoint: s.endpoint, Region: s.region, Addressing: provider.PathStyle,
	}
	if s.caFile != "" {
		bundle, err := os.ReadFile(s.caFile)
		if err != nil {
			return nil, err
		}
		place.CABundle = bundle
	}
	opened, err := s3.Driver{}.Open(place, provider.Credentials{
		provider.AccessKey: secret.New(s.accessKey), provider.SecretKey: secret.New(s.secretKey),
	})
	if err != nil {
		return nil, err
	}
	return provider.Intercept(opened, retry.New(retry.Options{})), nil
}

// newBucket makes an empty bucket.
func (s store) newBucket(ctx context.Context) (end, error) {
	opened, err := s.session()
	if err != nil {
		return end{}, err
	}
	made := end{store: s, bucket: harness.BucketName()}
	return made, opened.CreateBucket(ctx, provider.Bucket{Name: made.bucket})
}

// remove takes a bucket away with all that is in it. Thousands of requests would do
// the same, and keep the next turn waiting.
func (e end) remove() error { return e.removeUnder("") }

// removeUnder removes what is under a folder of the bucket from the server's own
// folders: that of the data and, where it has one, that of the metadata.
func (e end) removeUnder(folder string) error {
	for _, kind := range []string{"data", "metadata"} {
		if err := os.RemoveAll(filepath.Join(e.folder, kind, e.bucket, folder)); err != nil {
			return err
		}
	}
	return nil
}

// check makes sure that a bucket holds the objects of a work.
func (e end) check(ctx context.Context, d data) error {
	opened, err := e.session()
	if err != nil {
		return err
	}
	objects, size := 0, int64(0)
	for object, err := range provider.List(ctx, opened, e.bucket, provider.ListOptions{Prefix: keyPrefix}) {
		if err != nil {
			return err
		}
		objects++
		size += object.Size
	}
	if objects != len(d.sizes) || size != d.total() {
		return fmt.Errorf("%d objects of %d bytes arrived, want %d of %d", objects, size, len(d.sizes), d.total())
	}
	return nil
}
