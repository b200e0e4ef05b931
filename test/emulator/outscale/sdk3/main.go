// Command sdk3 walks through an emulated region of Outscale with the vendor's
// client for Go, version 3, and with its client for OOS. It ends with an error at
// the first answer that is not what the client should get. See the test beside
// the emulator for what it sends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/outscale/osc-sdk-go/v3/pkg/iso8601"
	"github.com/outscale/osc-sdk-go/v3/pkg/middleware"
	"github.com/outscale/osc-sdk-go/v3/pkg/oos"
	"github.com/outscale/osc-sdk-go/v3/pkg/options"
	"github.com/outscale/osc-sdk-go/v3/pkg/osc"
	"github.com/outscale/osc-sdk-go/v3/pkg/profile"
)

func main() {
	p := profile.Profile{Protocol: "http"}
	flag.StringVar(&p.Endpoints.API, "api", "", "URL of the API")
	flag.StringVar(&p.Endpoints.OOS, "oos", "", "URL of OOS")
	flag.StringVar(&p.Region, "region", "", "name of the region")
	flag.StringVar(&p.AccessKey, "access-key", "", "access key")
	flag.StringVar(&p.SecretKey, "secret-key", "", "secret key")
	flag.Parse()
	if err := walk(context.Background(), p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func walk(ctx context.Context, p profile.Profile) error {
	client, err := connect(p)
	if err != nil {
		return err
	}
	for name, part := range []struct {
		name string
		walk func() error
	}{
		{"region", func() error { return region(ctx, client, p) }},
		{"account", func() error { return account(ctx, client) }},
		{"keys", func() error { return keys(ctx, client, p) }},
		{"users", func() error { return users(ctx, client, p) }},
		{"store", func() error { return store(ctx, p) }},
		{"refusals", func() error { return refusals(ctx, p) }},
	} {
		if err := part.walk(); err != nil {
			return fmt.Errorf("part %d, %s: %w", name+1, part.name, err)
		}
	}
	return nil
}

// connect gives a client that asks once, as fast as it can, and prints nothing.
func connect(p profile.Profile) (*osc.Client, error) {
	return osc.NewClient(&p, options.WithoutRetry(), options.WithoutRatelimit(), middleware.WithLogger(nil))
}

func region(ctx context.Context, client *osc.Client, p profile.Profile) error {
	regions, err := client.ReadRegions(ctx, osc.ReadRegionsRequest{})
	if err != nil {
		return err
	}
	if len(*regions.Regions) == 0 {
		return errors.New("no regions are told")
	}
	read, err := client.ReadSubregions(ctx, osc.ReadSubregionsRequest{Filters: &osc.FiltersSubregion{RegionNames: &[]string{p.Region}}})
	if err != nil {
		return err
	}
	for _, subregion := range *read.Subregions {
		if *subregion.RegionName != p.Region || *subregion.LocationCode == "" {
			return fmt.Errorf("subregion %+v", subregion)
		}
	}
	return nil
}

func account(ctx context.Context, client *osc.Client) error {
	accounts, err := client.ReadAccounts(ctx, osc.ReadAccountsRequest{})
	if err != nil {
		return err
	}
	if len(*accounts.Accounts) != 1 {
		return fmt.Errorf("%d accounts", len(*accounts.Accounts))
	}
	used, err := client.ReadConsumptionAccount(ctx, osc.ReadConsumptionAccountRequest{
		FromDate: iso8601.Day(2026, time.October, 1), ToDate: iso8601.Day(2026, time.November, 1),
	})
	if err != nil {
		return err
	}
	if len(*used.ConsumptionEntries) != 1 || *(*used.ConsumptionEntries)[0].Service != "TinaOS-OOS" {
		return fmt.Errorf("consumption %+v", *used.ConsumptionEntries)
	}
	emitted, err := client.ReadCO2EmissionAccount(ctx, osc.ReadCO2EmissionAccountRequest{
		FromMonth: iso8601.Day(2026, time.October, 1), ToMonth: iso8601.Day(2026, time.November, 1),
	})
	if err != nil {
		return err
	}
	if *emitted.Value != 2 {
		return fmt.Errorf("emissions of %v", *emitted.Value)
	}
	return nil
}

func keys(ctx context.Context, client *osc.Client, p profile.Profile) error {
	tag := "rotation"
	expires := iso8601.Date(2063, time.April, 5, 0, 0, 0, 0, time.UTC)
	made, err := client.CreateAccessKey(ctx, osc.CreateAccessKeyRequest{Tag: &tag, ExpirationDate: &expires})
	if err != nil {
		return err
	}
	if !made.AccessKey.ExpirationDate.Equal(expires) {
		return fmt.Errorf("the key expires on %s", made.AccessKey.ExpirationDate)
	}
	own := p
	own.AccessKey, own.SecretKey = *made.AccessKey.AccessKeyId, *made.AccessKey.SecretKey
	with, err := connect(own)
	if err != nil {
		return err
	}
	if _, err := with.ReadAccounts(ctx, osc.ReadAccountsRequest{}); err != nil {
		return fmt.Errorf("with the new key: %w", err)
	}
	read, err := client.ReadAccessKeys(ctx, osc.ReadAccessKeysRequest{Tag: &tag})
	if err != nil {
		return err
	}
	if len(*read.AccessKeys) != 1 {
		return fmt.Errorf("%d keys have the tag", len(*read.AccessKeys))
	}
	_, err = client.DeleteAccessKey(ctx, osc.DeleteAccessKeyRequest{AccessKeyId: *made.AccessKey.AccessKeyId})
	return err
}

func users(ctx context.Context, client *osc.Client, p profile.Profile) error {
	name := "reader"
	if _, err := client.CreateUser(ctx, osc.CreateUserRequest{UserName: name}); err != nil {
		return err
	}
	if _, err := client.PutUserPolicy(ctx, osc.PutUserPolicyRequest{
		UserName: name, PolicyName: "read",
		PolicyDocument: `{"Statement": [{"Effect": "Allow", "Action": ["api:ReadSubregions"], "Resource": ["*"]}]}`,
	}); err != nil {
		return err
	}
	made, err := client.CreateAccessKey(ctx, osc.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		return err
	}
	own := p
	own.AccessKey, own.SecretKey = *made.AccessKey.AccessKeyId, *made.AccessKey.SecretKey
	with, err := connect(own)
	if err != nil {
		return err
	}
	if _, err := with.ReadSubregions(ctx, osc.ReadSubregionsRequest{}); err != nil {
		return fmt.Errorf("what the user may: %w", err)
	}
	// The client reads codes only at the statuses that the vendor documents for an
	// action, and 403 is none of them.
	if _, err := with.ReadAccounts(ctx, osc.ReadAccountsRequest{}); err == nil || !strings.Contains(err.Error(), `"Code":"4"`) {
		return fmt.Errorf("what the user may not: %w", err)
	}
	if err := list(ctx, own); code(err) != "InvalidAccessKeyId" {
		return fmt.Errorf("OOS and the user's key: %w", err)
	}
	_, err = client.DeleteUser(ctx, osc.DeleteUserRequest{UserName: name})
	return err
}

func list(ctx context.Context, p profile.Profile) error {
	client, err := oos.NewClient(ctx, &p)
	if err != nil {
		return err
	}
	_, err = client.ListBuckets(ctx, &s3.ListBucketsInput{})
	return err
}

// code is that of an error of OOS.
func code(err error) string {
	if failure := oos.Error(nil); errors.As(err, &failure) {
		return failure.ErrorCode()
	}
	return ""
}

func store(ctx context.Context, p profile.Profile) error {
	client, err := oos.NewClient(ctx, &p)
	if err != nil {
		return err
	}
	bucket, key := aws.String("sdk3"), aws.String("état civil/1")
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		return err
	}
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("acte")}); err != nil {
		return err
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return err
	}
	text, err := io.ReadAll(got.Body)
	if err != nil || string(text) != "acte" {
		return fmt.Errorf("read %q: %w", text, err)
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	if err != nil {
		return err
	}
	if len(listed.Contents) != 1 || *listed.Contents[0].Key != *key {
		return fmt.Errorf("listed %+v", listed.Contents)
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		return err
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	return err
}

// refusals come last, with a key that is spoiled.
func refusals(ctx context.Context, p profile.Profile) error {
	p.SecretKey = "wrong"
	client, err := connect(p)
	if err != nil {
		return err
	}
	// For this action the vendor documents 401.
	if _, err := client.ReadVms(ctx, osc.ReadVmsRequest{}); !osc.IsAuthError(err) {
		return fmt.Errorf("a wrong secret at the API: %w", err)
	}
	if err := list(ctx, p); code(err) != "SignatureDoesNotMatch" {
		return fmt.Errorf("a wrong secret at OOS: %w", err)
	}
	return nil
}
