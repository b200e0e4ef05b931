package provider

import "context"

// Setting is a part of a bucket's configuration that Rempart never makes, and
// that others must not make behind its back.
type Setting string

// Settings that are looked at.
const (
	// SettingACL opens a bucket to everybody without a policy.
	SettingACL Setting = "acl"
	// SettingPolicy is the bucket's policy, where the statements for issued keys
	// are too.
	SettingPolicy Setting = "policy"
	// SettingReplication has the store copy every object to another bucket,
	// wherever that is.
	SettingReplication Setting = "replication"
	// SettingLifecycle has the store delete objects by their age.
	SettingLifecycle Setting = "lifecycle"
)

// AllSettings are all of them, in the order in which they are looked at and shown.
var AllSettings = []Setting{SettingACL, SettingPolicy, SettingReplication, SettingLifecycle}

// wanted says what each setting should be, in words that follow "should be".
var wanted = map[Setting]string{
	SettingACL:         "private",
	SettingPolicy:      "closed to the public",
	SettingReplication: "off",
	SettingLifecycle:   "without expiry",
}

// SettingState is what a store tells of one setting.
type SettingState struct {
	Setting Setting
	// Known is false when the store does not tell: it refuses the question, or
	// answers another one. Then nothing may be concluded.
	Known bool
	// Harm says what is wrong, in words that follow "is"; empty is nothing.
	Harm string
}

// Drift gives the harm as a drift, or false when there is none that is known.
func (s SettingState) Drift() (Drift, bool) {
	if !s.Known || s.Harm == "" {
		return Drift{}, false
	}
	return Drift{Property: string(s.Setting), Want: wanted[s.Setting], Got: s.Harm}, true
}

// BucketSettings looks after what others may have set on a bucket.
type BucketSettings interface {
	// ObserveSettings tells the state of every setting, in the order of
	// AllSettings. It never writes. A store that does not know one, or answers
	// badly, makes it unknown; the call fails only when no answer comes, or one
	// that is about the account or the bucket itself.
	ObserveSettings(ctx context.Context, bucket string) ([]SettingState, error)
	// CorrectSetting takes the harm out of one setting and leaves the rest of it,
	// above all the statements for issued keys, as it is. It never sends a DELETE,
	// which deletes the bucket at stores that do not know the setting. It returns
	// nil once the store shows that the harm is gone, ErrUnsupported when the
	// store keeps it.
	CorrectSetting(ctx context.Context, bucket string, setting Setting) error
}
