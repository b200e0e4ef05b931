package s3

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrincipalsInAllForms(t *testing.T) {
	tests := map[string][]string{
		`"bob"`:                  {"bob"},
		`"*"`:                    {"*"},
		`["bob","eve"]`:          {"bob", "eve"},
		`{"AWS":"bob"}`:          {"bob"},
		`{"AWS":["bob","eve"]}`:  {"bob", "eve"},
		`{"CanonicalUser":"id"}`: nil,
		`7`:                      nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, principals([]byte(text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestRemovingAUserFromAStatement(t *testing.T) {
	tests := map[string]struct {
		statement, want string
		some            bool
	}{
		"named alone":       {`{"Principal":{"AWS":["bob"]}}`, "", false},
		"named as a string": {`{"Principal":"bob"}`, "", false},
		"not named":         {`{ "Principal": "eve" }`, `{ "Principal": "eve" }`, true},
		"among others":      {`{"Principal":["bob","eve"]}`, `{"Principal":{"AWS":["eve"]}}`, true},
		"no statement":      {`"text"`, `"text"`, true},
	}
	for name, test := range tests {
		got, some := strip([]byte(test.statement), "bob")
		if string(got) != test.want || some != test.some {
			t.Errorf("%s: got %s, %t", name, got, some)
		}
	}
}

func TestOneStatementWithoutAListIsRead(t *testing.T) {
	p, err := parsePolicy([]byte(`{"Version":"2012-10-17","Statement":{"Principal":"bob"}}`))
	if err != nil || len(p.statements) != 1 {
		t.Fatalf("got %d statements, %v", len(p.statements), err)
	}
	text, err := p.encode()
	if err != nil || string(text) != `{"Statement":[{"Principal":"bob"}],"Version":"2012-10-17"}` {
		t.Errorf("got %s, %v", text, err)
	}
}
