package providertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

func (f fixture) ref(key string) provider.Ref { return provider.Ref{Bucket: f.bucket, Key: key} }

func (f fixture) version(key, id string) provider.Ref {
	return provider.Ref{Bucket: f.bucket, Key: key, VersionID: id}
}

// content makes what a Put sends.
func content(text string) provider.Content {
	digest := sha256.Sum256([]byte(text))
	return provider.Content{Reader: bytes.NewReader([]byte(text)), Size: int64(len(text)), SHA256: hex.EncodeToString(digest[:])}
}

func (f fixture) put(t testing.TB, key, text string, attributes provider.Attributes) provider.Object {
	t.Helper()
	object, err := f.Put(t.Context(), f.ref(key), content(text), attributes)
	if err != nil {
		t.Fatal(err)
	}
	if object.Key != key || object.Size != int64(len(text)) || object.ETag == "" {
		t.Errorf("put %q: got %+v", key, object)
	}
	return object
}

func (f fixture) get(t testing.TB, ref provider.Ref, options provider.GetOptions) (string, provider.Object, error) {
	t.Helper()
	body, object, err := f.Get(t.Context(), ref, options)
	if err != nil {
		return "", object, err
	}
	text, err := io.ReadAll(body)
	if closed := body.Close(); closed != nil {
		t.Errorf("close the body: %v", closed)
	}
	return string(text), object, err
}

// wantFault fails unless err is the sentinel, classified as it should be.
func wantFault(t testing.TB, what string, err, sentinel error, class fault.Class, reason fault.Reason) {
	t.Helper()
	classified, ok := errors.AsType[*fault.Error](err)
	if !ok || !errors.Is(err, sentinel) || classified.Class != class || (reason != "" && classified.Reason != reason) {
		t.Errorf("%s: got %#v: %v\nwant %v, %s, %s", what, classified, err, sentinel, class, reason)
	}
}

// wantMissing fails unless err tells that an object is not there.
func wantMissing(t testing.TB, what string, err error) {
	t.Helper()
	wantFault(t, what, err, provider.ErrNotFound, fault.Terminal, "")
	if fault.HasReason(err, fault.BucketMissing) {
		t.Errorf("%s: the object is missing, not the bucket: %v", what, err)
	}
}
