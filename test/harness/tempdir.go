package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const ownerFile = "owner.lock"

// stateDir makes dir, or a temporary folder if it is empty. A temporary folder
// is the process's own until release, or until the process ends.
func stateDir(dir, prefix string) (path string, release func(), err error) {
	if dir == "" {
		return ownedTempDir(os.TempDir(), prefix)
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	return path, func() {}, os.MkdirAll(path, 0o700)
}

// ownedTempDir also removes what killed processes left behind: an etcd takes
// more than 100 MB from its first second, and a test that panics cleans up
// nothing.
func ownedTempDir(parent, prefix string) (path string, release func(), err error) {
	sweep(parent, prefix)
	if path, err = os.MkdirTemp(parent, prefix); err != nil {
		return "", nil, err
	}
	owner, err := own(path)
	if err != nil {
		_ = os.RemoveAll(path) // the first error says what is wrong
		return "", nil, fmt.Errorf("own %s: %w", path, err)
	}
	return path, func() {
		_ = os.RemoveAll(path) // the system clears its temporary folder too
		owner.Close()
	}, nil
}

// own locks the folder's owner file. It gets its name only once it is locked,
// so that a sweep never finds it unlocked while we live; and children do not
// inherit it, so that it is unlocked as soon as we do not.
func own(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "owner")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, ownerFile)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sweep removes the folders of our kind whose owner is gone. It is a courtesy:
// what it cannot remove stays.
func sweep(parent, prefix string) {
	owners, err := filepath.Glob(filepath.Join(parent, prefix+"*", ownerFile))
	if err != nil {
		return
	}
	for _, path := range owners {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
		file.Close()
	}
}
