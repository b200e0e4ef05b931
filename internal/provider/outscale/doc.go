// Package outscale is the driver for Outscale: its API for what concerns the
// account, through the vendor's own client, and OOS for buckets and objects,
// through package s3.
//
// OOS takes access keys of the account's root user and no others: a key of an EIM
// user works at the API and is unknown at OOS, whatever its policies (userguide,
// EIM-Policy-Generator; measured by others on 9 September 2026). So there are no
// keys for one bucket, and this driver issues none. Four bad signatures in a row
// lock a key (userguide, About-the-APIs): nothing here asks again with a key that
// was refused, and package breaker keeps others from doing so.
//
// Start reading at Driver, then account.go and the table in errors.go.
package outscale
