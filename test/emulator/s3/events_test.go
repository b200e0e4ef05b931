package s3_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/test/emulator/s3"
)

// receiver takes notifications, and gives what each said in a line.
type receiver struct {
	*httptest.Server
	status int

	mu  sync.Mutex
	got []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var document struct {
			Records []struct {
				EventName string
				S3        struct {
					Bucket struct{ Name string }
					Object struct{ Key string }
				}
			}
		}
		body, err := io.ReadAll(request.Body)
		if err == nil {
			err = json.Unmarshal(body, &document)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.got = append(r.got, err.Error())
		}
		for _, record := range document.Records {
			r.got = append(r.got, fmt.Sprintf("%s %s/%s", record.EventName, record.S3.Bucket.Name, record.S3.Object.Key))
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func TestEventsTellWhatRequestsChange(t *testing.T) {
	for name, test := range map[string]struct {
		habits s3.EventHabits
		want   []string
		counts s3.EventCounts
	}{
		"each once": {
			s3.EventHabits{},
			[]string{"ObjectCreated:Copy first-bucket/copied", "ObjectCreated:Put first-bucket/a+key", "ObjectRemoved:Delete first-bucket/a+key"},
			s3.EventCounts{Made: 3, Taken: 3},
		},
		"keys as they are": {
			s3.EventHabits{RawKeys: true},
			[]string{"ObjectCreated:Copy first-bucket/copied", "ObjectCreated:Put first-bucket/a key", "ObjectRemoved:Delete first-bucket/a key"},
			s3.EventCounts{Made: 3, Taken: 3},
		},
		"one is lost": {
			s3.EventHabits{Drop: func(n int) bool { return n == 1 }},
			[]string{"ObjectCreated:Put first-bucket/a+key", "ObjectRemoved:Delete first-bucket/a+key"},
			s3.EventCounts{Made: 3, Dropped: 1, Taken: 2},
		},
		"each twice, some time later": {
			s3.EventHabits{Duplicates: 1, Delay: 20 * time.Millisecond},
			[]string{
				"ObjectCreated:Copy first-bucket/copied", "ObjectCreated:Copy first-bucket/copied", "ObjectCreated:Put first-bucket/a+key", "ObjectCreated:Put first-bucket/a+key",
				"ObjectRemoved:Delete first-bucket/a+key", "ObjectRemoved:Delete first-bucket/a+key",
			},
			s3.EventCounts{Made: 3, Taken: 6},
		},
		"two are kept back": {
			s3.EventHabits{Reorder: 2},
			[]string{"ObjectCreated:Copy first-bucket/copied", "ObjectCreated:Put first-bucket/a+key"},
			s3.EventCounts{Made: 3, Taken: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			server, _ := start(t, s3.Options{})
			server.SendEvents(r.URL, test.habits)
			for _, r := range []request{
				{method: http.MethodPut, key: "a key"},
				{method: http.MethodPut, key: "copied", header: map[string]string{"X-Amz-Copy-Source": "/" + bucket + "/a%20key"}},
				{method: http.MethodDelete, key: "a key"},
			} {
				if got := r.must(t, server); got.Status/100 != 2 {
					t.Fatalf("%s %s: %+v", r.method, r.key, got)
				}
			}
			server.PutObjectDirect(bucket, s3.Object{Key: "untold"})
			server.AwaitEvents()
			got := r.lines()
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.counts, server.EventCounts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventsThatAreRefusedAreCounted(t *testing.T) {
	r := newReceiver(t)
	r.status = http.StatusServiceUnavailable
	server, core := start(t, s3.Options{})
	server.SendEvents(r.URL, s3.EventHabits{})
	put(t, core, "a", "x")
	server.AwaitEvents()
	if got := server.EventCounts(); got != (s3.EventCounts{Made: 1, Refused: 1}) {
		t.Errorf("counts %+v", got)
	}
	server.SendEvents("", s3.EventHabits{})
	put(t, core, "a", "x")
	if got := server.EventCounts().Made; got != 1 {
		t.Errorf("%d were made after there was nobody to tell", got)
	}
}
