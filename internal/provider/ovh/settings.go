package ovh

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rempart/rempart/internal/provider"
)

// rule is as much of a replication rule as tells where it leads.
type replicationRule struct {
	Status      string
	Destination struct{ Name, Region string }
}

// harm says where a rule in force leads.
func (r replicationRule) harm() string {
	if r.Status != enabled {
		return ""
	}
	name, region := r.Destination.Name, r.Destination.Region
	switch {
	case name == "":
		name = "somewhere"
	case region == "":
		region = "an unknown region"
	}
	if region == "" {
		return "on, to " + name
	}
	return fmt.Sprintf("on, to %s in %s", name, region)
}

// harms gives the harm of every rule, empty for those without; false when one
// cannot be understood.
func (r replication) harms() ([]string, bool) {
	harms := make([]string, 0, len(r.Rules))
	for _, text := range r.Rules {
		var rule replicationRule
		if json.Unmarshal(text, &rule) != nil {
			return nil, false
		}
		harms = append(harms, rule.harm())
	}
	return harms, true
}

// state tells of the rules together.
func (r replication) state() provider.SettingState {
	state := provider.SettingState{Setting: provider.SettingReplication}
	harms, known := r.harms()
	if !known {
		return state
	}
	state.Known = true
	harms = slices.DeleteFunc(harms, isBlank)
	state.Harm = strings.Join(slices.Compact(harms), " and ")
	return state
}

// withoutHarm gives the rules with those in force disabled. They stay, with what is
// not known of them, so that whoever made them finds them again.
func (r replication) withoutHarm() (replication, error) {
	cured := replication{Rules: make([]json.RawMessage, 0, len(r.Rules))}
	for _, text := range r.Rules {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return replication{}, fmt.Errorf("a replication rule cannot be read")
		}
		members["status"] = json.RawMessage(`"` + disabled + `"`)
		changed, err := json.Marshal(members)
		if err != nil {
			return replication{}, err
		}
		cured.Rules = append(cured.Rules, changed)
	}
	return cured, nil
}

// ObserveSettings implements provider.BucketSettings. Replication, which can be
// pointed anywhere from the control panel, is told by the control plane, and the
// rest by S3. What S3 knows of replication, and the control plane does not, counts
// too.
func (s *session) ObserveSettings(ctx context.Context, bucket string) ([]provider.SettingState, error) {
	found, _, err := s.find(ctx, opFindBucket, bucket)
	if err != nil {
		return nil, err
	}
	states, err := through(ctx, s, func(inner provider.Session) ([]provider.SettingState, error) {
		return inner.ObserveSettings(ctx, bucket)
	})
	if err != nil {
		return nil, err
	}
	told := found.Replication.state()
	for i, state := range states {
		if state.Setting == provider.SettingReplication && (told.Harm != "" || state.Harm == "") {
			states[i] = told
		}
	}
	return states, nil
}

// CorrectSetting implements provider.BucketSettings.
func (s *session) CorrectSetting(ctx context.Context, bucket string, setting provider.Setting) error {
	switch setting {
	case provider.SettingReplication:
		return s.stopReplication(ctx, bucket)
	case provider.SettingPolicy:
		_, x, err := s.find(ctx, opFindBucket, bucket)
		if err != nil {
			return err
		}
		return x.fail(unsupported, "OVHcloud has no bucket policies")
	default:
		return do(ctx, s, func(inner provider.Session) error { return inner.CorrectSetting(ctx, bucket, setting) })
	}
}

// stopReplication takes all replication of a bucket out of force.
func (s *session) stopReplication(ctx context.Context, bucket string) error {
	before, x, err := s.find(ctx, opCorrect, bucket)
	if err != nil {
		return err
	}
	if state := before.Replication.state(); state.Known && state.Harm == "" {
		return nil
	}
	cured, err := before.Replication.withoutHarm()
	if err != nil {
		return x.fail(failing, err.Error())
	}
	change := before.change()
	change["replication"] = cured
	if err := s.put(ctx, opCorrect, bucket, change); err != nil {
		return err
	}
	after, x, err := s.find(ctx, opCorrect, bucket)
	if err != nil {
		return err
	}
	if state := after.Replication.state(); !state.Known || state.Harm != "" {
		return x.fail(unsupported, "OVHcloud accepts the change and keeps what was set")
	}
	return nil
}
