package dataplane_test

import (
	"net/netip"
	"testing"

	"github.com/rempart/rempart/test/emulator/dataplane"
	"github.com/rempart/rempart/test/emulator/policy"
)

const (
	allowFirst = `{"Sid":"a","Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::first-bucket","arn:aws:s3:::first-bucket/*"]}`
	denyFirst  = `{"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::first-bucket","arn:aws:s3:::first-bucket/*"]}`
	denyList   = `{"Effect":"Deny","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}`
	fromOffice = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::first-bucket/*","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::1"]}}}`
	notOutside = `{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::first-bucket/*","Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}`
)

// asked is a call about the bucket of alice.
func asked(identity, action, key string, adjust ...func(*dataplane.Call)) dataplane.Call {
	c := dataplane.Call{
		Identity: identity, Action: action, Bucket: bucket, Key: key, Owner: "alice",
		Source: netip.MustParseAddr("192.0.2.7"),
	}
	if identity != "" {
		c.AccessKey = identity + "-key"
	}
	for _, change := range adjust {
		change(&c)
	}
	return c
}

func bucketACL(acl dataplane.ACL) func(*dataplane.Call) {
	return func(c *dataplane.Call) { c.BucketGrants = acl.Grants() }
}

func objectACL(acl dataplane.ACL) func(*dataplane.Call) {
	return func(c *dataplane.Call) { c.ObjectGrants = acl.Grants() }
}

func from(address string) func(*dataplane.Call) {
	return func(c *dataplane.Call) { c.Source = netip.MustParseAddr(address) }
}

func noBucket(c *dataplane.Call) { c.Bucket, c.Owner = "", "" }

type judgement struct {
	policy string // the statements of who asks
	call   dataplane.Call
	want   dataplane.Verdict
}

func TestOVHcloudJudges(t *testing.T) {
	const allow, deny = dataplane.Allow, dataplane.Deny
	tests := map[string]judgement{
		"the owner may do everything":                       {"", asked("alice", "s3:PutBucketTagging", ""), allow},
		"the owner may whatever a narrower policy allows":   {allowFirst, asked("alice", "s3:DeleteBucket", ""), allow},
		"the owner may not what is denied":                  {denyFirst, asked("alice", "s3:GetObject", "k"), deny},
		"a neighbour may nothing without a policy":          {"", asked("bob", "s3:GetObject", "k"), deny},
		"a neighbour may not even list":                     {"", asked("bob", "s3:ListBucket", ""), deny},
		"another may what a policy allows":                  {allowFirst, asked("bob", "s3:GetObject", "k"), allow},
		"another may not what it does not speak of":         {allowFirst, asked("bob", "s3:PutObject", "k"), deny},
		"a denial comes before an allowance":                {allowFirst + "," + denyFirst, asked("bob", "s3:GetObject", "k"), deny},
		"in either order":                                   {denyFirst + "," + allowFirst, asked("bob", "s3:GetObject", "k"), deny},
		"an allowance ends at the bucket's name":            {allowFirst, asked("bob", "s3:GetObject", "k", func(c *dataplane.Call) { c.Bucket = "first-bucket-2" }), deny},
		"an empty policy is none":                           {"", asked("alice", "s3:GetObject", "k"), allow},
		"all may list their buckets":                        {"", asked("bob", "s3:ListAllMyBuckets", "", noBucket), allow},
		"also with a policy that does not speak of it":      {allowFirst, asked("bob", "s3:ListAllMyBuckets", "", noBucket), allow},
		"unless it is denied":                               {denyList, asked("bob", "s3:ListAllMyBuckets", "", noBucket), deny},
		"nobody may list buckets unsigned":                  {"", asked("", "s3:ListAllMyBuckets", "", noBucket), deny},
		"a user may make a bucket":                          {"", asked("bob", "s3:CreateBucket", "", func(c *dataplane.Call) { c.Owner = "" }), allow},
		"nobody may make one unsigned":                      {"", asked("", "s3:CreateBucket", "", func(c *dataplane.Call) { c.Owner = "" }), deny},
		"a condition on an address that is in the network":  {fromOffice, asked("bob", "s3:GetObject", "k"), allow},
		"a condition on one address":                        {fromOffice, asked("bob", "s3:GetObject", "k", from("2001:db8::1")), allow},
		"a condition on an address elsewhere":               {fromOffice, asked("bob", "s3:GetObject", "k", from("203.0.113.1")), deny},
		"a denial for a network binds the owner there":      {notOutside, asked("alice", "s3:GetObject", "k", from("198.51.100.9")), deny},
		"and not elsewhere":                                 {notOutside, asked("alice", "s3:GetObject", "k"), allow},
		"a public bucket is listed by everybody":            {"", asked("", "s3:ListBucket", "", bucketACL(dataplane.PublicRead)), allow},
		"its objects are not read":                          {"", asked("", "s3:GetObject", "k", bucketACL(dataplane.PublicRead)), deny},
		"a public object is read by everybody":              {"", asked("", "s3:GetObject", "k", objectACL(dataplane.PublicRead)), allow},
		"a public object is not overwritten":                {"", asked("bob", "s3:PutObject", "k", objectACL(dataplane.PublicRead)), deny},
		"a public object is not read by who is denied":      {denyFirst, asked("bob", "s3:GetObject", "k", objectACL(dataplane.PublicRead)), deny},
		"an object for the signed is not read unsigned":     {"", asked("", "s3:GetObject", "k", objectACL(dataplane.AuthenticatedRead)), deny},
		"an object for the signed is read by them":          {"", asked("bob", "s3:GetObject", "k", objectACL(dataplane.AuthenticatedRead)), allow},
		"a bucket open for writing takes objects":           {"", asked("bob", "s3:PutObject", "k", bucketACL(dataplane.PublicReadWrite)), allow},
		"a bucket open for writing keeps its configuration": {"", asked("bob", "s3:PutBucketTagging", "", bucketACL(dataplane.PublicReadWrite)), deny},
		"nobody owns a bucket without an owner":             {"", asked("", "s3:GetObject", "k", func(c *dataplane.Call) { c.Owner = "" }), deny},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			parsed, err := dataplane.ParseUserPolicy(`{"Statement":[` + tc.policy + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			judge := dataplane.JudgeOVHcloud(func(string) *policy.Policy { return parsed })
			if got := judge(tc.call); got != tc.want {
				t.Errorf("verdict %d, want %d", got, tc.want)
			}
		})
	}
}

func TestOVHcloudRefusesPoliciesItDoesNotKnow(t *testing.T) {
	tests := map[string]string{
		"no JSON":           `x`,
		"no list":           `{}`,
		"a principal":       `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"}]}`,
		"another condition": `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"a*"}}}]}`,
		"another key":       `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b","Condition":{"IpAddress":{"s3:prefix":"a"}}}]}`,
		"no resource":       `{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}`,
	}
	for name, document := range tests {
		if _, err := dataplane.ParseUserPolicy(document); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestOutscaleJudges(t *testing.T) {
	const allow, deny = dataplane.Allow, dataplane.Deny
	const (
		shared   = `{"Effect":"Allow","Principal":{"AWS":"bob"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::first-bucket/*"}`
		withheld = `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::first-bucket","arn:aws:s3:::first-bucket/*"]}`
	)
	tests := map[string]judgement{ // the policy is the bucket's
		"a root key of the owner may do everything":  {"", asked("alice", "s3:DeleteBucket", ""), allow},
		"a key of an EIM user may nothing":           {"", asked("eim", "s3:GetObject", "k", func(c *dataplane.Call) { c.Owner = "eim" }), deny},
		"not even what is public":                    {"", asked("eim", "s3:GetObject", "k", objectACL(dataplane.PublicRead)), deny},
		"not even list buckets":                      {"", asked("eim", "s3:ListAllMyBuckets", "", noBucket), deny},
		"another account may nothing":                {"", asked("bob", "s3:GetObject", "k"), deny},
		"another account may what the policy allows": {shared, asked("bob", "s3:GetObject", "k"), allow},
		"and no more":                                {shared, asked("bob", "s3:PutObject", "k"), deny},
		"the owner may not what the policy denies":   {withheld, asked("alice", "s3:GetObject", "k"), deny},
		"but may take such a policy back":            {withheld, asked("alice", "s3:DeleteBucketPolicy", ""), allow},
		"a denial comes before an allowance":         {shared + "," + withheld, asked("bob", "s3:GetObject", "k"), deny},
		"a public object is read unsigned":           {"", asked("", "s3:GetObject", "k", objectACL(dataplane.PublicRead)), allow},
		"another account may list its buckets":       {"", asked("bob", "s3:ListAllMyBuckets", "", noBucket), allow},
		"another account may make a bucket":          {"", asked("bob", "s3:CreateBucket", "", func(c *dataplane.Call) { c.Owner = "" }), allow},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.policy != "" {
				var err error
				if tc.call.Policy, err = policy.Parse([]byte(`{"Statement":[`+tc.policy+`]}`), policy.OfBucket); err != nil {
					t.Fatal(err)
				}
			}
			judge := dataplane.JudgeOutscale(func(accessKey string) bool { return accessKey != "eim-key" })
			if got := judge(tc.call); got != tc.want {
				t.Errorf("verdict %d, want %d", got, tc.want)
			}
		})
	}
}
