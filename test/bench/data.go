package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/retry"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
	"github.com/rempart/rempart/test/harness"
)

// keyOf is the key of an object of a work.
func keyOf(i int) string { return fmt.Sprintf("registres/%04d/%06d", i/100, i) }

// fill makes the source of a work.
func (b *bench) fill(ctx context.Context, w work) (string, error) {
	bucket := harness.BucketName()
	if err := makeBucket(ctx, b.source, bucket); err != nil {
		return "", err
	}
	client, err := b.source.Client()
	if err != nil {
		return "", err
	}
	content := make([]byte, w.size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range w.objects {
		group.Go(func() error {
			_, err := client.PutObject(ctx, bucket, keyOf(i), bytes.NewReader(content), w.size,
				minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
			return err
		})
	}
	return bucket, group.Wait()
}

func session(server *harness.S3Server) (provider.Session, error) {
	opened, err := s3.Driver{}.Open(provider.Place{
		Provider: "bench", Location: "loopback", Endpoint: server.Endpoint, Region: server.Region, Addressing: provider.PathStyle,
	}, provider.Credentials{
		provider.AccessKey: secret.New(server.AccessKey), provider.SecretKey: secret.New(server.SecretKey),
	})
	if err != nil {
		return nil, err
	}
	return provider.Intercept(opened, retry.New(retry.Options{})), nil
}

func makeBucket(ctx context.Context, server *harness.S3Server, bucket string) error {
	opened, err := session(server)
	if err != nil {
		return err
	}
	return opened.CreateBucket(ctx, provider.Bucket{Name: bucket})
}

func removeBucket(ctx context.Context, server *harness.S3Server, bucket string) error {
	opened, err := session(server)
	if err != nil {
		return err
	}
	if _, err := provider.Empty(ctx, opened, bucket); err != nil {
		return err
	}
	return opened.DeleteBucket(ctx, bucket)
}

// checkCount makes sure that a contestant did its work.
func checkCount(ctx context.Context, server *harness.S3Server, bucket string, w work) error {
	opened, err := session(server)
	if err != nil {
		return err
	}
	objects, size := 0, int64(0)
	for object, err := range provider.List(ctx, opened, bucket, provider.ListOptions{Prefix: "registres/"}) {
		if err != nil {
			return err
		}
		objects++
		size += object.Size
	}
	if objects != w.objects || size != int64(w.objects)*w.size {
		return fmt.Errorf("%d objects of %d bytes arrived, want %d of %d", objects, size, w.objects, int64(w.objects)*w.size)
	}
	return nil
}
