package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// EventHabits say how notifications are sent, and what happens to them on the way.
// The zero value sends each change once, at once, without trying again.
type EventHabits struct {
	// RawKeys sends keys as they are, as Versity does; else they are encoded like
	// form values, as AWS and MinIO do.
	RawKeys bool
	// Drop loses the notifications for which it is true, counted from 0; nil loses
	// none.
	Drop func(number int) bool
	// Duplicates is how often each is sent once more.
	Duplicates int
	// Reorder keeps that many back and then sends them in reverse; 0 and 1 keep none.
	Reorder int
	// Delay is how long each is under way.
	Delay time.Duration
}

// EventCounts tell what became of notifications.
type EventCounts struct {
	// Made ones were due; Dropped ones are those of them that were lost on purpose.
	Made, Dropped int
	// Taken ones were answered with success, Refused ones otherwise or not at all.
	Taken, Refused int
}

// events sends notifications.
type events struct {
	client *http.Client
	end    context.CancelFunc
	// base is the context of all sending.
	base context.Context //nolint:containedctx // sending outlives the request that it is about
	sent sync.WaitGroup

	mu     sync.Mutex
	url    string
	habits EventHabits
	kept   [][]byte
	counts EventCounts
}

func newEvents() *events {
	base, end := context.WithCancel(context.Background())
	return &events{base: base, end: end, client: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}}}
}

// SendEvents has the server tell a URL of every object that requests write or delete,
// in whichever bucket, as a server-wide receiver of Versity or MinIO is told; an empty
// URL ends that. What is done behind the API is not told.
func (s *Server) SendEvents(url string, habits EventHabits) {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.url, s.events.habits, s.events.kept = url, habits, nil
}

// EventCounts tells what became of notifications so far.
func (s *Server) EventCounts() EventCounts {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return s.events.counts
}

// AwaitEvents waits until nothing is under way.
func (s *Server) AwaitEvents() { s.events.sent.Wait() }

func (e *events) close() {
	e.end()
	e.sent.Wait()
	e.client.CloseIdleConnections()
}

type eventObject struct {
	Key       string `json:"key"`
	Size      int64  `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// tell sends what happened to an object.
func (e *events) tell(name, bucket string, o eventObject, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.url == "" {
		return
	}
	number := e.counts.Made
	e.counts.Made++
	if drop := e.habits.Drop; drop != nil && drop(number) {
		e.counts.Dropped++
		return
	}
	if !e.habits.RawKeys {
		o.Key = url.QueryEscape(o.Key)
	}
	o.Sequencer = fmt.Sprintf("%016X", number)
	e.kept = append(e.kept, notification(name, bucket, o, at))
	if len(e.kept) < e.habits.Reorder {
		return
	}
	for i := range e.kept {
		body := e.kept[len(e.kept)-1-i]
		for range 1 + e.habits.Duplicates {
			e.send(e.url, body, e.habits.Delay)
		}
	}
	e.kept = nil
}

// notification gives the document that stores send.
func notification(name, bucket string, o eventObject, at time.Time) []byte {
	body, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{ // it holds nothing that cannot be encoded
		"eventVersion": "2.1", "eventSource": "emulator:s3", "eventName": name, "eventTime": at.Format(time.RFC3339Nano),
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": "emulator",
			"bucket": map[string]any{"name": bucket, "arn": "arn:aws:s3:::" + bucket},
			"object": o,
		},
	}}})
	return body
}

// send posts a notification beside the request that it is about. The caller holds mu.
func (e *events) send(to string, body []byte, delay time.Duration) {
	e.sent.Go(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-e.base.Done():
		}
		isTaken := e.post(to, body)
		e.mu.Lock()
		defer e.mu.Unlock()
		if isTaken {
			e.counts.Taken++
			return
		}
		e.counts.Refused++
	})
}

func (e *events) post(to string, body []byte) bool {
	request, err := http.NewRequestWithContext(e.base, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode/100 == 2
}

// created tells of an object that was written.
func (c *call) created(how string, o *Object) {
	c.events.tell("ObjectCreated:"+how, c.bucket, eventObject{Key: o.Key, Size: o.Size, ETag: o.ETag, VersionID: o.VersionID}, c.now)
}

// removed tells of a deletion.
func (c *call) removed(key string, gone removal) {
	how := "Delete"
	if gone.marker {
		how = "DeleteMarkerCreated"
	}
	c.events.tell("ObjectRemoved:"+how, c.bucket, eventObject{Key: key, VersionID: gone.versionID}, c.now)
}
