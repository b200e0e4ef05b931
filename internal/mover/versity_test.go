package mover

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/test/harness"
)

// toVersity makes a world whose target is a real versitygw.
func toVersity(t *testing.T, versioning provider.Versioning) (*world, *recorder) {
	t.Helper()
	w := newWorld(t)
	server := harness.Versity(t)
	target := record(repeating(openOnce(t, server.Endpoint, server.AccessKey, server.SecretKey, server.Region)))
	if err := target.CreateBucket(t.Context(), provider.Bucket{Name: replica}); err != nil {
		t.Fatal(err)
	}
	if versioning != "" {
		version(t, target, replica)
	}
	w.job.Target.Session = target
	return w, target
}

// held reads everything that a bucket holds but Rempart's own.
func held(t *testing.T, session provider.Session, bucket string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for object, err := range provider.List(t.Context(), session, bucket, provider.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !isUserKey(object.Key) {
			continue
		}
		body, _, err := session.Get(t.Context(), provider.Ref{Bucket: bucket, Key: object.Key}, provider.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		_ = body.Close()
		all[object.Key] = string(content)
	}
	return all
}

func TestARealGatewayGetsOnlyKeysThatItKeeps(t *testing.T) {
	w, target := toVersity(t, "")
	all := w.putOdd()
	report := w.run(t)
	named := failures(report)
	if report.Result != Partial || report.Reason != fault.ObjectsFailed || len(named) != int(report.Failed) {
		t.Fatalf("report %+v", report)
	}
	want := map[string]string{}
	for _, key := range all {
		switch named[key] {
		case "":
			want[key] = "content of " + key
		case string(fault.KeysNotExact):
			if target.put[key] {
				t.Errorf("%q was sent", key)
			}
		default:
			t.Errorf("%q failed with %s", key, named[key])
		}
	}
	if diff := cmp.Diff(want, held(t, target, replica)); diff != "" {
		t.Errorf("what it holds (-want +got):\n%s", diff)
	}
	for key := range altered(all) {
		if named[key] == "" {
			t.Errorf("%q is kept, it says", key)
		}
	}
	for _, key := range plainKeys {
		if named[key] != "" {
			t.Errorf("%q is not kept, it says", key)
		}
	}
	again := w.run(t)
	if diff := cmp.Diff(named, failures(again)); diff != "" || again.Copied != 0 {
		t.Errorf("copied %d in the next run, failures (-want +got):\n%s", again.Copied, diff)
	}
}

func TestARealGatewayIsKeptTrue(t *testing.T) {
	for name, versioning := range map[string]provider.Versioning{"without versions": "", "with versions": provider.VersioningEnabled} {
		t.Run(name, func(t *testing.T) {
			w, target := toVersity(t, versioning)
			w.adjust = func(r *run) { r.transfer.sizes.small, r.transfer.sizes.part = 1<<20, 5<<20 }
			keys := w.putMany(50)
			w.putLarge("large", 11<<20)
			for key, object := range attributed() {
				object.Key = "attributed/" + strings.ReplaceAll(key, ",", "")
				w.source.PutObjectDirect(primary, object)
			}
			check := func(report Report) {
				t.Helper()
				if report.Result != Complete {
					t.Fatalf("report %+v", report)
				}
				want := map[string]string{}
				for key, object := range contents(w.source, primary) {
					want[key] = object.Body
				}
				if diff := cmp.Diff(want, held(t, target, replica)); diff != "" {
					t.Errorf("what it holds (-want +got):\n%s", shorten(diff))
				}
				end := w.job.Target
				audit, err := Audit{End: end, Expected: end.manifest().Entries(t.Context(), w.snapshot(t), w.job.Options.Range, nil)}.Run(t.Context())
				if err != nil || !audit.IsClean() || audit.Matched != int64(len(want)) {
					t.Errorf("audit %+v, error %v", audit, err)
				}
			}
			check(w.run(t))
			if again := w.run(t); again.Copied+again.Deleted != 0 || again.Result != Complete {
				t.Errorf("run again: %+v", again)
			}
			w.remove(t, keys[3:6]...)
			w.put(keys[7], "changed")
			w.put("new", "new")
			check(w.run(t))
		})
	}
}

func TestARealGatewayAsTheSource(t *testing.T) {
	w, gateway := toVersity(t, "")
	for i, key := range slices.Concat(plainKeys, []string{"tagged"}) {
		attributes := provider.Attributes{ContentType: "text/plain", UserMetadata: map[string]string{"a": "é"}}
		if key == "tagged" {
			attributes.Tags = map[string]string{"a": "b"}
		}
		content := strings.Repeat("content ", i)
		_, err := gateway.Put(t.Context(), provider.Ref{Bucket: replica, Key: key},
			provider.Content{Reader: strings.NewReader(content), Size: int64(len(content)), SHA256: digestOf(content)}, attributes)
		if err != nil {
			t.Fatal(err)
		}
	}
	w.target.CreateBucket("restored")
	w.job.Source, w.job.Target = w.job.Target, End{Session: openRepeating(t, w.target), Bucket: "restored"}
	if report := w.run(t); report.Result != Complete || report.Copied != int64(len(plainKeys)+1) {
		t.Fatalf("report %+v", report)
	}
	if diff := cmp.Diff(held(t, gateway, replica), held(t, w.job.Target.Session, "restored")); diff != "" {
		t.Errorf("restored (-gateway +restored):\n%s", diff)
	}
	want := map[string]string{"a": "b"}
	if object, _ := w.target.Object("restored", "tagged"); !maps.Equal(object.Tags, want) {
		t.Errorf("tags %v", object.Tags)
	}
	if again := w.run(t); again.Copied != 0 || again.Result != Complete {
		t.Errorf("run again: %+v", again)
	}
}
