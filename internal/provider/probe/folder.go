package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

const (
	// cleanupLimit bounds each step of removing what a trial made.
	cleanupLimit = time.Minute
	// parting bounds them together once the caller has left. It is less than an
	// operator that ends may take; the next trial removes what is left.
	parting = 15 * time.Second
)

// folder is where one trial puts its objects, and nobody else.
type folder struct {
	objects provider.Objects
	bucket  string
	prefix  string
	// tried counts traits, each of which has a folder of its own.
	tried int
	sent  []provider.Ref
	// doubtful is what may have been stored although it failed.
	doubtful []provider.Ref
}

func newFolder(objects provider.Objects, bucket, prefix string) *folder {
	return &folder{objects: objects, bucket: bucket, prefix: prefix + strings.ToLower(rand.Text()) + "/"}
}

// finding is what trying a trait showed.
type finding struct {
	support provider.Support
	// what completes the sentence: the store …
	what string
}

var exact = finding{support: provider.Supported}

// try finds out whether a trait is kept.
//
// A slash at the beginning cannot be under the prefix. It is put in front of it:
// a store that keeps it has the object beside the prefix for a moment, where no
// user has keys, and a store that drops it has the object under the prefix. A
// store that folds two slashes is not asked: it drops the first one too, and then
// lists under a prefix that is not the one that was asked for.
func (f *folder) try(ctx context.Context, t trait) (finding, error) {
	if t.isRooted {
		if folds, err := f.compare(ctx, emptySegment); err != nil || folds != exact {
			return folds, err
		}
	}
	return f.compare(ctx, t)
}

// compare puts the keys of a trait, lists them back, and compares.
func (f *folder) compare(ctx context.Context, t trait) (finding, error) {
	f.tried++
	base := fmt.Sprintf("%s%d/", f.prefix, f.tried)
	if t.isRooted {
		base = "/" + base
	}
	for _, key := range t.keys {
		refusal, err := f.offer(ctx, base, key, t)
		if refusal != "" || err != nil {
			return finding{provider.Unsupported, refusal}, err
		}
	}
	listed, err := f.list(ctx, base)
	if errors.Is(err, provider.ErrUnsortedListing) {
		// Two keys under one name, such as one for every character without XML.
		return finding{provider.Broken, "lists several of them as one"}, nil
	}
	if err != nil {
		return finding{}, err
	}
	listed = slices.DeleteFunc(listed, func(key string) bool { return key == ordinaryKey })
	if wanted := slices.Sorted(slices.Values(t.keys)); !slices.Equal(wanted, listed) {
		return finding{provider.Broken, fmt.Sprintf("makes %q of %q", listed, wanted)}, nil
	}
	return exact, nil
}

// ordinaryKey is one that every store keeps.
const ordinaryKey = "ordinary"

// offer puts a key of a trait and tells how the store refuses it, if it does.
//
// A store may also fail at a key: versitygw 1.8.0 answers 500 to a NUL. It is the
// key's fault if an ordinary one goes, and that one fails again. The ordinary one
// also takes away, when it is removed, the folder that a posix gateway made for
// what it then could not write, and that no one else could remove.
func (f *folder) offer(ctx context.Context, base, key string, t trait) (refusal string, err error) {
	content := "key"
	if t.isEmpty {
		content = ""
	}
	put := func(key string) error {
		_, err := f.put(ctx, base+key, object(content), provider.Attributes{})
		return err
	}
	takes := func(key string) bool { return put(key) == nil }
	first := put(key)
	if first == nil || !isRefusal(first) && !errors.Is(first, provider.ErrServer) {
		return "", first
	}
	if err := put(ordinaryKey); err != nil {
		return "", errors.Join(first, err)
	}
	switch {
	case isRefusal(first):
		return fmt.Sprintf("refuses %q", key), nil
	case !takes(key):
		return fmt.Sprintf("fails at %q", key), nil
	default:
		return "", nil
	}
}

// isRefusal tells a store that does not take a key from one that cannot be asked.
func isRefusal(err error) bool {
	return errors.Is(err, provider.ErrInvalidKey) || errors.Is(err, provider.ErrUnsupported)
}

// put stores an object that clean removes. Also what seems to have failed may
// be there.
func (f *folder) put(ctx context.Context, key string, content provider.Content, attributes provider.Attributes) (provider.Object, error) {
	ref := provider.Ref{Bucket: f.bucket, Key: key}
	stored, err := f.objects.Put(ctx, ref, content, attributes)
	f.note(ref, stored, err)
	return stored, err
}

// note remembers what a put may have left. An object that is overwritten is
// removed once.
func (f *folder) note(ref provider.Ref, stored provider.Object, err error) {
	ref.VersionID = stored.VersionID
	switch {
	case err == nil && !slices.Contains(f.sent, ref):
		f.sent = append(f.sent, ref)
	case err != nil && !isRefusal(err):
		f.doubtful = append(f.doubtful, ref)
	}
}

// list gives the keys under a prefix without it.
func (f *folder) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for object, err := range provider.List(ctx, f.objects, f.bucket, provider.ListOptions{Prefix: prefix}) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, strings.TrimPrefix(object.Key, prefix))
	}
	return keys, nil
}

// clean removes what was sent, by the names under which it was sent, and then
// whatever else is there: what the store made of it, and the delete markers that
// removing left. It goes on after failures, which it gives all.
func (f *folder) clean(ctx context.Context) error {
	if len(f.sent)+len(f.doubtful) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cleanupLimit)
	defer cancel()
	for _, ref := range f.doubtful {
		// What cannot be stored cannot be removed either; if it was stored and
		// cannot be removed, it is listed below.
		_ = f.objects.Remove(ctx, ref)
	}
	prefixes := []string{f.prefix}
	var failures []error
	for _, ref := range f.sent {
		failures = append(failures, f.objects.Remove(ctx, ref))
		if strings.HasPrefix(ref.Key, "/") && len(prefixes) == 1 {
			prefixes = append(prefixes, "/"+f.prefix)
		}
	}
	for _, prefix := range prefixes {
		failures = append(failures, removeAll(ctx, f.objects, f.bucket, prefix))
	}
	return errors.Join(failures...)
}

// removeAll removes every version and delete marker under a prefix, or every
// object where the store cannot list versions.
func removeAll(ctx context.Context, objects provider.Objects, bucket, prefix string) error {
	var failures []error
	remove := func(version provider.Object, err error) bool {
		if err == nil {
			err = objects.Remove(ctx, provider.Ref{Bucket: bucket, Key: version.Key, VersionID: version.VersionID})
		}
		failures = append(failures, err)
		return true
	}
	for version, err := range provider.ListVersions(ctx, objects, bucket, prefix) {
		if errors.Is(err, provider.ErrUnsupported) {
			provider.List(ctx, objects, bucket, provider.ListOptions{Prefix: prefix})(remove)
			break
		}
		remove(version, err)
	}
	return errors.Join(failures...)
}

// object makes tiny content.
func object(text string) provider.Content {
	digest := sha256.Sum256([]byte(text))
	return provider.Content{Reader: bytes.NewReader([]byte(text)), Size: int64(len(text)), SHA256: hex.EncodeToString(digest[:])}
}
