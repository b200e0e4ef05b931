package s3

import (
	"errors"
	"testing"
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
		if got := wildcardMatch(tc.pattern, tc.s); got != tc.want {
			t.Errorf("%q matches %q: %t, want %t", tc.pattern, tc.s, got, tc.want)
		}
	}
}

type policyCase struct {
	statements string
	ask        access
	want       verdict
}

func (tc policyCase) check(t *testing.T) {
	p, err := parsePolicy([]byte(`{"Version":"2012-10-17","Statement":[`+tc.statements+`]}`), forBucket)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.evaluate(tc.ask); got != tc.want {
		t.Errorf("verdict %d, want %d", got, tc.want)
	}
}

func TestPoliciesAreEvaluated(t *testing.T) {
	allow := `{"Effect":"Allow","Principal":{"AWS":"alice"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	deny := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/secret/*"}`
	listBelow := func(operator string) string {
		return `{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::b","Condition":{"` + operator + `":{"s3:prefix":["home/*"]}}}`
	}
	get := func(id, resource string) access {
		return access{who: &identity{id: id}, action: "s3:GetObject", resource: resource}
	}
	list := func(facts map[string]string) access {
		return access{who: &identity{id: "alice"}, action: "s3:ListBucket", resource: "b", facts: facts}
	}
	cases := map[string]policyCase{
		"allowed by name":                      {allow, get("alice", "b/k"), allowed},
		"another user":                         {allow, get("bob", "b/k"), silent},
		"nobody":                               {allow, get("", "b/k"), silent},
		"another action":                       {allow, access{who: &identity{id: "alice"}, action: "s3:PutObject", resource: "b/k"}, silent},
		"the bucket itself":                    {allow, get("alice", "b"), silent},
		"another bucket":                       {allow, get("alice", "bb/k"), silent},
		"a denial outweighs an allowance":      {allow + "," + deny, get("alice", "b/secret/k"), denied},
		"in either order":                      {deny + "," + allow, get("alice", "b/secret/k"), denied},
		"a denial elsewhere":                   {allow + "," + deny, get("alice", "b/open"), allowed},
		"everybody, signed or not":             {deny, get("", "b/secret/k"), denied},
		"an ARN":                               {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:user/alice"},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, get("alice", "b/k"), allowed},
		"an action in other case":              {`{"Effect":"Allow","Principal":"*","Action":"S3:getobject","Resource":"arn:aws:s3:::b/*"}`, get("alice", "b/k"), allowed},
		"a condition that holds":               {listBelow("StringLike"), list(map[string]string{"s3:prefix": "home/a"}), allowed},
		"a condition that does not":            {listBelow("StringLike"), list(map[string]string{"s3:prefix": "etc"}), silent},
		"a condition on nothing":               {listBelow("StringLike"), list(nil), silent},
		"a literal condition":                  {listBelow("StringEquals"), list(map[string]string{"s3:prefix": "home/a"}), silent},
		"a literal condition that holds":       {listBelow("StringEquals"), list(map[string]string{"s3:prefix": "home/*"}), allowed},
		"a negated condition on nothing":       {listBelow("StringNotLike"), list(nil), allowed},
		"a negated condition that matches":     {listBelow("StringNotLike"), list(map[string]string{"s3:prefix": "home/a"}), silent},
		"a negated literal that does not":      {listBelow("StringNotEquals"), list(map[string]string{"s3:prefix": "home/a"}), allowed},
		"transport that must be safe, and is":  {insecure, get("alice", "b/k"), silent},
		"transport that must be safe, and not": {insecure, access{who: &identity{id: "alice"}, action: "s3:GetObject", resource: "b/k", facts: map[string]string{"aws:SecureTransport": "false"}}, denied},
	}
	for name, tc := range cases {
		t.Run(name, tc.check)
	}
	if got := (*policy)(nil).evaluate(get("alice", "b/k")); got != silent {
		t.Errorf("no policy: verdict %d", got)
	}
}

const insecure = `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`

func TestPoliciesAreRefused(t *testing.T) {
	statement := func(extra string) string { return `{"Statement":[{` + extra + `}]}` }
	good := `"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"`
	cases := map[string]struct {
		document string
		kind     policyKind
		bad      bool
	}{
		"a good one":              {statement(good), forBucket, false},
		"a good one of a user":    {statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`), forIdentity, false},
		"no JSON":                 {`x`, forBucket, true},
		"no statement":            {`{"Version":"2012-10-17"}`, forBucket, true},
		"an effect that is none":  {statement(`"Effect":"Maybe","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"no principal":            {statement(`"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"an empty principal":      {statement(`"Effect":"Allow","Principal":{"AWS":[]},"Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"a principal by a word":   {statement(`"Effect":"Allow","Principal":"alice","Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"a service":               {statement(`"Effect":"Allow","Principal":{"Service":"x"},"Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"a principal of a user":   {statement(good), forIdentity, true},
		"no action":               {statement(`"Effect":"Allow","Principal":"*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"an action elsewhere":     {statement(`"Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"no resource":             {statement(`"Effect":"Allow","Principal":"*","Action":"s3:*"`), forBucket, true},
		"a resource that is none": {statement(`"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"b"`), forBucket, true},
		"what is not evaluated":   {statement(`"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b"`), forBucket, true},
		"an unknown operator":     {statement(good + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`), forBucket, true},
		"an unknown condition":    {statement(good + `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}`), forBucket, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parsePolicy([]byte(tc.document), tc.kind)
			var known *apiError
			if tc.bad != (err != nil) || err != nil && (!errors.As(err, &known) || known.Code != "MalformedPolicy") {
				t.Errorf("got %v", err)
			}
		})
	}
}
