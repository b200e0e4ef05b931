package s3

import "testing"

func TestWordsOfMetadata(t *testing.T) {
	tests := map[string]struct{ text, sent string }{
		"ASCII":                  {"a b  c", "a b  c"},
		"accents go as they are": {"é à 日本", "é à 日本"},
		"a no-break space":       {"12\u00a0000", "=?UTF-8?b?MTLCoDAwMA==?="},
		"a tab":                  {"a\tb", "=?UTF-8?b?YQli?="},
		"both":                   {"a\tb\u202f", "=?UTF-8?b?YQli4oCv?="},
		"a word of no need":      {"=?UTF-8?Q?abc?=", "=?UTF-8?Q?abc?="},
		"a word that is none":    {"=?x", "=?x"},
	}
	for name, test := range tests {
		if got := encodeWord(test.text); got != test.sent {
			t.Errorf("%s: sent as %q, want %q", name, got, test.sent)
		}
		if got := decodeWord(test.sent); got != test.text {
			t.Errorf("%s: read as %q, want %q", name, got, test.text)
		}
	}
	if got := decodeWord("=?UTF-8?B?w6k=?= =?UTF-8?Q?t=C3=A9?="); got != "été" {
		t.Errorf("words of other clients: %q", got)
	}
}
