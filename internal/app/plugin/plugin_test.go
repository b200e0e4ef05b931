package plugin

import (
	"testing"

	"github.com/rempart/rempart/internal/message"
)

func TestTheFirstVariableThatSaysSomethingDecidesAboutTheLanguage(t *testing.T) {
	for name, test := range map[string]struct {
		environment map[string]string
		want        message.Language
	}{
		"none says anything":                {nil, message.English},
		"LANG alone":                        {map[string]string{"LANG": "fr_FR.UTF-8"}, message.French},
		"LC_MESSAGES goes before LANG":      {map[string]string{"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, message.English},
		"LC_ALL goes before LC_MESSAGES":    {map[string]string{"LC_ALL": "fr_FR", "LC_MESSAGES": "C", "LANG": "C"}, message.French},
		"a language without messages is no": {map[string]string{"LC_ALL": "de_DE.UTF-8", "LANG": "fr_FR.UTF-8"}, message.English},
		"an empty one says nothing":         {map[string]string{"LC_ALL": "", "LC_MESSAGES": "", "LANG": "fr_FR.UTF-8"}, message.French},
		"LANGUAGE and LC_CTYPE do not":      {map[string]string{"LANGUAGE": "fr", "LC_CTYPE": "fr_FR.UTF-8", "LANG": "C.UTF-8"}, message.English},
	} {
		t.Run(name, func(t *testing.T) {
			if got := languageOf(func(name string) string { return test.environment[name] }); got != test.want {
				t.Errorf("the language is %q, want %q", got, test.want)
			}
		})
	}
}
