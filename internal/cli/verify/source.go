package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rempart/rempart/internal/cli/env"
	"github.com/rempart/rempart/internal/evidence"
	"github.com/rempart/rempart/internal/provider"
)

// Store is where s3:// arguments are.
type Store struct{ Endpoint, Region string }

// OpenStore opens a store with the keys of whoever runs the command.
type OpenStore func(Store) (provider.Objects, error)

// envelopeLimit bounds what is read of an envelope. One that Rempart writes is far
// below it.
const envelopeLimit = 64 << 20

// file is one evidence: its name for people, and how to read files of its folder.
type file struct {
	name string
	// base is the name of the envelope in the folder.
	base string
	// open gives a file of the folder; fs.ErrNotExist where it is not there.
	open func(ctx context.Context, name string) (io.ReadCloser, error)
}

func (f file) read(ctx context.Context) ([]byte, error) {
	opened, err := f.open(ctx, f.base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, env.Input(err)
	}
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, envelopeLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", f.name, err)
	case len(content) > envelopeLimit:
		return nil, env.Input(fmt.Errorf("%s is no evidence: it has more than %d bytes", f.name, envelopeLimit))
	}
	return content, nil
}

// parts opens parts of a manifest, and keeps what has nothing to do with them.
type parts struct {
	file file
	errs []error
}

func (p *parts) open(ctx context.Context) evidence.Open {
	return func(name string) (io.ReadCloser, error) {
		opened, err := p.file.open(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.errs = append(p.errs, err)
		}
		return opened, err
	}
}

// find gives the evidence that the arguments name.
func (c *command) find(args []string) ([]file, error) {
	var found []file
	for _, arg := range args {
		if rest, isAtStore := strings.CutPrefix(arg, "s3://"); isAtStore {
			f, err := c.atStore(arg, rest)
			if err != nil {
				return nil, err
			}
			found = append(found, f)
			continue
		}
		local, err := local(arg)
		if err != nil {
			return nil, env.Input(err)
		}
		found = append(found, local...)
	}
	return found, nil
}

// local gives a file, or all evidence in a folder and below it.
func local(arg string) ([]file, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []file{localFile(arg)}, nil
	}
	var found []file
	err = filepath.WalkDir(arg, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() == evidence.FileName {
			found = append(found, localFile(name))
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("there is no %s in %s or below it", evidence.FileName, arg)
	}
	return found, err
}

func localFile(name string) file {
	return file{name: name, base: filepath.Base(name), open: func(_ context.Context, part string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(filepath.Dir(name), filepath.Base(part)))
	}}
}

func (c *command) atStore(arg, rest string) (file, error) {
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		return file{}, env.Usage(fmt.Errorf("%q is not s3://BUCKET/KEY", arg))
	}
	store, err := c.open(c.at)
	if err != nil {
		return file{}, env.Usage(err)
	}
	folder, base := path.Split(key)
	return file{name: arg, base: base, open: func(ctx context.Context, part string) (io.ReadCloser, error) {
		body, _, err := store.Get(ctx, provider.Ref{Bucket: bucket, Key: folder + part}, provider.GetOptions{})
		switch {
		case errors.Is(err, provider.ErrNotFound):
			return nil, fmt.Errorf("s3://%s/%s%s: %w", bucket, folder, part, fs.ErrNotExist)
		case err != nil:
			return nil, fmt.Errorf("read s3://%s/%s%s: %w", bucket, folder, part, err)
		}
		return body, nil
	}}, nil
}
