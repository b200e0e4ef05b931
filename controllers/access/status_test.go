package access

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rempart/rempart/api/v1alpha1"
	"github.com/rempart/rempart/internal/condition"
	"github.com/rempart/rempart/internal/fault"
	"github.com/rempart/rempart/internal/gather"
	"github.com/rempart/rempart/internal/loop"
	"github.com/rempart/rempart/internal/provider"
)

var deleted = &metav1.Time{Time: now}

// serving is an access whose key is published, and whose primary is there.
func serving(change ...func(*scope)) *scope {
	bucket := &v1alpha1.SovereignBucket{}
	s := &scope{
		access: &v1alpha1.SovereignBucketAccess{}, bucket: bucket, now: now,
		keys: ring{key(here, 1, time.Hour)}, remembered: true, isPublished: true,
	}
	s.access.Name, s.access.Spec.BucketRef.Name = "report", "actes"
	s.access.Spec.AccessMode = v1alpha1.AccessReadWrite
	s.facts = gather.Facts{Bucket: bucket, Replicas: []v1alpha1.BucketReplica{{
		Spec: v1alpha1.BucketReplicaSpec{PlaceReference: here.PlaceReference, BucketName: here.bucketName, Role: v1alpha1.RolePrimary},
		Status: v1alpha1.BucketReplicaStatus{Conditions: []metav1.Condition{
			condition.True(v1alpha1.ConditionProvisioned, v1alpha1.ReasonSucceeded, ""),
		}},
	}}}
	for _, f := range change {
		f(s)
	}
	return s
}

func withKeys(keys ...slot) func(*scope) { return func(s *scope) { s.keys = newRing(keys) } }

func TestConditionsOfAnAccess(t *testing.T) {
	unreachable := fault.New(fault.Transient, fault.ProviderUnreachable, "no answer")
	notFound := fault.New(fault.Waiting, fault.BucketNotFound, "no such bucket")
	for name, test := range map[string]struct {
		scope *scope
		err   error
		want  map[string]string
	}{
		"the key is published": {
			scope: serving(), want: map[string]string{"CredentialsValid": "True/Succeeded", "Ready": "True/Succeeded"},
		},
		"the key is issued and not yet published": {
			scope: serving(withKeys(key(here, 1, 0, unpublished)), func(s *scope) { s.isPublished = false }),
			want:  map[string]string{"CredentialsValid": "True/Succeeded", "Ready": "False/Progressing"},
		},
		"there is no key yet": {
			scope: serving(withKeys(), func(s *scope) { s.isPublished = false }),
			want:  map[string]string{"CredentialsValid": "Unknown/Progressing", "Ready": "False/Progressing"},
		},
		"the key cannot be issued": {
			scope: serving(withKeys(), func(s *scope) { s.isPublished = false }), err: unreachable,
			want: map[string]string{"CredentialsValid": "False/ProviderUnreachable"},
		},
		"a new key cannot be issued, or an old one revoked, while the published one works": {
			scope: serving(func(s *scope) { s.trouble = unreachable }),
			want:  map[string]string{"CredentialsValid": "False/ProviderUnreachable", "Ready": "True/Succeeded"},
		},
		"an old key cannot be revoked, and the bucket is gone": {
			scope: serving(func(s *scope) { s.trouble, s.bucket = unreachable, nil }), err: notFound,
			want: map[string]string{"CredentialsValid": "False/ProviderUnreachable"},
		},
		"a new key waits for room": {
			scope: serving(func(s *scope) { s.isCrowded = true }),
			want:  map[string]string{"CredentialsValid": "True/Succeeded", "Ready": "True/Succeeded"},
		},
		"the bucket is gone": {
			scope: serving(func(s *scope) { s.bucket, s.facts, s.isPublished = nil, gather.Facts{}, false }), err: notFound,
			want: map[string]string{"CredentialsValid": "False/BucketNotFound"},
		},
		"the primary is being made": {
			scope: serving(withKeys(), func(s *scope) { s.isPublished = false }),
			err:   fault.New(fault.Waiting, fault.Progressing, "waiting for the primary"),
			want:  map[string]string{"CredentialsValid": "Unknown/Progressing"},
		},
		"the keys went with the bucket": {
			scope: serving(withKeys(), func(s *scope) { s.withdrawn = true }),
			err:   fault.New(fault.Waiting, fault.KeysRevoked, "the bucket is being deleted"),
			want:  map[string]string{"CredentialsValid": "False/KeysRevoked"},
		},
		"the Secret is somebody else's": {
			scope: serving(func(s *scope) { s.isPublished = false }),
			err:   fault.New(fault.Waiting, fault.NameConflict, "taken"),
			want:  map[string]string{"CredentialsValid": "True/Succeeded"},
		},
		"the key is the account's": {
			scope: serving(withKeys(), func(s *scope) { s.account = &provider.Key{AccessKey: "account"} }),
			want:  map[string]string{"CredentialsValid": "True/Succeeded", "Ready": "True/Succeeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, c := range test.scope.report(test.err).Conditions {
				got[c.Type] = string(c.Status) + "/" + c.Reason
				if c.Status != metav1.ConditionTrue && c.Message == "" {
					t.Errorf("%s is %s and says nothing", c.Type, c.Status)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheStatusShows(t *testing.T) {
	issued := func(age time.Duration) *metav1.Time { return &metav1.Time{Time: ago(age)} }
	active, retiring := v1alpha1.KeyActive, v1alpha1.KeyRetiring
	before := v1alpha1.SovereignBucketAccessStatus{Grant: v1alpha1.GrantScoped, LastRotationTime: issued(9 * time.Hour), ActiveKeys: []v1alpha1.KeyStatus{{KeyID: "old", State: active}}}
	for name, test := range map[string]struct {
		scope *scope
		want  v1alpha1.SovereignBucketAccessStatus
	}{
		"one key": {
			serving(),
			v1alpha1.SovereignBucketAccessStatus{Grant: v1alpha1.GrantScoped, LastRotationTime: issued(time.Hour), ActiveKeys: []v1alpha1.KeyStatus{{KeyID: "onprem-a", State: active}}},
		},
		"a key that replaces another": {
			serving(withKeys(key(here, 2, 0), key(here, 1, time.Hour))),
			v1alpha1.SovereignBucketAccessStatus{Grant: v1alpha1.GrantScoped, LastRotationTime: issued(0), ActiveKeys: []v1alpha1.KeyStatus{
				{KeyID: "onprem-b", State: active}, {KeyID: "onprem-a", State: retiring},
			}},
		},
		"a key that is about to": {
			serving(withKeys(key(here, 2, 0, unpublished), key(here, 1, time.Hour))),
			v1alpha1.SovereignBucketAccessStatus{Grant: v1alpha1.GrantScoped, LastRotationTime: issued(time.Hour), ActiveKeys: []v1alpha1.KeyStatus{
				{KeyID: "onprem-b", State: active}, {KeyID: "onprem-a", State: active},
			}},
		},
		"the account's key, which is not shown": {
			serving(withKeys(), func(s *scope) { s.account = &provider.Key{AccessKey: "account"} }),
			v1alpha1.SovereignBucketAccessStatus{Grant: v1alpha1.GrantAccountWide},
		},
		"keys that were revoked": {
			serving(withKeys(), func(s *scope) { s.withdrawn, s.isPublished, s.access.Status = true, false, before }),
			v1alpha1.SovereignBucketAccessStatus{},
		},
		"what it showed before, when nothing could be read": {
			serving(withKeys(), func(s *scope) { s.remembered, s.isPublished, s.access.Status = false, false, before }),
			before,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.scope.report(errors.New("whatever"))
			if diff := cmp.Diff(test.want, test.scope.access.Status); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTroubleIsToldOnce(t *testing.T) {
	s := serving(func(s *scope) { s.trouble = fault.New(fault.Transient, fault.ProviderUnreachable, "no answer") })
	first := s.report(nil)
	want := []loop.Event{loop.Warning("CredentialsNotValid", "no answer")}
	if diff := cmp.Diff(want, first.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	s.access.Status.Conditions, s.events = first.Conditions, nil
	if again := s.report(nil).Events; len(again) != 0 {
		t.Errorf("it is told again: %v", again)
	}
}

func TestWhenAnAccessIsLookedAtAgain(t *testing.T) {
	daily := func(s *scope) {
		s.access.Spec.Rotation = v1alpha1.KeyRotation{
			Interval: &metav1.Duration{Duration: 24 * time.Hour}, Overlap: &metav1.Duration{Duration: time.Hour},
		}
	}
	for name, test := range map[string]struct {
		scope *scope
		want  time.Duration
	}{
		"now and then":                        {serving(), 10 * time.Minute},
		"when the key is due":                 {serving(daily, withKeys(key(here, 1, 24*time.Hour-time.Minute))), time.Minute},
		"now and then when it is overdue":     {serving(daily, withKeys(key(here, 1, 25*time.Hour))), 10 * time.Minute},
		"when the old key ends":               {serving(daily, withKeys(key(here, 2, 58*time.Minute), key(here, 1, 25*time.Hour))), 2 * time.Minute},
		"at once when it should have":         {serving(daily, withKeys(key(here, 2, 2*time.Hour), key(here, 1, 25*time.Hour))), time.Millisecond},
		"a minute after something went amiss": {serving(daily, withKeys(key(here, 2, 2*time.Hour), key(here, 1, 25*time.Hour)), func(s *scope) { s.trouble = errors.New("x") }), time.Minute},
	} {
		if got := test.scope.lookAgain(); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestWhatBecomesOfKeys(t *testing.T) {
	own := func(s *scope) { s.access.Name = "actes" }
	accessGoes := func(s *scope) { s.access.DeletionTimestamp = deleted }
	bucketGoes := func(policy v1alpha1.DeletionPolicy) func(*scope) {
		return func(s *scope) { s.bucket.DeletionTimestamp, s.bucket.Spec.DeletionPolicy = deleted, policy }
	}
	retained, deletedForGood := bucketGoes(v1alpha1.DeletionRetain), bucketGoes(v1alpha1.DeletionDelete)
	namespaceEnds := func(s *scope) { s.facts.IsNamespaceEnding = true }
	primaryWaits := func(reason string) func(*scope) {
		return func(s *scope) {
			primary := &s.facts.Replicas[0]
			primary.DeletionTimestamp = deleted
			primary.Status.Conditions = append(primary.Status.Conditions, condition.False(v1alpha1.ConditionReady, reason, "x"))
		}
	}
	goes := primaryWaits(v1alpha1.ReasonWaitingForKeys)
	for name, test := range map[string]struct {
		scope *scope
		want  fate
	}{
		"nothing is deleted":                                  {serving(), keepKeys},
		"an access is deleted by hand":                        {serving(accessGoes), endKeys},
		"the application's own is, and will come back":        {serving(own, accessGoes), keepKeys},
		"the bucket never was":                                {serving(accessGoes, func(s *scope) { s.bucket = nil }), keepKeys},
		"the bucket is retained":                              {serving(retained), keepKeys},
		"and the access is deleted too":                       {serving(retained, accessGoes), keepKeys},
		"the bucket's deletion is blocked":                    {serving(deletedForGood), keepKeys},
		"and somebody deletes an access":                      {serving(deletedForGood, accessGoes), endKeys},
		"and somebody deletes the application's own":          {serving(deletedForGood, own, accessGoes), awaitBucket},
		"the bucket's deletion is blocked for another reason": {serving(deletedForGood, primaryWaits("DeletionNotConfirmed")), keepKeys},
		"the primary's status is of an earlier life":          {serving(deletedForGood, goes, func(s *scope) { s.facts.Replicas[0].DeletionTimestamp = nil }), keepKeys},
		"the bucket goes":                                     {serving(deletedForGood, goes), endKeys},
		"the bucket goes, and never had a primary":            {serving(deletedForGood, func(s *scope) { s.facts.Replicas = nil }), endKeys},
		"the bucket goes, and the application's own access":   {serving(deletedForGood, goes, own, accessGoes), endKeys},
		"the namespace ends, and retains":                     {serving(namespaceEnds, accessGoes), keepKeys},
		"the namespace ends, and the bucket is still blocked": {serving(namespaceEnds, deletedForGood, accessGoes), awaitBucket},
		"the namespace ends, and the bucket was not told yet": {serving(namespaceEnds, accessGoes, func(s *scope) { s.bucket.Spec.DeletionPolicy = v1alpha1.DeletionDelete }), awaitBucket},
		"the namespace ends, and the bucket goes":             {serving(namespaceEnds, deletedForGood, goes, accessGoes), endKeys},
	} {
		if got := test.scope.fate(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
