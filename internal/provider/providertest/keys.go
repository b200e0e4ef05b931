package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/probe"
)

const probePrefix = provider.ReservedPrefix + "probe/"

func testOddKeys(t *testing.T, s Suite) {
	t.Run("kept exactly", func(t *testing.T) { testExactKeys(t, s) })
	t.Run("named by the trial", func(t *testing.T) {
		f := s.start(t, "")
		trial := probe.NewKeyTrial(f, f.bucket, probePrefix)
		for _, key := range s.Traits.OtherKeys {
			err := trial.Exact(t.Context(), key)
			wantFault(t, key, err, provider.ErrInvalidKey, fault.Terminal, fault.KeysNotExact)
		}
		for object, err := range provider.List(t.Context(), f, f.bucket, provider.ListOptions{}) {
			t.Errorf("the trial left %q, %v", object.Key, err)
		}
	})
	t.Run("refused before they are sent", func(t *testing.T) {
		f := s.start(t, "")
		for _, key := range []string{"", " \t\n", strings.Repeat("k", 1025), "not \xff UTF-8"} {
			_, err := f.Put(t.Context(), f.ref(key), content("x"), provider.Attributes{})
			wantFault(t, "put", err, provider.ErrInvalidKey, fault.Terminal, fault.KeysNotExact)
		}
	})
}

func testExactKeys(t *testing.T, s Suite) {
	f := s.start(t, "")
	trial := probe.NewKeyTrial(f, f.bucket, probePrefix)
	keys := slices.Concat(DefaultKeys, s.Traits.ExactKeys)
	for _, key := range keys {
		if err := trial.Exact(t.Context(), key); err != nil {
			t.Errorf("the trial wrongly names %q: %v", key, err)
		}
		f.put(t, key, "content of "+key, provider.Attributes{})
	}
	for _, key := range keys {
		text, object, err := f.get(t, f.ref(key), provider.GetOptions{})
		if err != nil || text != "content of "+key || object.Key != key {
			t.Errorf("get %q: %q of %q, %v", key, text, object.Key, err)
		}
	}
	slices.Sort(keys)
	if diff := cmp.Diff(keys, f.keys(t, provider.ListOptions{})); diff != "" {
		t.Errorf("listed keys (-want +got):\n%s", diff)
	}
	for _, key := range keys {
		if err := f.Remove(t.Context(), f.ref(key)); err != nil {
			t.Errorf("remove %q: %v", key, err)
		}
	}
	if left := f.keys(t, provider.ListOptions{}); left != nil {
		t.Errorf("left after removing: %q", left)
	}
}

func testCapabilities(t *testing.T, s Suite) {
	session, name := s.Open(t), s.newName(t)
	got, err := probe.Store(t.Context(), session, name)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(s.Traits.Capabilities, got.Capabilities); diff != "" {
		t.Errorf("capabilities (-declared +found):\n%s", diff)
	}
	// What is told of keys agrees with what becomes of them.
	for keys, isKept := range map[string]bool{"exact": true, "other": false} {
		list := s.Traits.ExactKeys
		if !isKept {
			list = s.Traits.OtherKeys
		}
		for _, key := range list {
			told := !slices.ContainsFunc(probe.Traits(key, false), func(trait string) bool { return slices.Contains(got.KeysNotKept, trait) })
			if told != isKept {
				t.Errorf("%q is among the %s keys, and not kept is %q", key, keys, got.KeysNotKept)
			}
		}
	}
	for _, bucket := range []string{name, name + "-lock"} {
		if state, err := session.ObserveBucket(t.Context(), bucket); err != nil || state.Exists {
			t.Errorf("the scratch bucket %q is still there: %+v, %v", bucket, state, err)
		}
	}
}
