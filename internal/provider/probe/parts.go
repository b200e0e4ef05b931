package probe

import (
	"context"
	"errors"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/outlast"
	"github.com/rempart/rempart/internal/provider"
)

// PartCRC finds out whether a store refuses a part that does not match its announced
// CRC-32C, and takes an upload of those that do: Supported when both are so, Broken
// when it takes what does not match, Unsupported when it refuses what does.
// Some stores refuse such headers and others ignore them, so nobody may rely on them
// without having tried. It leaves nothing behind where nothing is locked.
func PartCRC(ctx context.Context, session provider.Session, bucket, prefix string) (provider.Support, error) {
	folder := newFolder(session, bucket, prefix)
	trial := partTrial{session: session, folder: folder, ref: provider.Ref{Bucket: bucket, Key: folder.prefix + "part"}}
	support, err := trial.do(ctx)
	ctx, cancel := outlast.Context(ctx, parting)
	defer cancel()
	return support, errors.Join(err, folder.clean(ctx))
}

// partTrial is an upload with parts that are bound by their CRC-32C.
type partTrial struct {
	session provider.Session
	folder  *folder
	ref     provider.Ref
}

func (t partTrial) do(ctx context.Context) (provider.Support, error) {
	id, err := t.session.StartUpload(ctx, t.ref, provider.Attributes{PartsByCRC32C: true})
	if err != nil {
		return refusedOr(err)
	}
	support, err := t.fill(ctx, id)
	if support == provider.Supported && err == nil {
		return support, nil
	}
	ctx, cancel := outlast.Context(ctx, parting)
	defer cancel()
	return support, errors.Join(err, t.session.AbortUpload(ctx, t.ref, id))
}

// fill sends a part with a wrong sum, which must be refused, then one with the right
// one, and completes the upload.
func (t partTrial) fill(ctx context.Context, id string) (provider.Support, error) {
	wrong := summed("part")
	wrong.CRC32C = summed("trap").CRC32C
	_, err := t.session.UploadPart(ctx, t.ref, id, 1, wrong)
	switch {
	case err == nil:
		return provider.Broken, nil
	case !isJudged(err):
		return provider.Unknown, err
	}
	part, err := t.session.UploadPart(ctx, t.ref, id, 1, summed("part"))
	if err != nil {
		return refusedOr(err)
	}
	stored, err := t.session.CompleteUpload(ctx, t.ref, id, []provider.Part{part})
	t.folder.note(t.ref, stored, err)
	if err != nil {
		return refusedOr(err)
	}
	return provider.Supported, nil
}

// refusedOr judges a failure where a store that knows checksums would not fail.
func refusedOr(err error) (provider.Support, error) {
	if isJudged(err) {
		return provider.Unsupported, nil
	}
	return provider.Unknown, err
}

// isJudged tells a store that minds what it was sent from one that cannot be asked.
func isJudged(err error) bool {
	return errors.Is(err, provider.ErrContentMismatch) || fault.Of(err).Class == fault.Terminal && !errors.Is(err, provider.ErrDenied) &&
		!errors.Is(err, provider.ErrAuthentication)
}

// summed makes tiny content that is bound by its CRC-32C.
func summed(text string) provider.Content {
	sum := provider.NewCRC32C()
	_, _ = sum.Write([]byte(text)) // it never fails
	content := object(text)
	content.SHA256, content.CRC32C = "", provider.CRC32CText(sum)
	return content
}
