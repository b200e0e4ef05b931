package provider_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rempart/rempart/internal/provider"
)

var written = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// vault is a bucket of which some versions are under lock.
type vault struct {
	*shelf
	// refusal is what the store says to the removal of a key that is stubborn.
	refusal error
	// until is what it tells of such a key, and retention what of the bucket.
	until     time.Time
	retention provider.Retention
	denied    error
}

func (v *vault) Remove(ctx context.Context, ref provider.Ref) error {
	if err := v.shelf.Remove(ctx, ref); err != nil {
		return v.refusal
	}
	return nil
}

func (v *vault) Head(context.Context, provider.Ref) (provider.Object, error) {
	return provider.Object{LockedUntil: v.until}, nil
}

func (v *vault) ObserveProtection(context.Context, string) (provider.Protection, error) {
	return provider.Protection{ObjectLock: true, Retention: v.retention}, v.denied
}

func TestEmptyTellsUntilWhenThereIsALock(t *testing.T) {
	month := provider.Retention{Mode: provider.Governance, Days: 30}
	for name, test := range map[string]struct {
		vault vault
		until time.Time // zero: it is no lock
	}{
		"told of the object": {
			vault: vault{refusal: provider.ErrDenied, until: written.AddDate(0, 0, 10)}, until: written.AddDate(0, 0, 10),
		},
		"by the bucket's default, of the newest": {
			vault: vault{refusal: provider.ErrDenied, retention: month}, until: written.Add(19*time.Hour).AddDate(0, 0, 30),
		},
		"of the object, beyond the default": {
			vault: vault{refusal: provider.ErrDenied, until: written.AddDate(1, 0, 0), retention: month}, until: written.AddDate(1, 0, 0),
		},
		"refused as MinIO does":             {vault: vault{refusal: provider.ErrUnsupported, until: written.AddDate(0, 0, 1)}, until: written.AddDate(0, 0, 1)},
		"refused for another reason":        {vault: vault{refusal: provider.ErrDenied}},
		"a failure":                         {vault: vault{refusal: provider.ErrServer, until: written.AddDate(0, 0, 1)}},
		"refused, and not to be looked at":  {vault: vault{refusal: provider.ErrDenied, retention: month, denied: provider.ErrDenied}},
		"told of the object, not of others": {vault: vault{refusal: provider.ErrDenied, until: written.AddDate(0, 0, 1), denied: provider.ErrServer}, until: written.AddDate(0, 0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			v := test.vault
			v.shelf = shelfOf(20, 1)
			v.stubborn = "k00"
			for i := range v.page.Versions {
				v.page.Versions[i].Modified = written.Add(time.Duration(i) * time.Hour)
			}
			_, err := provider.Empty(t.Context(), &v, "actes")
			locked, isLocked := errors.AsType[*provider.LockedError](err)
			if test.until.IsZero() {
				if isLocked || !errors.Is(err, v.refusal) {
					t.Errorf("got %v", err)
				}
				return
			}
			if !isLocked || !errors.Is(err, provider.ErrLocked) || !errors.Is(err, v.refusal) || !locked.Until.Equal(test.until) {
				t.Fatalf("got %v, want until %s", err, test.until)
			}
			if !strings.Contains(err.Error(), test.until.Format(time.DateOnly)) {
				t.Errorf("%q does not say until when", err)
			}
		})
	}
}

func TestTheStricterRetentionSatisfiesBoth(t *testing.T) {
	of := func(mode provider.LockMode, days int) provider.Retention {
		return provider.Retention{Mode: mode, Days: days}
	}
	for name, test := range map[string]struct{ a, b, want provider.Retention }{
		"none and one":         {of("", 0), of(provider.Governance, 7), of(provider.Governance, 7)},
		"one and none":         {of(provider.Governance, 7), of("", 0), of(provider.Governance, 7)},
		"the longer one":       {of(provider.Governance, 7), of(provider.Governance, 30), of(provider.Governance, 30)},
		"the stricter mode":    {of(provider.Governance, 30), of(provider.Compliance, 7), of(provider.Compliance, 30)},
		"whatever comes first": {of(provider.Compliance, 7), of(provider.Governance, 30), of(provider.Compliance, 30)},
	} {
		if got := test.a.Stricter(test.b); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestDriftOfProtection(t *testing.T) {
	want := provider.Bucket{Name: "actes", Protection: provider.Protection{
		ObjectLock: true, Retention: provider.Retention{Mode: provider.Governance, Days: 30}, Encryption: provider.ProviderManaged,
	}}
	mark := &provider.Mark{}
	for name, test := range map[string]struct {
		want  provider.Bucket
		state provider.Protection
		drift string
	}{
		"as it should be": {want: want, state: want.Protection},
		"nothing is there": {
			want: want, drift: "object lock is off, should be GOVERNANCE for 30 days; encryption is None, should be ProviderManaged",
		},
		"no default": {
			want: want, state: provider.Protection{ObjectLock: true, Encryption: provider.ProviderManaged},
			drift: "object lock is none, should be GOVERNANCE for 30 days",
		},
		"another one": {
			want: want, state: provider.Protection{ObjectLock: true, Retention: provider.Retention{Mode: provider.Compliance, Days: 1}, Encryption: provider.ProviderManaged},
			drift: "object lock is COMPLIANCE for a day, should be GOVERNANCE for 30 days",
		},
		"more than is asked for": {want: provider.Bucket{Name: "actes"}, state: want.Protection},
	} {
		var found []string
		for _, drift := range test.want.Drift(provider.BucketState{Exists: true, Mark: mark, Protection: test.state}) {
			found = append(found, drift.String())
		}
		if got := strings.Join(found, "; "); got != test.drift {
			t.Errorf("%s: got %q, want %q", name, got, test.drift)
		}
	}
}
