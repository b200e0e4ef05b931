// Package outscale is Outscale in the test's own process: the API of one region
// and of one account, and OOS, the object storage of that region, behind one set
// of access keys.
//
// It is meant to be honest, so that the vendor's own clients work against it:
// signatures are checked over what was sent, rights by the policies of EIM, and
// answers have the shape that the vendor's OpenAPI document gives them, which the
// tests hold every one of them against. docs/emulators.md says for each behaviour
// whether it is documented, was read in a client's source, was measured by
// somebody, or is assumed.
//
// Start reading at New, then the table in actions.go.
package outscale
