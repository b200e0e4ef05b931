package providertest

import (
	"slices"
	"testing"

	"github.com/rempart/rempart/internal/provider"
)

// testSettings: what a store tells of a setting is declared, and the rest is not
// known; what is declared to be corrected is, and everything else stays as it was.
func testSettings(t *testing.T, s Suite) {
	f := s.start(t, "")
	for _, state := range f.states(t) {
		if told := slices.Contains(s.Traits.TellsSettings, state.Setting); state.Known != told {
			t.Errorf("%s: known is %t, declared %t", state.Setting, state.Known, told)
		}
		if state.Harm != "" {
			t.Errorf("%s of a new bucket is %s", state.Setting, state.Harm)
		}
	}
	for _, setting := range s.Traits.CorrectsSettings {
		t.Run(string(setting), func(t *testing.T) { testCorrection(t, s, setting) })
	}
}

func testCorrection(t *testing.T, s Suite, setting provider.Setting) {
	f := s.start(t, "")
	f.put(t, "k", "x", provider.Attributes{})
	s.Harm(t, f.bucket, setting)
	if harmed := f.harmed(t); !slices.Equal(harmed, []provider.Setting{setting}) {
		t.Fatalf("after the harm to %s, harm is seen in %q", setting, harmed)
	}
	for range 2 {
		if err := f.CorrectSetting(t.Context(), f.bucket, setting); err != nil {
			t.Fatal(err)
		}
	}
	if harmed := f.harmed(t); len(harmed) != 0 {
		t.Errorf("after the correction, harm is seen in %q", harmed)
	}
	if text, _, err := f.get(t, f.ref("k"), provider.GetOptions{}); text != "x" || err != nil {
		t.Errorf("the object became %q, %v", text, err)
	}
}

func (f fixture) states(t *testing.T) []provider.SettingState {
	t.Helper()
	states, err := f.ObserveSettings(t.Context(), f.bucket)
	if err != nil {
		t.Fatal(err)
	}
	if len(states) != len(provider.AllSettings) {
		t.Fatalf("%d states, want %d", len(states), len(provider.AllSettings))
	}
	return states
}

// harmed are the settings in which harm is seen.
func (f fixture) harmed(t *testing.T) []provider.Setting {
	t.Helper()
	var harmed []provider.Setting
	for _, state := range f.states(t) {
		if _, drifted := state.Drift(); drifted {
			harmed = append(harmed, state.Setting)
		}
	}
	return harmed
}
