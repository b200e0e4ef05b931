package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/minio/minio-go/v7/pkg/signer"
	"golang.org/x/sync/errgroup"

	"github.com/rempart/rempart/internal/provider"
)

// bareLoop is what the requests of a work cost and nothing else. It is a process of
// its own, so that its cost is its own.
type bareLoop struct {
	client           *http.Client
	source, target   bareEnd
	objects, workers int
}

// bareEnd is a bucket that requests are signed for.
type bareEnd struct {
	url, region, accessKey, secretKey string
	requests                          atomic.Int64
}

// bare is the whole bare loop. It prints how many requests each end got.
func bare(ctx context.Context, args []string) error {
	l := bareLoop{}
	flags := flag.NewFlagSet("bare", flag.ExitOnError)
	task := flags.String("task", "", "copy, list or read")
	flags.StringVar(&l.source.url, "source", "", "")
	flags.StringVar(&l.target.url, "target", "", "")
	flags.StringVar(&l.source.region, "source-region", "", "")
	flags.StringVar(&l.target.region, "target-region", "", "")
	bundle := flags.String("ca", "", "")
	flags.IntVar(&l.objects, "objects", 0, "")
	flags.IntVar(&l.workers, "workers", 1, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l.source.accessKey, l.source.secretKey = os.Getenv("SOURCE_KEY"), os.Getenv("SOURCE_SECRET")
	l.target.accessKey, l.target.secretKey = os.Getenv("TARGET_KEY"), os.Getenv("TARGET_SECRET")
	if err := l.connect(*bundle); err != nil {
		return err
	}
	err := map[string]func(context.Context) error{"copy": l.copy, "list": l.list, "read": l.read}[*task](ctx)
	fmt.Println(l.source.requests.Load(), l.target.requests.Load())
	return err
}

func (l *bareLoop) connect(bundle string) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.DisableCompression = 0, l.workers, true
	if bundle != "" {
		content, err := os.ReadFile(bundle)
		if err != nil {
			return err
		}
		if transport.TLSClientConfig, err = provider.Trust(content); err != nil {
			return err
		}
		transport.ForceAttemptHTTP2 = false
	}
	l.client = &http.Client{Transport: transport}
	return nil
}

// each has the workers do something with every key.
func (l *bareLoop) each(ctx context.Context, act func(ctx context.Context, key string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(l.workers)
	for i := range l.objects {
		group.Go(func() error { return act(ctx, keyOf(i)) })
	}
	return group.Wait()
}

// copy reads each object from the source and writes it to the target.
func (l *bareLoop) copy(ctx context.Context) error {
	return l.each(ctx, func(ctx context.Context, key string) error {
		got, err := l.do(ctx, &l.source, http.MethodGet, "/"+key, nil, 0)
		if err != nil {
			return err
		}
		defer got.Body.Close()
		put, err := l.do(ctx, &l.target, http.MethodPut, "/"+key, got.Body, got.ContentLength)
		if err != nil {
			return err
		}
		return drop(put)
	})
}

// read reads each object from both ends.
func (l *bareLoop) read(ctx context.Context) error {
	return l.each(ctx, func(ctx context.Context, key string) error {
		for _, end := range []*bareEnd{&l.source, &l.target} {
			got, err := l.do(ctx, end, http.MethodGet, "/"+key, nil, 0)
			if err != nil {
				return err
			}
			if err := drop(got); err != nil {
				return err
			}
		}
		return nil
	})
}

// list lists both ends side by side, and looks at nothing in the answers but whether
// there is more.
func (l *bareLoop) list(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, end := range []*bareEnd{&l.source, &l.target} {
		group.Go(func() error {
			query := url.Values{"list-type": {"2"}, "prefix": {""}}
			for {
				got, err := l.do(ctx, end, http.MethodGet, "?"+query.Encode(), nil, 0)
				if err != nil {
					return err
				}
				page, err := io.ReadAll(got.Body)
				if err := errors.Join(err, got.Body.Close()); err != nil {
					return err
				}
				_, rest, isMore := strings.Cut(string(page), "<NextContinuationToken>")
				if !isMore {
					return nil
				}
				token, _, _ := strings.Cut(rest, "<")
				query.Set("continuation-token", token)
			}
		})
	}
	return group.Wait()
}

func drop(response *http.Response) error {
	_, err := io.Copy(io.Discard, response.Body)
	return errors.Join(err, response.Body.Close())
}

// do sends one signed request whose body nobody hashes.
func (l *bareLoop) do(ctx context.Context, end *bareEnd, method, path string, body io.Reader, size int64) (*http.Response, error) {
	end.requests.Add(1)
	request, err := http.NewRequestWithContext(ctx, method, end.url+path, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	request.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	response, err := l.client.Do(signer.SignV4(*request, end.accessKey, end.secretKey, "", end.region))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return nil, errors.Join(fmt.Errorf("%s %s: %s %s", method, path, response.Status, text), response.Body.Close())
	}
	return response, nil
}

// bareArgs makes the command line of a bare loop.
func bareArgs(task string, t turn) []string {
	return []string{
		"bare", "-task", task, "-source", t.source.url(), "-target", t.target.url(),
		"-source-region", t.source.region, "-target-region", t.target.region, "-ca", t.bundle,
		"-objects", strconv.Itoa(t.objects), "-workers", strconv.Itoa(t.workers),
	}
}

// readBareCounts reads what a bare loop printed.
func readBareCounts(output []byte, m *measure, objects int) error {
	var fromSource, toTarget int64
	if _, err := fmt.Sscan(string(output), &fromSource, &toTarget); err != nil {
		return fmt.Errorf("read what the bare loop counted: %w", err)
	}
	m.counted(fromSource, toTarget, objects)
	return nil
}
