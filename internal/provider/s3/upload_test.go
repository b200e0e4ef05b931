package s3_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// parts sends the texts as the parts of a new upload.
func parts(t *testing.T, session provider.Session, key string, attributes provider.Attributes, texts ...string) (string, []provider.Part) {
	t.Helper()
	id, err := session.StartUpload(t.Context(), ref(key), attributes)
	if err != nil {
		t.Fatal(err)
	}
	var sent []provider.Part
	for i, text := range texts {
		part, err := session.UploadPart(t.Context(), ref(key), id, i+1, content(text))
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, part)
	}
	return id, sent
}

func upload(t *testing.T, session provider.Session, key string, attributes provider.Attributes, texts ...string) provider.Object {
	t.Helper()
	id, sent := parts(t, session, key, attributes, texts...)
	object, err := session.CompleteUpload(t.Context(), ref(key), id, sent)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestPartsMakeOneObject(t *testing.T) {
	_, session := start(t, emulator.Options{})
	big := strings.Repeat("x", 5<<20)
	id, sent := parts(t, session, "k", provider.Attributes{}, big, big, "tail")
	slices.Reverse(sent) // the order in which they are named does not matter
	object, err := session.CompleteUpload(t.Context(), ref("k"), id, sent)
	if err != nil {
		t.Fatal(err)
	}
	head, err := session.Head(t.Context(), ref("k"))
	if err != nil || object.ETag != head.ETag || object.Size != head.Size || object.Size != 10<<20+4 {
		t.Errorf("completed %+v, is %+v, %v", object, head, err)
	}
	text, _, err := get(t, session, ref("k"), provider.GetOptions{Offset: 10<<20 - 1})
	if text != "xtail" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestCompletingTwice(t *testing.T) {
	tests := map[string]struct {
		prepare func(*emulator.Server)
		between func(*testing.T, provider.Session)
		want    error
	}{
		"after a lost answer": {prepare: func(s *emulator.Server) {
			s.Faults().Add(emulator.Match{Operation: "CompleteMultipartUpload", Times: 1}, emulator.ResetAfter())
		}},
		"after an answer":       {},
		"of an overwritten one": {between: func(t *testing.T, s provider.Session) { put(t, s, "k", "other", provider.Attributes{}) }, want: provider.ErrNotFound},
		"of a failed completion": {prepare: func(s *emulator.Server) {
			s.Faults().Add(emulator.Match{Times: 1}, emulator.FailWith200("InternalError"))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, session := start(t, emulator.Options{})
			id, sent := parts(t, session, "k", provider.Attributes{}, "content")
			if test.prepare != nil {
				test.prepare(server)
			}
			_, first := session.CompleteUpload(t.Context(), ref("k"), id, sent)
			if (first != nil) != (test.prepare != nil) || (first != nil && fault.Of(first).Class != fault.Transient) {
				t.Fatalf("first: %v", first)
			}
			if test.between != nil {
				test.between(t, session)
			}
			object, err := session.CompleteUpload(t.Context(), ref("k"), id, sent)
			if !errors.Is(err, test.want) || (err == nil && (object.Size != 7 || object.ETag == "")) {
				t.Errorf("second: %+v, %v", object, err)
			}
		})
	}
}

func TestCompletionWithoutAnETag(t *testing.T) {
	server, session := start(t, emulator.Options{})
	server.Faults().Add(emulator.Match{}, emulator.NoMultipartETag())
	if object := upload(t, session, "k", provider.Attributes{}, "content"); object.Size != 7 {
		t.Errorf("got %+v", object)
	}
}

func TestAbandonedUploads(t *testing.T) {
	_, session := start(t, emulator.Options{})
	var want []string
	for i := range 3 {
		key := fmt.Sprintf("a/é+%d", i)
		id, _ := parts(t, session, key, provider.Attributes{}, "content")
		want = append(want, key+" "+id)
	}
	parts(t, session, "b", provider.Attributes{}, "content")
	open, err := session.ListUploads(t.Context(), bucket, "a/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, upload := range open {
		got = append(got, upload.Key+" "+upload.ID)
		for range 2 { // the second time it is unknown
			if err := session.AbortUpload(t.Context(), ref(upload.Key), upload.ID); err != nil {
				t.Error(err)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open uploads (-want +got):\n%s", diff)
	}
	left, err := session.ListUploads(t.Context(), bucket, "")
	if err != nil || len(left) != 1 || left[0].Key != "b" || left[0].Started.IsZero() {
		t.Errorf("left are %+v, %v", left, err)
	}
	_, err = session.UploadPart(t.Context(), ref("a/é+0"), open[0].ID, 1, content("x"))
	if !errors.Is(err, provider.ErrNotFound) {
		t.Errorf("part of an aborted upload: %v", err)
	}
}

func TestUploadsAreListedByPages(t *testing.T) {
	_, session := start(t, emulator.Options{})
	const count = 1003
	for i := range count {
		if _, err := session.StartUpload(t.Context(), ref(fmt.Sprintf("k%04d", i)), provider.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	open, err := session.ListUploads(t.Context(), bucket, "")
	if err != nil || len(open) != count || open[count-1].Key != "k1002" {
		t.Errorf("got %d uploads, %v", len(open), err)
	}
}
