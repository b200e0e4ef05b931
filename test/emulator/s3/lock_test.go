package s3_test

import (
	"context"
	"crypto/md5"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/rempart/rempart/test/emulator/s3"
)

// lockedStore has a bucket with object lock and a clock that can be moved. The
// clock moves by less than the skew signatures allow.
func lockedStore(t *testing.T) (*s3.Server, *minio.Core, func(time.Duration)) {
	t.Helper()
	offset := time.Duration(0)
	srv := s3.Start(t, s3.Options{Clock: func() time.Time { return time.Now().Add(offset) }})
	core := clientFor(t, srv, srv.AccessKey, srv.SecretKey)
	if err := core.MakeBucket(context.Background(), bucket, minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	return srv, core, func(d time.Duration) { offset = d }
}

func TestLockConfiguration(t *testing.T) {
	srv, core, _ := lockedStore(t)
	ctx := context.Background()
	enabled, mode, _, _, err := core.GetObjectLockConfig(ctx, bucket)
	if err != nil || enabled != "Enabled" || mode != nil {
		t.Errorf("a new bucket: %q, %v, %v", enabled, mode, err)
	}
	if !srv.Buckets()[bucket].ObjectLock || srv.Buckets()[bucket].Versioning != "Enabled" {
		t.Error("a bucket with object lock must have versions")
	}
	governance, days, unit := minio.Governance, uint(3), minio.Days
	if err := core.SetBucketObjectLockConfig(ctx, bucket, &governance, &days, &unit); err != nil {
		t.Fatal(err)
	}
	mode, validity, gotUnit, err := core.GetBucketObjectLockConfig(ctx, bucket)
	if err != nil || *mode != governance || *validity != days || *gotUnit != unit {
		t.Errorf("got %v %v %v, %v", mode, validity, gotUnit, err)
	}
	send := func(digest bool) error {
		_, err := core.Client.PutObject(ctx, bucket, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{SendContentMd5: digest})
		return err
	}
	if got := codeOf(send(false)); got != "InvalidRequest" {
		t.Errorf("an object without a digest: %q", got)
	}
	if err := send(true); err != nil {
		t.Fatal(err)
	}
	o, _ := srv.Object(bucket, "k")
	if o.Retention.Mode != "GOVERNANCE" || time.Until(o.Retention.Until) < 71*time.Hour {
		t.Errorf("default retention not recorded: %v", o.Retention)
	}
	if got := codeOf(core.SuspendVersioning(ctx, bucket)); got != "InvalidBucketState" {
		t.Errorf("suspend versioning: %q", got)
	}
	srv.CreateBucket("plain")
	if got := codeOf(core.SetBucketObjectLockConfig(ctx, "plain", &governance, &days, &unit)); got != "InvalidBucketState" {
		t.Errorf("lock an existing bucket: %q", got)
	}
	if _, _, _, _, err := core.GetObjectLockConfig(ctx, "plain"); codeOf(err) != "ObjectLockConfigurationNotFoundError" {
		t.Errorf("configuration of a plain bucket: %v", err)
	}
}

func TestLockedVersionsAreNotDeleted(t *testing.T) {
	cases := map[string]struct {
		mode, hold string
		bypass     bool
		moved      time.Duration
		want       string
	}{
		"without retention":                   {"", "", false, 0, ""},
		"governance":                          {"GOVERNANCE", "", false, 0, "AccessDenied"},
		"governance, bypassed":                {"GOVERNANCE", "", true, 0, ""},
		"governance, over":                    {"GOVERNANCE", "", false, 12 * time.Minute, ""},
		"compliance":                          {"COMPLIANCE", "", false, 0, "AccessDenied"},
		"compliance, bypass asked":            {"COMPLIANCE", "", true, 0, "AccessDenied"},
		"compliance, over":                    {"COMPLIANCE", "", false, 12 * time.Minute, ""},
		"a legal hold":                        {"", "ON", false, 0, "AccessDenied"},
		"a legal hold, bypass asked":          {"", "ON", true, 0, "AccessDenied"},
		"a legal hold switched off":           {"", "OFF", false, 0, ""},
		"a legal hold that outlives the rest": {"COMPLIANCE", "ON", false, 12 * time.Minute, "AccessDenied"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			srv, core, move := lockedStore(t)
			ctx := context.Background()
			info, err := core.Client.PutObject(ctx, bucket, "k", strings.NewReader("x"), 1, minio.PutObjectOptions{
				Mode: minio.RetentionMode(tc.mode), RetainUntilDate: until(tc.mode), LegalHold: minio.LegalHoldStatus(tc.hold), SendContentMd5: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			// A plain deletion only hides the version and is always allowed.
			if err := core.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{}); err != nil {
				t.Fatal(err)
			}
			move(tc.moved)
			err = core.RemoveObject(ctx, bucket, "k", minio.RemoveObjectOptions{VersionID: info.VersionID, GovernanceBypass: tc.bypass})
			if got := codeOf(err); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if left := len(srv.Versions(bucket, "k")); (left == 1) != (tc.want == "") {
				t.Errorf("%d versions left", left)
			}
		})
	}
}

func until(mode string) time.Time {
	if mode == "" {
		return time.Time{}
	}
	return time.Now().Add(10 * time.Minute)
}

func TestRetentionOfAnObject(t *testing.T) {
	_, core, _ := lockedStore(t)
	ctx := context.Background()
	put(t, core, "k", "x")
	if _, _, err := core.GetObjectRetention(ctx, bucket, "k", ""); codeOf(err) != "NoSuchObjectLockConfiguration" {
		t.Errorf("get before put: %v", err)
	}
	set := func(mode minio.RetentionMode, in time.Duration, bypass bool) string {
		at := time.Now().Add(in)
		return codeOf(core.PutObjectRetention(ctx, bucket, "k", minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &at, GovernanceBypass: bypass}))
	}
	steps := []struct {
		what   string
		mode   minio.RetentionMode
		in     time.Duration
		bypass bool
		want   string
	}{
		{"governance is set", minio.Governance, time.Hour, false, ""},
		{"it is extended", minio.Governance, 2 * time.Hour, false, ""},
		{"it is not shortened", minio.Governance, time.Hour, false, "AccessDenied"},
		{"unless bypassed", minio.Governance, time.Hour, true, ""},
		{"it becomes compliance by bypass", minio.Compliance, time.Hour, true, ""},
		{"which stays, bypass or not", minio.Governance, 2 * time.Hour, true, "AccessDenied"},
		{"and is extended", minio.Compliance, 2 * time.Hour, false, ""},
		{"a date of the past is refused", minio.Compliance, -time.Hour, false, "InvalidArgument"},
	}
	for _, step := range steps {
		if got := set(step.mode, step.in, step.bypass); got != step.want {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
	}
	info, err := core.StatObject(ctx, bucket, "k", minio.StatObjectOptions{})
	if err != nil || info.Metadata.Get("X-Amz-Object-Lock-Mode") != "COMPLIANCE" {
		t.Errorf("a HEAD shows %v, %v", info.Metadata, err)
	}
	mode, at, err := core.GetObjectRetention(ctx, bucket, "k", "")
	if err != nil || *mode != minio.Compliance || time.Until(*at) < 110*time.Minute {
		t.Errorf("at the end: %v %v %v", mode, at, err)
	}
}

func TestLegalHold(t *testing.T) {
	_, core, _ := lockedStore(t)
	ctx := context.Background()
	put(t, core, "k", "x")
	if _, err := core.GetObjectLegalHold(ctx, bucket, "k", minio.GetObjectLegalHoldOptions{}); codeOf(err) != "NoSuchObjectLockConfiguration" {
		t.Errorf("get before put: %v", err)
	}
	for _, want := range []minio.LegalHoldStatus{minio.LegalHoldEnabled, minio.LegalHoldDisabled} {
		if err := core.PutObjectLegalHold(ctx, bucket, "k", minio.PutObjectLegalHoldOptions{Status: &want}); err != nil {
			t.Fatal(err)
		}
		got, err := core.GetObjectLegalHold(ctx, bucket, "k", minio.GetObjectLegalHoldOptions{})
		if err != nil || *got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestLockRequestsAreRefused(t *testing.T) {
	withMD5 := func(body string) map[string]string {
		sum := md5.Sum([]byte(body))
		return map[string]string{"Content-MD5": b64(sum[:])}
	}
	future := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	with := func(header map[string]string, name, value string) map[string]string {
		header[name] = value
		return header
	}
	retention := func(mode string) string {
		return "<Retention><Mode>" + mode + "</Mode><RetainUntilDate>" + future + "</RetainUntilDate></Retention>"
	}
	cases := map[string]struct {
		request request
		want    string
	}{
		"a mode without a date":         {request{method: "PUT", key: "n", header: with(withMD5(""), "X-Amz-Object-Lock-Mode", "GOVERNANCE")}, "InvalidArgument"},
		"a mode that is none":           {request{method: "PUT", key: "n", header: with(with(withMD5(""), "X-Amz-Object-Lock-Mode", "X"), "X-Amz-Object-Lock-Retain-Until-Date", future)}, "InvalidArgument"},
		"a date that is none":           {request{method: "PUT", key: "n", header: with(with(withMD5(""), "X-Amz-Object-Lock-Mode", "GOVERNANCE"), "X-Amz-Object-Lock-Retain-Until-Date", "tomorrow")}, "InvalidArgument"},
		"a hold that is none":           {request{method: "PUT", key: "n", header: with(withMD5(""), "X-Amz-Object-Lock-Legal-Hold", "MAYBE")}, "InvalidArgument"},
		"a hold without a digest":       {request{method: "PUT", key: "n", header: map[string]string{"X-Amz-Object-Lock-Legal-Hold": "ON"}}, "InvalidRequest"},
		"a hold in a plain bucket":      {request{method: "PUT", bucket: "plain", key: "n", header: with(withMD5(""), "X-Amz-Object-Lock-Legal-Hold", "ON")}, "InvalidRequest"},
		"retention without a digest":    {request{method: "PUT", key: "k", query: url.Values{"retention": {""}}, body: retention("GOVERNANCE")}, "InvalidRequest"},
		"retention in a plain bucket":   {request{method: "PUT", bucket: "plain", key: "k", query: url.Values{"retention": {""}}, body: retention("GOVERNANCE"), header: withMD5(retention("GOVERNANCE"))}, "InvalidRequest"},
		"configuration without a mode":  {request{method: "PUT", query: url.Values{"object-lock": {""}}, body: lockDocument(""), header: withMD5(lockDocument(""))}, "MalformedXML"},
		"configuration for both units":  {request{method: "PUT", query: url.Values{"object-lock": {""}}, body: lockDocument("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"), header: withMD5(lockDocument("<Mode>GOVERNANCE</Mode><Days>1</Days><Years>1</Years>"))}, "MalformedXML"},
		"configuration for no time":     {request{method: "PUT", query: url.Values{"object-lock": {""}}, body: lockDocument("<Mode>GOVERNANCE</Mode>"), header: withMD5(lockDocument("<Mode>GOVERNANCE</Mode>"))}, "MalformedXML"},
		"a deletion of a configuration": {request{method: "DELETE", query: url.Values{"object-lock": {""}}}, "NotImplemented"},
	}
	srv, core, _ := lockedStore(t)
	put(t, core, "k", "x")
	srv.PutObjectDirect("plain", s3.Object{Key: "k"})
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := tc.request.must(t, srv); got.Code != tc.want {
				t.Errorf("got %d %q, want %q", got.Status, got.Code, tc.want)
			}
		})
	}
}

func lockDocument(retention string) string {
	return "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>" + retention + "</DefaultRetention></Rule></ObjectLockConfiguration>"
}
