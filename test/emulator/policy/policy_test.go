package policy

import (
	"errors"
	"testing"

	"github.com/rempart/rempart/test/emulator/s3error"
)

func TestWildcards(t *testing.T) {
	cases := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"*", "", true},
		{"*", "any/thing", true},
		{"a*", "a", true},
		{"a*", "b", false},
		{"*a", "ba", true},
		{"*a", "ab", false},
		{"a*b*c", "axxbyyc", true},
		{"a*b*c", "axxbyy", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"?", "", false},
		{"*?*", "x", true},
		{"**", "x", true},
		{"s3:get*", "s3:getobject", true},
		{"a*b", "ab", true},
		{"ab", "abc", false},
		{"*ab", "aab", true},
	}
	for _, tc := range cases {
		if got := Matches(tc.pattern, tc.s); got != tc.want {
			t.Errorf("%q matches %q: %t, want %t", tc.pattern, tc.s, got, tc.want)
		}
	}
}

type policyCase struct {
	statements string
	ask        Access
	want       Verdict
}

func (tc policyCase) check(t *testing.T) {
	p, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[`+tc.statements+`]}`), OfBucket)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Evaluate(tc.ask); got != tc.want {
		t.Errorf("verdict %d, want %d", got, tc.want)
	}
}

func TestPoliciesAreEvaluated(t *testing.T) {
	allow := `{"Effect":"Allow","Principal":{"AWS":"alice"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	deny := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/secret/*"}`
	listBelow := func(operator string) string {
		return `{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::b","Condition":{"` + operator + `":{"s3:prefix":["home/*"]}}}`
	}
	get := func(id, resource string) Access {
		return Access{Who: id, Action: "s3:GetObject", Resource: resource}
	}
	list := func(facts map[string]string) Access {
		return Access{Who: "alice", Action: "s3:ListBucket", Resource: "b", Facts: facts}
	}
	cases := map[string]policyCase{
		"allowed by name":                      {allow, get("alice", "b/k"), Allowed},
		"another user":                         {allow, get("bob", "b/k"), Silent},
		"nobody":                               {allow, get("", "b/k"), Silent},
		"another action":                       {allow, Access{Who: "alice", Action: "s3:PutObject", Resource: "b/k"}, Silent},
		"the bucket itself":                    {allow, get("alice", "b"), Silent},
		"another bucket":                       {allow, get("alice", "bb/k"), Silent},
		"a denial outweighs an allowance":      {allow + "," + deny, get("alice", "b/secret/k"), Denied},
		"in either order":                      {deny + "," + allow, get("alice", "b/secret/k"), Denied},
		"a denial elsewhere":                   {allow + "," + deny, get("alice", "b/open"), Allowed},
		"everybody, signed or not":             {deny, get("", "b/secret/k"), Denied},
		"an ARN":                               {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:user/alice"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, get("alice", "b/k"), Allowed},
		"an action in other case":              {`{"Effect":"Allow","Principal":"*","Action":"S3:getobject","Resource":"arn:aws:s3:::b/*"}`, get("alice", "b/k"), Allowed},
		"a condition that holds":               {listBelow("StringLike"), list(map[string]string{"s3:prefix": "home/a"}), Allowed},
		"a condition that does not":            {listBelow("StringLike"), list(map[string]string{"s3:prefix": "etc"}), Silent},
		"a condition on nothing":               {listBelow("StringLike"), list(nil), Silent},
		"a literal condition":                  {listBelow("StringEquals"), list(map[string]string{"s3:prefix": "home/a"}), Silent},
		"a literal condition that holds":       {listBelow("StringEquals"), list(map[string]string{"s3:prefix": "home/*"}), Allowed},
		"a negated condition on nothing":       {listBelow("StringNotLike"), list(nil), Allowed},
		"a negated condition that matches":     {listBelow("StringNotLike"), list(map[string]string{"s3:prefix": "home/a"}), Silent},
		"a negated literal that does not":      {listBelow("StringNotEquals"), list(map[string]string{"s3:prefix": "home/a"}), Allowed},
		"transport that must be safe, and is":  {insecure, get("alice", "b/k"), Silent},
		"transport that must be safe, and not": {insecure, Access{Who: "alice", Action: "s3:GetObject", Resource: "b/k", Facts: map[string]string{"aws:SecureTransport": "false"}}, Denied},
	}
	for name, tc := range cases {
		t.Run(name, tc.check)
	}
	if got := (*Policy)(nil).Evaluate(get("alice", "b/k")); got != Silent {
		t.Errorf("no policy: verdict %d", got)
	}
}

const insecure = `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`

func TestPoliciesAreRefused(t *testing.T) {
	statement := func(extra string) string { return `{"Statement":[{` + extra + `}]}` }
	good := `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	cases := map[string]struct {
		document string
		kind     Dialect
		bad      bool
	}{
		"a good one":              {statement(good), OfBucket, false},
		"a good one of a user":    {statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`), OfUser, false},
		"no JSON":                 {`x`, OfBucket, true},
		"no statement":            {`{"Version":"2012-10-17"}`, OfBucket, true},
		"an effect that is none":  {statement(`"Effect":"Maybe","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"no principal":            {statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"an empty principal":      {statement(`"Effect":"Allow","Principal":{"AWS":[]},"Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"a principal by a word":   {statement(`"Effect":"Allow","Principal":"alice","Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"a service":               {statement(`"Effect":"Allow","Principal":{"Service":"x"},"Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"a principal of a user":   {statement(good), OfUser, true},
		"no action":               {statement(`"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"an action elsewhere":     {statement(`"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"no resource":             {statement(`"Effect":"Allow","Principal":"*","Action":"s3:*"`), OfBucket, true},
		"a resource that is none": {statement(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"b"`), OfBucket, true},
		"what is not evaluated":   {statement(`"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"`), OfBucket, true},
		"an unknown operator":     {statement(good + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), OfBucket, true},
		"an unknown condition":    {statement(good + `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}`), OfBucket, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tc.document), tc.kind)
			var known *s3error.Error
			if tc.bad != (err != nil) || err != nil && (!errors.As(err, &known) || known.Code != "MalformedPolicy") {
				t.Errorf("got %v", err)
			}
		})
	}
}
