package mover

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/mover/manifest"
	"github.com/rempart/rempart/internal/provider"
)

var errStream = errors.New("the stream broke")

// objects makes a stream of keys; "!" is an error.
func objects(keys ...string) iter.Seq2[provider.Object, error] {
	return func(yield func(provider.Object, error) bool) {
		for _, key := range keys {
			if key == "!" {
				yield(provider.Object{}, errStream)
				return
			}
			if !yield(provider.Object{Key: key, ETag: key}, nil) {
				return
			}
		}
	}
}

func entries(keys ...string) iter.Seq2[manifest.Entry, error] {
	return func(yield func(manifest.Entry, error) bool) {
		for object, err := range objects(keys...) {
			if !yield(manifest.Entry{Key: object.Key, ETag: object.ETag}, err) {
				return
			}
		}
	}
}

// joined gives for each key which streams had it, as s, t and k, in order.
func joined(t *testing.T, steps iter.Seq2[step, error]) (got []string, err error) {
	t.Helper()
	last := ""
	for s, err := range steps {
		if err != nil {
			return got, err
		}
		if s.key <= last && len(got) > 0 {
			t.Errorf("%q comes after %q", s.key, last)
		}
		last = s.key
		marks := s.key + ":"
		if s.source != nil {
			marks += "s"
			checkKey(t, s.key, s.source.Key, s.source.ETag)
		}
		if s.target != nil {
			marks += "t"
			checkKey(t, s.key, s.target.Key, s.target.ETag)
		}
		if s.known != nil {
			marks += "k"
			checkKey(t, s.key, s.known.Key, s.known.ETag)
		}
		got = append(got, marks)
	}
	return got, nil
}

func checkKey(t *testing.T, want string, got ...string) {
	t.Helper()
	for _, key := range got {
		if key != want {
			t.Errorf("%q is in the step of %q", key, want)
		}
	}
}

// naive is join with a map, for sorted streams without errors.
func naive(source, target, known []string) []string {
	marks := map[string]string{}
	for _, stream := range []struct {
		mark string
		keys []string
	}{{"s", source}, {"t", target}, {"k", known}} {
		for _, key := range stream.keys {
			marks[key] += stream.mark
		}
	}
	var want []string
	for _, key := range slices.Sorted(maps.Keys(marks)) {
		want = append(want, key+":"+marks[key])
	}
	return want
}

func TestStreamsAreJoinedByKey(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() []string {
		keys := map[string]bool{}
		for range random.IntN(12) {
			keys[string(rune('a'+random.IntN(10)))+strings.Repeat("/", random.IntN(3))] = true
		}
		return slices.Sorted(maps.Keys(keys))
	}
	for range 2000 {
		source, target, known := pick(), pick(), pick()
		got, err := joined(t, join(objects(source...), objects(target...), entries(known...)))
		if diff := gocmp.Diff(naive(source, target, known), got); diff != "" || err != nil {
			t.Fatalf("join of %q, %q, %q: %v (-want +got):\n%s", source, target, known, err, diff)
		}
	}
}

// FuzzJoin looks for streams, in whatever order and with errors, of which a join
// makes something else than a naive one, or an early end.
func FuzzJoin(f *testing.F) {
	f.Add("a b c", "b c d", "a d")
	f.Add("a !", "b", "")
	f.Add("b a", "a a", "c b")
	f.Fuzz(func(t *testing.T, source, target, known string) {
		s, g, k := strings.Fields(source), strings.Fields(target), strings.Fields(known)
		got, err := joined(t, join(objects(s...), objects(g...), entries(k...)))
		isClean := func(keys []string) bool {
			return !slices.Contains(keys, "!") && slices.IsSortedFunc(keys, func(a, b string) int {
				return cmp.Or(cmp.Compare(a, b), -1) // equal keys are not in order either
			})
		}
		if isClean(s) && isClean(g) && isClean(k) {
			if diff := gocmp.Diff(naive(s, g, k), got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			return
		}
		if !errors.Is(err, errStream) && !errors.Is(err, provider.ErrUnsortedListing) {
			t.Errorf("streams that are broken or not in order ended with %v after %q", err, got)
		}
	})
}

func TestAnErrorOfAnyStreamEndsTheJoin(t *testing.T) {
	tests := map[string]struct {
		steps iter.Seq2[step, error]
		want  error
	}{
		"source breaks":                {join(objects("a", "!"), objects("a"), entries()), errStream},
		"target breaks at once":        {join(objects("a"), objects("!"), entries()), errStream},
		"manifest breaks at the end":   {join(objects("a"), objects("a"), entries("a", "b", "c", "!")), errStream},
		"source not in order":          {join(objects("b", "a"), objects(), entries()), provider.ErrUnsortedListing},
		"target repeats a key":         {join(objects(), objects("a", "a"), entries()), provider.ErrUnsortedListing},
		"manifest not in order at all": {join(objects(), objects(), entries("c", "b", "a")), provider.ErrUnsortedListing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := joined(t, test.steps); !errors.Is(err, test.want) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestAConsumerMayLeaveAJoin(t *testing.T) {
	for _, err := range join(ahead(t.Context(), objects("a", "b", "c")), ahead(t.Context(), objects("b")), ahead(t.Context(), entries("c"))) {
		if err != nil {
			t.Fatal(err)
		}
		break // goleak tells whether the streams were left open
	}
}

func TestReadingAheadLosesNothing(t *testing.T) {
	keys := make([]string, 3*readAhead)
	for i := range keys {
		keys[i] = string(rune('a' + i))
	}
	var got []string
	for object, err := range ahead(t.Context(), objects(append(keys, "!")...)) {
		if err != nil {
			got = append(got, "!")
			continue
		}
		got = append(got, object.Key)
	}
	if diff := gocmp.Diff(append(keys, "!"), got); diff != "" {
		t.Errorf("read ahead (-want +got):\n%s", diff)
	}
}

func TestACancelledListingNeverLooksLikeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, given := range []int{0, 1, readAhead, readAhead + 1} {
			ctx, cancel := context.WithCancel(t.Context())
			endless := func(yield func(provider.Object, error) bool) {
				for i := range given {
					if !yield(provider.Object{Key: string(rune('a' + i))}, nil) {
						return
					}
				}
				<-ctx.Done() // a request that is cut off, after which the listing says nothing
			}
			var last error
			seen := 0
			go func() { synctest.Wait(); cancel() }()
			for _, err := range ahead(ctx, endless) {
				if last = err; err == nil {
					seen++
				}
			}
			if !errors.Is(last, context.Canceled) {
				t.Errorf("after %d of %d elements the listing ended with %v", seen, given, last)
			}
		}
	})
}

func TestListingsEndWithTheRange(t *testing.T) {
	var got []string
	for object, err := range within(objects("a", "b", "c", "!"), manifest.Range{Until: "b"}) {
		if err != nil {
			t.Fatal(err) // it read on
		}
		got = append(got, object.Key)
	}
	if diff := gocmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Error(diff)
	}
	var err error
	for _, err = range within(objects("a", "!"), manifest.Range{Until: "b"}) {
	}
	if !errors.Is(err, errStream) {
		t.Errorf("an error within the range is lost: %v", err)
	}
}

func TestRempartsOwnObjectsAreLeftOutOfListings(t *testing.T) {
	all := []string{
		".rempart/evidence/a", ".rempart/manifest/index/whole.json", ".rempart/mine", ".rempart/owner", ".rempart/owners", ".rempart/probe/x",
		"/.rempart/probe/x", "/.rempart/x", "data/.rempart/owner", "data/a",
	}
	slices.Sort(all)
	keys := func(prefix string, isTarget bool) (got []string) {
		for object, err := range relative(objects(all...), prefix, isTarget) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, object.Key)
		}
		return got
	}
	if diff := gocmp.Diff([]string{".rempart/mine", ".rempart/owners", "/.rempart/x", "data/.rempart/owner", "data/a"}, keys("", false)); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"/.rempart/x", "data/.rempart/owner", "data/a"}, keys("", true)); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
	var err error
	for _, err = range relative(objects("a", "!"), "", true) {
	}
	if !errors.Is(err, errStream) {
		t.Errorf("an error is lost: %v", err)
	}
}
