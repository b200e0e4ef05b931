package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/rempart/rempart/internal/mover"
	"github.com/rempart/rempart/internal/mover/manifest"
)

// checkWritable tells why a file cannot be written, before hours of work are done
// for it.
func checkWritable(field, file string) error {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("%s: %q is a folder", field, file)
	}
	trial, err := os.CreateTemp(filepath.Dir(file), ".mover-*")
	if err != nil {
		return fmt.Errorf("%s: it cannot be written: %w", field, err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// replace writes a file so that whoever reads it finds the old content or the new
// one, never half of it, also after a crash.
func replace(file string, write func(io.Writer) error) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".mover-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name()) // it was renamed, or is of no use
		}
	}()
	buffered := bufio.NewWriterSize(temporary, 1<<16)
	err = errors.Join(write(buffered), buffered.Flush(), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

// readCheckpoint gives where an earlier run was stopped. One that cannot be read
// is not used: the run begins anew, and what is at the target is found there.
func (r *run) readCheckpoint() (*mover.Checkpoint, error) {
	if r.spec.Checkpoint == "" {
		return nil, nil
	}
	text, err := os.ReadFile(r.spec.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var checkpoint mover.Checkpoint
	if err == nil {
		err = json.Unmarshal(text, &checkpoint)
	}
	if err != nil {
		return nil, fmt.Errorf("the checkpoint %q is not used: %w", r.spec.Checkpoint, err)
	}
	return &checkpoint, nil
}

// saveCheckpoint keeps where the run could go on, and removes what is out of date.
func (r *run) saveCheckpoint(checkpoint mover.Checkpoint) error {
	if checkpoint.Job == "" {
		if err := os.Remove(r.spec.Checkpoint); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the checkpoint: %w", err)
		}
		return nil
	}
	err := replace(r.spec.Checkpoint, func(w io.Writer) error { return json.NewEncoder(w).Encode(checkpoint) })
	if err != nil {
		return fmt.Errorf("write the checkpoint: %w", err)
	}
	return nil
}

// manifestLine is what the manifest file says of an object.
type manifestLine struct {
	Key string `json:"key"`
	// VersionID is that of the source's object, where the source keeps versions.
	VersionID string `json:"versionID,omitempty"`
	Size      int64  `json:"size"`
	// SHA256 is the hex digest of the content.
	SHA256 string `json:"sha256"`
	// MetadataDigest is empty for an object without any metadata.
	MetadataDigest string `json:"metadataDigest"`
}

// keepManifest writes what the target is known to hold to the file that the spec
// names, once a run came to its end. One that did not leaves the file of the run
// before.
func (r *run) keepManifest(ctx context.Context, job mover.Job) error {
	if r.spec.Manifest == "" {
		return nil
	}
	entries, err := mover.Known(ctx, job)
	if err == nil {
		err = replace(r.spec.Manifest, func(w io.Writer) error { return writeManifest(w, entries) })
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

func writeManifest(w io.Writer, entries iter.Seq2[manifest.Entry, error]) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for entry, err := range entries {
		if err != nil {
			return err
		}
		line := manifestLine{
			Key: entry.Key, VersionID: entry.VersionID, Size: entry.Size, SHA256: entry.SHA256, MetadataDigest: entry.MetadataDigest,
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
