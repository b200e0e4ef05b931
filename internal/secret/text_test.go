package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rempart/rempart/internal/secret"
)

func TestTextIsNeverPrinted(t *testing.T) {
	const value = "s3cr3t-value"
	held := struct {
		Name string
		Key  secret.Text
		Ptr  *secret.Text
	}{"n", secret.New(value), new(secret.New(value))}
	encoded, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "key", held.Key, "held", held)
	for verb, printed := range map[string]string{
		"json": string(encoded),
		"%v":   fmt.Sprintf("%v %v", held, held.Key),
		"%+v":  fmt.Sprintf("%+v", held),
		"%#v":  fmt.Sprintf("%#v", held),
		"%s":   fmt.Sprintf("%s", held.Key),
		"%x":   fmt.Sprintf("%x", held.Key),
		"%q":   fmt.Sprintf("%q", held.Key),
		"slog": logged.String(),
	} {
		if strings.Contains(printed, value) || strings.Contains(printed, fmt.Sprintf("%x", value)) {
			t.Errorf("%s prints the secret: %s", verb, printed)
		}
	}
	if held.Key.Reveal() != value {
		t.Errorf("Reveal gives %q", held.Key.Reveal())
	}
}

func TestFingerprintTellsSetsApart(t *testing.T) {
	key := []byte("k")
	seen := map[string]string{}
	for name, values := range map[string][]secret.Text{
		"one":             {secret.New("ab")},
		"split elsewhere": {secret.New("a"), secret.New("b")},
		"other order":     {secret.New("b"), secret.New("a")},
		"empty":           {},
		"with empty":      {secret.New("")},
	} {
		print := secret.Fingerprint(key, values...)
		if other, taken := seen[print]; taken {
			t.Errorf("%q and %q have the fingerprint %s", name, other, print)
		}
		seen[print] = name
	}
	if secret.Fingerprint([]byte("other"), secret.New("ab")) == secret.Fingerprint(key, secret.New("ab")) {
		t.Error("the key does not matter")
	}
}
