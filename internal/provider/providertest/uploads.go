package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
)

// upload stores an object in the parts given.
func (f fixture) upload(t testing.TB, key string, attributes provider.Attributes, texts ...string) provider.Object {
	t.Helper()
	id, parts := f.parts(t, key, attributes, texts...)
	object, err := f.CompleteUpload(t.Context(), f.ref(key), id, parts)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func (f fixture) parts(t testing.TB, key string, attributes provider.Attributes, texts ...string) (string, []provider.Part) {
	t.Helper()
	id, err := f.StartUpload(t.Context(), f.ref(key), attributes)
	if err != nil {
		t.Fatal(err)
	}
	var parts []provider.Part
	for i, text := range texts {
		part, err := f.UploadPart(t.Context(), f.ref(key), id, i+1, content(text))
		if err != nil {
			t.Fatal(err)
		}
		if part.Number != i+1 || part.Size != int64(len(text)) || part.ETag == "" {
			t.Errorf("part is %+v", part)
		}
		parts = append(parts, part)
	}
	return id, parts
}

func testUploads(t *testing.T, s Suite) {
	t.Run("parts make one object", func(t *testing.T) { testManyParts(t, s) })
	t.Run("aborted or never started", func(t *testing.T) { testAborting(t, s) })
	t.Run("parts that are not as announced", func(t *testing.T) {
		if !s.declares(provider.CapabilityContentHash) {
			t.Skip("the store does not check content")
		}
		f, wrong := s.start(t, ""), content("hello")
		wrong.SHA256 = content("other").SHA256
		id, _ := f.parts(t, "k", provider.Attributes{})
		_, err := f.UploadPart(t.Context(), f.ref("k"), id, 1, wrong)
		wantFault(t, "part", err, provider.ErrContentMismatch, fault.Transient, fault.VerificationMismatch)
	})
}

func testManyParts(t *testing.T, s Suite) {
	f := s.start(t, "")
	first, second := strings.Repeat("a", 5<<20), strings.Repeat("b", 5<<20+1)
	id, parts := f.parts(t, "k", provider.Attributes{}, first, second, "tail")
	_, err := f.Head(t.Context(), f.ref("k"))
	wantMissing(t, "head before the end", err)
	// A part may be sent again; the last one counts. The order of naming does not.
	if parts[2], err = f.UploadPart(t.Context(), f.ref("k"), id, 3, content("end")); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(parts)
	object, err := f.CompleteUpload(t.Context(), f.ref("k"), id, parts)
	if err != nil {
		t.Fatal(err)
	}
	head, err := f.Head(t.Context(), f.ref("k"))
	if err != nil || head.Size != 10<<20+4 || object.Size != head.Size || (object.ETag != "" && object.ETag != head.ETag) {
		t.Errorf("completed %+v, is %+v, %v", object, head, err)
	}
	text, _, err := f.get(t, f.ref("k"), provider.GetOptions{})
	if text != first+second+"end" || err != nil {
		t.Errorf("read %d bytes, or others than were sent, %v", len(text), err)
	}
	text, _, err = f.get(t, f.ref("k"), provider.GetOptions{Offset: 5<<20 - 1, Length: 2, IfMatch: head.ETag})
	if text != "ab" || err != nil {
		t.Errorf("across parts: %q, %v", text, err)
	}
	again, err := f.CompleteUpload(t.Context(), f.ref("k"), id, parts)
	if err != nil || again.Size != head.Size {
		t.Errorf("completing again: %+v, %v", again, err)
	}
}

func testAborting(t *testing.T, s Suite) {
	f := s.start(t, "")
	kept, _ := f.parts(t, "b/é+ 1", provider.Attributes{}, "content")
	dropped, parts := f.parts(t, "a/k", provider.Attributes{}, "content")
	for range 2 {
		if err := f.AbortUpload(t.Context(), f.ref("a/k"), dropped); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.UploadPart(t.Context(), f.ref("a/k"), dropped, 2, content("x"))
	wantMissing(t, "part of an aborted upload", err)
	_, err = f.CompleteUpload(t.Context(), f.ref("a/k"), dropped, parts)
	wantMissing(t, "completing an aborted upload", err)
	open, err := f.ListUploads(t.Context(), f.bucket, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, upload := range open {
		got = append(got, upload.Key+" "+upload.ID)
		if upload.Started.IsZero() {
			t.Errorf("upload is %+v", upload)
		}
	}
	if diff := cmp.Diff([]string{"b/é+ 1 " + kept}, got); diff != "" {
		t.Errorf("open uploads (-want +got):\n%s", diff)
	}
	if open, err := f.ListUploads(t.Context(), f.bucket, "a/"); err != nil || len(open) > 0 {
		t.Errorf("open uploads of another folder: %+v, %v", open, err)
	}
	if keys := f.keys(t, provider.ListOptions{}); keys != nil {
		t.Errorf("objects out of nothing: %q", keys)
	}
}
