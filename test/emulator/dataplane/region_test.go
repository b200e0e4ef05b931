package dataplane_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rempart/rempart/test/emulator/dataplane"
)

func TestABucketIsMadeWithAllItsTraits(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	want := dataplane.Bucket{
		Name: "made-whole", Owner: "alice", ObjectLock: true, LockRule: &dataplane.LockRule{Mode: "COMPLIANCE", Days: 3},
		Tags: map[string]string{"a": "b"}, Encryption: dataplane.AES256, Grants: dataplane.PublicRead.Grants(),
		Lifecycle:   []dataplane.LifecycleRule{{ID: "r", ExpireDays: 1, Filter: dataplane.Filter{Tags: map[string]string{"k": "v"}}}},
		Replication: []dataplane.ReplicationRule{{ID: "r", Enabled: true, Destination: "copy", DestinationRegion: "SBG"}},
	}
	before := time.Now()
	made, err := w.Region.MakeBucket(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	want.Versioning = dataplane.VersioningEnabled
	if diff := cmp.Diff(want, made, cmpopts.IgnoreFields(dataplane.Bucket{}, "Created")); diff != "" || made.Created.Before(before.Add(-time.Second)) {
		t.Errorf("made %s (-want +got):\n%s", made.Created, diff)
	}
	// What is handed out is a copy, to its ends.
	made.Tags["a"], made.LockRule.Days, made.Lifecycle[0].Filter.Tags["k"] = "x", 9, "x"
	want.Tags["a"] = "b"
	again, _ := w.Region.Bucket("made-whole")
	if diff := cmp.Diff(want, again, cmpopts.IgnoreFields(dataplane.Bucket{}, "Created")); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestBucketsThatAVendorDoesNotMake(t *testing.T) {
	tests := map[string]struct {
		vendor dataplane.Vendor
		wanted dataplane.Bucket
		code   string
	}{
		"a name in capitals":               {dataplane.Outscale, dataplane.Bucket{Name: "Capitals"}, "InvalidBucketName"},
		"a name that is too short":         {dataplane.Outscale, dataplane.Bucket{Name: "ab"}, "InvalidBucketName"},
		"an address":                       {dataplane.Outscale, dataplane.Bucket{Name: "192.0.2.1"}, "InvalidBucketName"},
		"two dashes at OVHcloud":           {dataplane.OVHcloud, dataplane.Bucket{Name: "two--dashes"}, "InvalidBucketName"},
		"two dashes at Outscale":           {dataplane.Outscale, dataplane.Bucket{Name: "two--dashes"}, ""},
		"a lock rule without a lock":       {dataplane.OVHcloud, dataplane.Bucket{Name: "no-lock", LockRule: &dataplane.LockRule{Mode: "GOVERNANCE", Days: 1}}, "InvalidBucketState"},
		"a lock rule of days and years":    {dataplane.OVHcloud, dataplane.Bucket{Name: "no-lock", ObjectLock: true, LockRule: &dataplane.LockRule{Mode: "GOVERNANCE", Days: 1, Years: 1}}, "MalformedXML"},
		"a grant of nothing known":         {dataplane.OVHcloud, dataplane.Bucket{Name: "no-list", Grants: []dataplane.Grant{{Group: dataplane.AllUsers, Permission: "LOOK"}}}, "MalformedXML"},
		"replication without versions":     {dataplane.OVHcloud, dataplane.Bucket{Name: "no-versions", Replication: []dataplane.ReplicationRule{{Destination: "d"}}}, "InvalidRequest"},
		"versions of another kind":         {dataplane.OVHcloud, dataplane.Bucket{Name: "no-kind", Versioning: "enabled"}, "MalformedXML"},
		"a policy about another bucket":    {dataplane.Outscale, dataplane.Bucket{Name: "no-policy", Policy: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other"}]}`}, "MalformedPolicy"},
		"a bucket that somebody else made": {dataplane.OVHcloud, dataplane.Bucket{Name: bucket}, "BucketAlreadyExists"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, tc.vendor)
			tc.wanted.Owner = "bob"
			_, err := w.Region.MakeBucket(t.Context(), tc.wanted)
			if s3Code(err) != tc.code || (err == nil) != (tc.code == "") {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestRegionsOfOneBackendDoNotTakeEachOthersBuckets(t *testing.T) {
	first := start(t, dataplane.OVHcloud)
	second := dataplane.ForTest(t, first.options)
	if _, err := second.Region.MakeBucket(t.Context(), dataplane.Bucket{Name: bucket, Owner: "alice"}); s3Code(err) != "BucketAlreadyExists" {
		t.Errorf("got %v", err)
	}
	if err := second.Region.DeleteBucket(t.Context(), bucket); s3Code(err) != "NoSuchBucket" {
		t.Errorf("got %v", err)
	}
}

func TestARegionIsSafeForConcurrentUse(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	ctx := context.Background()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("bucket-%d", i)
			core := w.client(t, "alice")
			for range 3 {
				if _, err := w.Region.MakeBucket(ctx, dataplane.Bucket{Name: name, Owner: "alice"}); err != nil {
					t.Error(err)
				}
				if err := w.Region.SetTags(name, map[string]string{"i": name}); err != nil {
					t.Error(err)
				}
				if err := put(core, bucket, name, "x"); err != nil {
					t.Error(err)
				}
				w.Region.Buckets()
				if err := core.RemoveBucket(ctx, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if left := w.Region.Buckets(); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}

func TestOptionsThatLackSomething(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	lacks := map[string]func(*dataplane.Options){
		"a vendor":  func(o *dataplane.Options) { o.Vendor = "" },
		"a name":    func(o *dataplane.Options) { o.Name = "" },
		"a backend": func(o *dataplane.Options) { o.Backend = dataplane.Backend{} },
		"the keys":  func(o *dataplane.Options) { o.Lookup = nil },
		"the judge": func(o *dataplane.Options) { o.Judge = nil },
	}
	for name, change := range lacks {
		o := w.options
		change(&o)
		if s, err := dataplane.Start(t.Context(), o); err == nil {
			s.Close()
			t.Errorf("started without %s", name)
		}
	}
}
