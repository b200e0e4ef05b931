package nodeplace

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rempart/rempart/api/v1alpha1"
)

// OwnLabels are the labels that tell where a Node stands.
func OwnLabels() []string {
	return []string{
		v1alpha1.NodeProviderLabel, v1alpha1.NodeLocationLabel, v1alpha1.NodeCountryLabel,
		v1alpha1.NodePerimeterLabel, v1alpha1.NodeOperatorLabel,
	}
}

// Labels are those that a Node has at a place. What is not known has none.
func (p Place) Labels() map[string]string {
	found := map[string]string{}
	for label, fact := range map[string]string{
		v1alpha1.NodeProviderLabel: p.ProviderName, v1alpha1.NodeLocationLabel: p.Location, v1alpha1.NodeCountryLabel: p.Country,
		v1alpha1.NodePerimeterLabel: string(p.Perimeter), v1alpha1.NodeOperatorLabel: p.Operator,
	} {
		if fact != "" {
			found[label] = LabelValue(fact)
		}
	}
	return found
}

// Annotations say how sure a place is, and why.
func (p Place) Annotations() map[string]string {
	return map[string]string{
		v1alpha1.PlaceVerificationAnnotation: string(p.Verification), v1alpha1.PlaceGroundsAnnotation: p.Grounds,
	}
}

// digestLength is how many characters of a digest tell label values apart that
// would else be the same.
const digestLength = 8

// LabelValue makes a text a label can hold of any: itself where that is one, else
// what is left of it in plain letters, and a piece of its digest, so that different
// texts stay different. The same text always gives the same value.
func LabelValue(text string) string {
	if len(validation.IsValidLabelValue(text)) == 0 {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])[:digestLength]
	most := validation.LabelValueMaxLength - digestLength - 1
	plain := plainLetters(text)
	plain = strings.Trim(plain[:min(most, len(plain))], "-")
	if plain == "" {
		return digest
	}
	return plain + "-" + digest
}

// plainLetters keeps letters and digits of ASCII, accents taken off, in lower case,
// and puts one hyphen for whatever is between them.
func plainLetters(text string) string {
	var plain strings.Builder
	isBetween := false
	for _, r := range norm.NFKD.String(strings.ToLower(text)) {
		switch {
		case unicode.Is(unicode.Mn, r): // an accent
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if isBetween && plain.Len() > 0 {
				plain.WriteByte('-')
			}
			isBetween = false
			plain.WriteRune(r)
		default:
			isBetween = true
		}
	}
	return plain.String()
}
