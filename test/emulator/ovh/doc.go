// Package ovh is an OVHcloud account in the test's own process: the part of the
// vendor's API that object storage needs, and an S3 data plane for each region.
//
// It is meant to be honest. Signatures are checked over the exact URL, users are
// made asynchronously, lists lack details, creation times of new buckets are
// wrong: a client that is careless fails here as it fails at the vendor. What the
// vendor documents nowhere is in assumptions.go and nowhere else, and
// docs/emulators.md says for each fact how well it is known.
//
// Start reading at Start, then Options, the table in routes.go and the knobs in
// knobs.go.
package ovh
