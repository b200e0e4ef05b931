package probe

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// segmentLimit is the longest file name of common file systems, in bytes.
const segmentLimit = 255

// trait is a property of keys that some stores do not keep.
type trait struct {
	// name completes the sentence: the store does not keep …
	name string
	// has tells whether a key has the trait.
	has func(key string) bool
	// keys show the trait, below a folder of their own. A store keeps the trait
	// when it lists just these.
	keys []string
	// isRooted puts the keys' folder behind a slash at the very beginning.
	isRooted bool
	// isEmpty sends objects without content.
	isEmpty bool
}

// emptySegment is also tried before a slash at the beginning, see folder.try.
var emptySegment = trait{name: "two slashes in a row", has: func(key string) bool { return strings.Contains(key, "//") }, keys: []string{"a//b"}}

var leadingSlash = trait{name: "a slash at the beginning", has: func(key string) bool { return strings.HasPrefix(key, "/") }, keys: []string{"a"}, isRooted: true}

// traits are those that any key may have.
var traits = []trait{
	emptySegment,
	leadingSlash,
	{name: `the segment "."`, has: hasSegment("."), keys: []string{"a/./b"}},
	{name: `the segment ".."`, has: hasSegment(".."), keys: []string{"a/../b"}},
	{name: "a segment of more than 255 bytes", has: hasLongSegment, keys: []string{strings.Repeat("n", segmentLimit+1)}},
	{name: "a dot or a space at the end of a segment", has: hasLooseEnd, keys: []string{"a./b ", "c /d."}},
	{name: "upper and lower case as different letters", has: hasUpperCase, keys: []string{"A", "a"}},
	{name: "letters outside ASCII", has: isOutsideASCII, keys: []string{"é", "日"}},
	{name: "letters with accents of their own", has: func(key string) bool { return isOutsideASCII(key) && !norm.NFC.IsNormalString(key) }, keys: []string{"e\u0301", "é"}},
	{name: "characters that URLs escape", has: func(key string) bool { return strings.ContainsAny(key, `%+ ?#&=;:@,$!*'()~[]{}|^"<>`+"`") }, keys: []string{`a%2Fb+c d?e#f&g=h;i`, "a%2fb+c d"}},
	{name: "backslashes", has: func(key string) bool { return strings.Contains(key, `\`) }, keys: []string{`a\b`}},
	{name: "tabs and line breaks", has: func(key string) bool { return strings.ContainsAny(key, "\t\n\r") }, keys: []string{"a\tb\nc\rd"}},
	{name: "characters that XML cannot hold", has: hasNoXML, keys: []string{"a\x01b", "a\x1fb", "a\uffffb"}},
	{name: "the character NUL", has: func(key string) bool { return strings.Contains(key, "\x00") }, keys: []string{"a\x00b"}},
}

// Traits of keys that end in a slash, of which many stores keep those without
// content as folders.
var (
	folderWithContent    = trait{name: "a slash at the end of a key with content", has: endsInSlash, keys: []string{"a/"}}
	folderWithoutContent = trait{name: "a slash at the end", has: endsInSlash, keys: []string{"a/"}, isEmpty: true}
)

// allAtOnce are keys with all traits but the slash at the beginning: on a store
// that keeps them, three objects stand for all of them.
var allAtOnce = trait{
	name: "odd keys",
	keys: []string{
		"A" + oddRest + "e\u0301\x00\x01\uffff/" + strings.Repeat("n", segmentLimit+1) + "/",
		"a" + oddRest + "e\u0301",
		"a" + oddRest + "é",
	},
}

const oddRest = "//b/./c/../d./e /%2Ff+g h?i#j&k\\l\tm\nn\ro日"

// traitsOf gives the traits of a key. Most keys have none.
func traitsOf(key string, isEmpty bool) []trait {
	if isPlain(key) {
		return nil
	}
	var found []trait
	for _, t := range traits {
		if t.has(key) {
			found = append(found, t)
		}
	}
	if endsInSlash(key) {
		if isEmpty {
			return append(found, folderWithoutContent)
		}
		return append(found, folderWithContent)
	}
	return found
}

// isPlain tells quickly that a key has no trait, as almost all keys do not.
func isPlain(key string) bool {
	start := 0
	for i := range len(key) {
		switch c := key[i]; {
		case c == '/':
			if i == start || key[i-1] == '.' || i-start > segmentLimit {
				return false
			}
			start = i + 1
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.':
		default:
			return false
		}
	}
	return start < len(key) && len(key)-start <= segmentLimit && key[len(key)-1] != '.'
}

func endsInSlash(key string) bool { return strings.HasSuffix(key, "/") }

func hasSegment(wanted string) func(string) bool {
	return func(key string) bool {
		for segment := range strings.SplitSeq(key, "/") {
			if segment == wanted {
				return true
			}
		}
		return false
	}
}

func hasLongSegment(key string) bool {
	for segment := range strings.SplitSeq(key, "/") {
		if len(segment) > segmentLimit {
			return true
		}
	}
	return false
}

func hasLooseEnd(key string) bool {
	for segment := range strings.SplitSeq(key, "/") {
		if segment != "." && segment != ".." && (strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ")) {
			return true
		}
	}
	return false
}

func hasUpperCase(key string) bool { return strings.ToLower(key) != key }

func isOutsideASCII(key string) bool {
	return strings.ContainsFunc(key, func(r rune) bool { return r >= utf8.RuneSelf })
}

// hasNoXML finds what XML 1.0 has no way to write, not even escaped.
func hasNoXML(key string) bool {
	return strings.ContainsFunc(key, func(r rune) bool {
		return r != 0 && r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' || r == '\uffff'
	})
}
