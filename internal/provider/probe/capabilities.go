package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// scratchPrefix is where everything in a scratch bucket is: reserved also there,
// should the bucket be somebody's after all.
const scratchPrefix = provider.ReservedPrefix + "probe/"

// lockSuffix makes the name of the bucket in which object lock is tried.
const lockSuffix = "-lock"

// Found is what trying a store showed.
type Found struct {
	Capabilities provider.Capabilities
	// KeysNotKept are the traits of keys that the store does not keep, in the words
	// of Traits. It is empty where every key is kept, and where it could not be told
	// which are not: exactKeys tells these apart.
	KeysNotKept []string
}

// Capabilities is Store without the traits of keys.
func Capabilities(ctx context.Context, session provider.Session, scratchBucket string) (provider.Capabilities, error) {
	found, err := Store(ctx, session, scratchBucket)
	return found.Capabilities, err
}

// Store finds out what a store can do, in a bucket that it makes and removes, and
// object lock in another one beside it, which is made with object lock and into
// which nothing is ever put: what is under lock could not be removed. Both names
// are always the same, and the scratch bucket goes last, so that it tells of what an
// earlier trial that was cut off has left; that is used, and removed. In a bucket
// that holds anything else nothing is tried.
//
// A trial that does not come to an end leaves its capability Unknown and its
// error in the joined one. What the key may not do is Unknown without one. Give
// it a session that does not retry refusals.
func Store(ctx context.Context, session provider.Session, scratchBucket string) (Found, error) {
	found := Found{Capabilities: provider.Capabilities{}}
	for _, capability := range provider.EveryCapability() {
		found.Capabilities[capability] = provider.Unknown
	}
	if err := session.CreateBucket(ctx, provider.Bucket{Name: scratchBucket}); err != nil {
		return found, fmt.Errorf("make a scratch bucket: %w", err)
	}
	if err := holdsTrialsOnly(ctx, session, scratchBucket); err != nil {
		return found, err
	}
	b := &bench{session: session, bucket: scratchBucket, found: found.Capabilities}
	b.run(ctx)
	found.KeysNotKept = b.notKept
	return found, errors.Join(b.failures...)
}

// holdsTrialsOnly makes sure that a bucket may be set up as trials need it.
func holdsTrialsOnly(ctx context.Context, session provider.Session, bucket string) error {
	for object, err := range provider.EveryVersion(ctx, session, bucket) {
		if err != nil {
			return fmt.Errorf("look into the scratch bucket: %w", err)
		}
		if !strings.HasPrefix(strings.TrimPrefix(object.Key, "/"), scratchPrefix) {
			return fault.New(fault.Terminal, fault.NameConflict,
				"bucket %q has the name of a scratch bucket and holds what no trial put there: %w", bucket, provider.ErrNotEmpty)
		}
	}
	return nil
}

// bench is where capabilities are tried one after the other.
type bench struct {
	session provider.Session
	bucket  string
	*folder

	found    provider.Capabilities
	notKept  []string
	failures []error
}

// run tries everything and removes what it made.
func (b *bench) run(ctx context.Context) {
	lasting, cancel := outlast.Context(ctx, parting)
	defer cancel()
	b.folder = newFolder(b.session, b.bucket, scratchPrefix)
	b.try(ctx, provider.CapabilityContentHash, b.tryHash)
	b.try(ctx, provider.CapabilityTagging, b.tryTags)
	b.try(ctx, provider.CapabilityExactKeys, b.tryKeys)
	b.try(ctx, provider.CapabilityListOrder, b.tryOrder)
	b.try(ctx, provider.CapabilityMultipart, b.tryParts)
	b.try(ctx, provider.CapabilityChecksumHeaders, b.tryChecksum)
	b.tryAll(ctx, b.tryConditions)
	b.try(ctx, provider.CapabilityEncryption, b.tryEncryption)
	// Before there are versions, because then removing leaves delete markers.
	b.failures = append(b.failures, b.clean(lasting))
	b.folder = newFolder(b.session, b.bucket, scratchPrefix)
	b.tryAll(ctx, b.tryVersions)
	b.failures = append(b.failures, b.clean(lasting))
	b.configure(ctx, provider.CapabilityBucketPolicy, provider.BucketPolicy)
	b.configure(ctx, provider.CapabilityLifecycle, provider.Lifecycle)
	b.configure(ctx, provider.CapabilityEventNotifications, provider.EventNotifications)
	b.try(ctx, provider.CapabilityObjectLock, b.tryLock)
	if err := discard(lasting, b.session, b.bucket+lockSuffix); err != nil {
		// The scratch bucket stays too, and tells the next one to look.
		b.failures = append(b.failures, err)
		return
	}
	b.failures = append(b.failures, discard(lasting, b.session, b.bucket))
}

// try tries one capability.
func (b *bench) try(ctx context.Context, capability provider.Capability, trial func(context.Context) (provider.Support, error)) {
	b.tryAll(ctx, func(ctx context.Context) (provider.Capabilities, error) {
		support, err := trial(ctx)
		if err != nil && !errors.Is(err, provider.ErrDenied) {
			return nil, fmt.Errorf("try %s: %w", capability, err)
		}
		return provider.Capabilities{capability: support}, err
	})
}

// tryAll tries capabilities that take the same requests. What was found before a
// failure counts.
func (b *bench) tryAll(ctx context.Context, trial func(context.Context) (provider.Capabilities, error)) {
	found, err := trial(ctx)
	maps.Copy(b.found, found)
	if err != nil && !errors.Is(err, provider.ErrDenied) {
		b.failures = append(b.failures, err)
	}
}

// configure tries a setting of the bucket, which goes with the bucket.
func (b *bench) configure(ctx context.Context, capability provider.Capability, kind provider.Configuration) {
	b.try(ctx, capability, func(ctx context.Context) (provider.Support, error) {
		return b.session.TryConfiguration(ctx, b.bucket, kind)
	})
}

// tryLock gives a bucket that was made with object lock a default retention, and
// takes it away again. It puts nothing into it.
func (b *bench) tryLock(ctx context.Context) (provider.Support, error) {
	want := provider.Bucket{Name: b.bucket + lockSuffix, Protection: provider.Protection{ObjectLock: true}}
	switch err := b.session.CreateBucket(ctx, want); {
	case errors.Is(err, provider.ErrQuota):
		// There is room for one bucket and not for two. That says nothing about the
		// store, and trying everything again would not make room.
		return provider.Unknown, nil
	case err != nil:
		return judge(err)
	}
	// A lock without versions would keep nothing: an object is just overwritten.
	want.Versioning = provider.VersioningEnabled
	want.Retention = provider.Retention{Mode: provider.Governance, Days: 1}
	if support, err := judge(b.session.UpdateBucket(ctx, want)); support != provider.Supported {
		return support, err
	}
	want.Versioning, want.Retention = "", provider.Retention{}
	support, err := judge(b.session.UpdateBucket(ctx, want))
	if support == provider.Unsupported {
		support = provider.Broken // what can be set and not be taken back
	}
	return support, err
}

// tryEncryption has the bucket encrypt what is put there, and looks whether an
// object says that it is.
func (b *bench) tryEncryption(ctx context.Context) (provider.Support, error) {
	want := provider.Bucket{Name: b.bucket, Protection: provider.Protection{Encryption: provider.ProviderManaged}}
	if support, err := judge(b.session.UpdateBucket(ctx, want)); support != provider.Supported {
		return support, err
	}
	key := b.prefix + "encryption"
	if _, err := b.put(ctx, key, object("secret"), provider.Attributes{}); err != nil {
		return provider.Unknown, err
	}
	stored, err := b.session.Head(ctx, provider.Ref{Bucket: b.bucket, Key: key})
	switch {
	case err != nil:
		return provider.Unknown, err
	case stored.Encryption == "":
		return provider.Broken, nil
	}
	return provider.Supported, nil
}

// judge tells what setting something up came to.
func judge(err error) (provider.Support, error) {
	switch {
	case err == nil:
		return provider.Supported, nil
	case errors.Is(err, provider.ErrNotKept):
		return provider.Broken, nil
	case isRefusal(err):
		return provider.Unsupported, nil
	}
	return provider.Unknown, err
}

// tryTags stores tags with an object and reads them back.
func (f *folder) tryTags(ctx context.Context) (provider.Support, error) {
	key, tags := f.prefix+"tags", map[string]string{"probe": "a b+c"}
	_, err := f.put(ctx, key, object("tags"), provider.Attributes{Tags: tags})
	if isRefusal(err) {
		return provider.Unsupported, nil
	}
	if err != nil {
		return provider.Unknown, err
	}
	read, err := f.objects.Tags(ctx, provider.Ref{Bucket: f.bucket, Key: key})
	switch {
	case err != nil:
		return provider.Unknown, err
	case maps.Equal(read, tags):
		return provider.Supported, nil
	case len(read) == 0:
		return provider.Unsupported, nil
	default:
		return provider.Broken, nil
	}
}

// tryKeys tries the keys with all traits at once, and a slash at the beginning.
// Where those are not kept, it goes through the traits: one that the store changes
// without a word makes it Broken, one that it refuses makes it Unsupported.
func (b *bench) tryKeys(ctx context.Context) (provider.Support, error) {
	together, err := b.compare(ctx, allAtOnce)
	if err == nil && together == exact {
		together, err = b.compare(ctx, leadingSlash)
	}
	if err != nil || together == exact {
		return together.support, err
	}
	support := provider.Unsupported
	var notKept []string
	for _, t := range slices.Concat(traits, []trait{folderWithContent, folderWithoutContent}) {
		found, err := b.folder.try(ctx, t)
		if err != nil {
			return provider.Unknown, err
		}
		if found.support == provider.Broken {
			support = provider.Broken
		}
		if found != exact {
			notKept = append(notKept, t.name)
		}
	}
	if len(notKept) == 0 {
		return together.support, nil
	}
	b.notKept = notKept
	return support, nil
}

func (f *folder) read(ctx context.Context, ref provider.Ref) (string, error) {
	body, _, err := f.objects.Get(ctx, ref, provider.GetOptions{})
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

// discard removes a scratch bucket, and first what an earlier trial that was cut
// off has left in it.
func discard(ctx context.Context, session provider.Session, bucket string) error {
	ctx, cancel := context.WithTimeout(ctx, cleanupLimit)
	defer cancel()
	err := session.DeleteBucket(ctx, bucket)
	if errors.Is(err, provider.ErrNotEmpty) {
		err = errors.Join(
			abortAll(ctx, session, bucket),
			removeAll(ctx, session, bucket, scratchPrefix),
			removeAll(ctx, session, bucket, "/"+scratchPrefix),
			session.DeleteBucket(ctx, bucket),
		)
	}
	if err != nil {
		return fmt.Errorf("remove the scratch bucket: %w", err)
	}
	return nil
}

// abortAll ends the uploads that trials began.
func abortAll(ctx context.Context, session provider.Session, bucket string) error {
	uploads, err := session.ListUploads(ctx, bucket, scratchPrefix)
	if errors.Is(err, provider.ErrUnsupported) {
		return nil
	}
	for _, upload := range uploads {
		err = errors.Join(err, session.AbortUpload(ctx, provider.Ref{Bucket: bucket, Key: upload.Key}, upload.ID))
	}
	return err
}
