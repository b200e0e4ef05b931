package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"

	"github.com/minio/minio-go/v7/pkg/signer"
	"golang.org/x/sync/errgroup"
)

// runBare runs the bare loop as a process of its own, so that its cost is its own.
func (b *bench) runBare(ctx context.Context, w work, from, to string) (measure, error) {
	command := exec.CommandContext(ctx, b.self, "bare",
		"-source", b.source.Endpoint+"/"+from, "-target", b.target.Endpoint+"/"+to,
		"-source-region", b.source.Region, "-target-region", b.target.Region,
		"-objects", strconv.Itoa(w.objects), "-workers", strconv.Itoa(w.workers))
	command.Env = append(os.Environ(), b.credentials()...)
	var output bytes.Buffer
	command.Stdout = &output
	m, err := timed(command)
	if err != nil {
		return m, err
	}
	var fromSource, toTarget int64
	if _, err := fmt.Fscan(&output, &fromSource, &toTarget); err != nil {
		return m, fmt.Errorf("read what the bare loop counted: %w", err)
	}
	m.sourceRequests, m.targetRequests = float64(fromSource)/float64(w.objects), float64(toTarget)/float64(w.objects)
	return m, nil
}

// credentials are handed over by the environment, as the mover takes them.
func (b *bench) credentials() []string {
	return []string{
		"SOURCE_KEY=" + b.source.AccessKey, "SOURCE_SECRET=" + b.source.SecretKey,
		"TARGET_KEY=" + b.target.AccessKey, "TARGET_SECRET=" + b.target.SecretKey,
	}
}

// bareLoop is the whole bare loop.
func bareLoop(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bare", flag.ExitOnError)
	source, target := flags.String("source", "", ""), flags.String("target", "", "")
	sourceRegion, targetRegion := flags.String("source-region", "", ""), flags.String("target-region", "", "")
	objects, workers := flags.Int("objects", 0, ""), flags.Int("workers", 1, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.DisableCompression = *workers, true
	client := &http.Client{Transport: transport}
	var fromSource, toTarget atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(*workers)
	for i := range *objects {
		group.Go(func() error {
			fromSource.Add(1)
			got, err := do(ctx, client, http.MethodGet, *source+"/"+keyOf(i), *sourceRegion, "SOURCE", nil, 0)
			if err != nil {
				return err
			}
			defer got.Body.Close()
			toTarget.Add(1)
			put, err := do(ctx, client, http.MethodPut, *target+"/"+keyOf(i), *targetRegion, "TARGET", got.Body, got.ContentLength)
			if err != nil {
				return err
			}
			_, _ = io.Copy(io.Discard, put.Body)
			return put.Body.Close()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Println(fromSource.Load(), toTarget.Load())
	return nil
}

// do sends one signed request whose body nobody hashes.
func do(ctx context.Context, client *http.Client, method, url, region, who string, body io.Reader, size int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	request.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	signed := signer.SignV4(*request, os.Getenv(who+"_KEY"), os.Getenv(who+"_SECRET"), "", region)
	response, err := client.Do(signed)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return nil, errors.Join(fmt.Errorf("%s %s: %s %s", method, url, response.Status, text), response.Body.Close())
	}
	return response, nil
}
