package access

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/provider"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

var (
	here  = target{PlaceReference: v1alpha1.PlaceReference{ProviderName: "onprem", Location: "dc1"}, bucketName: "actes-x"}
	there = target{PlaceReference: v1alpha1.PlaceReference{ProviderName: "ovh", Location: "GRA"}, bucketName: "actes-y"}
	// anew is another bucket at the same place.
	anew = target{PlaceReference: here.PlaceReference, bucketName: "actes-z"}
)

// key is a key that was issued and published some time ago, in slot number
// generation-1 modulo 2.
func key(at target, generation int64, age time.Duration, change ...func(*slot)) slot {
	s := slot{
		target: at, number: int(generation-1) % 2, generation: generation, mode: v1alpha1.AccessReadWrite,
		key:      provider.Key{AccessKey: at.ProviderName + "-" + string(rune('a'+generation-1))},
		issuedAt: ago(age), publishedAt: ago(age),
	}
	s.consumer = s.key.AccessKey
	for _, f := range change {
		f(&s)
	}
	return s
}

func unpublished(s *slot) { s.publishedAt = time.Time{} }
func intent(s *slot)      { s.publishedAt, s.key = time.Time{}, provider.Key{} }
func requested(s *slot)   { s.requested = "monday" }

func names(keys ring) []string {
	got := []string{}
	for _, s := range keys {
		got = append(got, s.consumer)
	}
	return got
}

func TestWhichKeyIsIssuedNext(t *testing.T) {
	monthly := wish{target: here, mode: v1alpha1.AccessReadWrite, interval: 720 * time.Hour}
	with := func(change func(*wish)) wish { w := monthly; change(&w); return w }
	type next struct {
		At         target
		Number     int
		Generation int64
		Mode       v1alpha1.AccessMode
		Requested  string
	}
	for name, test := range map[string]struct {
		keys    ring
		wish    wish
		want    *next
		crowded bool
	}{
		"the first one":                     {nil, monthly, &next{here, 0, 1, "ReadWrite", ""}, false},
		"none while the key is young":       {ring{key(here, 1, 719*time.Hour)}, monthly, nil, false},
		"one when the key is old":           {ring{key(here, 1, 720*time.Hour)}, monthly, &next{here, 1, 2, "ReadWrite", ""}, false},
		"none without an interval":          {ring{key(here, 1, 9000*time.Hour)}, with(func(w *wish) { w.interval = 0 }), nil, false},
		"the other slot, again":             {ring{key(here, 4, 720*time.Hour)}, monthly, &next{here, 0, 5, "ReadWrite", ""}, false},
		"one that is asked for":             {ring{key(here, 1, 0)}, with(func(w *wish) { w.requested = "monday" }), &next{here, 1, 2, "ReadWrite", "monday"}, false},
		"none when that was answered":       {ring{key(here, 1, 0, requested)}, with(func(w *wish) { w.requested = "monday" }), nil, false},
		"none when a request is taken back": {ring{key(here, 1, 0, requested)}, monthly, nil, false},
		"one of another mode":               {ring{key(here, 1, 0)}, with(func(w *wish) { w.mode = "ReadOnly" }), &next{here, 1, 2, "ReadOnly", ""}, false},
		"not before there is room":          {ring{key(here, 2, 720*time.Hour), key(here, 1, 1440*time.Hour)}, monthly, nil, true},
		"the one that was begun":            {ring{key(here, 2, 0, intent), key(here, 1, 720*time.Hour)}, monthly, &next{here, 1, 2, "ReadWrite", ""}, false},
		"the one that was begun, as it is wanted by now": {
			ring{key(here, 2, 0, unpublished), key(here, 1, 0)}, with(func(w *wish) { w.mode = "WriteOnly" }), &next{here, 1, 2, "WriteOnly", ""}, false,
		},
		"none while one is being published": {ring{key(here, 2, 0, unpublished), key(here, 1, 720*time.Hour)}, monthly, nil, false},
		"one where the primary is now":      {ring{key(there, 3, 0)}, monthly, &next{here, 0, 4, "ReadWrite", ""}, false},
		"one for another bucket at the place": {
			ring{key(here, 1, 0)}, with(func(w *wish) { w.target = anew }), &next{anew, 1, 2, "ReadWrite", ""}, false,
		},
		"the same slot when its key is useless": {
			ring{key(here, 2, 0), key(here, 1, time.Hour)}, with(func(w *wish) { w.isUseless = true }), &next{here, 1, 3, "ReadWrite", ""}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			fresh, crowded := newRing(test.keys).next(now, test.wish)
			var got *next
			if fresh != nil {
				got = &next{fresh.target, fresh.number, fresh.generation, fresh.mode, fresh.requested}
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if crowded != test.crowded {
				t.Errorf("crowded is %t", crowded)
			}
		})
	}
}

func TestWhichKeysAreRevokedWhen(t *testing.T) {
	const overlap = time.Hour
	for name, test := range map[string]struct {
		keys ring
		at   *target
		want []string
	}{
		"none of one":                              {ring{key(here, 1, 9000*time.Hour)}, &here, []string{}},
		"none within the overlap":                  {ring{key(here, 2, overlap-1), key(here, 1, 720*time.Hour)}, &here, []string{}},
		"the old one after it":                     {ring{key(here, 2, overlap), key(here, 1, 720*time.Hour)}, &here, []string{"onprem-a"}},
		"none before the new one is published":     {ring{key(here, 2, overlap, unpublished), key(here, 1, 720*time.Hour)}, &here, []string{}},
		"none while the new one is not issued":     {ring{key(here, 2, overlap, intent), key(here, 1, 720*time.Hour)}, &here, []string{}},
		"those to a bucket that was the primary":   {ring{key(here, 3, overlap), key(there, 2, 9*overlap), key(there, 1, 9*overlap)}, &here, []string{"ovh-b", "ovh-a"}},
		"one begun for a bucket that was":          {ring{key(there, 2, 0, unpublished), key(here, 1, 0)}, &here, []string{"ovh-b"}},
		"that one not while the primary is absent": {ring{key(there, 2, 0, unpublished), key(here, 1, 0)}, nil, []string{}},
		"the old one also without a primary":       {ring{key(here, 2, overlap), key(here, 1, 720*time.Hour)}, nil, []string{"onprem-a"}},
	} {
		if diff := cmp.Diff(test.want, names(newRing(test.keys).due(now, overlap, test.at))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhichKeyIsPublished(t *testing.T) {
	for name, test := range map[string]struct {
		keys ring
		want string
	}{
		"the only one":                           {ring{key(here, 1, 0)}, "onprem-a"},
		"the newest":                             {ring{key(here, 1, 0), key(here, 2, 0)}, "onprem-b"},
		"a new one that was just issued":         {ring{key(here, 2, 0, unpublished), key(here, 1, 0)}, "onprem-b"},
		"the old one while a new one is begun":   {ring{key(here, 2, 0, intent), key(here, 1, 0)}, "onprem-a"},
		"the old one while a new one is astray":  {ring{key(there, 2, 0, unpublished), key(here, 1, 0)}, "onprem-a"},
		"none that is for another bucket":        {ring{key(there, 1, 0)}, ""},
		"none that is for the bucket before":     {ring{key(anew, 1, 0)}, ""},
		"none of none":                           {nil, ""},
		"none that was begun and not yet issued": {ring{key(here, 1, 0, intent)}, ""},
	} {
		got := ""
		if current := newRing(test.keys).current(here); current != nil {
			got = current.consumer
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
