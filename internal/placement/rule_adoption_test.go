package placement_test

import (
	"strings"
	"testing"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/placement"
)

func adopts(provider, location, bucketName string) func(*placement.Request) {
	return func(r *placement.Request) {
		r.Name = "actes"
		r.Existing = &v1alpha1.ExistingBucket{
			PlaceReference: v1alpha1.PlaceReference{ProviderName: provider, Location: location}, BucketName: bucketName,
		}
	}
}

func adoptable(location, bucketName, namespace, name string) func(*placement.Candidate) {
	return func(c *placement.Candidate) {
		c.Adoptable = append(c.Adoptable, v1alpha1.AdoptableBucket{Location: location, BucketName: bucketName, Namespace: namespace, Name: name})
	}
}

func TestAdoption(t *testing.T) {
	listed := adoptable("x", "old", "etat-civil", "actes")
	two := []placement.Policy{policy("p", copies(2, 2))}
	for name, test := range map[string]struct {
		decision placement.Decision
		want     string // places, the primary first
		reason   string // when not satisfied
		message  string // a part of it
	}{
		"the adopted bucket is the primary": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", listed), place("c", "x")}, adopts("b", "x", "old")),
			want:     "b/x a/x",
		},
		"one of several that are listed": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", adoptable("x", "other", "etat-civil", "actes"), listed)}, adopts("b", "x", "old")),
			want:     "b/x a/x",
		},
		"a bucket that is not listed": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x"), place("c", "x")}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonNotAdoptable,
			message:  "the bucket's existingBucket b/x is refused: provider b does not list bucket old at x as adoptable by etat-civil/actes",
		},
		"listed at another location": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", adoptable("y", "old", "etat-civil", "actes"))}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonNotAdoptable, message: "does not list bucket old at x",
		},
		"listed for another namespace": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", adoptable("x", "old", "voirie", "actes"))}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonNotAdoptable, message: "as adoptable by etat-civil/actes",
		},
		"listed for another dataset": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", adoptable("x", "old", "etat-civil", "plans"))}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonNotAdoptable, message: "as adoptable by etat-civil/actes",
		},
		"listed at an illegal place": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x", listed, in("CA")), place("c", "x")}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonOutsidePerimeter, message: "the bucket's existingBucket b/x is refused: CA is outside FR",
		},
		"at a provider that nobody declares": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("c", "x")}, adopts("b", "x", "old")),
			reason:   v1alpha1.ReasonProviderNotFound, message: "existingBucket asks for b/x, which no SovereignProvider declares",
		},
		"a place taken from the list after the adoption": {
			decision: decide(two, []placement.Candidate{place("a", "x"), place("b", "x")}, adopts("b", "x", "old"), placed("b/x", "a/x")),
			reason:   v1alpha1.ReasonPrimaryRelocationRequired, message: "does not list bucket old at x as adoptable",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.decision
			if got.Satisfied != (test.want != "") || got.Reason != test.reason || !strings.Contains(got.Message.String(), test.message) {
				t.Errorf("satisfied %t, %s: %q", got.Satisfied, got.Reason, got.Message)
			}
			if places := strings.Join(placesOf(got.Copies), " "); test.want != "" && places != test.want {
				t.Errorf("copies at %s, want %s", places, test.want)
			}
		})
	}
}
