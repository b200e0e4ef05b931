package catalogue

// Confidence says what kind of evidence there is for a fact.
type Confidence string

// Kinds of evidence. Verified was read in source code, in an interface description
// or in a data set; Documented is what the documentation of the vendor says, or of
// the body that keeps a list; ThirdParty is what somebody else says.
const (
	Verified   Confidence = "Verified"
	Documented Confidence = "Documented"
	ThirdParty Confidence = "ThirdParty"
)

// Fact is something known, or known to be unknown.
type Fact[T any] struct {
	// Value is the zero value unless Known.
	Value T
	Known bool
	// AsOf is the day, month or year that the fact is about or that its source is
	// of: 2026-09-24, 2026-09 or 2026. It is that of reading an undated source.
	AsOf string
	// Source says where it was read.
	Source     string
	Confidence Confidence
	// Note says what else one should know, or why nothing is known.
	Note string
}

// Get gives the value, and whether there is one.
func (f Fact[T]) Get() (T, bool) { return f.Value, f.Known }
