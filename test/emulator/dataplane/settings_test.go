package dataplane_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
	"github.com/minio/minio-go/v7/pkg/sse"
	"github.com/minio/minio-go/v7/pkg/tags"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/s3error"
)

// What a vendor lacks is refused in all its verbs, and a deletion of it deletes
// nothing else: the bucket is empty, and some stores would delete that.
func TestWhatAVendorLacksIsRefused(t *testing.T) {
	lacking := map[dataplane.Vendor][]string{
		dataplane.OVHcloud: {"policy", "publicAccessBlock", "ownershipControls", "notification"},
		dataplane.Outscale: {"tagging", "replication", "notification", "logging", "publicAccessBlock", "ownershipControls"},
	}
	both := []string{"accelerate", "analytics", "metrics", "inventory", "intelligent-tiering", "requestPayment", "policyStatus", "anything", "object-lock&anything"}
	for vendor, names := range lacking {
		w := start(t, vendor)
		for _, name := range append(names, both...) {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				got := request{method: method, query: name + "=", body: bodyFor(method)}.send(t, w)
				refused := got.status == http.StatusNotImplemented && got.code == "NotImplemented"
				noVerb := method == http.MethodDelete && got.code == "MethodNotAllowed"
				if !refused && !noVerb {
					t.Errorf("%s: %s ?%s: %+v", vendor, method, name, got)
				}
			}
		}
		if ok, err := w.client(t, "alice").BucketExists(t.Context(), bucket); err != nil || !ok {
			t.Errorf("%s: the bucket is there: %t, %v", vendor, ok, err)
		}
	}
}

func bodyFor(method string) string {
	if method == http.MethodPut {
		return "<Anything/>"
	}
	return ""
}

func TestLegalHoldsAreRefusedAtOutscale(t *testing.T) {
	w := start(t, dataplane.Outscale)
	w.make(t, dataplane.Bucket{Name: "locked", Owner: "alice", ObjectLock: true})
	tests := map[string]request{
		"a hold":             {method: "PUT", query: "legal-hold=", body: "<LegalHold><Status>ON</Status></LegalHold>"},
		"the question":       {method: "GET", query: "legal-hold="},
		"a hold in a header": {method: "PUT", body: "x", header: map[string]string{"X-Amz-Object-Lock-Legal-Hold": "ON"}},
	}
	for name, r := range tests {
		r.bucket, r.key = "locked", "k"
		if got := r.send(t, w); got.code != "NotImplemented" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Both sides of a region see what the other sets.
func TestTagsAreOneTruth(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	core, ctx := w.client(t, "alice"), t.Context()
	if _, err := core.GetBucketTagging(ctx, bucket); codeOf(err) != "NoSuchTagSet" {
		t.Errorf("before: %v", err)
	}
	want := map[string]string{"owner": "town hall", "x": ""}
	sent, err := tags.MapToBucketTags(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := core.SetBucketTagging(ctx, bucket, sent); err != nil {
		t.Fatal(err)
	}
	b, _ := w.Region.Bucket(bucket)
	if diff := cmp.Diff(want, b.Tags); diff != "" {
		t.Errorf("the region (-want +got):\n%s", diff)
	}
	b.Tags["x"] = "changed in a copy"
	if err := w.Region.SetTags(bucket, map[string]string{"set": "elsewhere"}); err != nil {
		t.Fatal(err)
	}
	got, err := core.GetBucketTagging(ctx, bucket)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"set": "elsewhere"}, got.ToMap()); diff != "" {
		t.Errorf("the S3 side (-want +got):\n%s", diff)
	}
	if err := core.RemoveBucketTagging(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	if b, _ := w.Region.Bucket(bucket); len(b.Tags) > 0 {
		t.Errorf("after the deletion: %v", b.Tags)
	}
	many := map[string]string{}
	for i := range 51 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	if err := w.Region.SetTags(bucket, many); s3Code(err) != "BadRequest" {
		t.Errorf("51 tags: %v", err)
	}
}

// s3Code is the code of a refusal by the region itself.
func s3Code(err error) string {
	if known, ok := errors.AsType[*s3error.Error](err); ok {
		return known.Code
	}
	return ""
}

func TestReplicationIsKept(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	document := `<ReplicationConfiguration><Role>arn:aws:iam::p:role/s3-replication</Role>` +
		`<Rule><ID>r1</ID><Priority>2</Priority><Status>Enabled</Status><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>` +
		`<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>` +
		`<Destination><Bucket>arn:aws:s3:::copy</Bucket><StorageClass>STANDARD_IA</StorageClass></Destination></Rule></ReplicationConfiguration>`
	put := request{method: "PUT", query: "replication=", body: document}
	if got := put.send(t, w); got.code != "InvalidRequest" {
		t.Errorf("without versions: %+v", got)
	}
	if err := w.Region.SetVersioning(t.Context(), bucket, dataplane.VersioningEnabled); err != nil {
		t.Fatal(err)
	}
	if got := put.send(t, w); got.status != http.StatusOK {
		t.Fatalf("put: %+v", got)
	}
	want := []dataplane.ReplicationRule{{
		ID: "r1", Priority: 2, Enabled: true, Filter: dataplane.Filter{Prefix: "a/", Tags: map[string]string{"k": "v"}},
		Destination: "copy", StorageClass: "STANDARD_IA",
	}}
	if b, _ := w.Region.Bucket(bucket); !cmp.Equal(want, b.Replication) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, b.Replication))
	}
	// Added from the vendor's console, and read back by a client.
	foreign := dataplane.ReplicationRule{ID: "foreign", Enabled: true, Destination: "abroad", DestinationRegion: "BHS", DeleteMarkers: true}
	if err := w.Region.SetReplication(bucket, append(want, foreign)); err != nil {
		t.Fatal(err)
	}
	config, err := w.client(t, "alice").GetBucketReplication(t.Context(), bucket)
	if err != nil || len(config.Rules) != 2 || config.Rules[1].Destination.Bucket != "arn:aws:s3:::abroad" {
		t.Errorf("got %+v, %v", config, err)
	}
	// What the region answers can be put again and means the same.
	read := request{method: "GET", query: "replication="}.send(t, w)
	if got := (request{method: "PUT", query: "replication=", body: read.body}).send(t, w); got.status != http.StatusOK {
		t.Fatalf("put again: %+v", got)
	}
	foreign.DestinationRegion = ""
	b, _ := w.Region.Bucket(bucket)
	if diff := cmp.Diff(append(want, foreign), b.Replication); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	if got := (request{method: "DELETE", query: "replication="}).send(t, w); got.status != http.StatusNoContent {
		t.Errorf("delete: %+v", got)
	}
	if got := (request{method: "GET", query: "replication="}).send(t, w); got.code != "ReplicationConfigurationNotFoundError" {
		t.Errorf("after the deletion: %+v", got)
	}
	foreign.Filter.Tags = map[string]string{"k": "v"}
	if err := w.Region.SetReplication(bucket, []dataplane.ReplicationRule{foreign}); s3Code(err) != "InvalidRequest" {
		t.Errorf("delete markers by tag: %v", err)
	}
}

func TestLifecyclesAreKept(t *testing.T) {
	for _, vendor := range []dataplane.Vendor{dataplane.OVHcloud, dataplane.Outscale} {
		t.Run(string(vendor), func(t *testing.T) {
			w := start(t, vendor)
			core, ctx := w.client(t, "alice"), t.Context()
			config := lifecycle.NewConfiguration()
			config.Rules = []lifecycle.Rule{
				{ID: "old", Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: "logs/"}, Expiration: lifecycle.Expiration{Days: 30}},
				{ID: "uploads", Status: "Disabled", AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: 7}},
				{ID: "versions", Status: "Enabled", RuleFilter: lifecycle.Filter{Tag: lifecycle.Tag{Key: "k", Value: "v"}}, NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 9, NewerNoncurrentVersions: 3}},
			}
			if err := core.SetBucketLifecycle(ctx, bucket, config); err != nil {
				t.Fatal(err)
			}
			want := []dataplane.LifecycleRule{
				{ID: "old", Enabled: true, Filter: dataplane.Filter{Prefix: "logs/"}, ExpireDays: 30},
				{ID: "uploads", AbortUploadDays: 7},
				{ID: "versions", Enabled: true, Filter: dataplane.Filter{Tags: map[string]string{"k": "v"}}, NoncurrentDays: 9, NoncurrentKeep: 3},
			}
			b, _ := w.Region.Bucket(bucket)
			if diff := cmp.Diff(want, b.Lifecycle); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			back, err := core.GetBucketLifecycle(ctx, bucket)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(config.Rules, back.Rules, cmpopts.IgnoreFields(lifecycle.Rule{}, "XMLName"), cmpopts.IgnoreTypes(lifecycle.ExpirationBoolean(false)), cmpopts.EquateEmpty(), ignoreXMLNames); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if err := core.SetBucketLifecycle(ctx, bucket, lifecycle.NewConfiguration()); err != nil {
				t.Fatal(err)
			}
			if _, err := core.GetBucketLifecycle(ctx, bucket); codeOf(err) != "NoSuchLifecycleConfiguration" {
				t.Errorf("after the deletion: %v", err)
			}
		})
	}
}

// Names of elements say where a value was, not what it is.
var ignoreXMLNames = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".XMLName" }, cmp.Ignore())

func TestLifecyclesAreRefused(t *testing.T) {
	days := func(id string) dataplane.LifecycleRule { return dataplane.LifecycleRule{ID: id, ExpireDays: 1} }
	tagged := dataplane.Filter{Tags: map[string]string{"k": "v"}}
	tests := map[string]struct {
		vendor dataplane.Vendor
		rule   dataplane.LifecycleRule
		code   string
	}{
		"a rule without an ID at OVHcloud": {dataplane.OVHcloud, days(""), "InvalidArgument"},
		"a rule without an ID at Outscale": {dataplane.Outscale, days(""), ""},
		"a rule that does nothing":         {dataplane.OVHcloud, dataplane.LifecycleRule{ID: "r"}, "InvalidRequest"},
		"more versions than may be kept":   {dataplane.OVHcloud, dataplane.LifecycleRule{ID: "r", NoncurrentDays: 1, NoncurrentKeep: 101}, "InvalidArgument"},
		"uploads by tag":                   {dataplane.OVHcloud, dataplane.LifecycleRule{ID: "r", AbortUploadDays: 1, Filter: tagged}, "InvalidRequest"},
		"markers and days":                 {dataplane.OVHcloud, dataplane.LifecycleRule{ID: "r", ExpireDays: 1, ExpireDeleteMarker: true}, "InvalidRequest"},
		"negative days":                    {dataplane.OVHcloud, dataplane.LifecycleRule{ID: "r", ExpireDays: -1, AbortUploadDays: 1}, "InvalidArgument"},
		"a good one":                       {dataplane.OVHcloud, days("r"), ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, tc.vendor)
			if err := w.Region.SetLifecycle(bucket, []dataplane.LifecycleRule{tc.rule}); s3Code(err) != tc.code {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestALifecycleAndSuspendedVersionsExcludeEachOther(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	ctx := t.Context()
	rules := []dataplane.LifecycleRule{{ID: "r", ExpireDays: 1}}
	if err := w.Region.SetLifecycle(bucket, rules); err != nil {
		t.Fatal(err)
	}
	if err := w.Region.SetVersioning(ctx, bucket, dataplane.VersioningSuspended); s3Code(err) != "InvalidBucketState" {
		t.Errorf("suspended under a lifecycle: %v", err)
	}
	if err := errors.Join(w.Region.SetLifecycle(bucket, nil), w.Region.SetVersioning(ctx, bucket, dataplane.VersioningSuspended)); err != nil {
		t.Fatal(err)
	}
	if err := w.Region.SetLifecycle(bucket, rules); s3Code(err) != "InvalidBucketState" {
		t.Errorf("a lifecycle under suspended versions: %v", err)
	}
}

// What is read says whether it is encrypted, version by version.
func TestObjectsSayThatTheyAreEncrypted(t *testing.T) {
	for behind, start := range starts {
		t.Run(behind, func(t *testing.T) {
			w := start(t, dataplane.OVHcloud)
			core, ctx := w.client(t, "alice"), context.Background()
			if err := w.Region.SetVersioning(ctx, bucket, dataplane.VersioningEnabled); err != nil {
				t.Fatal(err)
			}
			mustPut(t, core, "k", "plain")
			plain, err := core.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := core.GetBucketEncryption(ctx, bucket); codeOf(err) != "ServerSideEncryptionConfigurationNotFoundError" {
				t.Errorf("before: %v", err)
			}
			if err := core.SetBucketEncryption(ctx, bucket, sse.NewConfigurationSSES3()); err != nil {
				t.Fatal(err)
			}
			if b, _ := w.Region.Bucket(bucket); b.Encryption != dataplane.AES256 {
				t.Errorf("the region says %q", b.Encryption)
			}
			mustPut(t, core, "k", "encrypted")
			id, err := core.NewMultipartUpload(ctx, bucket, "large", minio.PutObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			part, err := core.PutObjectPart(ctx, bucket, "large", id, 1, strings.NewReader("x"), 1, minio.PutObjectPartOptions{})
			if err != nil {
				t.Fatal(err)
			}
			// What counts is how the upload began.
			if err := core.RemoveBucketEncryption(ctx, bucket); err != nil {
				t.Fatal(err)
			}
			done := []minio.CompletePart{{PartNumber: 1, ETag: part.ETag}}
			if _, err := core.CompleteMultipartUpload(ctx, bucket, "large", id, done, minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
			mustPut(t, core, "later", "plain")
			source := minio.CopySrcOptions{Bucket: bucket, Object: "k"}
			if _, err := core.Client.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "copy"}, source); err != nil {
				t.Fatal(err)
			}
			asked := request{method: "PUT", key: "asked", body: "x", header: map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}}.send(t, w)
			if asked.header.Get("X-Amz-Server-Side-Encryption") != "AES256" {
				t.Errorf("the answer to who asks: %+v", asked)
			}
			got := map[string]string{"k before": encryption(t, core, "k", plain.VersionID)}
			for _, key := range []string{"k", "large", "later", "copy", "asked"} {
				got[key] = encryption(t, core, key, "")
			}
			want := map[string]string{"k before": "", "k": "AES256", "large": "AES256", "later": "", "copy": "", "asked": "AES256"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func encryption(t *testing.T, core *minio.Core, key, versionID string) string {
	t.Helper()
	info, err := core.StatObject(context.Background(), bucket, key, minio.StatObjectOptions{VersionID: versionID})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return info.Metadata.Get("X-Amz-Server-Side-Encryption")
}

// versitygw itself keeps no class.
func TestStorageClassesAreKept(t *testing.T) {
	for behind, start := range starts {
		for vendor, wanted := range map[dataplane.Vendor]map[string]string{
			dataplane.OVHcloud: {"STANDARD": "", "STANDARD_IA": "STANDARD_IA", "DEEP_ARCHIVE": "DEEP_ARCHIVE", "COLDEST": "InvalidStorageClass"},
			dataplane.Outscale: {"STANDARD": "", "STANDARD_IA": "InvalidStorageClass"},
		} {
			t.Run(string(vendor)+" over "+behind, func(t *testing.T) {
				w := start(t, vendor)
				for class, want := range wanted {
					put := request{method: "PUT", key: class, body: "x", header: map[string]string{"X-Amz-Storage-Class": class}}.send(t, w)
					got := request{method: "HEAD", key: class}.send(t, w).header.Get("X-Amz-Storage-Class")
					if got == "STANDARD" { // said or not, it is the same
						got = ""
					}
					if answered := put.code + got; answered != want {
						t.Errorf("%s: got %q, want %q", class, answered, want)
					}
				}
			})
		}
	}
}

// To take such a header and do nothing would be a lie.
func TestOtherEncryptionIsRefused(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	tests := map[string]map[string]string{
		"keys of a key service": {"X-Amz-Server-Side-Encryption": "aws:kms"},
		"a client's key":        {"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256"},
		"a grant":               {"X-Amz-Grant-Read": "uri=http://acs.amazonaws.com/groups/global/AllUsers"},
	}
	for name, header := range tests {
		if got := (request{method: "PUT", key: "k", body: "x", header: header}).send(t, w); got.code != "NotImplemented" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := w.Region.SetEncryption(bucket, "aws:kms"); s3Code(err) != "NotImplemented" {
		t.Errorf("a bucket's: %v", err)
	}
}

func TestPoliciesOfBucketsWorkAtOutscale(t *testing.T) {
	w := start(t, dataplane.Outscale)
	owner, other := w.client(t, "alice"), w.client(t, "bob")
	mustPut(t, owner, "k", "x")
	if got := reach(t, other, bucket); got != "" {
		t.Errorf("before: %q", got)
	}
	document := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":["s3:GetObject"],"Resource":["arn:aws:s3:::` + bucket + `/*"]}]}`
	if err := owner.SetBucketPolicy(t.Context(), bucket, document); err != nil {
		t.Fatal(err)
	}
	if got := reach(t, other, bucket); got != "get" {
		t.Errorf("with a policy: %q", got)
	}
	if got, err := owner.GetBucketPolicy(t.Context(), bucket); err != nil || got != document {
		t.Errorf("read back: %q, %v", got, err)
	}
	if err := owner.SetBucketPolicy(t.Context(), bucket, ""); err != nil {
		t.Fatal(err)
	}
	if got := reach(t, other, bucket); got != "" {
		t.Errorf("after: %q", got)
	}
	if err := w.Region.SetPolicy(bucket, "{}"); s3Code(err) != "MalformedPolicy" {
		t.Errorf("a policy that is none: %v", err)
	}
}

func TestOtherSettingsAreKeptAsSent(t *testing.T) {
	w := start(t, dataplane.OVHcloud)
	tests := map[string]struct{ document, absent string }{
		"cors":    {`<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>`, "NoSuchCORSConfiguration"},
		"website": {`<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>`, "NoSuchWebsiteConfiguration"},
		"logging": {`<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket></LoggingEnabled></BucketLoggingStatus>`, ""},
	}
	for name, tc := range tests {
		if got := (request{method: "GET", query: name + "="}).send(t, w); got.code != tc.absent {
			t.Errorf("%s before: %+v", name, got)
		}
		if got := (request{method: "PUT", query: name + "=", body: tc.document}).send(t, w); got.status != http.StatusOK {
			t.Errorf("put %s: %+v", name, got)
		}
		if got := (request{method: "GET", query: name + "="}).send(t, w); got.body != tc.document {
			t.Errorf("%s: %+v", name, got)
		}
		if got := (request{method: "PUT", query: name + "=", body: "no XML"}).send(t, w); got.code != "MalformedXML" {
			t.Errorf("a broken %s: %+v", name, got)
		}
	}
	if got := (request{method: "DELETE", query: "cors="}).send(t, w); got.status != http.StatusNoContent {
		t.Errorf("delete: %+v", got)
	}
	if got := (request{method: "GET", query: "cors="}).send(t, w); got.code != "NoSuchCORSConfiguration" {
		t.Errorf("after the deletion: %+v", got)
	}
}
