package mover

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/google/go-cmp/cmp"

	emulator "github.com/rempart/rempart/test/emulator/s3"
)

// attributed are objects with everything that travels with bytes.
func attributed() map[string]emulator.Object {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte("text that somebody packed"))
	_ = w.Close()
	return map[string]emulator.Object{
		"nothing": {},
		"headers": {Headers: map[string]string{
			"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": `attachment; filename="acte.txt"`,
			"Content-Language": "fr-FR", "Cache-Control": "private, max-age=60", "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
		}},
		"packed, to be given as it is":    {Body: packed.Bytes(), Headers: map[string]string{"Content-Encoding": "gzip", "Content-Type": "text/plain"}},
		"packed, and nobody says so":      {Body: packed.Bytes()},
		"said to be packed, and is not":   {Body: []byte("plain"), Headers: map[string]string{"Content-Encoding": "gzip"}},
		"metadata":                        {Metadata: map[string]string{"author": "mairie", "with-dashes": "a b", "empty-looking": "-", "content-type": "not the header"}},
		"metadata outside ASCII":          {Metadata: map[string]string{"author": "Hélène Œuvre", "note": "été\u00a0: 5\u00a0€"}},
		"tags":                            {Tags: map[string]string{"retention": "P75Y", "classé": "oui - non", "a+b": "c=d e"}},
		"everything, and nothing in it":   {Headers: map[string]string{"Content-Type": "a/b"}, Metadata: map[string]string{"a": "b"}, Tags: map[string]string{"a": "b"}},
		"everything, and something in it": {Body: []byte("x"), Headers: map[string]string{"Content-Type": "a/b", "Cache-Control": "no-store"}, Metadata: map[string]string{"a": "b"}, Tags: map[string]string{"a": "b", "c": ""}},
	}
}

func (w *world) putAttributed(pad int) {
	for key, object := range attributed() {
		object.Key = key
		if pad > 0 {
			object.Body = append(object.Body, bytes.Repeat([]byte("large "), pad)...)
		}
		w.source.PutObjectDirect(primary, object)
	}
}

func TestWhatTravelsWithBytesArrives(t *testing.T) {
	for name, change := range map[string]func(*world){
		"in one request": func(*world) {},
		"in parts": func(w *world) {
			w.adjust = func(r *run) { r.transfer.sizes = tinySizes }
			w.putAttributed(20)
		},
		"read back": func(w *world) { w.job.Options.Verification = VerifyFull },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.putAttributed(0)
			change(w)
			if report := w.sync(t); report.Copied != int64(len(attributed())) {
				t.Errorf("report %+v", report)
			}
			if report := w.sync(t); report.Copied+report.Deleted != 0 {
				t.Errorf("run again: %+v", report)
			}
			end := w.job.Target
			audit, err := Audit{End: end, Expected: end.manifest().Entries(t.Context(), w.snapshot(t), w.job.Options.Range, nil)}.Run(t.Context())
			if err != nil || !audit.IsClean() || audit.Matched != int64(len(attributed())) {
				t.Errorf("audit %+v, error %v", audit, err)
			}
		})
	}
}

func TestWhatTravelsWithBytesIsCompared(t *testing.T) {
	w := newWorld(t)
	w.putAttributed(0)
	for key, object := range attributed() {
		object.Key = key
		if key == "metadata" || key == "tags" {
			object.Metadata, object.Tags = nil, nil // as another tool copied it
		}
		w.target.PutObjectDirect(replica, object)
	}
	w.sync(t)
	if diff := cmp.Diff([]string{"metadata", "tags"}, sent(w.target, "PutObject")); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestOnlyObjectsWithTagsAreAskedForTheirTags(t *testing.T) {
	w := newWorld(t)
	w.putAttributed(0)
	w.sync(t)
	var tagged []string
	for key, object := range attributed() {
		if len(object.Tags) > 0 {
			tagged = append(tagged, key)
		}
	}
	if got := sent(w.source, "GetObjectTagging"); len(got) != len(tagged) {
		t.Errorf("asked for the tags of %q", got)
	}
}

func TestTagsThatCannotBeReadFailTheObject(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	w.source.PutObjectDirect(primary, emulator.Object{Key: "b", Tags: map[string]string{"a": "b"}})
	w.source.Faults().Add(emulator.Match{Operation: "GetObjectTagging"}, emulator.Fail(403, "AccessDenied"))
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"b": "AccessDenied"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.checkSame(t, "b")
}

func TestAnObjectWhoseAttributesCannotBeSentFails(t *testing.T) {
	w := newWorld(t)
	w.put("a", "a")
	w.source.PutObjectDirect(primary, emulator.Object{Key: "b", Headers: map[string]string{"Content-Disposition": "a\u00a0b"}})
	report := w.run(t)
	if diff := cmp.Diff(map[string]string{"b": "CapabilityMissing"}, failures(report)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	w.checkSame(t, "b")
}
